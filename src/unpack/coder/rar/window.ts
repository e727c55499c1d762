// What the decoders of RAR share: the bytes that later files of a solid archive may repeat, tables of
// lengths and distances, and how a decoder of one version looks.

import { OutputFullError } from "../../archive/stream/output.ts";

/** The furthest a match of RAR up to version 4 can reach back. */
const WINDOW = 1 << 22;

/** Bytes of the file that is being made, and those before it. */
export class RarWindow {
  #bytes: Uint8Array = new Uint8Array(1 << 16);
  #size = 0;
  #start = 0;
  #sizeMax = 0;

  /** Begins a file of at most `sizeMax` bytes; what the next file could not reach is forgotten. */
  begin(sizeMax: number): void {
    const kept = Math.min(this.#size, WINDOW);
    if (this.#size > kept) {
      this.#bytes.copyWithin(0, this.#size - kept, this.#size);
      this.#size = kept;
    }
    this.#start = this.#size;
    this.#sizeMax = this.#start + sizeMax;
  }

  /** Bytes of the file so far. */
  get size(): number {
    return this.#size - this.#start;
  }

  get isFull(): boolean {
    return this.#size >= this.#sizeMax;
  }

  /** The file's bytes, as a copy. */
  get made(): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#start, this.#size));
  }

  push(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#size++] = byte;
  }

  /** Repeats bytes; false if there are none such. What would be too much is left out. */
  copy(distance: number, length: number): boolean {
    if (distance < 1 || distance > this.#size) return false;
    const count = Math.min(length, this.#sizeMax - this.#size);
    this.#reserve(count);
    const bytes = this.#bytes;
    const end = this.#size + count;
    for (let at = this.#size; at < end; at++) bytes[at] = bytes[at - distance] as number;
    this.#size = end;
    return true;
  }

  #reserve(count: number): void {
    const needed = this.#size + count;
    if (needed > this.#sizeMax) throw new OutputFullError();
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#sizeMax, Math.max(needed, this.#size * 2)));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}

/** How a file ended: `unsupported` names what is not known. */
export type RarEnd =
  | { readonly kind: "whole"; readonly bytes: Buffer }
  | { readonly kind: "broken"; readonly bytes: Buffer }
  | { readonly kind: "unsupported"; readonly bytes: Buffer; readonly what: string };

/** A decoder of one version; files of a solid archive are given to the same one, in their order. */
export interface RarDecoder {
  /** Unpacks `input` to `size` bytes; `isSolid`: goes on where the last file ended. */
  unpack(input: Uint8Array, size: number, isSolid: boolean, goesOn: () => boolean): RarEnd;
}

function basesOf(bits: Uint8Array): Int32Array {
  const bases = new Int32Array(bits.length);
  for (let i = 1; i < bits.length; i++) {
    bases[i] = (bases[i - 1] as number) + 2 ** (bits[i - 1] as number);
  }
  return bases;
}

/** Bits behind each symbol of a length, a distance and a short distance, and what they add to. */
export class RarTables {
  readonly lengthBits = Uint8Array.from({ length: 28 }, (_, i) => (i < 8 ? 0 : (i >> 2) - 1));
  readonly lengthBases = basesOf(this.lengthBits);
  readonly distanceBits = Uint8Array.from({ length: 60 }, (_, i) =>
    i < 4 ? 0 : i < 36 ? (i >> 1) - 1 : i < 48 ? 16 : 18,
  );
  readonly distanceBases = basesOf(this.distanceBits);
  readonly shortBits = Uint8Array.of(2, 2, 3, 4, 5, 6, 6, 6);
  readonly shortBases = basesOf(this.shortBits);
}
