// The files of a disk image, gathered from all its directories before any is read: one content may
// go by several names, and is given once.

import type { Extract } from "../../../message.ts";
import { joinNames } from "../../../text/object-name.ts";
import type { Giver } from "../giver.ts";

/** Where an extent is that no bytes of the image belong to: it reads as zeros. */
export const HOLE = -1;

/** A stretch of the image, in bytes. */
export interface Extent {
  /** HOLE if it is nowhere. */
  readonly at: number;
  readonly size: number;
}

interface ImageFile {
  readonly names: string[];
  readonly content: readonly Extent[] | Maker;
}

/** Makes a file's bytes once its turn has come; undefined if it has told why there are none. */
type Maker = () => Uint8Array | undefined;

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
    const used = extents.filter(({ size }) => size > 0).slice(0, EXTENTS_MAX);
    // Without content, the name is all there is.
    const key =
      used.length === 0 ? `name ${name}` : `${used[0]?.at} ${sizeOf(used)} ${used.length}`;
    this.#add(name, key, used);
  }

  /** Adds a file whose bytes must be made; `key` is the same for all its names. */
  addMade(name: string, key: string, make: Maker): void {
    this.#add(name, `made ${key}`, make);
  }

  #add(name: string, key: string, content: ImageFile["content"]): void {
    if (this.#giver.isStopped) return;
    const known = this.#files.get(key);
    if (known === undefined) this.#files.set(key, { names: [name], content });
    else if (known.names.length < NAMES_MAX && !known.names.includes(name)) known.names.push(name);
    if (this.#files.size > FILES_MAX) this.#giver.stop(`more than ${FILES_MAX} files`);
  }

  /** Yields the files that were added. */
  *give(): Generator<Extract> {
    for (const { names, content } of this.#files.values()) {
      if (!this.#giver.enter()) return;
      const name = joinNames(names);
      const bytes = typeof content === "function" ? content() : this.#join(name, content);
      if (bytes !== undefined) yield* this.#giver.give(name, bytes);
    }
  }

  #join(name: string, extents: readonly Extent[]): Uint8Array | undefined {
    const size = sizeOf(extents);
    const there = extents.map((extent) => this.#view(extent));
    const found = there.reduce((sum, { length }, index) => {
      const extent = extents[index] as Extent;
      return sum + (extent.at === HOLE ? extent.size : length);
    }, 0);
    if (found < size) this.#giver.note("damaged", "cut short", name);
    if (found > this.#giver.room) {
      this.#giver.refuse(name);
      return;
    }
    if (found === 0 && size > 0) return;
    if (there.length === 1 && extents[0]?.at !== HOLE) return there[0];
    return Buffer.concat(
      there.map((view, index) => {
        const extent = extents[index] as Extent;
        return extent.at === HOLE ? Buffer.alloc(extent.size) : view;
      }),
    );
  }

  #view({ at, size }: Extent): Buffer {
    if (at === HOLE) return this.#bytes.subarray(0, 0);
    return this.#bytes.subarray(Math.min(at, this.#bytes.length), at + size);
  }
}

function sizeOf(extents: readonly Extent[]): number {
  return extents.reduce((sum, { size }) => sum + size, 0);
}
