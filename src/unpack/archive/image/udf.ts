// UDF as mastering programs write it on images: physical partitions, plain file entries. ECMA-167
// 3rd edition and OSTA UDF 2.01. What is built otherwise (metadata partitions, packet writing) is
// told, and not opened.

import type { Giver } from "../giver.ts";
import type { Extent, FileTable } from "./file-table.ts";

const SECTOR = 2048;
const ANCHOR_SECTOR = 256;
const TAG_ANCHOR = 2;
const TAG_PARTITION = 5;
const TAG_VOLUME = 6;
const TAG_END = 8;
const TAG_FILE_SET = 256;
const TAG_NAME = 257;
const TAG_FILE = 261;
const TAG_FILE_EXTENDED = 266;
const TYPE_FOLDER = 4;
const DESCRIPTORS_MAX = 64;
const FOLDERS_MAX = 20_000;
const NAMES_MAX = 200_000;
const ALLOCATIONS_MAX = 10_000;
const FOLDER_BYTES_MAX = 16 << 20;

interface FileEntry {
  readonly isFolder: boolean;
  readonly extents: readonly Extent[];
}

/** Adds the files of a UDF volume to `table`; false if there is no such volume. */
export function addUdfFiles(input: Buffer, table: FileTable, giver: Giver): boolean {
  if (!hasUdf(input)) return false;
  const volume = new UdfVolume(input, giver);
  const problem = volume.addTo(table);
  if (problem !== "") giver.note("unscanned", problem);
  return true;
}

// ECMA-167 2/8.3: volume recognition, in the sectors where ISO 9660 has its descriptors.
function hasUdf(input: Buffer): boolean {
  for (let sector = 16; sector < 16 + DESCRIPTORS_MAX; sector++) {
    const at = sector * SECTOR;
    if (at + 6 > input.length) return false;
    const id = input.toString("latin1", at + 1, at + 5);
    if (id === "NSR0") return true;
    if (id !== "CD00" && id !== "BEA0" && id !== "BOOT" && id !== "CDW0") return false;
  }
  return false;
}

class UdfVolume {
  readonly #input: Buffer;
  readonly #giver: Giver;
  readonly #partitions = new Map<number, number>();
  /** Partition number by reference, as the volume's map has it. */
  readonly #map: number[] = [];
  #fileSet = { block: 0, reference: 0 };

  constructor(input: Buffer, giver: Giver) {
    this.#input = input;
    this.#giver = giver;
  }

