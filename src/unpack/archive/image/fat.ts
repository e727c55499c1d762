// FAT file systems: floppies, USB sticks, and what is mounted from a disk image by a double click.
// Microsoft FAT specification (2005). Deleted files are not looked for: no program shows them.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type Extent, FileTable } from "./file-table.ts";

const ENTRY_BYTES = 32;
const ATTRIBUTE_FOLDER = 0x10;
const ATTRIBUTE_LABEL = 0x08;
const ATTRIBUTE_LONG = 0x0f;
const DELETED = 0xe5;
const FOLDERS_MAX = 20_000;
const ENTRIES_MAX = 200_000;
const CHAIN_MAX = 4_000_000;
const FOLDER_BYTES_MAX = 4 << 20;

/** Yields the files of a FAT volume. */
export function* explodeFat(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const table = new FileTable(input, giver);
  const layout = readLayout(input);
  if (layout === undefined) giver.note("damaged", "the boot sector is broken");
  else new FatVolume(input, layout, giver).addTo(table);
  yield* table.give();
  return giver.outcome;
}

interface FatLayout {
  readonly bits: 12 | 16 | 32;
  readonly fatAt: number;
  readonly rootAt: number;
  readonly rootSize: number;
  /** First cluster of the root folder, FAT32 only. */
  readonly rootCluster: number;
  readonly dataAt: number;
  readonly clusterSize: number;
  readonly clusters: number;
}

// §3.1–3.5: which of the three it is follows from the number of clusters alone.
function readLayout(input: Buffer): FatLayout | undefined {
  if (input.length < 512) return;
  const sector = input.readUInt16LE(11);
  const clusterSize = (input[13] as number) * sector;
  const fats = input[16] as number;
  const rootSize = input.readUInt16LE(17) * ENTRY_BYTES;
  const sectors = input.readUInt16LE(19) || input.readUInt32LE(32);
  const fatSectors = input.readUInt16LE(22) || input.readUInt32LE(36);
  if (![512, 1024, 2048, 4096].includes(sector) || clusterSize === 0 || fats === 0) return;
  const fatAt = input.readUInt16LE(14) * sector;
  const rootAt = fatAt + fats * fatSectors * sector;
  const dataAt = rootAt + Math.ceil(rootSize / sector) * sector;
  const clusters = Math.floor((sectors * sector - dataAt) / clusterSize);
  if (fatSectors === 0 || clusters < 1) return;
  const bits = clusters < 4085 ? 12 : clusters < 65_525 ? 16 : 32;
  const rootCluster = bits === 32 ? input.readUInt32LE(44) : 0;
  return { bits, fatAt, rootAt, rootSize, rootCluster, dataAt, clusterSize, clusters };
}

class FatVolume {
  readonly #input: Buffer;
  readonly #layout: FatLayout;
  readonly #giver: Giver;
  #links = 0;

  constructor(input: Buffer, layout: FatLayout, giver: Giver) {
    this.#input = input;
    this.#layout = layout;
    this.#giver = giver;
  }

