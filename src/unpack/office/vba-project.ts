// VBA projects: their modules' source, found through the project's "dir" stream or, if that is of no
// use, by the way compressed source begins. Also tells stomped modules: those whose source was
// removed or replaced while the compiled code, which Office runs, is still there. [MS-OVBA]

import type { Budget } from "../../base/budget.ts";
import { cleanName } from "../../text/object-name.ts";
import type { Tally } from "../tally.ts";
import { type CompoundFile, joinPath, type Stream } from "./compound-file.ts";
import { decompressVba } from "./vba-compression.ts";

const DIR_SIZE_MAX = 4 << 20;
const SOURCE_SIZE_MAX = 64 << 20;
const RECORDS_MAX = 200_000;
const MODULES_MAX = 2000;
const SEARCHES_MAX = 2000;

// [MS-OVBA] 2.3.4.2: ids of the records in the dir stream.
const PROJECT_VERSION = 0x0009;
const MODULE_NAME = 0x0019;
const MODULE_STREAM = 0x001a;
const MODULE_STREAM_UNICODE = 0x0032;
const MODULE_OFFSET = 0x0031;
const CODE_PAGE = 0x0003;

/** How compressed source begins, all of it literal: flags, then "Attribut" of the first line. */
const SOURCE_START = Buffer.from("\0Attribut", "latin1");

/** A module of a project. */
export interface VbaModule {
  readonly name: string;
  /** Path of its stream. */
  readonly path: string;
  readonly source: Buffer;
  /** Why `source` is not what Office would run; "" if it may be. */
  readonly stomped: string;
}

/** A module as the list has it. */
interface ModuleRecord {
  name: string;
  streams: string[];
  offset: number;
}

/** Reads the projects in one file, within what the budget leaves. */
export class VbaReader {
  readonly #file: CompoundFile;
  readonly #tally: Tally;
  readonly #done = new Set<Stream>();
  #room: number;
  #searches = 0;
  /** The decompressed dir streams: they name the libraries and projects that are used. */
  readonly directories: Buffer[] = [];
  readonly modules: VbaModule[] = [];

  constructor(file: CompoundFile, out: { readonly budget: Budget; readonly tally: Tally }) {
    this.#file = file;
    this.#tally = out.tally;
    this.#room = Math.min(SOURCE_SIZE_MAX, out.budget.bytesLeft);
  }

  /** Finds all modules in `streams`, which are those of the file that could be read at all. */
  read(streams: readonly Stream[]): void {
    for (const stream of streams) {
      if (stream.name.toLowerCase() === "dir") this.#readProject(stream, new Set(streams));
    }
    for (const stream of streams) {
      if (!this.#done.has(stream)) this.readHidden(this.#file.read(stream).bytes, stream);
    }
  }

  #readProject(stream: Stream, readable: ReadonlySet<Stream>): void {
    const packed = this.#file.read(stream, DIR_SIZE_MAX).bytes;
    const directory = this.#decompress(packed, stream.path);
    // Other programs have streams of that name, too.
    if (directory.length === 0) {
      if (isVbaStorage(stream.storage)) this.#tally.add("damaged", "no list of macro modules");
      return;
    }
    this.directories.push(directory);
    for (const record of moduleRecords(directory)) {
      const paths = record.streams.map((name) => joinPath(stream.storage, name));
      const found = paths.map((path) => this.#file.find(path)).find((one) => one !== undefined);
      if (found === undefined || !readable.has(found)) {
        this.#tally.add("damaged", "a macro module is missing", cleanName(record.name));
      } else if (!this.#done.has(found)) {
        this.#done.add(found);
        this.#readModule(found, record);
      }
    }
  }

  #readModule(stream: Stream, record: ModuleRecord): void {
    const { bytes } = this.#file.read(stream);
    let start = record.offset;
    // An offset that lies: the source is where it is.
    if (bytes[start] !== 1) start = Math.max(start, bytes.indexOf(SOURCE_START) - 3);
    const compiled = compiledLines(bytes.subarray(0, start));
    const isGone = bytes[start] !== 1;
    // Source that was wiped out is not damage but a deed, and told as such.
    const isDeed = isGone && compiled > 0;
    const source = isDeed ? Buffer.alloc(0) : this.#decompress(bytes.subarray(start), stream.path);
    const stomped = stompedReason(source, compiled);
    this.modules.push({ name: record.name, path: stream.path, source, stomped });
  }

  /** Finds source that no project mentions: left over, or hidden from readers that trust "dir". */
  readHidden(bytes: Buffer, place: { readonly name: string; readonly path: string }): void {
    const { name, path } = place;
    for (let at = bytes.indexOf(SOURCE_START); at >= 0; at = bytes.indexOf(SOURCE_START, at + 1)) {
      if (++this.#searches > SEARCHES_MAX || this.modules.length >= MODULES_MAX) {
        this.#tally.add("unscanned", "too many macro modules");
        return;
      }
      if (bytes[at - 3] !== 1) continue;
      const source = this.#decompress(bytes.subarray(at - 3), path);
      if (source.length > 0) this.modules.push({ name, path, source, stomped: "" });
    }
  }

