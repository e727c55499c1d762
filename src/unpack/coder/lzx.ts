// LZX, as help files and cabinets pack with it: LZ77 with three repeated distances, and Huffman codes
// whose lengths are written as differences to the last block's. "LZX DATA COMPRESSION FORMAT"
// (Microsoft, 1997), and [MS-PATCH] §2 for the order of bits.

import type { Output } from "../archive/stream/output.ts";
import { WordBits, WordCode } from "./word-bits.ts";

/** Output comes in frames of this size, after each of which input is aligned. */
export const LZX_FRAME = 32_768;

const SLOTS: ReadonlyMap<number, number> = new Map([
  ...([
    [15, 30],
    [16, 32],
    [17, 34],
    [18, 36],
    [19, 38],
    [20, 42],
    [21, 50],
  ] as const),
]);
const LENGTHS = 249;
const PRETREE = 20;
const ALIGNED = 8;
const BLOCK = { verbatim: 1, aligned: 2, stored: 3 } as const;
/** Translated calls are looked for in the first gigabyte only. */
const TRANSLATED_FRAMES_MAX = 32_768;
/** Size of a program that calls are translated for, where it is not told. */
const IMAGE_TRANSLATION = 12_000_000;
/** From this window on (64 KB) sizes of blocks are written with a byte more. */
const WIDE_SLOTS = 32;

/** How many slots distances have in a window of 2^`windowBits`; undefined if there is none such. */
export function lzxSlots(windowBits: number): number | undefined {
  return SLOTS.get(windowBits);
}

// Slots come in pairs: each pair has one extra bit more, up to 17.
function extraBits(slot: number): number {
  return slot < 4 ? 0 : Math.min(17, (slot >> 1) - 1);
}

function slotBases(slots: number): Int32Array {
  const bases = new Int32Array(slots);
  for (let slot = 1; slot < slots; slot++) {
    bases[slot] = (bases[slot - 1] as number) + (1 << extraBits(slot - 1));
  }
  return bases;
}

/** How decoding ended. */
export type LzxEnd = "whole" | "truncated" | "corrupt";

/** Decodes frame by frame into `output`, which is also the window. */
export class LzxDecoder {
  readonly #output: Output;
  readonly #slots: number;
  readonly #slotBases: Int32Array;
  readonly #main: WordCode;
  readonly #lengths = new WordCode(LENGTHS);
  readonly #aligned = new WordCode(ALIGNED);
  readonly #pretree = new WordCode(PRETREE);
  #recent: [number, number, number] = [1, 1, 1];
  #blockType = 0;
  #blockLeft = 0;
  /** A stored block of odd size has a byte of padding behind it. */
  #isPadded = false;
  #isStarted = false;
  #translationSize = 0;
  #frames = 0;
  #isLast = false;
  readonly #isImage: boolean;

  /**
   * `slots` as `lzxSlots()` has them. In images (WIM) nothing is told of translation, which is always
   * done, and sizes of blocks are written shorter.
   */
  constructor(slots: number, output: Output, container: "stream" | "image" = "stream") {
    this.#isImage = container === "image";
    this.#output = output;
    this.#slots = slots;
    this.#slotBases = slotBases(slots);
    this.#main = new WordCode(256 + 8 * slots);
  }

  /** Forgets everything but what was made: the next frame begins like a stream. */
  reset(): void {
    this.#recent = [1, 1, 1];
    this.#blockLeft = 0;
    this.#isStarted = false;
    this.#isPadded = false;
    this.#main.lengths.fill(0);
    this.#lengths.lengths.fill(0);
  }

