// FAT file systems: floppies, USB sticks, and what is mounted from a disk image by a double click.
// Microsoft FAT specification (2005). Deleted files are not looked for: no program shows them.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type Extent, FileTable } from "../image/file-table.ts";
import { type ClusterLayout, ClusterMap } from "./clusters.ts";
import { folderBytes } from "./folder.ts";

const ENTRY_BYTES = 32;
const ATTRIBUTE_FOLDER = 0x10;
const ATTRIBUTE_LABEL = 0x08;
const ATTRIBUTE_LONG = 0x0f;
const DELETED = 0xe5;
const FOLDERS_MAX = 20_000;
const ENTRIES_MAX = 200_000;

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

interface FatLayout extends ClusterLayout {
  readonly rootAt: number;
  readonly rootSize: number;
  /** First cluster of the root folder, FAT32 only. */
  readonly rootCluster: number;
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
  readonly #clusters: ClusterMap;

  constructor(input: Buffer, layout: FatLayout, giver: Giver) {
    this.#input = input;
    this.#layout = layout;
    this.#giver = giver;
    this.#clusters = new ClusterMap(input, layout, giver);
  }

  addTo(table: FileTable): void {
    const { bits, rootAt, rootSize, rootCluster } = this.#layout;
    const root =
      bits === 32 ? this.#clusters.chain(rootCluster, Infinity) : [{ at: rootAt, size: rootSize }];
    const open = [{ path: "", extents: root }];
    const seen = new Set<number>();
    let count = 0;
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      for (const entry of this.#entries(folder.extents)) {
        if (!this.#giver.goesOn()) return;
        if (++count > ENTRIES_MAX) this.#giver.stop("too many files");
        const path = folder.path === "" ? entry.name : `${folder.path}/${entry.name}`;
        if (!entry.isFolder) {
          table.add(path, this.#clusters.file(entry.cluster, entry.size, path));
          continue;
        }
        if (seen.has(entry.cluster)) continue;
        seen.add(entry.cluster);
        if (seen.size > FOLDERS_MAX) this.#giver.stop("too many folders");
        open.push({ path, extents: this.#clusters.chain(entry.cluster, Infinity) });
      }
    }
  }

  *#entries(extents: readonly Extent[]): Generator<FatEntry> {
    const folder = folderBytes(this.#input, extents, this.#giver);
    let long = "";
    for (let at = 0; at + ENTRY_BYTES <= folder.length; at += ENTRY_BYTES) {
      const first = folder[at] as number;
      const attributes = folder[at + 11] as number;
      if (first === 0) return;
      if (first === DELETED) long = "";
      else if ((attributes & 0x3f) === ATTRIBUTE_LONG) long = longPiece(folder, at) + long;
      else {
        const entry = this.#entry(folder, at, long);
        long = "";
        const isListed = entry.name !== "." && entry.name !== "..";
        if (isListed && (attributes & ATTRIBUTE_LABEL) === 0) yield entry;
      }
    }
  }

  #entry(folder: Buffer, at: number, long: string): FatEntry {
    const high = this.#layout.bits === 32 ? folder.readUInt16LE(at + 20) : 0;
    return {
      name: long === "" ? shortName(folder, at) : long,
      isFolder: ((folder[at + 11] as number) & ATTRIBUTE_FOLDER) !== 0,
      cluster: high * 65_536 + folder.readUInt16LE(at + 26),
      size: folder.readUInt32LE(at + 28),
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
