// The files of a disk image, gathered from all its directories before any is read: one content may
// go by several names, and is given once.

import type { Extract } from "../../../message.ts";
import { joinNames } from "../../../text/object-name.ts";
import type { Giver } from "../giver.ts";

/** A stretch of the image, in bytes. */
export interface Extent {
  readonly at: number;
  readonly size: number;
}

interface ImageFile {
  readonly names: string[];
  readonly extents: readonly Extent[];
}

const FILES_MAX = 50_000;
const EXTENTS_MAX = 100_000;
const NAMES_MAX = 8;

/** The files of one image. */
export class FileTable {
  readonly #bytes: Buffer;
  readonly #giver: Giver;
  readonly #files = new Map<string, ImageFile>();

  constructor(bytes: Buffer, giver: Giver) {
    this.#bytes = bytes;
    this.#giver = giver;
  }

  get size(): number {
    return this.#files.size;
  }

  /** Adds a file, or another name for one that is there. Empty extents do not count. */
  add(name: string, extents: readonly Extent[]): void {
    if (this.#giver.isStopped) return;
    const used = extents.filter(({ size }) => size > 0).slice(0, EXTENTS_MAX);
    const size = used.reduce((sum, extent) => sum + extent.size, 0);
    // Without content, the name is all there is.
    const key = used.length === 0 ? `name ${name}` : `${used[0]?.at} ${size} ${used.length}`;
    const known = this.#files.get(key);
    if (known === undefined) this.#files.set(key, { names: [name], extents: used });
    else if (known.names.length < NAMES_MAX) known.names.push(name);
    if (this.#files.size > FILES_MAX) this.#giver.stop(`more than ${FILES_MAX} files`);
  }

  /** Yields the files that were added. */
  *give(): Generator<Extract> {
    for (const { names, extents } of this.#files.values()) {
      if (!this.#giver.enter()) return;
      const name = joinNames(names);
      const size = extents.reduce((sum, extent) => sum + extent.size, 0);
      const there = extents.map((extent) => this.#view(extent));
      const isCut = there.some((piece, index) => piece.length < (extents[index]?.size ?? 0));
      if (isCut) this.#giver.note("damaged", "cut short", name);
      const found = there.reduce((sum, piece) => sum + piece.length, 0);
      if (found > this.#giver.room) this.#giver.refuse(name);
      else if (found > 0 || size === 0) {
        yield* this.#giver.give(name, (there.length === 1 && there[0]) || Buffer.concat(there));
      }
    }
  }

  #view({ at, size }: Extent): Buffer {
    return this.#bytes.subarray(Math.min(at, this.#bytes.length), at + size);
  }
}
