// LZX, as help files and cabinets pack with it: LZ77 with three repeated distances, and Huffman codes
// whose lengths are written as differences to the last block's. "LZX DATA COMPRESSION FORMAT"
// (Microsoft, 1997), and [MS-PATCH] §2 for the order of bits.

import type { Output } from "../archive/stream/output.ts";

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
const CODE_BITS_MAX = 16;
const PRETREE = 20;
const ALIGNED = 8;
const BLOCK = { verbatim: 1, aligned: 2, stored: 3 } as const;
/** Translated calls are looked for in the first gigabyte only. */
const TRANSLATED_FRAMES_MAX = 32_768;

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

/** Bits of words of two bytes, low byte first, highest bit first. */
class WordBits {
  readonly #bytes: Uint8Array;
  at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  get isPast(): boolean {
    return this.at * 8 - this.#count > this.#bytes.length * 8;
  }

  /** The next `count` bits (up to 16), which stay. */
  peek(count: number): number {
    if (this.#count < count) {
      const low = this.#bytes[this.at] ?? 0;
      const high = this.#bytes[this.at + 1] ?? 0;
      this.#held = ((this.#held & 0xffff) << 16) | (high << 8) | low;
      this.#count += 16;
      this.at += 2;
    }
    return (this.#held >>> (this.#count - count)) & ((1 << count) - 1);
  }

  skip(count: number): void {
    this.#count -= count;
  }

  take(count: number): number {
    const value = this.peek(count);
    this.#count -= count;
    return value;
  }

  takeLong(count: number): number {
    if (count <= 16) return this.take(count);
    const high = this.take(count - 16);
    return high * 65_536 + this.take(16);
  }

  /** Goes on at the next word; before stored bytes a whole word is skipped rather than none. */
  align(isStored: boolean): void {
    // Looking ahead may have taken one word too many.
    if (this.#count > 16 || (this.#count === 16 && !isStored)) this.at -= 2;
    if (this.#count === 0 && isStored) this.at += 2;
    this.#count = 0;
  }
}

/** A canonical code: per length the largest code, and where its symbols begin. */
class Code {
  readonly lengths: Uint8Array;
  readonly #limits = new Int32Array(CODE_BITS_MAX + 1);
  readonly #bases = new Int32Array(CODE_BITS_MAX + 1);
  readonly #symbols: Uint16Array;

  constructor(size: number) {
    this.lengths = new Uint8Array(size);
    this.#symbols = new Uint16Array(size);
  }

  /** Makes the code from `lengths`; false if they are those of no code. */
  build(): boolean {
    let code = 0;
    let index = 0;
    for (let bits = 1; bits <= CODE_BITS_MAX; bits++) {
      const first = index;
      for (let symbol = 0; symbol < this.lengths.length; symbol++) {
        if (this.lengths[symbol] === bits) this.#symbols[index++] = symbol;
      }
      this.#bases[bits] = first - code;
      code += index - first;
      this.#limits[bits] = code;
      if (code > 1 << bits) return false;
      code <<= 1;
    }
    return true;
  }

  /** The next symbol, -1 if no code stands there. */
  read(bits: WordBits): number {
    const ahead = bits.peek(CODE_BITS_MAX);
    for (let length = 1; length <= CODE_BITS_MAX; length++) {
      const code = ahead >>> (CODE_BITS_MAX - length);
      if (code >= (this.#limits[length] as number)) continue;
      bits.skip(length);
      return this.#symbols[code + (this.#bases[length] as number)] ?? -1;
    }
    return -1;
  }
}

/** How decoding ended. */
export type LzxEnd = "whole" | "truncated" | "corrupt";

/** Decodes frame by frame into `output`, which is also the window. */
export class LzxDecoder {
  readonly #output: Output;
  readonly #slots: number;
  readonly #slotBases: Int32Array;
  readonly #main: Code;
  readonly #lengths = new Code(LENGTHS);
  readonly #aligned = new Code(ALIGNED);
  readonly #pretree = new Code(PRETREE);
  #recent: [number, number, number] = [1, 1, 1];
  #blockType = 0;
  #blockLeft = 0;
  /** A stored block of odd size has a byte of padding behind it. */
  #isPadded = false;
  #isStarted = false;
  #translationSize = 0;
  #frames = 0;
  #isLast = false;

  constructor(slots: number, output: Output) {
    this.#output = output;
    this.#slots = slots;
    this.#slotBases = slotBases(slots);
    this.#main = new Code(256 + 8 * slots);
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
      const isTranslated = bits.take(1) === 1;
      this.#translationSize = isTranslated ? bits.takeLong(32) : 0;
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
    this.#blockLeft = bits.takeLong(24);
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
