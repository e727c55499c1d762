// The LZMA decoder, and LZMA2, which is LZMA in chunks that may reset it. After Igor Pavlov's "LZMA
// specification" (2015) and "The .xz File Format" 1.2.1 §5.3.1. Speed matters here: all arithmetic
// is 32-bit, and unsigned comparisons flip the sign bit.

import type { Output } from "./output.ts";

/** How decoding ended. `at` is the position behind the last byte that was used. */
export interface LzmaEnd {
  readonly at: number;
  readonly problem: "" | "cut short" | "broken data";
}

/** Literal context, literal position and position bits. */
export interface LzmaProperties {
  readonly lc: number;
  readonly lp: number;
  readonly pb: number;
}

const SIGN = 0x8000_0000 | 0;
const HALF = 1024;
const STATES = 12;
const POSITION_STATES = 16;
const LENGTH_PROBABILITIES = 2 + POSITION_STATES * 8 * 2 + 256;
const ALIGN_BITS = 4;
const MATCH_MIN = 2;
const END_MARK = 0xffff_ffff | 0;

/** The properties that a byte holds; undefined if none are. */
export function lzmaProperties(byte: number): LzmaProperties | undefined {
  if (byte >= 9 * 5 * 5) return;
  return { lc: byte % 9, lp: Math.floor(byte / 9) % 5, pb: Math.floor(byte / 45) };
}

/** Decodes into `output`, which is also its window. */
export class LzmaDecoder {
  readonly #output: Output;
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #range = 0;
  #code = 0;
  #state = 0;
  #lc = 0;
  #lpMask = 0;
  #pbMask = 0;
  /** Distances of the last four matches, less one. */
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;
  /** Where the window begins: matches may not reach further back. */
  #windowStart = 0;
  #literals = new Uint16Array(0);
  readonly #isMatch = new Uint16Array(STATES * POSITION_STATES);
  readonly #isRep = new Uint16Array(STATES);
  readonly #isRepG0 = new Uint16Array(STATES);
  readonly #isRepG1 = new Uint16Array(STATES);
  readonly #isRepG2 = new Uint16Array(STATES);
  readonly #isRep0Long = new Uint16Array(STATES * POSITION_STATES);
  readonly #slots = new Uint16Array(4 * 64);
  readonly #special = new Uint16Array(128);
  readonly #align = new Uint16Array(1 << ALIGN_BITS);
  readonly #matchLength = new Uint16Array(LENGTH_PROBABILITIES);
  readonly #repLength = new Uint16Array(LENGTH_PROBABILITIES);

  constructor(output: Output) {
    this.#output = output;
    this.#windowStart = output.size;
  }

  /** Forgets everything that was decoded before. */
  resetWindow(): void {
    this.#windowStart = this.#output.size;
  }

  /** Starts anew with these properties. */
  reset({ lc, lp, pb }: LzmaProperties): void {
    this.#lc = lc;
    this.#lpMask = (1 << lp) - 1;
    this.#pbMask = (1 << pb) - 1;
    this.#literals = new Uint16Array(0x300 << (lc + lp)).fill(HALF);
    this.resetState();
  }

