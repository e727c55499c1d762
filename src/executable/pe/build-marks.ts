// What compilers and linkers leave in a Windows program about how it was built: the "Rich" header
// before the PE header, and the path of the debugging database.

import { DIRECTORY, type PeImage } from "./image.ts";

const RICH = 0x6863_6952;
const DANS = 0x536e_6144;
/** The header has one entry per tool: longer ones were never seen. */
const RICH_MAX = 4096;
const DEBUG_ENTRY = 28;
const DEBUG_ENTRIES_MAX = 64;
const CODEVIEW = 2;
const PATH_MAX = 1024;
/** Formats of the debugging record, with the place of the path in each. */
const PATH_AT: ReadonlyMap<number, number> = new Map([
  [0x5344_5352, 24],
  [0x3031_424e, 16],
]);

/** A tool that took part in the build, and how often. */
export interface RichEntry {
  readonly toolId: number;
  readonly version: number;
  readonly times: number;
}

/** The "Rich" header. */
export interface RichHeader {
  readonly offset: number;
  /** Bytes up to the "Rich" mark. */
  readonly size: number;
  readonly key: number;
  readonly raw: Buffer;
  /** `raw` with the key taken off. */
  readonly clear: Buffer;
  readonly entries: readonly RichEntry[];
}

/** The "Rich" header, undefined if there is none. */
export function readRichHeader(image: PeImage): RichHeader | undefined {
  const { reader, layout } = image;
  // Backwards from the PE header: first the mark with the key behind it, then the start.
  const first = Math.max(0x40, layout.start - RICH_MAX);
  let mark = Math.floor((layout.start - 8) / 4) * 4;
  while (mark >= first && reader.u32(mark) !== RICH) mark -= 4;
  if (mark < first) return;
  const key = reader.u32(mark + 4);
  let start = mark - 4;
  while (start >= first && (reader.u32(start) ^ key) >>> 0 !== DANS) start -= 4;
  if (start < first) return;
  const raw = reader.slice(start, mark - start);
  const clear = Buffer.from(raw);
  for (let at = 0; at + 4 <= clear.length; at += 4) {
    clear.writeUInt32LE((clear.readUInt32LE(at) ^ key) >>> 0, at);
  }
  const entries: RichEntry[] = [];
  // Behind the start mark three words of padding.
  for (let at = 16; at + 8 <= clear.length; at += 8) {
    const [version, toolId] = [clear.readUInt16LE(at), clear.readUInt16LE(at + 2)];
    entries.push({ toolId, version, times: clear.readUInt32LE(at + 4) });
  }
  return { offset: start, size: mark - start, key, raw, clear, entries };
}

/** The path of the debugging database, "" if the program names none. */
export function readDebugPath(image: PeImage): string {
  const { reader } = image;
  const directory = image.directory(DIRECTORY.debug);
  const start = directory === undefined ? -1 : image.offsetOf(directory.address);
  if (directory === undefined || start < 0) return "";
  const count = Math.min(Math.floor(directory.size / DEBUG_ENTRY), DEBUG_ENTRIES_MAX);
  for (let i = 0; i < count; i++) {
    const at = start + i * DEBUG_ENTRY;
    if (!reader.has(at, DEBUG_ENTRY) || reader.u32(at + 12) !== CODEVIEW) continue;
    const mapped = image.offsetOf(reader.u32(at + 20));
    const record = reader.u32(at + 20) !== 0 && mapped >= 0 ? mapped : reader.u32(at + 24);
    const pathAt = PATH_AT.get(reader.u32(record));
    const path = pathAt === undefined ? "" : reader.text(record + pathAt, PATH_MAX);
    if (path !== "") return path;
  }
  return "";
}