  // One bound for all modules of a file, since every stream may be named by several projects.
  #decompress(packed: Buffer, name: string): Buffer {
    const { bytes, end } = decompressVba(packed, this.#room);
    this.#room -= bytes.length;
    if (end === "damaged") this.#tally.add("damaged", "compressed macros", cleanName(name));
    if (end === "too-large") this.#tally.add("unscanned", "too much macro source", cleanName(name));
    return bytes;
  }
}

// Where projects are: "VBA" in macro storages, with an underscore in front in Excel.
function isVbaStorage(storage: string): boolean {
  return /(?:^|\/)_?VBA(?:_PROJECT_CUR)?$/i.test(storage);
}

// [MS-OVBA] 2.3.4.2: records one behind the other; all but the one for the version tell their size.
function moduleRecords(directory: Buffer): ModuleRecord[] {
  const records: ModuleRecord[] = [];
  let decode = (bytes: Buffer) => bytes.toString("latin1");
  let at = 0;
  for (let count = 0; count < RECORDS_MAX && at + 6 <= directory.length; count++) {
    const id = directory.readUInt16LE(at);
    const size = directory.readUInt32LE(at + 2);
    const data = directory.subarray(at + 6, at + 6 + size);
    at += 6 + size + (id === PROJECT_VERSION ? 2 : 0);
    const current = records.at(-1);
    if (id === CODE_PAGE && data.length >= 2) decode = decoderOf(data.readUInt16LE(0));
    else if (id === MODULE_NAME && records.length < MODULES_MAX) {
      records.push({ name: decode(data), streams: [], offset: 0 });
    } else if (id === MODULE_STREAM) current?.streams.push(decode(data));
    else if (id === MODULE_STREAM_UNICODE) current?.streams.push(data.toString("utf16le"));
    else if (id === MODULE_OFFSET && data.length >= 4 && current !== undefined) {
      current.offset = data.readUInt32LE(0);
    }
  }
  return records.filter((record) => record.streams.length > 0);
}

function decoderOf(codePage: number): (bytes: Buffer) => string {
  try {
    const decoder = new TextDecoder(`windows-${codePage}` as Bun.Encoding);
    return (bytes) => decoder.decode(bytes);
  } catch {
    // East Asian code pages have names of their own; the Unicode form of the name serves there.
    return (bytes) => bytes.toString("latin1");
  }
}

/** Marks the table of lines in compiled code. */
const LINES_MARK = Buffer.from([0xfe, 0xca]);
const LINE_SIZE = 12;
/** Lines that any module may have without a word of them in its source. */
const LINES_SPARE = 2;

/** How many lines with code a module's compiled form has; 0 if it has none or is of an odd kind. */
export function compiledLines(cache: Buffer): number {
  let most = 0;
  // Two bytes occur by chance: what is taken is the table whose lines all lie inside the module.
  let at = cache.indexOf(LINES_MARK);
  for (let tries = 0; at >= 0 && tries < 64; tries++) {
    most = Math.max(most, linesAt(cache, at));
    at = cache.indexOf(LINES_MARK, at + 1);
  }
  return most;
}

// [MS-OVBA] leaves this cache undescribed: a count, twelve bytes for each line with the length and
// place of its code, ten bytes, and the code.
function linesAt(cache: Buffer, mark: number): number {
  const table = mark + 6;
  if (table > cache.length) return 0;
  const count = cache.readUInt16LE(mark + 4);
  const code = table + count * LINE_SIZE + 10;
  if (count === 0 || code > cache.length) return 0;
  let lines = 0;
  for (let n = 0; n < count; n++) {
    const at = table + n * LINE_SIZE;
    const length = cache.readUInt16LE(at + 4);
    const offset = cache.readUInt32LE(at + 8);
    if (length === 0 || offset === 0xffffffff) continue;
    if (code + offset + length > cache.length) return 0;
    lines++;
  }
  return lines;
}

/** How many lines of a module's source are more than a declaration of its attributes. */
export function codeLines(source: Buffer): number {
  const lines = source.toString("latin1").split(/\r\n|\r|\n/);
  return lines.filter((line) => line.trim() !== "" && !/^\s*Attribute /i.test(line)).length;
}

// Each compiled line comes from at least one line of source, so that more of them tell that the
// source was exchanged. Lines that only set attributes are not compiled.
function stompedReason(source: Buffer, compiled: number): string {
  const lines = codeLines(source);
  if (compiled <= lines + LINES_SPARE) return "";
  const lack = lines === 0 ? "no source" : `only ${lines} lines of source`;
  return `${compiled} lines of compiled code and ${lack}`;
}
