// Reads a configuration file: syntax, then every key and value against the schema, then the rules
// between them. All that is wrong is reported together, each with its line and column.
import { readFileSync, statSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { nearest } from "../text/nearest.ts";
import { printable, printableUpTo } from "../text/printable.ts";
import { type Field, nameOf, type Schema, sectionOf, toToml, type Values } from "./field.ts";
import { locate, type Place, positionOf } from "./locate.ts";
import { findConflicts } from "./relations.ts";
import { type Config, SCHEMA } from "./schema.ts";

/** Largest configuration file that is read, bytes. */
const FILE_SIZE_MAX = 1 << 20;
/** Most problems that are reported of one file. */
const PROBLEMS_MAX = 100;
/** Longest part of a wrong value that is repeated in an error. */
const SHOWN_LENGTH_MAX = 60;

/** Something wrong in a file; lines and columns count from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A file that cannot be used: one line `FILE:LINE:COLUMN: what` for each problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Values that were read, and what was wrong; the values are whole only if nothing was. */
interface Checked<S extends Schema> {
  readonly values: Values<S>;
  readonly problems: readonly Problem[];
}

interface Wrong {
  readonly offset: number;
  readonly message: string;
}

function isTable(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw) && !(raw instanceof Date);
}

function shown(raw: unknown): string {
  if (Array.isArray(raw)) return "a list";
  if (raw instanceof Date) return "a date";
  if (isTable(raw)) return "a section";
  return printableUpTo(toToml(raw), SHOWN_LENGTH_MAX);
}

/** Checks one parsed file against a schema. */
class Check<S extends Schema> {
  readonly wrong: Wrong[] = [];
  readonly #schema: S;
  readonly #places: ReadonlyMap<string, Place>;
  readonly #raw = new Map<string, unknown>();

  constructor(schema: S, text: string, tree: Readonly<Record<string, unknown>>) {
    this.#schema = schema;
    this.#places = locate(text);
    const sections = new Set(Object.keys(schema).map(sectionOf));
    for (const [section, content] of Object.entries(tree)) {
      if (!sections.has(section)) this.#unknownSection(section, content, sections);
      else if (isTable(content)) {
        for (const [name, raw] of Object.entries(content)) this.#keep(`${section}.${name}`, raw);
      } else {
        this.add(section, `${section} is a section: write [${section}] and settings below it`);
      }
    }
  }

  /** Notes a problem at the key, or at its value. */
  add(key: string, message: string, at: keyof Place = "key"): void {
    const place = this.#places.get(key) ?? this.#places.get(sectionOf(key));
    this.wrong.push({ offset: place?.[at] ?? 0, message: printable(message) });
  }

  has(key: string): boolean {
    return this.#raw.has(key);
  }

  values(): Values<S> {
    const values: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(this.#schema)) values[key] = this.#read(key, field);
    return values as Values<S>;
  }

  #keep(key: string, raw: unknown): void {
    if (Object.hasOwn(this.#schema, key)) this.#raw.set(key, raw);
    else this.add(key, `unknown setting ${key}${suggestKey(this.#schema, key)}`);
  }

  #unknownSection(section: string, content: unknown, sections: ReadonlySet<string>): void {
    if (isTable(content)) {
      const near = nearest(section, sections);
      const hint = near === undefined ? "" : `; did you mean [${near}]?`;
      this.add(section, `unknown section [${section}]${hint}`);
    } else {
      const hint = suggestKey(this.#schema, section);
      this.add(section, `${section} stands in no section${hint}`);
    }
  }

  #read(key: string, field: Field): unknown {
    const raw = this.#raw.get(key);
    const reading = field.type.read(raw ?? field.default);
    if (reading.kind === "value") return reading.value;
    const { element } = reading;
    const place = element === undefined ? key : `${key}[${element}]`;
    const found = element === undefined ? raw : (raw as readonly unknown[])[element];
    const what = field.type.isSecret ? "something else" : shown(found);
    this.add(place, `${key}: expected ${reading.expected}; found ${what}`, "value");
    return undefined;
  }
}

/** `; did you mean KEY?` for a mistyped key or another product's name of it, else "". */
function suggestKey(schema: Schema, key: string): string {
  const name = nameOf(key).toLowerCase();
  const entries = Object.entries(schema);
  const known = entries.find(([, field]) =>
    field.knownAs?.some((other) => other.toLowerCase() === name),
  );
  // Of the same name in another section, and of a name mistyped in its own.
  const same = entries.find(([other]) => nameOf(other) === name)?.[0];
  const near = known?.[0] ?? same ?? nearest(key, Object.keys(schema));
  return near === undefined ? "" : `; did you mean ${near}?`;
}

function syntaxProblem(error: TomlError): Problem {
  const message = (error.message.split("\n")[0] ?? "").replace("Invalid TOML document: ", "");
  return { line: error.line, column: error.column, message: `not TOML: ${message}` };
}

/** Checks a TOML text against a schema. */
export function checkText<S extends Schema>(
  schema: S,
  text: string,
  conflictsOf: (values: Values<S>) => ReturnType<typeof findConflicts>,
): Checked<S> {
  let tree: Readonly<Record<string, unknown>> = {};
  const syntax: Problem[] = [];
  try {
    tree = parse(text, { maxDepth: 32 });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    syntax.push(syntaxProblem(error));
  }
  const check = new Check(schema, syntax.length === 0 ? text : "", tree);
  const values = check.values();
  if (check.wrong.length === 0) {
    for (const { keys, message } of conflictsOf(values)) {
      check.add(keys.find((key) => check.has(key)) ?? keys[0] ?? "", message);
    }
  }
  const wrong = check.wrong.sort((a, b) => a.offset - b.offset).slice(0, PROBLEMS_MAX);
  const found = wrong.map(({ offset, message }) => ({ ...positionOf(text, offset), message }));
  return { values, problems: [...syntax, ...found] };
}

function readText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > FILE_SIZE_MAX) throw new ConfigError(`${file}: larger than ${FILE_SIZE_MAX} bytes`);
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (error instanceof TypeError) throw new ConfigError(`${file}: not UTF-8`, { cause: error });
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const why = { ENOENT: "no such file", EACCES: "no permission", EISDIR: "a folder" }[code];
    throw new ConfigError(`${file}: cannot be read: ${why ?? code}`, { cause: error });
  }
}

/** The problems of a configuration file, in its order; throws ConfigError if it can't be read. */
export function checkConfig(file: string): readonly Problem[] {
  return checkText(SCHEMA, readText(file), findConflicts).problems;
}

/**
 * The configuration of a file, or the defaults if there is none, with `overrides` above it. Throws
 * ConfigError, which names every problem of the file.
 */
export function loadConfig(file: string | undefined, overrides: Partial<Config> = {}): Config {
  const text = file === undefined ? "" : readText(file);
  const { values, problems } = checkText(SCHEMA, text, findConflicts);
  if (problems.length > 0) {
    const lines = problems.map((each) => `${file}:${each.line}:${each.column}: ${each.message}`);
    throw new ConfigError(lines.join("\n"));
  }
  const config = { ...values, ...overrides };
  const conflict = findConflicts(config)[0];
  if (conflict !== undefined) throw new ConfigError(conflict.message);
  return config;
}
