// `gw config set`: changes one setting in the file it stands in. Nothing is written unless the whole
// configuration is without mistakes afterwards.
import { realpathSync, statSync } from "node:fs";
import { parse } from "smol-toml";
import type { Reloaded } from "../../../admin/protocol.ts";
import { writeAtomically } from "../../../base/file/atomic-file.ts";
import { type Field, nameOf, type Schema, sectionOf, toToml } from "../../../config/field.ts";
import { type Spot, withSetting } from "../../../config/file/edit.ts";
import { hasLists } from "../../../config/file/externals.ts";
import { readSources, type Source } from "../../../config/file/sources.ts";
import { ConfigError } from "../../../config/file/text-file.ts";
import { isSmtpgw } from "../../../config/import/smtpgw/ini.ts";
import { checkConfig, lineOf } from "../../../config/load.ts";
import { SCHEMA } from "../../../config/schema.ts";
import { TABLES, type Table, type Tables } from "../../../config/tables.ts";
import { findPolicyConflicts } from "../../../pipeline/policy/config-rules.ts";
import { nearest } from "../../../text/nearest.ts";
import { printable } from "../../../text/printable.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { CONFIG_PLACES, configFile } from "../../config-file.ts";
import { ask } from "../../control/client.ts";
import { showReloaded } from "../../control/commands.ts";

const MODE_BITS = 0o7777;

/** A setting, and the file and place in it that it has or gets. */
interface Target {
  readonly field: Field;
  readonly source: Source;
  readonly spot: Spot;
}

const last = <T>(items: readonly T[]): T | undefined => items[items.length - 1];

function targetOf(key: string, sources: readonly Source[]): Target {
  const schema: Schema = SCHEMA;
  const tables: Tables = TABLES;
  const field = Object.hasOwn(schema, key) ? schema[key] : undefined;
  if (field !== undefined) {
    const source = last(sources.filter(({ places }) => places.has(key))) ?? sources[0];
    const spot = { container: sectionOf(key), name: nameOf(key) };
    return { field, source: source as Source, spot };
  }
  // group.NAME.setting; names may have dots in them.
  const [, kind = "", row = "", name = ""] = /^(\w+)\.(.+)\.(\w+)$/.exec(key) ?? [];
  const table = Object.hasOwn(tables, kind) ? (tables[kind] as Table) : undefined;
  if (table === undefined) {
    const near = nearest(key, Object.keys(schema));
    const hint = near === undefined ? "`gw config describe` lists all" : `did you mean ${near}?`;
    throw new CliError(`there is no setting "${printable(key)}"; ${hint}`);
  }
  const known: Schema = { ...table.fields, ...table.optional };
  const inTable = Object.hasOwn(known, name) ? known[name] : undefined;
  if (inTable === undefined) {
    throw new CliError(
      `[[${kind}]] has no setting "${printable(name)}"; see gw config describe ${kind}`,
    );
  }
  for (const source of sources) {
    const rows = source.tree[kind];
    const index = Array.isArray(rows) ? rows.findIndex((each) => each?.name === row) : -1;
    // Each file is edited by itself, so that its own first table is number 0 there.
    if (index >= 0)
      return { field: inTable, source, spot: { container: `${kind}[${index}]`, name } };
  }
  throw new CliError(`no [[${kind}]] has the name "${printable(row)}"`);
}

function asToml(text: string): unknown {
  try {
    return parse(`value = ${text}`)["value"];
  } catch {
    return undefined; // Most values are typed as they are, without TOML's quotes.
  }
}

// What was typed, in the first of the forms that the setting takes: a text, TOML, a list of words.
function typedValue(key: string, { type }: Field, words: readonly string[]): unknown {
  const [word = ""] = words;
  const isTaken = (raw: unknown) => {
    const { element } = type;
    return (element !== undefined && hasLists(element, raw)) || type.read(raw).kind === "value";
  };
  const isList = type.element !== undefined;
  if (words.length > 1 && !isList)
    throw new CliError(`${key} takes one value, not ${words.length}`);
  const candidates = isList
    ? [
        words.length === 1 ? asToml(word) : undefined,
        words,
        word === "" ? [] : word.split(/\s*,\s*/),
      ]
    : [word, type.isSecret === true ? undefined : asToml(word)];
  const found = candidates.find((raw) => raw !== undefined && isTaken(raw));
  if (found === undefined) {
    const shown = type.isSecret === true ? "" : `; found "${printable(words.join(" "))}"`;
    throw new CliError(`${key}: expected ${type.expected}${shown}`);
  }
  return found;
}

function write(file: string, text: string): void {
  // A link stays one; what it leads to is changed, and keeps its mode.
  const path = realpathSync(file);
  try {
    writeAtomically(path, text, statSync(path).mode & MODE_BITS);
  } catch (error) {
    const { message } = error as Error;
    throw new CliError(`${path} can't be written, nothing was changed: ${message}`, {
      cause: error,
    });
  }
}

/** `gw config set` */
export const set = command(
  {
    reload: { type: "boolean", description: "have the running gateway take it" },
    config: OPTIONS.config,
  },
  async (args, terminal) => {
    const [key = "", ...words] = args._;
    const file = configFile(args.config);
    if (file === undefined) {
      throw new CliError(
        `no file to change: name one with --config; there is none at ${CONFIG_PLACES.join(" or ")}`,
      );
    }
    const { field, source, spot } = targetOf(key, readSources(file));
    const raw = typedValue(key, field, words);
    const toml = toToml(raw);
    if (isSmtpgw(source.text)) {
      throw new CliError(`${file} is of SMTP-Gateway: gw import smtpgw makes a file of gw's of it`);
    }
    if (source.problems.length > 0) throw new ConfigError(source.problems.map(lineOf).join("\n"));
    const text = withSetting(source.text, spot, raw, toml);
    if (text === undefined) {
      throw new CliError(
        `${source.file} is written in a way that ${key} can't be put into; add by hand: ${spot.name} = ${toml}`,
      );
    }
    const problems = checkConfig(file, findPolicyConflicts, { file: source.file, text });
    if (problems.length > 0) {
      for (const problem of problems) terminal.err(`${lineOf(problem)}\n`);
      throw new CliError(`nothing was changed: ${source.file} would have the mistakes above`);
    }
    const isSame = text === source.text;
    if (!isSame) write(source.file, text);
    const shown = field.type.isSecret === true ? '"(set)"' : toml;
    const what = isSame ? "is so already" : `in ${source.file}`;
    terminal.out(`${key} = ${printable(shown)} ${what}\n`);
    if (args.reload === true) {
      terminal.out(showReloaded(await ask<Reloaded>({ config: file }, { verb: "reload" })));
    } else if (!isSame) {
      terminal.out(field.needsRestart === true ? "needs a restart\n" : "gw reload takes it\n");
    }
    return EXIT.good;
  },
);
