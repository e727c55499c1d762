// Reads a configuration: its files, every key and value against the schema, then the rules between
// them. Nobody gets a configuration in which anything is wrong.
import { checkSources } from "./check.ts";
import type { Conflict } from "./conflict.ts";
import { type Draft, type Problem, readSources, sourceOf } from "./file/sources.ts";
import { ConfigError } from "./file/text-file.ts";
import { findConflicts } from "./relations.ts";
import { type Config, SCHEMA } from "./schema.ts";

/** Rules that only a higher layer knows, held against the values of a file. */
export type MoreRules = (config: Config) => readonly Conflict[];

const NO_MORE: MoreRules = () => [];

/** A configuration, and the files outside of it that values came from: lists, secrets. */
export interface Loaded {
  readonly config: Config;
  readonly files: readonly string[];
  /** Where a setting stands, as `FILE:LINE`, by its key or `group[0].infected`; else undefined. */
  originOf(key: string): string | undefined;
}

function check(file: string | undefined, more: MoreRules, draft?: Draft) {
  const sources = file === undefined ? [sourceOf("", "")] : readSources(file, draft);
  return checkSources(SCHEMA, sources, (config) => [...findConflicts(config), ...more(config)]);
}

/**
 * The problems of a configuration file, in its order, or of what it would be with `draft`; throws
 * ConfigError if it can't be read.
 */
export function checkConfig(file: string, more = NO_MORE, draft?: Draft): readonly Problem[] {
  return check(file, more, draft).problems;
}

/**
 * The configuration of a file, or the defaults if there is none. Throws ConfigError, which names
 * every problem of the file.
 */
export function readConfig(file: string | undefined, more = NO_MORE): Loaded {
  const { values, problems, ...rest } = check(file, more);
  if (problems.length > 0) throw new ConfigError(problems.map(lineOf).join("\n"));
  return { config: values, ...rest };
}

/** A problem as one line. */
export function lineOf({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** The same without the files, with `overrides` above what the file says. */
export function loadConfig(
  file: string | undefined,
  overrides: Partial<Config> = {},
  more = NO_MORE,
): Config {
  const config = { ...readConfig(file, more).config, ...overrides };
  const conflict = findConflicts(config)[0];
  if (conflict !== undefined) throw new ConfigError(conflict.message);
  return config;
}
