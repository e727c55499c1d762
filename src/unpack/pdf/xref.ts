// Where a file's cross-references point, tables and streams alike, and what its trailers say.
// ISO 32000-2 §7.5.4, §7.5.5, §7.5.8. They only add to what a search of the file finds.

import type { Objects, Stream } from "./objects.ts";
import { type Dict, Parser } from "./syntax.ts";

const TRAILERS_MAX = 1000;
const TABLES_MAX = 1000;
const ENTRIES_MAX = 1_000_000;
const WIDTH_MAX = 8;

/** The dictionaries behind every `trailer`, and those of cross-reference streams. */
export function trailersOf(objects: Objects): Dict[] {
  const { bytes } = objects;
  const found: Dict[] = [];
  for (let at = bytes.indexOf("trailer"); at >= 0; at = bytes.indexOf("trailer", at + 7)) {
    if (found.length >= TRAILERS_MAX) {
      objects.stop("too many trailers");
      break;
    }
    const parser = new Parser(bytes, undefined, at + 7);
    const value = parser.value();
    if (!objects.spend(parser.at - at)) break;
    if (value instanceof Map) found.push(value);
  }
  for (const { dict } of objects.streams) {
    if (found.length < TRAILERS_MAX && isXref(dict)) found.push(dict);
  }
  return found;
}

/** Whether a stream's dictionary is that of a cross-reference. */
export function isXref(dict: Dict): boolean {
  return Array.isArray(dict.get("W")) && dict.has("Root") && typeof dict.get("Size") === "number";
}

/** Reads the objects that the tables in the file point at and that no search has found. */
export function followTables(objects: Objects): void {
  const { bytes } = objects;
  let tables = 0;
  for (let at = bytes.indexOf("xref"); at >= 0; at = bytes.indexOf("xref", at + 4)) {
    if (bytes.toString("latin1", Math.max(0, at - 5), at) === "start") continue;
    if (++tables > TABLES_MAX) objects.stop("too many cross-references");
    const parser = new Parser(bytes, undefined, at + 4);
    for (let entries = 0; !objects.isStopped; entries++) {
      if (entries > ENTRIES_MAX) objects.stop("a cross-reference is too long");
      const first = parser.integer();
      const second = first < 0 ? -1 : parser.integer();
      if (second < 0) break;
      // `first count` heads a section; an entry has a letter behind it.
      if (parser.take("n")) objects.follow(first);
      else parser.take("f");
    }
    if (!objects.spend(parser.at - at)) return;
  }
}

/** The same for the decoded cross-reference stream `table`. */
export function followStream(objects: Objects, { dict }: Stream, table: Buffer): void {
  const widths = dict.get("W");
  if (!Array.isArray(widths)) return;
  const [kind = 0, offset = 0, extra = 0] = widths.map((width) =>
    typeof width === "number" ? Math.max(0, width) : 0,
  );
  const size = kind + offset + extra;
  if (kind > WIDTH_MAX || offset > WIDTH_MAX || offset === 0 || size > 3 * WIDTH_MAX) return;
  for (let at = 0; at + size <= table.length; at += size) {
    // Table 18: without a kind, an entry is of kind 1, an object at an offset.
    if (kind > 0 && bigEndian(table, at, kind) !== 1) continue;
    if (objects.isStopped) return;
    objects.follow(bigEndian(table, at + kind, offset));
  }
}

function bigEndian(bytes: Buffer, start: number, size: number): number {
  let value = 0;
  for (let at = start; at < start + size; at++) value = value * 256 + (bytes[at] as number);
  return value;
}
