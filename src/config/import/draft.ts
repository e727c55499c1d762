// A configuration in the making: settings with the places of the old file that they come from. It is
// read as it is, or written as a file of gw's own.
import { isDeepStrictEqual } from "node:util";
import { printableUpTo } from "../../text/printable.ts";
import { type Field, nameOf, type Raw, sectionOf, toToml } from "../field.ts";
import type { Place } from "../file/locate.ts";
import { SCHEMA, SECTIONS } from "../schema.ts";
import { TABLES, type Table, type Tables } from "../tables.ts";
import type { Entry } from "./entry.ts";

/** A value and where it comes from. */
interface Held {
  raw: Raw;
  readonly from: Entry[];
}

function placeOf({ offset, valueOffset, value }: Entry): Place {
  return { key: offset, value: valueOffset, end: valueOffset + value.length };
}

/** Settings of one kind: all of a file, or those of one table. */
export class Settings {
  readonly held = new Map<string, Held>();

  set(key: string, raw: Raw, from: Entry): void {
    this.held.set(key, { raw, from: [from] });
  }

  /** Adds to a list, unless the value is in it. */
  add(key: string, value: string, from: Entry): void {
    const held = this.held.get(key);
    const list = Array.isArray(held?.raw) ? held.raw : [];
    if (list.includes(value)) return;
    this.held.set(key, { raw: [...list, value], from: [...(held?.from ?? []), from] });
  }

  get(key: string): Raw | undefined {
    return this.held.get(key)?.raw;
  }

  has(key: string): boolean {
    return this.held.has(key);
  }

  delete(key: string): void {
    this.held.delete(key);
  }

  /** The places of all values, and of the elements of lists, below `prefix`. */
  *places(prefix: string): Generator<readonly [string, Place]> {
    for (const [key, { from }] of this.held) {
      const [first] = from;
      if (first !== undefined) yield [`${prefix}${key}`, placeOf(first)];
      for (const [index, each] of from.entries()) {
        yield [`${prefix}${key}[${index}]`, placeOf(each)];
      }
    }
  }
}

/** A table such as `[[group]]`. */
export interface DraftRow {
  readonly table: string;
  readonly from: Entry;
  readonly settings: Settings;
}

/** Everything that an import makes. */
export class Draft {
  readonly settings = new Settings();
  readonly rows: DraftRow[] = [];

  row(table: string, from: Entry): Settings {
    const settings = new Settings();
    this.rows.push({ table, from, settings });
    return settings;
  }

  rowsOf(table: string): readonly DraftRow[] {
    return this.rows.filter((row) => row.table === table);
  }

  /** As a TOML parser would give it. */
  tree(): Readonly<Record<string, unknown>> {
    const sections: Record<string, Record<string, unknown>> = {};
    for (const [key, { raw }] of this.settings.held) {
      sections[sectionOf(key)] = { ...sections[sectionOf(key)], [nameOf(key)]: raw };
    }
    const tables: Record<string, Record<string, unknown>[]> = {};
    for (const { table, settings } of this.rows) {
      const row = Object.fromEntries([...settings.held].map(([key, { raw }]) => [key, raw]));
      tables[table] = [...(tables[table] ?? []), row];
    }
    return { ...sections, ...tables };
  }

  /** Where each value stands in the old file. */
  places(): ReadonlyMap<string, Place> {
    const places = new Map<string, Place>(this.settings.places(""));
    const counts = new Map<string, number>();
    for (const { table, from, settings } of this.rows) {
      const index = counts.get(table) ?? 0;
      counts.set(table, index + 1);
      places.set(`${table}[${index}]`, placeOf(from));
      for (const [key, place] of settings.places(`${table}[${index}].`)) places.set(key, place);
    }
    return places;
  }

  /** As a file; each setting says which parameter it comes from. */
  toml(head: string): string {
    const sections = Object.keys(SECTIONS).flatMap((section) => {
      const lines = linesOf(fieldsOf(section), this.settings, nameOf);
      return lines.length === 0 ? [] : [`[${section}]\n${lines.join("")}`];
    });
    const tables: Tables = TABLES;
    const rows = this.rows.map(({ table, settings }) => {
      const { fields, optional } = tables[table] as Table;
      // What a table may leave out has no default here: it says something even if it equals one.
      const said = Object.fromEntries(Object.keys(optional).map((key) => [key, undefined]));
      const lines = linesOf({ ...fields, ...said }, settings, (key) => key);
      return `[[${table}]]\n${lines.join("")}`;
    });
    return `${[head, ...sections, ...rows].join("\n")}`;
  }
}

const COMMENT_NAMES_MAX = 3;
const COMMENT_LENGTH_MAX = 80;

type Fields = Readonly<Record<string, Field | undefined>>;

function fieldsOf(section: string): Fields {
  return Object.fromEntries(Object.entries(SCHEMA).filter(([key]) => sectionOf(key) === section));
}

function isDefault(field: Field | undefined, raw: Raw): boolean {
  return (
    field !== undefined && isDeepStrictEqual(field.type.read(raw), field.type.read(field.default))
  );
}

function linesOf(fields: Fields, { held }: Settings, nameIn: (key: string) => string) {
  return Object.entries(fields).flatMap(([key, field]) => {
    const value = held.get(key);
    if (value === undefined || isDefault(field, value.raw)) return [];
    const names = [...new Set(value.from.map(({ name }) => name))].slice(0, COMMENT_NAMES_MAX);
    // A long list has its comment above it, where it can be seen.
    const comment = `# ${printableUpTo(names.join(", "), COMMENT_LENGTH_MAX)}`;
    const line = `${nameIn(key)} = ${toToml(value.raw)}`;
    return line.length > 70 ? [`${comment}\n${line}\n`] : [`${line} ${comment}\n`];
  });
}
