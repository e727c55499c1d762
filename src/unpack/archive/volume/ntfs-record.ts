// One record of NTFS's master file table: the names of a file, and what its bytes are made of. After
// the documentation of the Linux-NTFS project (R. Russon, Y. Fledel, 2004).

import { Reader } from "../../../executable/reader.ts";
import { HOLE } from "../image/file-table.ts";

const SECTOR = 512;
const ATTRIBUTES_MAX = 512;
const ATTRIBUTE_NAME = 0x30;
const ATTRIBUTE_DATA = 0x80;
const ATTRIBUTE_REPARSE = 0xc0;
const ATTRIBUTES_END = 0xffff_ffff;
const NAME_DOS = 2;
const FLAG_USED = 1;
const FLAG_FOLDER = 2;
const DATA_PACKED = 0x00ff;
const DATA_ENCRYPTED = 0x4000;

/** A name of a file, and the record of the folder it lies in. */
export interface NtfsName {
  readonly name: string;
  readonly folder: number;
  /** The short one that DOS wants beside a long one. */
  readonly isShort: boolean;
}

/** Clusters that follow each other; `cluster` is HOLE where there are none. */
export interface NtfsRun {
  readonly cluster: number;
  readonly count: number;
}

/** A stretch of a stream: all of it, or what one record has of it. */
export interface NtfsPiece {
  /** "" for the file's content. */
  readonly stream: string;
  /** The bytes themselves, if they stand in the record. */
  readonly resident: Buffer | undefined;
  /** Cluster of the stream that `runs` begin at. */
  readonly first: number;
  readonly runs: readonly NtfsRun[];
  /** Bytes of the stream, and how many of them were ever written; told with its first piece. */
  readonly size: number;
  readonly written: number;
  /** Clusters that are packed together; 0 if they are not. */
  readonly unitClusters: number;
  readonly isEncrypted: boolean;
}

/** What a record says. */
export interface NtfsRecord {
  /** The record it goes on for; its own number if it stands alone. */
  readonly base: number;
  readonly isFolder: boolean;
  readonly names: readonly NtfsName[];
  readonly pieces: readonly NtfsPiece[];
  /** How Windows has packed the file beside the file system: an algorithm's number. */
  readonly systemPacking: number | undefined;
}

/** Reads record `index` from `bytes`; undefined if it is not in use, "broken" if it is none. */
export function readRecord(bytes: Buffer, index: number): NtfsRecord | "broken" | undefined {
  if (bytes.toString("latin1", 0, 4) !== "FILE") {
    return bytes.every((byte) => byte === 0) ? undefined : "broken";
  }
  const reader = new Reader(repaired(bytes));
  const flags = reader.u16(22);
  if ((flags & FLAG_USED) === 0) return;
  const base = reader.u32(32) + reader.u16(36) * 2 ** 32;
  const names: NtfsName[] = [];
  const pieces: NtfsPiece[] = [];
  let systemPacking: number | undefined;
  let at = reader.u16(20);
  for (let count = 0; count < ATTRIBUTES_MAX && reader.has(at, 16); count++) {
    const [type, size] = [reader.u32(at), reader.u32(at + 4)];
    if (type === ATTRIBUTES_END || size < 16) break;
    const attribute = new Reader(reader.slice(at, size));
    if (type === ATTRIBUTE_NAME) names.push(readName(residentOf(attribute)));
    else if (type === ATTRIBUTE_DATA) pieces.push(readPiece(attribute));
    else if (type === ATTRIBUTE_REPARSE) systemPacking = packingOf(residentOf(attribute));
    at += size;
  }
  const isFolder = (flags & FLAG_FOLDER) !== 0;
  return { base: base === 0 ? index : base, isFolder, names, pieces, systemPacking };
}

// The last two bytes of each sector stand in a list, and a number in their place, by which a record
// that was written in part is known.
function repaired(bytes: Buffer): Buffer {
  const record = Buffer.from(bytes);
  const list = record.readUInt16LE(4);
  const count = record.readUInt16LE(6);
  for (let index = 1; index < count && index * SECTOR <= record.length; index++) {
    const from = list + 2 * index;
    if (from + 2 <= record.length) record.copy(record, index * SECTOR - 2, from, from + 2);
  }
  return record;
}

function residentOf(attribute: Reader): Reader {
  const isResident = attribute.u8(8) === 0;
  return new Reader(
    isResident ? attribute.slice(attribute.u16(20), attribute.u32(16)) : Buffer.alloc(0),
  );
}

function readName(value: Reader): NtfsName {
  return {
    name: value.slice(66, 2 * value.u8(64)).toString("utf16le"),
    folder: value.u32(0) + value.u16(4) * 2 ** 32,
    isShort: value.u8(65) === NAME_DOS,
  };
}

function readPiece(attribute: Reader): NtfsPiece {
  const flags = attribute.u16(12);
  const stream = attribute.slice(attribute.u16(10), 2 * attribute.u8(9)).toString("utf16le");
  const isEncrypted = (flags & DATA_ENCRYPTED) !== 0;
  if (attribute.u8(8) === 0) {
    const resident = residentOf(attribute).bytes;
    const size = resident.length;
    return {
      stream,
      resident,
      first: 0,
      runs: [],
      size,
      written: size,
      unitClusters: 0,
      isEncrypted,
    };
  }
  const unit = attribute.u16(34);
  return {
    ...{ stream, resident: undefined, isEncrypted },
    first: attribute.u64(16),
    runs: readRuns(attribute, attribute.u16(32)),
    size: attribute.u64(48),
    written: attribute.u64(56),
    unitClusters: (flags & DATA_PACKED) !== 0 && unit > 0 && unit < 16 ? 2 ** unit : 0,
  };
}

// Each run: a byte with the widths of two numbers, its length, and its place as a difference.
function readRuns(attribute: Reader, start: number): NtfsRun[] {
  const runs: NtfsRun[] = [];
  let cluster = 0;
  for (let at = start; attribute.u8(at) !== 0; ) {
    const head = attribute.u8(at++);
    const [countWidth, placeWidth] = [head & 15, head >> 4];
    if (countWidth === 0 || countWidth > 6 || placeWidth > 6) break;
    if (!attribute.has(at, countWidth + placeWidth)) break;
    const count = attribute.bytes.readUIntLE(at, countWidth);
    at += countWidth;
    if (placeWidth > 0) cluster += attribute.bytes.readIntLE(at, placeWidth);
    at += placeWidth;
    runs.push({ cluster: placeWidth === 0 || cluster < 0 ? HOLE : cluster, count });
  }
  return runs;
}

// A reparse point of the Windows overlay filter: its kind, two versions, a provider (2: a file).
const OVERLAY_FILTER = 0x8000_0017;

function packingOf(value: Reader): number | undefined {
  const isPacked = value.u32(0) === OVERLAY_FILTER && value.u32(12) === 2;
  return isPacked ? value.u32(20) : undefined;
}