  /** Starts anew with the properties it has. */
  resetState(): void {
    this.#state = 0;
    this.#rep0 = 0;
    this.#rep1 = 0;
    this.#rep2 = 0;
    this.#rep3 = 0;
    this.#literals.fill(HALF);
    const flags = [this.#isMatch, this.#isRep, this.#isRepG0, this.#isRepG1, this.#isRepG2];
    const trees = [this.#slots, this.#special, this.#align, this.#matchLength, this.#repLength];
    for (const probabilities of [...flags, this.#isRep0Long, ...trees]) probabilities.fill(HALF);
  }

  /** Decodes from `start` until `size` bytes are made (Infinity: until the end mark). */
  decode(input: Uint8Array, start: number, end: number, size: number): LzmaEnd {
    // The range coder begins with a zero and four bytes of code.
    if (start + 5 > end) return { at: end, problem: "cut short" };
    if (input[start] !== 0) return { at: start, problem: "broken data" };
    this.#input = input;
    this.#end = end;
    this.#at = start + 1;
    this.#range = -1;
    this.#code = 0;
    for (let i = 0; i < 4; i++) this.#code = (this.#code << 8) | (input[this.#at++] as number);
    const limit = this.#output.size + size;
    while (this.#output.size < limit) {
      const sizeBefore = this.#output.size;
      const isMarked = this.#step(limit);
      if (this.#at > this.#end) {
        // What was made last is made of bytes that are not there.
        this.#output.size = sizeBefore;
        return { at: end, problem: "cut short" };
      }
      if (isMarked === undefined) return { at: this.#at, problem: "broken data" };
      if (isMarked) return { at: this.#at, problem: size === Infinity ? "" : "broken data" };
    }
    return { at: this.#at, problem: "" };
  }

  /** An end mark may follow a stream of known size: skips it. */
  skipEndMark(): number {
    const before = this.#at;
    const isMarked = this.#at + 4 < this.#end && this.#step(this.#output.size) === true;
    return isMarked ? this.#at : before;
  }

  // One literal or match. True at the end mark, undefined at what cannot be.
  #step(limit: number): boolean | undefined {
    const output = this.#output;
    const posState = (output.size - this.#windowStart) & this.#pbMask;
    const state = this.#state;
    if (this.#bit(this.#isMatch, state * POSITION_STATES + posState) === 0) {
      if (output.size < limit) this.#literal();
      return false;
    }
    let length: number;
    if (this.#bit(this.#isRep, state) === 0) {
      this.#rep3 = this.#rep2;
      this.#rep2 = this.#rep1;
      this.#rep1 = this.#rep0;
      length = this.#length(this.#matchLength, posState);
      this.#state = state < 7 ? 7 : 10;
      this.#rep0 = this.#distance(length);
      if (this.#rep0 === END_MARK) {
        this.#normalize();
        return true;
      }
    } else {
      length = this.#repeated(posState);
    }
    const distance = (this.#rep0 >>> 0) + 1;
    if (distance > output.size - this.#windowStart) return undefined;
    const fits = Math.min(length, limit - output.size);
    output.copy(distance, fits);
    return fits === length ? false : undefined;
  }

  #repeated(posState: number): number {
    const state = this.#state;
    if (this.#bit(this.#isRepG0, state) === 0) {
      if (this.#bit(this.#isRep0Long, state * POSITION_STATES + posState) === 0) {
        this.#state = state < 7 ? 9 : 11;
        return 1;
      }
    } else {
      let distance = this.#rep1;
      if (this.#bit(this.#isRepG1, state) !== 0) {
        distance = this.#rep2;
        if (this.#bit(this.#isRepG2, state) !== 0) {
          distance = this.#rep3;
          this.#rep3 = this.#rep2;
        }
        this.#rep2 = this.#rep1;
      }
      this.#rep1 = this.#rep0;
      this.#rep0 = distance;
    }
    this.#state = state < 7 ? 8 : 11;
    return this.#length(this.#repLength, posState);
  }

  #literal(): void {
    const output = this.#output;
    const position = output.size - this.#windowStart;
    const previous = position === 0 ? 0 : (output.bytes[output.size - 1] as number);
    const context = ((position & this.#lpMask) << this.#lc) + (previous >>> (8 - this.#lc));
    const base = 0x300 * context;
    let symbol = 1;
    if (this.#state >= 7) {
      let match = output.bytes[output.size - (this.#rep0 >>> 0) - 1] ?? 0;
      do {
        const expected = (match >>> 7) & 1;
        match <<= 1;
        const bit = this.#bit(this.#literals, base + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (expected !== bit) break;
      } while (symbol < 0x100);
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(this.#literals, base + symbol);
    output.push(symbol & 0xff);
    const state = this.#state;
    this.#state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  }

  // Two choice bits, then a tree of 8, 8 or 256 lengths.
  #length(probabilities: Uint16Array, posState: number): number {
    if (this.#bit(probabilities, 0) === 0) {
      return MATCH_MIN + this.#tree(probabilities, 2 + posState * 8, 3);
    }
    if (this.#bit(probabilities, 1) === 0) {
      return MATCH_MIN + 8 + this.#tree(probabilities, 2 + (POSITION_STATES + posState) * 8, 3);
    }
    return MATCH_MIN + 16 + this.#tree(probabilities, 2 + POSITION_STATES * 16, 8);
  }

  #distance(length: number): number {
    const lengthState = Math.min(length - MATCH_MIN, 3);
    const slot = this.#tree(this.#slots, lengthState * 64, 6);
    if (slot < 4) return slot;
    const directBits = (slot >>> 1) - 1;
    const distance = (2 | (slot & 1)) << directBits;
    if (slot < 14) {
      return distance + this.#reverseTree(this.#special, distance - slot, directBits);
    }
    let direct = 0;
    for (let count = directBits - ALIGN_BITS; count > 0; count--) {
      this.#normalize();
      this.#range >>>= 1;
      const isSet = (this.#code ^ SIGN) >= (this.#range ^ SIGN);
      if (isSet) this.#code = (this.#code - this.#range) | 0;
      direct = (direct << 1) | (isSet ? 1 : 0);
    }
    const low = this.#reverseTree(this.#align, 0, ALIGN_BITS);
    return (distance + (direct << ALIGN_BITS) + low) | 0;
  }

  #tree(probabilities: Uint16Array, base: number, bits: number): number {
    let node = 1;
    for (let i = 0; i < bits; i++) node = (node << 1) | this.#bit(probabilities, base + node);
    return node - (1 << bits);
  }

  #reverseTree(probabilities: Uint16Array, base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(probabilities, base + node);
      node = (node << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #bit(probabilities: Uint16Array, index: number): number {
    this.#normalize();
    const probability = probabilities[index] as number;
    const bound = Math.imul(this.#range >>> 11, probability);
    if ((this.#code ^ SIGN) < (bound ^ SIGN)) {
      this.#range = bound;
      probabilities[index] = probability + ((2048 - probability) >>> 5);
      return 0;
    }
    this.#range = (this.#range - bound) | 0;
    this.#code = (this.#code - bound) | 0;
    probabilities[index] = probability - (probability >>> 5);
    return 1;
  }

  #normalize(): void {
    if (this.#range >>> 24 !== 0) return;
    this.#range <<= 8;
    // Past the end there is nothing to read; decode() notices.
    const byte = this.#at < this.#end ? (this.#input[this.#at] as number) : 0;
    this.#code = (this.#code << 8) | byte;
    this.#at++;
  }
}

/** Decodes an LZMA2 stream: chunks of LZMA, or of plain bytes, up to a zero. */
export function decodeLzma2(
  input: Uint8Array,
  start: number,
  output: Output,
  goesOn: () => boolean,
): LzmaEnd {
  const decoder = new LzmaDecoder(output);
  let isReady = false;
  for (let at = start; goesOn(); ) {
    const control = input[at];
    if (control === undefined) return { at, problem: "cut short" };
    if (control === 0) return { at: at + 1, problem: "" };
    const low = ((input[at + 1] ?? 0) << 8) + (input[at + 2] ?? 0) + 1;
    if (control < 3) {
      if (control === 1) decoder.resetWindow();
      const data = input.subarray(at + 3, at + 3 + low);
      output.append(data);
      at += 3 + low;
      if (data.length < low) return { at: input.length, problem: "cut short" };
      continue;
    }
    if (control < 0x80) return { at, problem: "broken data" };
    const size = ((control & 0x1f) << 16) + low;
    const packed = ((input[at + 3] ?? 0) << 8) + (input[at + 4] ?? 0) + 1;
    const reset = (control >>> 5) & 3;
    if (reset === 3) decoder.resetWindow();
    const properties = reset >= 2 ? lzmaProperties(input[at + 5] ?? 255) : undefined;
    if (properties !== undefined) decoder.reset(properties);
    else if (reset >= 2 || !isReady) return { at, problem: "broken data" };
    else if (reset === 1) decoder.resetState();
    isReady = true;
    const dataStart = at + (reset >= 2 ? 6 : 5);
    at = dataStart + packed;
    const found = decoder.decode(input, dataStart, Math.min(at, input.length), size);
    if (found.problem !== "")
      return { at, problem: at > input.length ? "cut short" : found.problem };
  }
  return { at: start, problem: "cut short" };
}
