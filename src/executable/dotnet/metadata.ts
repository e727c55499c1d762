// The metadata of .NET programs: streams of strings, blobs and GUIDs, and the tables that index
// them. ECMA-335 (6th edition) part II §24. Sizes of rows depend on counts in the file, so all tables
// are laid out first; nothing is read that does not lie within its stream.

import type { PeImage } from "../pe/image.ts";
import { DIRECTORY } from "../pe/image.ts";
import type { Reader } from "../reader.ts";
import { CODED, type Column, SCHEMA } from "./schema.ts";

const SIGNATURE = 0x424a_5342;
const STREAMS_MAX = 64;
const ROWS_MAX = 1 << 20;
const NAME_MAX = 1024;
const VERSION_MAX = 255;

/** A stream; `offset` is in the file. */
export interface MetadataStream {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** A table: where its rows are, and where each column lies in a row. */
interface Table {
  readonly start: number;
  readonly rows: number;
  readonly rowSize: number;
  readonly offsets: readonly number[];
  readonly widths: readonly number[];
}

/** The metadata of a .NET program. */
export class Metadata {
  readonly reader: Reader;
  readonly version: string;
  readonly streams: readonly MetadataStream[];
  readonly #strings: MetadataStream | undefined;
  readonly #blobs: MetadataStream | undefined;
  readonly #tables = new Map<number, Table>();

  constructor(reader: Reader, start: number) {
    this.reader = reader;
    const versionLength = Math.min(reader.u32(start + 12), VERSION_MAX);
    this.version = reader.text(start + 16, versionLength);
    this.streams = readStreams(reader, start, start + 16 + up(versionLength));
    this.#strings = this.stream("#Strings");
    this.#blobs = this.stream("#Blob");
    const tables = this.stream("#~") ?? this.stream("#-");
    if (tables !== undefined) this.#layOut(tables);
  }

  /** The stream of that name. */
  stream(name: string): MetadataStream | undefined {
    return this.streams.find((one) => one.name === name);
  }

  /** Rows in a table. */
  count(table: number): number {
    return this.#tables.get(table)?.rows ?? 0;
  }

  /** The number in a column of a row; rows count from 1, as indexes do. 0 if there is none. */
  cell(table: number, row: number, column: number): number {
    const found = this.#tables.get(table);
    if (found === undefined || row < 1 || row > found.rows) return 0;
    const at = found.start + (row - 1) * found.rowSize + (found.offsets[column] ?? 0);
    const width = found.widths[column];
    if (width === 1) return this.reader.u8(at);
    return width === 2 ? this.reader.u16(at) : this.reader.u32(at);
  }

  /** Where a row begins in the file. */
  rowOffset(table: number, row: number): number {
    const found = this.#tables.get(table);
    return found === undefined ? -1 : found.start + (row - 1) * found.rowSize;
  }

