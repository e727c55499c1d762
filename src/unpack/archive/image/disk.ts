// Whole disks: the partitions of an MBR or GPT table, and Microsoft's VHD around such a disk.
// UEFI specification 2.10 §5; Microsoft "Virtual Hard Disk Image Format Specification" 1.0.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";

const SECTOR = 512;
const TABLE_AT = 446;
const EXTENDED = [0x05, 0x0f, 0x85];
const GPT_PROTECTIVE = 0xee;
const GPT_ENTRIES_MAX = 256;
const LOGICAL_MAX = 64;

interface Partition {
  readonly start: number;
  readonly sectors: number;
}

/** Yields the partitions of a disk; each is taken apart by its own type. */
export function* explodeDisk(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  let number = 0;
  for (const { start, sectors } of partitions(input)) {
    if (!giver.enter()) break;
    const name = `partition ${++number}`;
    const end = (start + sectors) * SECTOR;
    const content = input.subarray(start * SECTOR, Math.min(end, input.length));
    // Images may leave out the unused end of the disk.
    if (content.length === 0) {
      giver.note("damaged", "a partition is not there", name);
      continue;
    }
    if (!isKnown(content) && hasContent(content)) {
      giver.note("unscanned", "a file system that is not opened", name);
    }
    yield* giver.give(name, content);
  }
  return giver.outcome;
}

function partitions(input: Buffer): Partition[] {
  if (input.length < SECTOR) return [];
  const primary = readTable(input, 0);
  const isGpt = primary.some(({ type }) => type === GPT_PROTECTIVE);
  const found = isGpt ? readGpt(input) : [];
  for (const entry of primary) {
    if (EXTENDED.includes(entry.type)) found.push(...logical(input, entry.start));
    else if (entry.type !== GPT_PROTECTIVE) found.push(entry);
  }
  return found;
}

function readTable(input: Buffer, at: number): (Partition & { type: number })[] {
  const entries = [0, 1, 2, 3].map((index) => {
    const entry = at + TABLE_AT + index * 16;
    return {
      type: input[entry + 4] as number,
      start: input.readUInt32LE(entry + 8),
      sectors: input.readUInt32LE(entry + 12),
    };
  });
  return entries.filter(({ type, sectors }) => type !== 0 && sectors > 0);
}

// An extended partition is a chain of tables: one partition, and where the next table is.
function logical(input: Buffer, start: number): Partition[] {
  const found: Partition[] = [];
  let table = start;
  // A chain that leaves the image: told as a partition that is not there.
  if ((start + 1) * SECTOR > input.length) found.push({ start, sectors: 1 });
  for (let count = 0; count < LOGICAL_MAX && (table + 1) * SECTOR <= input.length; count++) {
    const entries = readTable(input, table * SECTOR);
    const next = entries.find(({ type }) => EXTENDED.includes(type));
    for (const entry of entries) {
      if (entry !== next) found.push({ start: table + entry.start, sectors: entry.sectors });
    }
    if (next === undefined || next.start === 0) break;
    table = start + next.start;
  }
  return found;
}

function readGpt(input: Buffer): Partition[] {
  const found: Partition[] = [];
  const hasHeader = input.toString("latin1", SECTOR, SECTOR + 8) === "EFI PART";
  if (!hasHeader || input.length < 2 * SECTOR) return found;
  const start = Number(input.readBigUInt64LE(SECTOR + 72)) * SECTOR;
  const count = Math.min(input.readUInt32LE(SECTOR + 80), GPT_ENTRIES_MAX);
  const size = Math.max(128, Math.min(4096, input.readUInt32LE(SECTOR + 84)));
  for (let index = 0; index < count; index++) {
    const at = start + index * size;
    if (at + 48 > input.length) break;
    const first = Number(input.readBigUInt64LE(at + 32));
    const last = Number(input.readBigUInt64LE(at + 40));
    if (!hasContent(input.subarray(at, at + 16)) || last < first) continue;
    found.push({ start: first, sectors: last - first + 1 });
  }
  return found;
}

// File systems that have a type of their own, opened or told as not opened.
function isKnown(volume: Buffer): boolean {
  const boot = volume.toString("latin1", 3, 11);
  if (boot === "NTFS    " || boot === "EXFAT   ") return true;
  if (volume.length > 1082 && volume.readUInt16LE(1080) === 0xef53) return true;
  const isFat = volume.length >= SECTOR && volume[510] === 0x55 && volume[511] === 0xaa;
  return isFat && /FAT/.test(volume.toString("latin1", 54, 90));
}

function hasContent(bytes: Buffer): boolean {
  return bytes.some((byte) => byte !== 0);
}

const VHD_FOOTER_BYTES = 512;
const VHD_FIXED = 2;
const VHD_DYNAMIC = 3;
const VHD_UNUSED = 0xffff_ffff;
const VHD_BLOCKS_MAX = 1 << 20;

/** Yields the disk in a VHD. */
export function* explodeVhd(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const at = input.length - VHD_FOOTER_BYTES;
  const footer = [at, 0].find(
    (place) =>
      place >= 0 &&
      place + VHD_FOOTER_BYTES <= input.length &&
      input.toString("latin1", place, place + 8) === "conectix",
  );
  const type = footer === undefined ? 0 : input.readUInt32BE(footer + 60);
  if (footer !== at) giver.note("damaged", "cut short");
  if (footer === undefined) return giver.outcome;
  if (type === VHD_FIXED) yield* giver.give("disk", input.subarray(0, Math.max(0, at)));
  else if (type === VHD_DYNAMIC) yield* giveDynamic(input, footer, giver);
  else giver.note("unscanned", "a disk of differences needs its parent");
  return giver.outcome;
}

// Only blocks that were written are there; each comes behind a map of its sectors.
function* giveDynamic(input: Buffer, footer: number, giver: Giver): Generator<Extract> {
  const header = Number(input.readBigUInt64BE(footer + 16));
  const size = Number(input.readBigUInt64BE(footer + 48));
  if (header + 1024 > input.length || input.toString("latin1", header, header + 8) !== "cxsparse") {
    return giver.note("damaged", "the header is broken");
  }
  const tableAt = Number(input.readBigUInt64BE(header + 16));
  const blockSize = input.readUInt32BE(header + 32);
  const count = Math.min(input.readUInt32BE(header + 28), VHD_BLOCKS_MAX);
  if (blockSize < SECTOR || blockSize % SECTOR !== 0) {
    return giver.note("damaged", "the header is broken");
  }
  const mapSize = Math.ceil(blockSize / SECTOR / 8 / SECTOR) * SECTOR;
  // The unused end of the disk is left out: disks are as large as you like, and empty.
  let last = -1;
  const places: number[] = [];
  for (let index = 0; index < count && tableAt + index * 4 + 4 <= input.length; index++) {
    const sector = input.readUInt32BE(tableAt + index * 4);
    places.push(sector);
    if (sector !== VHD_UNUSED) last = index;
  }
  const used = Math.min(size, (last + 1) * blockSize);
  if (used > giver.room) return giver.refuse("disk");
  const disk = Buffer.alloc(used);
  places.slice(0, last + 1).forEach((sector, index) => {
    const from = sector * SECTOR + mapSize;
    if (sector === VHD_UNUSED) return;
    if (from + blockSize > input.length) giver.note("damaged", "a block is not there");
    input.subarray(from, from + blockSize).copy(disk, index * blockSize);
  });
  yield* giver.give("disk", disk);
}