  addTo(table: FileTable): void {
    const { bits, rootAt, rootSize, rootCluster } = this.#layout;
    const root =
      bits === 32 ? this.#chain(rootCluster, Infinity) : [{ at: rootAt, size: rootSize }];
    const open = [{ path: "", extents: root }];
    const seen = new Set<number>();
    let count = 0;
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      for (const entry of this.#entries(folder.extents)) {
        if (!this.#giver.goesOn()) return;
        if (++count > ENTRIES_MAX) this.#giver.stop("too many files");
        const path = folder.path === "" ? entry.name : `${folder.path}/${entry.name}`;
        if (!entry.isFolder) {
          table.add(path, this.#file(entry.cluster, entry.size, path));
          continue;
        }
        if (seen.has(entry.cluster)) continue;
        seen.add(entry.cluster);
        if (seen.size > FOLDERS_MAX) this.#giver.stop("too many folders");
        open.push({ path, extents: this.#chain(entry.cluster, Infinity) });
      }
    }
  }

  #file(cluster: number, size: number, path: string): Extent[] {
    const extents = this.#chain(cluster, size);
    let left = size;
    const used = extents.map((extent) => {
      const part = { at: extent.at, size: Math.min(extent.size, left) };
      left -= part.size;
      return part;
    });
    if (left > 0) this.#giver.note("damaged", "a chain of clusters is broken", path);
    return used;
  }

  // The clusters from `first` on, neighbours joined; no longer than `size` needs, nor than the disk.
  #chain(first: number, size: number): Extent[] {
    const { clusterSize, clusters, dataAt } = this.#layout;
    const extents: { at: number; size: number }[] = [];
    let cluster = first;
    const limit = Math.min(clusters, Math.ceil(size / clusterSize));
    for (let count = 0; count < limit && cluster >= 2 && cluster < clusters + 2; count++) {
      if (++this.#links > CHAIN_MAX) {
        this.#giver.stop("too many clusters");
        break;
      }
      const at = dataAt + (cluster - 2) * clusterSize;
      const last = extents.at(-1);
      if (last !== undefined && last.at + last.size === at) last.size += clusterSize;
      else extents.push({ at, size: clusterSize });
      cluster = this.#next(cluster);
    }
    return extents;
  }

  // §4: 12-bit links lie across bytes; the upper four of 32 bits do not count. 0 if it is not there.
  #next(cluster: number): number {
    const { bits, fatAt } = this.#layout;
    const at = fatAt + Math.floor((cluster * bits) / 8);
    if (at + 4 > this.#input.length) return 0;
    if (bits === 32) return this.#input.readUInt32LE(at) & 0x0fff_ffff;
    const word = this.#input.readUInt16LE(at);
    if (bits === 16) return word;
    return (cluster & 1) === 1 ? word >> 4 : word & 0xfff;
  }

  *#entries(extents: readonly Extent[]): Generator<FatEntry> {
    let left = FOLDER_BYTES_MAX;
    let long = "";
    for (const { at: start, size } of extents) {
      const end = Math.min(start + Math.min(size, left), this.#input.length);
      left -= size;
      for (let at = start; at + ENTRY_BYTES <= end; at += ENTRY_BYTES) {
        const first = this.#input[at] as number;
        const attributes = this.#input[at + 11] as number;
        if (first === 0) return;
        if (first === DELETED) long = "";
        else if ((attributes & 0x3f) === ATTRIBUTE_LONG) long = longPiece(this.#input, at) + long;
        else {
          const entry = this.#entry(at, attributes, long);
          long = "";
          const isListed = entry.name !== "." && entry.name !== "..";
          if (isListed && (attributes & ATTRIBUTE_LABEL) === 0) yield entry;
        }
      }
      if (left <= 0) return;
    }
  }

  #entry(at: number, attributes: number, long: string): FatEntry {
    const high = this.#layout.bits === 32 ? this.#input.readUInt16LE(at + 20) : 0;
    return {
      name: long === "" ? shortName(this.#input, at) : long,
      isFolder: (attributes & ATTRIBUTE_FOLDER) !== 0,
      cluster: high * 65_536 + this.#input.readUInt16LE(at + 26),
      size: this.#input.readUInt32LE(at + 28),
    };
  }
}

interface FatEntry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly cluster: number;
  readonly size: number;
}

// §6.1: eight and three characters; E5 as a first one is written as 05.
function shortName(input: Buffer, at: number): string {
  const text = input.toString("latin1", at, at + 11);
  const base = `${input[at] === 5 ? "\xe5" : text.slice(0, 1)}${text.slice(1, 8)}`.trimEnd();
  const extension = text.slice(8).trimEnd();
  return extension === "" ? base : `${base}.${extension}`;
}

// §7: thirteen characters in three places; the pieces come last one first.
function longPiece(input: Buffer, at: number): string {
  const text =
    input.toString("utf16le", at + 1, at + 11) +
    input.toString("utf16le", at + 14, at + 26) +
    input.toString("utf16le", at + 28, at + 32);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