  /** The name that a column of a row points to, as bytes (UTF-8) one character each. */
  name(table: number, row: number, column: number): string {
    const at = this.cell(table, row, column);
    if (this.#strings === undefined || at >= this.#strings.size) return "";
    return this.reader.text(this.#strings.offset + at, Math.min(NAME_MAX, this.#strings.size - at));
  }

  /** The blob that a column of a row points to. */
  blob(table: number, row: number, column: number): Buffer {
    const at = this.cell(table, row, column);
    if (this.#blobs === undefined || at >= this.#blobs.size) return Buffer.alloc(0);
    const { offset, size } = this.#blobs;
    const head = blobHead(this.reader, offset + at);
    return this.reader.slice(offset + at + head.size, Math.min(head.length, size - at - head.size));
  }

  // §24.2.6: which tables there are, how many rows each has, then the rows.
  #layOut(stream: MetadataStream): void {
    const { reader } = this;
    const heaps = reader.u8(stream.offset + 6);
    const present = reader.big64(stream.offset + 8);
    const rows: number[] = [];
    let at = stream.offset + 24;
    for (let id = 0; id < 64; id++) {
      const isThere = ((present >> BigInt(id)) & 1n) === 1n;
      rows.push(isThere ? reader.u32(at) : 0);
      if (isThere) at += 4;
    }
    // An uncompressed stream may have a word of extra data.
    if ((heaps & 0x40) !== 0) at += 4;
    const end = Math.min(reader.size, stream.offset + stream.size);
    for (const [id, columns] of SCHEMA.entries()) {
      if ((rows[id] ?? 0) === 0 || columns === undefined) continue;
      const widths = columns.map((column) => widthOf(column, rows, heaps));
      const offsets = widths.map((_, i) => widths.slice(0, i).reduce((sum, one) => sum + one, 0));
      const rowSize = widths.reduce((sum, one) => sum + one, 0);
      const fitting = Math.floor(Math.max(0, end - at) / rowSize);
      const count = Math.min(rows[id] as number, ROWS_MAX, fitting);
      this.#tables.set(id, { start: at, rows: count, rowSize, offsets, widths });
      at += (rows[id] as number) * rowSize;
    }
  }
}

const up = (value: number) => Math.ceil(value / 4) * 4;

function readStreams(reader: Reader, start: number, headerAt: number): MetadataStream[] {
  const streams: MetadataStream[] = [];
  const count = Math.min(reader.u16(headerAt + 2), STREAMS_MAX);
  let at = headerAt + 4;
  while (streams.length < count && reader.has(at, 12)) {
    const name = reader.text(at + 8, 32);
    const size = reader.u32(at + 4);
    streams.push({ name, offset: start + reader.u32(at), size });
    at += 8 + up(name.length + 1);
  }
  return streams;
}

// §24.2.6: an index is as wide as the largest number of rows it may have to name needs.
function widthOf(column: Column, rows: readonly number[], heaps: number): number {
  if (typeof column === "number") return (rows[column] ?? 0) < 0x1_0000 ? 2 : 4;
  switch (column) {
    case "byte":
      return 1;
    case "short":
      return 2;
    case "long":
      return 4;
    case "name":
      return (heaps & 1) === 0 ? 2 : 4;
    case "guid":
      return (heaps & 2) === 0 ? 2 : 4;
    case "blob":
      return (heaps & 4) === 0 ? 2 : 4;
    default: {
      const { bits, tables } = CODED[column];
      const most = Math.max(...tables.map((id) => rows[id] ?? 0));
      return most < 2 ** (16 - bits) ? 2 : 4;
    }
  }
}

/** §24.2.4: a length of one, two or four bytes. `size` is that of the length itself, 0 if broken. */
export function blobHead(reader: Reader, at: number): { length: number; size: number } {
  const first = reader.u8(at);
  if (!reader.has(at, 1)) return { length: 0, size: 0 };
  if (first < 0x80) return { length: first, size: 1 };
  if (first < 0xc0) return { length: ((first & 0x3f) << 8) | reader.u8(at + 1), size: 2 };
  if (first >= 0xe0) return { length: 0, size: 0 };
  const low = (reader.u8(at + 1) << 16) | (reader.u8(at + 2) << 8) | reader.u8(at + 3);
  return { length: (first & 0x1f) * 0x100_0000 + low, size: 4 };
}

/** Where the parts of a .NET program are: its metadata and its resources. */
export interface DotnetLayout {
  readonly metadata: number;
  /** File offset of the managed resources, -1 if there are none. */
  readonly resources: number;
}

/** The layout of the .NET program in `image`, or undefined if it is none. ECMA-335 §25.3.3. */
export function dotnetLayout(image: PeImage): DotnetLayout | undefined {
  const directory = image.directory(DIRECTORY.dotnet);
  const header = directory === undefined ? -1 : image.offsetOf(directory.address);
  if (header < 0 || !image.reader.has(header, 72)) return;
  const metadata = image.offsetOf(image.reader.u32(header + 8));
  if (metadata < 0 || image.reader.u32(metadata) !== SIGNATURE) return;
  const resources = image.reader.u32(header + 24);
  return { metadata, resources: resources === 0 ? -1 : image.offsetOf(resources) };
}
