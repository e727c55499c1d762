// Reads a configuration file: syntax, then every key and value against the schema, then the rules
// between them. All that is wrong is reported together, each with its line and column.
import { readFileSync, statSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { nearest } from "../text/nearest.ts";
import { printable, printableUpTo } from "../text/printable.ts";
import type { Conflict } from "./conflict.ts";
import { type Field, nameOf, type Schema, sectionOf, toToml, type Values } from "./field.ts";
import { locate, type Place, positionOf } from "./locate.ts";
import { findConflicts } from "./relations.ts";
import { type Config, SCHEMA } from "./schema.ts";
import { type Rows, TABLES, type Table, type Tables } from "./tables.ts";

/** Largest configuration file that is read, bytes. */
const FILE_SIZE_MAX = 1 << 20;
/** Most problems that are reported of one file. */
const PROBLEMS_MAX = 100;
/** Most tables of one kind, `[[group]]` for one. */
const ROWS_MAX = 1000;
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

/** What a file of a schema gives: its settings, and the tables that it has several of. */
type Content<S extends Schema> = Values<S> & Rows<typeof TABLES>;

/** Values that were read, and what was wrong; the values are whole only if nothing was. */
interface Checked<S extends Schema> {
  readonly values: Content<S>;
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
  readonly #rows: Record<string, Record<string, unknown>[]> = {};

  constructor(schema: S, text: string, tree: Readonly<Record<string, unknown>>) {
    this.#schema = schema;
    this.#places = locate(text);
    const sections = new Set(Object.keys(schema).map(sectionOf));
    const tables: Tables = TABLES;
    for (const name of Object.keys(tables)) this.#rows[name] = [];
    for (const [section, content] of Object.entries(tree)) {
      if (Object.hasOwn(tables, section)) {
        this.#rows[section] = this.#readRows(section, tables[section] as Table, content);
      } else if (!sections.has(section)) this.#unknownSection(section, content, sections);
      else if (isTable(content)) {
        for (const [name, raw] of Object.entries(content)) this.#keep(`${section}.${name}`, raw);
      } else {
        this.add(section, `${section} is a section: write [${section}] and settings below it`);
      }
    }
  }

  /** Notes a problem at the key, or at its value. */
  add(key: string, message: string, at: keyof Place = "key"): void {
    const place =
      this.#places.get(key) ??
      this.#places.get(key.replace(/\[\d+\]$/, "")) ??
      this.#places.get(sectionOf(key));
    this.wrong.push({ offset: place?.[at] ?? 0, message: printable(message) });
  }

  has(key: string): boolean {
    return this.#raw.has(key);
  }

  values(): Content<S> {
    const values: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(this.#schema)) {
      const raw = this.#raw.get(key) ?? field.default;
      values[key] = this.#read({ key, spokenOf: key }, field, raw);
    }
    return Object.assign(values, this.#rows) as Content<S>;
  }

  #readRows(name: string, table: Table, content: unknown): Record<string, unknown>[] {
    if (!Array.isArray(content) || !content.every(isTable)) {
      this.add(name, `write [[${name}]], in two brackets, and settings below it`);
      return [];
    }
    if (content.length > ROWS_MAX) this.add(name, `more than ${ROWS_MAX} of [[${name}]]`);
    return content.slice(0, ROWS_MAX).map((row, index) => {
      return this.#readRow({ name, path: `${name}[${index}]` }, table, row);
    });
  }

  #readRow(
    at: { readonly name: string; readonly path: string },
    { fields, optional }: Table,
    row: Readonly<Record<string, unknown>>,
  ): Record<string, unknown> {
    const known: Schema = { ...fields, ...optional };
    const values: Record<string, unknown> = {};
    for (const [name, raw] of Object.entries(row)) {
      const key = `${at.path}.${name}`;
      this.#raw.set(key, raw);
      if (Object.hasOwn(known, name)) continue;
      const near = nearest(name, Object.keys(known)) ?? aliasOf(known, name);
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      this.add(key, `unknown setting ${name} of [[${at.name}]]${hint}`);
    }
    for (const [name, field] of Object.entries(known)) {
      const raw = Object.hasOwn(row, name) ? row[name] : fields[name]?.default;
      if (raw === undefined) continue;
      const place = { key: `${at.path}.${name}`, spokenOf: `${at.name}.${name}` };
      // Without a name there is nothing to speak of it by.
      if (name === "name" && raw === "") this.add(at.path, `[[${at.name}]] needs a name`);
      else values[name] = this.#read(place, field, raw);
    }
    return values;
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

  #read(at: { key: string; spokenOf: string }, field: Field, raw: unknown): unknown {
    const reading = field.type.read(raw);
    if (reading.kind === "value") return reading.value;
    const { element } = reading;
    const place = element === undefined ? at.key : `${at.key}[${element}]`;
    const found = element === undefined ? raw : (raw as readonly unknown[])[element];
    const what = field.type.isSecret ? "something else" : shown(found);
    this.add(place, `${at.spokenOf}: expected ${reading.expected}; found ${what}`, "value");
    return undefined;
  }
}

// The name that a field has here if `name` is what another product calls it.
function aliasOf(schema: Schema, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return Object.entries(schema).find(([, field]) =>
    field.knownAs?.some((other) => other.toLowerCase() === wanted),
  )?.[0];
}

/** `; did you mean KEY?` for a mistyped key or another product's name of it, else "". */
function suggestKey(schema: Schema, key: string): string {
  const name = nameOf(key).toLowerCase();
  const entries = Object.entries(schema);
  // Of the same name in another section, and of a name mistyped in its own.
  const same = entries.find(([other]) => nameOf(other) === name)?.[0];
  const near = aliasOf(schema, name) ?? same ?? nearest(key, Object.keys(schema));
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
  conflictsOf: (values: Content<S>) => readonly Conflict[],
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

/** Rules that only a higher layer knows, held against the values of a file. */
export type MoreRules = (config: Config) => readonly Conflict[];

const NO_MORE: MoreRules = () => [];

/** The problems of a configuration file, in its order; throws ConfigError if it can't be read. */
export function checkConfig(file: string, more = NO_MORE): readonly Problem[] {
  return checkText(SCHEMA, readText(file), conflictsWith(more)).problems;
}

/**
 * The configuration of a file, or the defaults if there is none, with `overrides` above it. Throws
 * ConfigError, which names every problem of the file.
 */
export function loadConfig(
  file: string | undefined,
  overrides: Partial<Config> = {},
  more = NO_MORE,
): Config {
  const text = file === undefined ? "" : readText(file);
  const { values, problems } = checkText(SCHEMA, text, conflictsWith(more));
  if (problems.length > 0) {
    const lines = problems.map((each) => `${file}:${each.line}:${each.column}: ${each.message}`);
    throw new ConfigError(lines.join("\n"));
  }
  const config = { ...values, ...overrides };
  const conflict = findConflicts(config)[0];
  if (conflict !== undefined) throw new ConfigError(conflict.message);
  return config;
}

function conflictsWith(more: MoreRules): MoreRules {
  return (config) => [...findConflicts(config), ...more(config)];
}
