// The format of Postfix: `name = value`, lines that begin with blanks go on with the one before, `$name`
// stands for another parameter. Tables (`hash:/etc/postfix/transport`) are read from their source.
import { dirname, isAbsolute, join } from "node:path";
import { ConfigError, readRegular } from "../../file/text-file.ts";
import type { Entry } from "../entry.ts";

const ENTRIES_MAX = 5_000;
/** How deep parameters may stand for each other, and how long a value may become. */
const EXPANSIONS_MAX = 20;
const VALUE_LENGTH_MAX = 100_000;
const TABLE_SIZE_MAX = 4 * 1024 * 1024;

/** The parameters of a main.cf; never throws. */
export function parseMainCf(text: string): Entry[] {
  const entries: Entry[] = [];
  let offset = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    const start = offset;
    offset += raw.length + 1;
    if (raw.trim() === "" || /^\s*#/.test(raw)) continue;
    const last = entries.at(-1);
    if (/^\s/.test(raw)) {
      if (last !== undefined && last.value.length < VALUE_LENGTH_MAX) {
        entries[entries.length - 1] = { ...last, value: `${last.value} ${raw.trim()}`.trim() };
      }
      continue;
    }
    const [, name, equals = "", value = ""] = /^([^\s=]+)(\s*=\s*)(.*?)\s*$/.exec(raw) ?? [];
    if (name === undefined || entries.length >= ENTRIES_MAX) continue;
    const valueOffset = start + name.length + equals.length;
    entries.push({ section: "", name, value, line: index + 1, offset: start, valueOffset });
  }
  return entries;
}

/** Values with `$name`, `${name}` and `$(name)` replaced; what is not set is empty. */
export function expander(entries: readonly Entry[]): (value: string) => string {
  const values = new Map(entries.map(({ name, value }) => [name, value]));
  // `${name?then}` and `${name:otherwise}`, also with braces around the words.
  const chosen = /\$\{(\w+)([?:])\{?([^{}]*)\}?(?::\{?([^{}]*)\}?)?\}/g;
  const plain = /\$(?:\{(\w+)\}|\((\w+)\)|(\w+))/g;
  const named = (...names: readonly (string | undefined)[]) =>
    values.get(names.find((name) => name !== undefined) ?? "") ?? "";
  return (value) => {
    let text = value;
    for (let count = 0; count < EXPANSIONS_MAX && text.includes("$"); count++) {
      text = text.replace(chosen, (...[, name = "", mark, first = "", second = ""]) => {
        const isSet = named(name) !== "";
        return isSet === (mark === "?") ? first : second;
      });
      text = text.replace(plain, (...[, braced, round, bare]) => named(braced, round, bare));
      if (text.length > VALUE_LENGTH_MAX) return "";
    }
    return text;
  };
}

/** Words with commas or blanks between them. */
export function wordsOfPostfix(value: string): string[] {
  return value.split(/[\s,]+/).filter((word) => word !== "");
}

/** Lines of a table or list: the first word, and the rest. */
export interface TableLine {
  readonly key: string;
  readonly value: string;
}

const TEXT_TABLES = /^(?:hash|btree|lmdb|dbm|cdb|texthash|sdbm):(.+)$/;

/**
 * The lines of a table's source beside `file`, or why it can't be read. Undefined for what is no
 * table that has one.
 */
export function readTable(file: string, name: string): TableLine[] | string | undefined {
  const path = TEXT_TABLES.exec(name)?.[1] ?? (name.startsWith("/") ? name : undefined);
  if (path === undefined) return undefined;
  const places = isAbsolute(path)
    ? [path, join(dirname(file), path.slice(path.lastIndexOf("/") + 1))]
    : [];
  for (const place of places) {
    try {
      return linesOf(readRegular(place, TABLE_SIZE_MAX));
    } catch (error) {
      // On another host than Postfix's the table often lies beside main.cf: the next place.
      if (!(error instanceof ConfigError)) throw error;
    }
  }
  return `${path} can't be read, nor a file of its name beside ${file}`;
}

function linesOf(text: string): TableLine[] {
  const joined = text.replace(/\n[ \t]+(?=\S)/g, " ");
  return joined.split("\n").flatMap((line) => {
    const [key = "", ...rest] = line.trim().split(/\s+/);
    return key === "" || key.startsWith("#") ? [] : [{ key, value: rest.join(" ") }];
  });
}
