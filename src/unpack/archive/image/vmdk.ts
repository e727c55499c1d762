// VMware's disks in one file, sparse or made for streams: tables of grains, and each grain as it is or
// packed. "Virtual Disk Format 5.0" (VMware, 2011).

import type { Budget } from "../../../base/budget.ts";
import { Reader } from "../../../executable/reader.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type DiskPiece, giveDisk } from "./pieces.ts";

const SECTOR = 512;
const HEADER_BYTES = 512;
const FLAG_PACKED = 0x1_0000;
const AT_END = 0xffff_ffff;
/** Sectors from the end on in which the footer is looked for. */
const FOOTER_REACH = 128;
const GRAINS_MAX = 1 << 20;
const DESCRIPTOR_MAX = 64 << 10;
/** A grain that was written with zeros. */
const ZEROS = 1;
const PACKED_HEADER_BYTES = 12;

/** Yields the disk in a VMDK. */
export function* explodeVmdk(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const reader = new Reader(bytes);
  if (reader.text(0, 4) !== "KDMV") {
    giver.note("unscanned", "the disk lies in other files");
    return giver.outcome;
  }
  if (!reader.has(0, HEADER_BYTES)) {
    giver.note("damaged", "the header is broken");
    return giver.outcome;
  }
  const descriptorAt = reader.u64(28) * SECTOR;
  const descriptor = reader.text(descriptorAt, Math.min(reader.u64(36) * SECTOR, DESCRIPTOR_MAX));
  if (descriptorAt === 0) giver.note("unscanned", "one part of a disk in several files");
  const parent = /^parentCID=([0-9a-f]+)/im.exec(descriptor)?.[1] ?? "ffffffff";
  if (!/^f+$/i.test(parent)) giver.note("unscanned", "a disk of differences needs its parent");
  yield* giveGrains(reader, giver);
  return giver.outcome;
}

// Streams have a copy of the header at their end, since only then the tables are known.
function* giveGrains(reader: Reader, giver: Giver): Generator<Extract> {
  const header = reader.u32(56) === AT_END ? findFooter(reader) : 0;
  const capacity = reader.u64(header + 12) * SECTOR;
  const grainSize = reader.u64(header + 20) * SECTOR;
  const perTable = reader.u32(header + 44);
  const directory = reader.u64(header + 56) * SECTOR;
  const isGood = reader.text(header, 4) === "KDMV" && perTable > 0 && grainSize >= SECTOR;
  if (!isGood || !reader.has(directory, 4)) {
    giver.note("damaged", "the tables are not there");
    return;
  }
  const isPacked = (reader.u32(header + 8) & FLAG_PACKED) !== 0;
  const grains = Math.min(GRAINS_MAX, Math.ceil(capacity / grainSize));
  const pieces: DiskPiece[] = [];
  for (let index = 0; index < grains; index++) {
    const table = reader.u32(directory + 4 * Math.floor(index / perTable)) * SECTOR;
    if (table === 0) {
      index += perTable - 1 - (index % perTable);
      continue;
    }
    if (!reader.has(table, 4 * perTable)) giver.note("damaged", "a table is not there");
    const grain = reader.u32(table + 4 * (index % perTable));
    if (grain <= ZEROS) continue;
    const place = { at: index * grainSize, size: grainSize };
    pieces.push({ ...place, ...contentOf(reader, grain * SECTOR, grainSize, isPacked) });
  }
  yield* giveDisk(giver, capacity, pieces);
}

// The last sector but one, unless something was put behind the stream.
function findFooter(reader: Reader): number {
  const last = Math.floor(reader.size / SECTOR) - 1;
  for (let sector = last; sector > Math.max(0, last - FOOTER_REACH); sector--) {
    if (reader.text(sector * SECTOR, 4) === "KDMV") return sector * SECTOR;
  }
  return 0;
}

// Before a packed grain: its place on the disk, and its size.
function contentOf(reader: Reader, at: number, size: number, isPacked: boolean) {
  if (!isPacked) return { packed: reader.slice(at, size), packing: "stored" as const };
  const packed = reader.slice(at + PACKED_HEADER_BYTES, reader.u32(at + 8));
  return { packed, packing: "zlib" as const };
}
