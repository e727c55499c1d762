// Holds the files of a configuration against the schema: every key, every value, every rule between
// them. All that is wrong is reported together, each with its file, line and column.
import { nearest } from "../text/nearest.ts";
import { printable, printableUpTo } from "../text/printable.ts";
import type { Conflict } from "./conflict.ts";
import { type Field, nameOf, type Schema, sectionOf, toToml, type Values } from "./field.ts";
import { type External, hasLists, resolveList, resolveSecret } from "./file/externals.ts";
import { type Place, positionOf } from "./file/locate.ts";
import { PROBLEMS_MAX, type Problem, type Source, sourceOf } from "./file/sources.ts";
import { type Rows, TABLES, type Table, type Tables } from "./tables.ts";

/** Most tables of one kind, `[[group]]` for one. */
const ROWS_MAX = 1000;
/** Longest part of a wrong value that is repeated in an error. */
const SHOWN_LENGTH_MAX = 60;

/** What a file of a schema gives: its settings, and the tables that it has several of. */
type Content<S extends Schema> = Values<S> & Rows<typeof TABLES>;

/** Values that were read, and what was wrong; the values are whole only if nothing was. */
interface Checked<S extends Schema> {
  readonly values: Content<S>;
  readonly problems: readonly Problem[];
  /** Files outside of the configuration that values came from. */
  readonly files: readonly string[];
  /** Where a setting stands, as `FILE:LINE`; undefined if no file has it. */
  originOf(key: string): string | undefined;
}

/** A place in one of the files. */
interface SourcePlace extends Place {
  readonly source: number;
}

interface Wrong {
  readonly source: number;
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

/** Checks the files of a configuration, taken apart, against a schema. */
class Check<S extends Schema> {
  readonly wrong: Wrong[] = [];
  readonly files = new Set<string>();
  readonly #schema: S;
  readonly #places = new Map<string, SourcePlace>();
  readonly #raw = new Map<string, unknown>();
  readonly #rows: Record<string, Record<string, unknown>[]> = {};

  constructor(schema: S, sources: readonly Source[]) {
    this.#schema = schema;
    for (const name of Object.keys(TABLES)) this.#rows[name] = [];
    for (const [source, { tree, places }] of sources.entries()) {
      // What a later file says stands where it says it.
      for (const [key, place] of places) this.#places.set(key, { ...place, source });
      this.#take(tree);
    }
  }

  #take(tree: Readonly<Record<string, unknown>>): void {
    const sections = new Set(Object.keys(this.#schema).map(sectionOf));
    const tables: Tables = TABLES;
    for (const [section, content] of Object.entries(tree)) {
      if (Object.hasOwn(tables, section)) {
        this.#readRows(section, tables[section] as Table, content);
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
    const { source = 0, [at]: offset = 0 } = place ?? {};
    this.wrong.push({ source, offset, message: printable(message) });
  }

  placeOf(key: string): SourcePlace | undefined {
    return this.#raw.has(key) ? this.#places.get(key) : undefined;
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

  #readRows(name: string, table: Table, content: unknown): void {
    if (!Array.isArray(content) || !content.every(isTable)) {
      this.add(name, `write [[${name}]], in two brackets, and settings below it`);
      return;
    }
    const rows = this.#rows[name] ?? [];
    const start = rows.length;
    if (start + content.length > ROWS_MAX) this.add(name, `more than ${ROWS_MAX} of [[${name}]]`);
    for (const [index, row] of content.slice(0, ROWS_MAX - start).entries()) {
      rows.push(this.#readRow({ name, path: `${name}[${start + index}]` }, table, row));
    }
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
    } else if (section === "include") {
      this.add(section, "include is no setting: gw reads *.toml of gw.d beside gw.toml by itself");
    } else {
      const hint = suggestKey(this.#schema, section);
      this.add(section, `${section} stands in no section${hint}`);
    }
  }

  #read(at: { key: string; spokenOf: string }, field: Field, raw: unknown): unknown {
    const { element: ofList } = field.type;
    if (ofList !== undefined && hasLists(ofList, raw)) {
      return this.#external(at, resolveList(ofList, raw));
    }
    const reading = field.type.read(raw);
    if (reading.kind === "value" && field.type.isSecret === true) {
      return this.#external(at, resolveSecret(String(reading.value)));
    }
    if (reading.kind === "value") return reading.value;
    const { element } = reading;
    const place = element === undefined ? at.key : `${at.key}[${element}]`;
    const found = element === undefined ? raw : (raw as readonly unknown[])[element];
    const what = field.type.isSecret ? "something else" : shown(found);
    this.add(place, `${at.spokenOf}: expected ${reading.expected}; found ${what}`, "value");
    return undefined;
  }

  #external<T>(at: { key: string; spokenOf: string }, found: External<T>): T | undefined {
    if (found.kind === "value") {
      for (const file of found.files) this.files.add(file);
      return found.value;
    }
    const place = found.element === undefined ? at.key : `${at.key}[${found.element}]`;
    this.add(place, `${at.spokenOf}: ${found.message}`, "value");
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

/** Checks the files of a configuration against a schema. */
export function checkSources<S extends Schema>(
  schema: S,
  sources: readonly Source[],
  conflictsOf: (values: Content<S>) => readonly Conflict[],
): Checked<S> {
  const syntax = sources.flatMap((source) => source.problems);
  const check = new Check(schema, sources);
  const values = check.values();
  if (check.wrong.length === 0 && syntax.length === 0) {
    for (const { keys, message } of conflictsOf(values)) {
      check.add(keys.find((key) => check.has(key)) ?? keys[0] ?? "", message);
    }
  }
  const wrong = check.wrong.sort((a, b) => a.source - b.source || a.offset - b.offset);
  const found = wrong.slice(0, PROBLEMS_MAX).map(({ source, offset, message }) => {
    const { file = "", text = "" } = sources[source] ?? {};
    return { file, ...positionOf(text, offset), message };
  });
  const originOf = (key: string) => {
    const place = check.placeOf(key);
    const { file, text } = sources[place?.source ?? -1] ?? {};
    if (place === undefined || text === undefined) return undefined;
    return `${file}:${positionOf(text, place.key).line}`;
  };
  return { values, problems: [...syntax, ...found], files: [...check.files], originOf };
}

/** Checks a TOML text against a schema. */
export function checkText<S extends Schema>(
  schema: S,
  text: string,
  conflictsOf: (values: Content<S>) => readonly Conflict[],
): Checked<S> {
  return checkSources(schema, [sourceOf("", text)], conflictsOf);
}
