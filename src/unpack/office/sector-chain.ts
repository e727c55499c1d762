// The lower half of a compound file: sectors, and the tables (FAT, DIFAT, mini FAT) that chain them.
// [MS-CFB] 2.2-2.5. Every index comes from hostile input: chains are walked only as far as bytes are
// wanted, and none may pass a sector twice.

import { asBuffer } from "../../base/bytes.ts";

/** [MS-CFB] 2.1: larger values are marks and not sectors. */
const SECTOR_MAX = 0xfffffffa;
const END_OF_CHAIN = 0xfffffffe;
const FREE = 0xffffffff;
const HEADER_SIZE = 512;
const HEADER_DIFAT_AT = 76;
const HEADER_DIFAT_COUNT = 109;

/** The problem of a chain that ends early, which need not be one if nobody knows its length. */
export const CUT_SHORT = "cut short";

/** The bytes of a chain as far as they could be had; `problem` is "" if that is all of them. */
export interface ChainBytes {
  readonly bytes: Buffer;
  readonly problem: string;
}

/** A run of sectors that follow each other in the file. */
interface Run {
  start: number;
  count: number;
}

/** Space cut into sectors of one size, and the table that says which one follows which. */
export class SectorSpace {
  readonly #space: Buffer;
  /** Position of sector 0. */
  readonly #base: number;
  readonly #shift: number;
  readonly #table: Uint32Array;
  readonly #seen: Uint32Array;
  #walk = 0;

  constructor(
    space: Buffer,
    layout: { readonly base: number; readonly shift: number },
    table: Uint32Array,
  ) {
    this.#space = space;
    this.#base = layout.base;
    this.#shift = layout.shift;
    this.#table = table;
    const size = Math.max(0, space.length - layout.base);
    this.#seen = new Uint32Array(Math.ceil(size / 2 ** layout.shift));
  }

  get sectorCount(): number {
    return this.#seen.length;
  }

