// Whole disks: the partitions of an MBR, GPT or Apple table. UEFI specification 2.10 §5; "Inside
// Macintosh: Devices" §3 for Apple's.

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
const APPLE_MAX = 64;

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
    if (!isKnownVolume(content) && hasContent(content)) {
      giver.note("unscanned", "a file system that is not opened", name);
    }
    yield* giver.give(name, content);
  }
  return giver.outcome;
}

function partitions(input: Buffer): Partition[] {
  if (input.length < SECTOR) return [];
  if (input.toString("latin1", 0, 2) === "ER") return readApple(input);
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

// One sector for each partition, of which the first is the table itself.
function readApple(input: Buffer): Partition[] {
  const found: Partition[] = [];
  for (let index = 1; index <= APPLE_MAX && (index + 1) * SECTOR <= input.length; index++) {
    const at = index * SECTOR;
    if (input.toString("latin1", at, at + 2) !== "PM") break;
    const type = input.toString("latin1", at + 48, at + 80);
    const isOwn = /^Apple_(?:partition_map|Free)/.test(type);
    const [start, sectors] = [input.readUInt32BE(at + 8), input.readUInt32BE(at + 12)];
    if (!isOwn && sectors > 0) found.push({ start, sectors });
  }
  return found;
}

/** Whether `disk` has partitions, or begins a file system that has a type of its own. */
export function isKnownDisk(disk: Buffer): boolean {
  const hasTable = disk.length >= SECTOR && disk[510] === 0x55 && disk[511] === 0xaa;
  const isDisc = /^(?:CD001|BEA01|NSR0)/.test(disk.toString("latin1", 32_769, 32_774));
  return hasTable || isDisc || disk.toString("latin1", 0, 2) === "ER" || isKnownVolume(disk);
}

// File systems that have a type of their own, opened or told as not opened.
function isKnownVolume(volume: Buffer): boolean {
  const boot = volume.toString("latin1", 3, 11);
  if (boot === "NTFS    " || boot === "EXFAT   ") return true;
  if (volume.length > 1082 && volume.readUInt16LE(1080) === 0xef53) return true;
  if (/^(?:H\+|HX|BD)/.test(volume.toString("latin1", 1024, 1026))) return true;
  if (volume.toString("latin1", 32, 36) === "NXSB") return true;
  const isFat = volume.length >= SECTOR && volume[510] === 0x55 && volume[511] === 0xaa;
  return isFat && /FAT/.test(volume.toString("latin1", 54, 90));
}

function hasContent(bytes: Buffer): boolean {
  return bytes.some((byte) => byte !== 0);
}
