// The chains of clusters in FAT and exFAT volumes: a table has for each cluster the one that follows.

import type { Giver } from "../giver.ts";
import type { Extent } from "../image/file-table.ts";

/** All chains of one volume together. */
const CHAIN_MAX = 4_000_000;

/** Where the table and the clusters are, in bytes from the volume's start. */
export interface ClusterLayout {
  /** Width of a link. */
  readonly bits: 12 | 16 | 32;
  readonly fatAt: number;
  /** Of cluster 2, which is the first. */
  readonly dataAt: number;
  readonly clusterSize: number;
  readonly clusters: number;
}

/** Follows the chains of one volume. */
export class ClusterMap {
  readonly #input: Buffer;
  readonly #layout: ClusterLayout;
  readonly #giver: Giver;
  #links = 0;

  constructor(input: Buffer, layout: ClusterLayout, giver: Giver) {
    this.#input = input;
    this.#layout = layout;
    this.#giver = giver;
  }

  /** The bytes of a file that begins at `cluster`; it is damaged if its chain is too short. */
  file(cluster: number, size: number, path: string): Extent[] {
    const used = clipped(this.chain(cluster, size), size);
    const found = used.reduce((sum, extent) => sum + extent.size, 0);
    if (found < size) this.#giver.note("damaged", "a chain of clusters is broken", path);
    return used;
  }

  /** `size` bytes in clusters that simply follow `cluster`. */
  run(cluster: number, size: number): Extent[] {
    const { clusterSize, clusters, dataAt } = this.#layout;
    if (cluster < 2 || cluster >= clusters + 2) return [];
    return [{ at: dataAt + (cluster - 2) * clusterSize, size }];
  }

  /** The clusters from `first` on, neighbours joined; as many as `size` needs and the volume has. */
  chain(first: number, size: number): Extent[] {
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

  // 12-bit links lie across bytes; the upper four of 32 bits do not count. 0 if it is not there.
  #next(cluster: number): number {
    const { bits, fatAt } = this.#layout;
    const at = fatAt + Math.floor((cluster * bits) / 8);
    if (at + 4 > this.#input.length) return 0;
    if (bits === 32) return this.#input.readUInt32LE(at) & 0x0fff_ffff;
    const word = this.#input.readUInt16LE(at);
    if (bits === 16) return word;
    return (cluster & 1) === 1 ? word >> 4 : word & 0xfff;
  }
}

function clipped(extents: readonly Extent[], size: number): Extent[] {
  let left = size;
  return extents.map((extent) => {
    const part = { at: extent.at, size: Math.min(extent.size, left) };
    left -= part.size;
    return part;
  });
}