  /** How many of `size` bytes the chain from `start` has. Costs time for these bytes only. */
  reach(start: number, size: number): number {
    return Math.min(size, lengthOf(this.#runs(start, size).runs, this.#shift, this.#end));
  }

  /** The first `size` bytes of the chain from `start`; without a copy if they lie in one piece. */
  read(start: number, size: number): ChainBytes {
    const { runs, problem } = this.#runs(start, size);
    const pieces: Buffer[] = [];
    let left = size;
    for (const run of runs) {
      const at = this.#base + run.start * 2 ** this.#shift;
      const end = Math.min(at + Math.min(left, run.count * 2 ** this.#shift), this.#space.length);
      pieces.push(this.#space.subarray(at, end));
      left -= end - at;
    }
    const [only] = pieces;
    const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
    return { bytes, problem: problem === "" && left > 0 ? CUT_SHORT : problem };
  }

  get #end(): { readonly base: number; readonly length: number } {
    return { base: this.#base, length: this.#space.length };
  }

  #runs(start: number, size: number): { readonly runs: Run[]; readonly problem: string } {
    const runs: Run[] = [];
    const wanted = Math.ceil(size / 2 ** this.#shift);
    let sector = start;
    this.#walk++;
    for (let count = 0; count < wanted; count++) {
      if (sector === END_OF_CHAIN) return { runs, problem: CUT_SHORT };
      if (sector >= this.sectorCount) return { runs, problem: "its chain of sectors is broken" };
      if (this.#seen[sector] === this.#walk)
        return { runs, problem: "its sectors run in a circle" };
      this.#seen[sector] = this.#walk;
      const last = runs.at(-1);
      if (last !== undefined && last.start + last.count === sector) last.count++;
      else runs.push({ start: sector, count: 1 });
      // Where the table itself is lost, sectors most likely lie one behind the other.
      sector = this.#table[sector] ?? sector + 1;
    }
    return { runs, problem: "" };
  }
}

function lengthOf(
  runs: readonly Run[],
  shift: number,
  end: { readonly base: number; readonly length: number },
): number {
  let length = 0;
  for (const { start, count } of runs) {
    const at = end.base + start * 2 ** shift;
    length += Math.max(0, Math.min(count * 2 ** shift, end.length - at));
  }
  return length;
}

/** What the header says. [MS-CFB] 2.2 */
export interface CompoundHeader {
  readonly sectorShift: number;
  readonly isVersion4: boolean;
  readonly directoryStart: number;
  readonly miniFatStart: number;
  readonly miniFatCount: number;
  /** What is wrong with it, "" if nothing. */
  readonly problem: string;
}

/** Reads the header; undefined if the file is too short to have one. */
export function readHeader(bytes: Uint8Array): CompoundHeader | undefined {
  if (bytes.length < HEADER_SIZE) return;
  const header = asBuffer(bytes);
  const told = header.readUInt16LE(30);
  const version = header.readUInt16LE(26);
  // Only these two exist; what else is said there must not keep the file from being read.
  const isKnown = told === 9 || told === 12;
  const sectorShift = isKnown ? told : version === 4 ? 12 : 9;
  return {
    sectorShift,
    isVersion4: sectorShift === 12,
    directoryStart: header.readUInt32LE(48),
    miniFatStart: header.readUInt32LE(60),
    miniFatCount: header.readUInt32LE(64),
    problem: isKnown ? "" : "the header tells an impossible sector size",
  };
}

/** The table of all sectors. */
export interface Fat {
  readonly table: Uint32Array;
  readonly problem: string;
  /** Where the last sector that is in use ends. */
  readonly end: number;
}

/** The FAT of a file, as much of it as its sectors can need. [MS-CFB] 2.3 and 2.5 */
export function readFat(bytes: Uint8Array, header: CompoundHeader): Fat {
  const file = asBuffer(bytes);
  const size = 2 ** header.sectorShift;
  const perSector = size / 4;
  const sectorCount = Math.max(0, Math.ceil(file.length / size) - 1);
  const needed = Math.ceil(sectorCount / perSector);
  const locations = fatLocations(file, { size, needed });
  const table = new Uint32Array(Math.min(locations.length * perSector, sectorCount));
  // What was appended to the file needs no table.
  const told = Math.min(needed, file.readUInt32LE(44));
  let problem = locations.length < told ? "part of its sector table is missing" : "";
  let used = 0;
  locations.forEach((sector, index) => {
    for (let n = 0; n < perSector && index * perSector + n < table.length; n++) {
      const at = (sector + 1) * size + n * 4;
      const isThere = sector < SECTOR_MAX && at + 4 <= file.length;
      // A lost part of the table counts as "the next one follows", as in SectorSpace.
      table[index * perSector + n] = isThere ? file.readUInt32LE(at) : index * perSector + n + 1;
      if (!isThere) problem = "part of its sector table is missing";
      if (table[index * perSector + n] !== FREE) used = index * perSector + n + 1;
    }
  });
  return { table, problem, end: Math.min(file.length, (used + 1) * size) };
}

// Where the FAT's sectors are: 109 in the header, the others in DIFAT sectors, whose last number is
// that of the next one. Not more are read than the file can need, which also ends circles.
function fatLocations(
  file: Buffer,
  { size, needed }: { readonly size: number; readonly needed: number },
): number[] {
  const found: number[] = [];
  const take = (at: number, count: number) => {
    for (let n = 0; n < count && found.length < needed && at + n * 4 + 4 <= file.length; n++) {
      const sector = file.readUInt32LE(at + n * 4);
      // Unused places stand at the end; in front of others they would shift all that follows.
      if (sector < SECTOR_MAX) found.push(sector);
    }
  };
  take(HEADER_DIFAT_AT, HEADER_DIFAT_COUNT);
  let next = file.readUInt32LE(68);
  const tablesMax = Math.ceil(needed / (size / 4 - 1)) + 1;
  for (let tables = 0; found.length < needed && tables < tablesMax; tables++) {
    const at = (next + 1) * size;
    if (next >= SECTOR_MAX || at + size > file.length) break;
    take(at, size / 4 - 1);
    next = file.readUInt32LE(at + size - 4);
  }
  return found;
}
