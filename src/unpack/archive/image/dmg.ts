// Apple's disk images (UDIF, .dmg): blocks of the disk, packed in one of several ways, and at the end
// a list of them, a property list in XML. There is no official description; after J. Levin's
// "Demystifying the DMG File Format" (2013).

import type { Budget } from "../../../base/budget.ts";
import { Reader } from "../../../executable/reader.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type DiskPiece, giveDisk, type PiecePacking } from "./pieces.ts";

const SECTOR = 512;
const TRAILER_BYTES = 512;
/** Its magic number, version and size. */
const TRAILER = "koly\0\0\0\x04\0\0\x02\0";
const LIST_MAX = 32 << 20;
const TABLE_HEADER_BYTES = 204;
const ROW_BYTES = 40;
const ROWS_MAX = 1 << 20;
const ROW_END = 0xffff_ffff;
const PACKINGS: ReadonlyMap<number, PiecePacking> = new Map([
  [1, "stored"],
  [0x8000_0004, "adc"],
  [0x8000_0005, "zlib"],
  [0x8000_0006, "bzip2"],
  [0x8000_0008, "xz"],
]);
const UNKNOWN: ReadonlyMap<number, string> = new Map([[0x8000_0007, "LZFSE"]]);
/** Rows that nothing stands behind: zeros, what was never written, a remark. */
const EMPTY = [0, 2, 0x7fff_fffe];
const DATA = /<key>Data<\/key>\s*<data>([A-Za-z0-9+/=\s]*)<\/data>/g;

/** Yields the disk in a disk image of Apple's. */
export function* explodeDmg(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const reader = new Reader(bytes, true);
  const trailer = reader.bytes.lastIndexOf(Buffer.from(TRAILER, "latin1"));
  if (reader.text(0, 8) === "encrcdsa") giver.note("protected", "encrypted");
  else if (!reader.has(trailer, TRAILER_BYTES)) giver.note("damaged", "the trailer is not there");
  else yield* giveImage(reader, trailer, giver);
  return giver.outcome;
}

function* giveImage(reader: Reader, trailer: number, giver: Giver): Generator<Extract> {
  const [at, size] = [reader.u64(trailer + 216), reader.u64(trailer + 224)];
  if (size === 0) {
    giver.note("unscanned", "a list of blocks in a resource fork is not read");
    return;
  }
  if (size > LIST_MAX || !reader.has(at, size)) {
    giver.note("damaged", "the list of blocks is not there");
    return;
  }
  const list = reader.slice(at, size).toString("latin1");
  const [, blocks = ""] = list.split("<key>blkx</key>");
  const [rows = ""] = blocks.split("</array>");
  const pieces: DiskPiece[] = [];
  const start = reader.u64(trailer + 24);
  let end = 0;
  for (const [, data = ""] of rows.matchAll(DATA)) {
    const table = new Reader(Buffer.from(data, "base64"), true);
    end = Math.max(end, (table.u64(8) + table.u64(16)) * SECTOR);
    if (!readTable({ reader, table, start }, pieces, giver)) break;
  }
  if (end === 0) giver.note("damaged", "the list of blocks is empty");
  yield* giveDisk(giver, end, pieces);
}

interface Source {
  readonly reader: Reader;
  /** Rows of one partition. */
  readonly table: Reader;
  /** Where packed data begin in the file. */
  readonly start: number;
}

function readTable({ reader, table, start }: Source, pieces: DiskPiece[], giver: Giver): boolean {
  const first = table.u64(8);
  if (table.text(0, 4) !== "mish") giver.note("damaged", "a list of blocks is broken");
  for (let row = TABLE_HEADER_BYTES; table.has(row, ROW_BYTES); row += ROW_BYTES) {
    const type = table.u32(row);
    if (type === ROW_END) break;
    if (pieces.length >= ROWS_MAX) giver.stop("too many blocks");
    if (!giver.goesOn()) return false;
    const packing = PACKINGS.get(type);
    if (packing === undefined) {
      const name = UNKNOWN.get(type) ?? "an unknown packing";
      if (!EMPTY.includes(type)) giver.note("unscanned", `${name} is not supported`);
      continue;
    }
    const [at, size] = [(first + table.u64(row + 8)) * SECTOR, table.u64(row + 16) * SECTOR];
    const packed = reader.slice(start + table.u64(row + 24), table.u64(row + 32));
    pieces.push({ at, size, packed, packing });
  }
  return true;
}