  /** Adds all files; why that is not possible, or "". */
  addTo(table: FileTable): string {
    const problem = this.#readVolume();
    if (problem !== "") return problem;
    const setAt = this.#place(this.#fileSet.block, this.#fileSet.reference);
    if (this.#tag(setAt) !== TAG_FILE_SET) return "the UDF file set is not where it should be";
    const open = [{ path: "", at: this.#icb(setAt + 400) }];
    const seen = new Set<number>();
    let names = 0;
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      if (seen.has(folder.at) || !this.#giver.goesOn()) continue;
      seen.add(folder.at);
      if (seen.size > FOLDERS_MAX) return "too many folders";
      const entry = this.#entry(folder.at);
      if (entry === undefined) {
        this.#giver.note("damaged", "a UDF folder is broken", folder.path);
        continue;
      }
      for (const { name, at } of this.#names(entry)) {
        if (++names > NAMES_MAX) return "too many files";
        const path = folder.path === "" ? name : `${folder.path}/${name}`;
        const file = this.#entry(at);
        if (file === undefined) this.#giver.note("damaged", "a UDF file is broken", path);
        else if (file.isFolder) open.push({ path, at });
        else table.add(path, file.extents);
      }
    }
    return "";
  }

  // ECMA-167 3/8.4: the anchor leads to the volume's descriptors.
  #readVolume(): string {
    const lastSector = Math.floor(this.#input.length / SECTOR) - 1;
    const anchor = [ANCHOR_SECTOR, lastSector, lastSector - 256].find(
      (sector) => this.#tag(sector * SECTOR) === TAG_ANCHOR,
    );
    if (anchor === undefined) return "the UDF anchor is missing";
    const start = this.#u32(anchor * SECTOR + 20) * SECTOR;
    for (let count = 0; count < DESCRIPTORS_MAX; count++) {
      const at = start + count * SECTOR;
      const tag = this.#tag(at);
      if (tag === TAG_END || tag < 0) break;
      if (tag === TAG_PARTITION) this.#partitions.set(this.#u16(at + 22), this.#u32(at + 188));
      else if (tag === TAG_VOLUME) {
        const problem = this.#readMap(at);
        if (problem !== "") return problem;
      }
    }
    return this.#map.length > 0 ? "" : "no UDF volume";
  }

  #readMap(at: number): string {
    if (this.#u32(at + 212) !== SECTOR) return "UDF with other block sizes is not opened";
    // The long allocation descriptor of the file set: length, block, partition reference.
    this.#fileSet = { block: this.#u32(at + 252), reference: this.#u16(at + 256) };
    let place = at + 440;
    for (let left = Math.min(this.#u32(at + 268), 8); left > 0; left--) {
      if (this.#input[place] !== 1) return "UDF with a virtual or metadata partition is not opened";
      this.#map.push(this.#u16(place + 4));
      place += this.#input[place + 1] || 6;
    }
    return "";
  }

  #place(block: number, reference: number): number {
    const start = this.#partitions.get(this.#map[reference] ?? -1);
    return start === undefined ? -1 : (start + block) * SECTOR;
  }

  #icb(at: number): number {
    return this.#place(this.#u32(at + 4), this.#u16(at + 8));
  }

  // ECMA-167 4/14.9, 14.17: an entry says where a file's bytes are, or holds them itself.
  #entry(at: number): FileEntry | undefined {
    const tag = this.#tag(at);
    if (tag !== TAG_FILE && tag !== TAG_FILE_EXTENDED) return;
    const isExtended = tag === TAG_FILE_EXTENDED;
    const attributes = at + (isExtended ? 216 : 176);
    const attributesLength = this.#u32(at + (isExtended ? 208 : 168));
    const start = attributes + attributesLength;
    const length = this.#u32(at + (isExtended ? 212 : 172));
    const size = this.#u32(at + 56) + this.#u32(at + 60) * 2 ** 32;
    const kind = this.#u16(at + 34) & 7;
    const isFolder = this.#input[at + 27] === TYPE_FOLDER;
    if (start + length > at + SECTOR) return;
    if (kind === 3) return { isFolder, extents: [{ at: start, size: Math.min(size, length) }] };
    // Short descriptors have 8 bytes and mean the same partition; long ones have 16.
    if (kind > 1) return;
    const extents = this.#allocations(start, length, { kind, size, at });
    return extents === undefined ? undefined : { isFolder, extents };
  }

  #allocations(
    start: number,
    length: number,
    file: { kind: number; size: number; at: number },
  ): Extent[] | undefined {
    const width = file.kind === 0 ? 8 : 16;
    const home = this.#homeOf(file.at);
    const extents: Extent[] = [];
    let left = file.size;
    for (let at = start; at + width <= start + length && left > 0; at += width) {
      const word = this.#u32(at);
      const size = Math.min(word & 0x3fff_ffff, left);
      if (size === 0) break;
      // Only extents that are recorded hold anything; a chain of more descriptors is not followed.
      if (word >>> 30 === 3 || extents.length >= ALLOCATIONS_MAX) return;
      const block = this.#u32(at + 4);
      const place = file.kind === 0 ? (home + block) * SECTOR : this.#icb(at);
      if (place < 0) return;
      if (word >>> 30 === 0) extents.push({ at: place, size });
      left -= size;
    }
    return extents;
  }

  // The partition that an entry lies in.
  #homeOf(at: number): number {
    let home = 0;
    for (const start of this.#partitions.values()) {
      if (start * SECTOR <= at && start > home) home = start;
    }
    return home;
  }

  // ECMA-167 4/14.4: names, each padded to four bytes.
  *#names(folder: FileEntry): Generator<{ name: string; at: number }> {
    const size = folder.extents.reduce((sum, extent) => sum + extent.size, 0);
    if (size > FOLDER_BYTES_MAX) return;
    const bytes = Buffer.concat(
      folder.extents.map(({ at, size: length }) => this.#input.subarray(at, at + length)),
    );
    for (let at = 0; at + 38 <= bytes.length && bytes.readUInt16LE(at) === TAG_NAME; ) {
      const flags = bytes[at + 18] as number;
      const nameLength = bytes[at + 19] as number;
      const useLength = bytes.readUInt16LE(at + 36);
      const nameStart = at + 38 + useLength;
      const place = this.#place(bytes.readUInt32LE(at + 24), bytes.readUInt16LE(at + 28));
      const name = udfName(bytes.subarray(nameStart, nameStart + nameLength));
      // Flags: 8 is the parent; deleted ones (4) may still be there.
      if ((flags & 8) === 0 && place >= 0) yield { name, at: place };
      at += Math.ceil((38 + useLength + nameLength) / 4) * 4;
    }
  }

  #tag(at: number): number {
    if (at < 0 || at + SECTOR > this.#input.length) return -1;
    let sum = 0;
    for (let i = 0; i < 16; i++) if (i !== 4) sum += this.#input[at + i] as number;
    return (sum & 0xff) === this.#input[at + 4] ? this.#u16(at) : -1;
  }

  #u16(at: number): number {
    return at >= 0 && at + 2 <= this.#input.length ? this.#input.readUInt16LE(at) : 0;
  }

  #u32(at: number): number {
    return at >= 0 && at + 4 <= this.#input.length ? this.#input.readUInt32LE(at) : 0;
  }
}

// OSTA compressed Unicode: 8 or 16 bits for each character.
function udfName(bytes: Buffer): string {
  const text = bytes.subarray(1);
  if (bytes[0] !== 16) return text.toString("latin1");
  return Buffer.from(text.subarray(0, text.length & ~1))
    .swap16()
    .toString("utf16le");
}
