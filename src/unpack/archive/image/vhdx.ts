// Hyper-V's disks (VHDX): regions, one of which is a table of blocks. [MS-VHDX] version 9.

import type { Budget } from "../../../base/budget.ts";
import { Reader } from "../../../executable/reader.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type DiskPiece, giveDisk } from "./pieces.ts";

const HEADERS_AT = [0x1_0000, 0x2_0000];
const REGIONS_AT = [0x3_0000, 0x4_0000];
const REGIONS_MAX = 2047;
const MEGABYTE = 1 << 20;
const BLOCK_MIN = MEGABYTE;
const BLOCK_MAX = 256 * MEGABYTE;
const BLOCKS_MAX = 1 << 20;
const BLOCK_PRESENT = 6;
const BLOCK_IN_PART = 7;
const HAS_PARENT = 2;
const SECTORS_PER_BITMAP = 2 ** 23;
/** GUIDs as they stand in the file. */
const BLOCK_TABLE = "6677c22d23f600429d64115e9bfd4a08";
const METADATA = "06a27c8b90479a4bb8fe575f050f886e";
const PARAMETERS = "3767a1ca36fa434db3b633f0aa44e76b";
const DISK_SIZE = "2442a52f1bcd7648b2115dbed83bf4b8";
const SECTOR_SIZE = "1dbf41816fa90947ba47f233a8faab5f";

/** Yields the disk in a VHDX. */
export function* explodeVhdx(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const reader = new Reader(bytes);
  const table = findRegion(reader, BLOCK_TABLE);
  const metadata = findRegion(reader, METADATA);
  if (hasLog(reader)) giver.note("unscanned", "what waits in the disk's log was not looked at");
  if (table === 0 || metadata === 0) giver.note("damaged", "the tables are not there");
  else yield* giveBlocks(reader, { table, metadata }, giver);
  return giver.outcome;
}

// §2.2.2: the header that was written last counts; it names a log if there is something in it.
function hasLog(reader: Reader): boolean {
  const headers = HEADERS_AT.filter((at) => reader.text(at, 4) === "head");
  const [last] = headers.sort((one, two) => reader.u64(two + 8) - reader.u64(one + 8));
  return last !== undefined && (reader.big64(last + 48) !== 0n || reader.big64(last + 56) !== 0n);
}

function findRegion(reader: Reader, guid: string): number {
  for (const at of REGIONS_AT) {
    if (reader.text(at, 4) !== "regi") continue;
    const count = Math.min(reader.u32(at + 8), REGIONS_MAX);
    for (let entry = at + 16; entry < at + 16 + 32 * count; entry += 32) {
      if (reader.slice(entry, 16).toString("hex") === guid) return reader.u64(entry + 16);
    }
  }
  return 0;
}

function findItem(reader: Reader, metadata: number, guid: string): number {
  const count = Math.min(reader.u16(metadata + 10), REGIONS_MAX);
  for (let entry = metadata + 32; entry < metadata + 32 + 32 * count; entry += 32) {
    if (reader.slice(entry, 16).toString("hex") === guid) return metadata + reader.u32(entry + 16);
  }
  return 0;
}

// §2.5: behind as many blocks as one bitmap is for, the table has a place for the bitmap.
function* giveBlocks(
  reader: Reader,
  { table, metadata }: { readonly table: number; readonly metadata: number },
  giver: Giver,
): Generator<Extract> {
  const parameters = findItem(reader, metadata, PARAMETERS);
  const blockSize = reader.u32(parameters);
  const size = reader.u64(findItem(reader, metadata, DISK_SIZE));
  const sectorSize = reader.u32(findItem(reader, metadata, SECTOR_SIZE)) || 512;
  if (parameters === 0 || blockSize < BLOCK_MIN || blockSize > BLOCK_MAX) {
    giver.note("damaged", "the metadata are broken");
    return;
  }
  if ((reader.u32(parameters + 4) & HAS_PARENT) !== 0) {
    giver.note("unscanned", "a disk of differences needs its parent");
  }
  const perBitmap = Math.max(1, Math.floor((SECTORS_PER_BITMAP * sectorSize) / blockSize));
  const blocks = Math.min(BLOCKS_MAX, Math.ceil(size / blockSize));
  if (!reader.has(table, 8 * blocks)) giver.note("damaged", "the table of blocks is cut short");
  const pieces: DiskPiece[] = [];
  for (let index = 0; index < blocks; index++) {
    const at = table + 8 * (index + Math.floor(index / perBitmap));
    const state = reader.u8(at) & 7;
    if (state !== BLOCK_PRESENT && state !== BLOCK_IN_PART) continue;
    const place = Math.floor(reader.u64(at) / MEGABYTE) * MEGABYTE;
    const packed = reader.slice(place, blockSize);
    pieces.push({ at: index * blockSize, size: blockSize, packed, packing: "stored" });
  }
  yield* giveDisk(giver, size, pieces);
}