  /** Decodes one frame of `size` bytes that begins at `start`; where the next one begins. */
  frame(
    input: Uint8Array,
    start: number,
    size: number,
  ): { readonly end: LzxEnd; readonly at: number } {
    const bits = new WordBits(input, start);
    const from = this.#output.size;
    this.#isLast = size < LZX_FRAME;
    if (!this.#isStarted) {
      this.#isStarted = true;
      if (this.#isImage) this.#translationSize = IMAGE_TRANSLATION;
      else this.#translationSize = bits.take(1) === 1 ? bits.takeLong(32) : 0;
    }
    this.#output.reserve(size);
    while (this.#output.size - from < size) {
      if (this.#blockLeft === 0 && !this.#readBlockHeader(bits, input)) return this.#broken(bits);
      const count = Math.min(this.#blockLeft, size - (this.#output.size - from));
      const isGood =
        this.#blockType === BLOCK.stored
          ? this.#copyStored(bits, input, count)
          : this.#decode(bits, this.#output.size + count);
      if (!isGood || bits.isPast) return this.#broken(bits);
    }
    bits.align(false);
    this.#translate(from);
    this.#frames++;
    return { end: "whole", at: bits.at };
  }

  #broken(bits: WordBits): { readonly end: LzxEnd; readonly at: number } {
    return { end: bits.isPast ? "truncated" : "corrupt", at: bits.at };
  }

  #readBlockHeader(bits: WordBits, input: Uint8Array): boolean {
    if (this.#isPadded) {
      this.#isPadded = false;
      bits.at++;
    }
    this.#blockType = bits.take(3);
    this.#blockLeft = this.#isImage ? this.#readImageSize(bits) : bits.takeLong(24);
    if (this.#blockLeft === 0) return false;
    switch (this.#blockType) {
      case BLOCK.aligned:
        for (let i = 0; i < ALIGNED; i++) this.#aligned.lengths[i] = bits.take(3);
        return this.#aligned.build() && this.#readCodes(bits);
      case BLOCK.verbatim:
        return this.#readCodes(bits);
      case BLOCK.stored: {
        bits.align(true);
        const { at } = bits;
        if (at + 12 > input.length) return false;
        const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
        const distance = (index: number) => view.getUint32(at + 4 * index, true);
        this.#recent = [distance(0), distance(1), distance(2)];
        bits.at = at + 12;
        this.#isPadded = this.#blockLeft % 2 === 1;
        return true;
      }
      default:
        return false;
    }
  }

  #readImageSize(bits: WordBits): number {
    if (bits.take(1) === 1) return LZX_FRAME;
    return bits.takeLong(this.#slots >= WIDE_SLOTS ? 24 : 16);
  }

  #readCodes(bits: WordBits): boolean {
    const { lengths } = this.#main;
    return (
      this.#readLengths(bits, lengths, 0, 256) &&
      this.#readLengths(bits, lengths, 256, lengths.length) &&
      this.#main.build() &&
      this.#readLengths(bits, this.#lengths.lengths, 0, LENGTHS) &&
      this.#lengths.build()
    );
  }

  // Lengths have a code of their own: differences to the last ones, and runs.
  #readLengths(bits: WordBits, lengths: Uint8Array, from: number, to: number): boolean {
    for (let i = 0; i < PRETREE; i++) this.#pretree.lengths[i] = bits.take(4);
    if (!this.#pretree.build()) return false;
    for (let at = from; at < to; ) {
      let symbol = this.#pretree.read(bits);
      if (symbol < 0 || bits.isPast) return false;
      let run = 1;
      let value = 0;
      if (symbol === 17) run = 4 + bits.take(4);
      else if (symbol === 18) run = 20 + bits.take(5);
      else {
        if (symbol === 19) {
          run = 4 + bits.take(1);
          symbol = this.#pretree.read(bits);
          if (symbol < 0 || symbol > 16) return false;
        }
        value = ((lengths[at] as number) + 17 - symbol) % 17;
      }
      lengths.fill(value, at, Math.min(to, at + run));
      at += run;
    }
    return true;
  }

  #copyStored(bits: WordBits, input: Uint8Array, count: number): boolean {
    if (bits.at + count > input.length) return false;
    this.#output.append(input.subarray(bits.at, bits.at + count));
    bits.at += count;
    this.#blockLeft -= count;
    return true;
  }

  // A match may not cross a frame's end; the last frame is packed whole, and only a part is wanted.
  #decode(bits: WordBits, limit: number): boolean {
    const output = this.#output;
    const before = output.size;
    while (output.size < limit) {
      const symbol = this.#main.read(bits);
      if (symbol < 0 || bits.isPast) return false;
      if (symbol < 256) {
        output.push(symbol);
        continue;
      }
      const head = symbol & 7;
      const more = head === 7 ? this.#lengths.read(bits) : 0;
      if (more < 0) return false;
      const length = head + more + 2;
      const distance = this.#readDistance(bits, (symbol - 256) >> 3);
      const room = limit - output.size;
      if (distance < 1 || distance > output.size || (length > room && !this.#isLast)) return false;
      output.copy(distance, Math.min(length, room));
    }
    this.#blockLeft -= output.size - before;
    return true;
  }

  #readDistance(bits: WordBits, slot: number): number {
    const [first, second, third] = this.#recent;
    if (slot === 0) return first;
    if (slot === 1) {
      this.#recent = [second, first, third];
      return second;
    }
    if (slot === 2) {
      this.#recent = [third, second, first];
      return third;
    }
    const extra = extraBits(slot);
    if (slot >= this.#slots) return -1;
    let distance = (this.#slotBases[slot] as number) - 2;
    if (this.#blockType === BLOCK.aligned && extra >= 3) {
      distance += bits.takeLong(extra - 3) * 8;
      const low = this.#aligned.read(bits);
      if (low < 0) return -1;
      distance += low;
    } else if (extra > 0) distance += bits.takeLong(extra);
    this.#recent = [distance, first, second];
    return distance;
  }

  // Calls in programs are written with absolute targets, which repeat; they become relative again.
  #translate(from: number): void {
    const { bytes, size } = this.#output;
    if (this.#translationSize === 0 || this.#frames >= TRANSLATED_FRAMES_MAX) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, size);
    for (let at = from; at < size - 10; at++) {
      if (bytes[at] !== 0xe8) continue;
      const target = view.getInt32(at + 1, true);
      if (target >= -at && target < this.#translationSize) {
        const relative = target >= 0 ? target - at : target + this.#translationSize;
        view.setInt32(at + 1, relative | 0, true);
      }
      at += 4;
    }
  }
}
