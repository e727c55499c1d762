// RAR as versions 2.9 to 4 pack: LZ77 with four repeated distances and four Huffman codes, and filters
// that are declared in between. Learnt from libarchive's reader (BSD), whose documentation is its
// source. Text is packed with PPMd instead: what begins so is told.

import { BitReader } from "../../archive/stream/bits.ts";
import { OutputFullError } from "../../archive/stream/output.ts";
import { WordCode } from "../word-bits.ts";
import { RarFilters } from "./filters.ts";
import { type RarDecoder, type RarEnd, RarTables, RarWindow } from "./window.ts";

const MAIN = 299;
const DISTANCES = 60;
const LOW = 17;
const LENGTHS = 28;
const ALL = MAIN + DISTANCES + LOW + LENGTHS;
const PRECODE = 20;
const SYMBOL_END = 256;
const SYMBOL_FILTER = 257;
const SYMBOL_AGAIN = 258;
const SYMBOL_RECENT = 259;
const SYMBOL_SHORT = 263;
const SYMBOL_MATCH = 271;
/** A low part of a distance that says: the last one, for as many matches. */
const LOW_AGAIN = 16;
const LOW_AGAIN_COUNT = 15;
const FAR = 0x4_0000;
const MIDDLE = 0x2000;
const CHECK_EVERY = 65_536;

/** The last four distances, newest first. */
type Distances = [number, number, number, number];

/** Decodes the files of one archive. */
export class Rar29Decoder implements RarDecoder {
  readonly #window = new RarWindow();
  readonly #tables = new RarTables();
  readonly #filters = new RarFilters();
  readonly #lengths = new Uint8Array(ALL);
  readonly #main = new WordCode(MAIN);
  readonly #distances = new WordCode(DISTANCES);
  readonly #low = new WordCode(LOW);
  readonly #lengthCode = new WordCode(LENGTHS);
  #bits = new BitReader(new Uint8Array(0));
  #recent: Distances = [0, 0, 0, 0];
  #lastLength = 0;
  #lastLow = 0;
  #lowRepeats = 0;
  #hasTables = false;
  #unsupported = "";

  unpack(input: Uint8Array, size: number, isSolid: boolean, goesOn: () => boolean): RarEnd {
    this.#bits = new BitReader(input);
    this.#unsupported = "";
    if (!isSolid) this.#reset();
    this.#window.begin(size);
    this.#filters.begin(isSolid);
    let isGood = false;
    try {
      isGood = (this.#hasTables || this.#readTables()) && this.#decode(goesOn);
    } catch (error) {
      if (!(error instanceof OutputFullError)) throw error;
    }
    const made = this.#window.made;
    const filtered = this.#filters.apply(made);
    const what = this.#unsupported || filtered.unsupported;
    if (what !== "") return { kind: "unsupported", bytes: filtered.bytes, what };
    return { kind: isGood ? "whole" : "broken", bytes: filtered.bytes };
  }

  #reset(): void {
    this.#lengths.fill(0);
    this.#recent = [0, 0, 0, 0];
    this.#lastLength = 0;
    this.#hasTables = false;
  }

  // A bit says whether the lengths are differences to the last ones.
  #readTables(): boolean {
    const bits = this.#bits;
    bits.align();
    if (bits.take(1) === 1) {
      this.#unsupported = "PPMd in a solid archive";
      return false;
    }
    if (bits.take(1) === 0) this.#lengths.fill(0);
    this.#lastLow = 0;
    this.#lowRepeats = 0;
    const precode = readPrecode(bits);
    if (precode === undefined || !this.#readLengths(precode)) return false;
    let at = 0;
    for (const code of [this.#main, this.#distances, this.#low, this.#lengthCode]) {
      const end = at + code.lengths.length;
      code.lengths.set(this.#lengths.subarray(at, end));
      if (!code.build()) return false;
      at = end;
    }
    this.#hasTables = true;
    return !bits.isPast;
  }

  #readLengths(precode: WordCode): boolean {
    const [bits, lengths] = [this.#bits, this.#lengths];
    for (let at = 0; at < ALL; ) {
      const symbol = precode.read(bits);
      if (symbol < 0 || bits.isPast) return false;
      if (symbol < 16) {
        lengths[at] = ((lengths[at] as number) + symbol) & 15;
        at++;
        continue;
      }
      const count = symbol % 2 === 0 ? bits.take(3) + 3 : bits.take(7) + 11;
      if (symbol < 18 && at === 0) return false;
      lengths.fill(symbol < 18 ? (lengths[at - 1] as number) : 0, at, Math.min(ALL, at + count));
      at += count;
    }
    return true;
  }

  #decode(goesOn: () => boolean): boolean {
    const [bits, window] = [this.#bits, this.#window];
    for (let count = 1; !window.isFull; count++) {
      if (count % CHECK_EVERY === 0 && !goesOn()) return false;
      const symbol = this.#main.read(bits);
      if (symbol < 0 || bits.isPast) return false;
      if (symbol < 256) window.push(symbol);
      else if (symbol === SYMBOL_END) {
        const isNext = bits.take(1) === 1;
        if (!isNext) this.#hasTables = bits.take(1) === 0;
        if (!isNext) return false;
        if (!this.#readTables()) return false;
      } else if (symbol === SYMBOL_FILTER) {
        if (!this.#filters.declare(bits, window.size)) return false;
      } else if (!this.#copy(symbol)) return false;
    }
    this.#readEnd();
    return true;
  }

  // The mark behind the last byte says whether the next file of a solid archive has tables.
  #readEnd(): void {
    const bits = this.#bits;
    if (this.#main.read(bits) !== SYMBOL_END || bits.isPast) return;
    const isNext = bits.take(1) === 1;
    if (isNext) this.#readTables();
    else this.#hasTables = bits.take(1) === 0;
  }

  #copy(symbol: number): boolean {
    if (symbol === SYMBOL_AGAIN) {
      const isThere = this.#lastLength > 0;
      return !isThere || this.#window.copy(this.#recent[0], this.#lastLength);
    }
    const { length, distance } =
      symbol < SYMBOL_SHORT
        ? this.#repeated(symbol - SYMBOL_RECENT)
        : symbol < SYMBOL_MATCH
          ? this.#short(symbol - SYMBOL_SHORT)
          : this.#match(symbol - SYMBOL_MATCH);
    this.#lastLength = length;
    return length > 0 && this.#window.copy(distance, length);
  }

  // One of the last four distances, which becomes the last one.
  #repeated(index: number): { length: number; distance: number } {
    const distance = this.#recent[index] as number;
    const others = this.#recent.filter((_, place) => place !== index);
    this.#recent = [distance, ...others] as Distances;
    const symbol = this.#lengthCode.read(this.#bits);
    if (symbol < 0) return { length: 0, distance };
    return { length: this.#length(symbol) + 2, distance };
  }

  #short(index: number): { length: number; distance: number } {
    const { shortBases, shortBits } = this.#tables;
    const extra = this.#bits.take(shortBits[index] as number);
    return { length: 2, distance: this.#newDistance((shortBases[index] as number) + 1 + extra) };
  }

  #match(index: number): { length: number; distance: number } {
    const length = this.#length(index) + 3;
    const symbol = this.#distances.read(this.#bits);
    if (symbol < 0) return { length: 0, distance: 0 };
    const distance = this.#newDistance(this.#farDistance(symbol));
    return { distance, length: length + (distance >= FAR ? 1 : 0) + (distance >= MIDDLE ? 1 : 0) };
  }

  #length(index: number): number {
    const { lengthBases, lengthBits } = this.#tables;
    return (lengthBases[index] as number) + this.#bits.take(lengthBits[index] as number);
  }

  // The four lowest bits of a far distance have a code of their own.
  #farDistance(symbol: number): number {
    const { distanceBases, distanceBits } = this.#tables;
    const extra = distanceBits[symbol] as number;
    const base = (distanceBases[symbol] as number) + 1;
    if (symbol <= 9) return base + this.#bits.take(extra);
    const high = extra > 4 ? this.#bits.take(extra - 4) * 16 : 0;
    if (this.#lowRepeats > 0) this.#lowRepeats--;
    else {
      const low = this.#low.read(this.#bits);
      if (low === LOW_AGAIN) this.#lowRepeats = LOW_AGAIN_COUNT;
      else this.#lastLow = Math.max(0, low);
    }
    return base + high + this.#lastLow;
  }

  #newDistance(distance: number): number {
    const [first, second, third] = this.#recent;
    this.#recent = [distance, first, second, third];
    return distance;
  }
}

// Lengths of the code that the other lengths are written in; 15 can be a run of zeros.
function readPrecode(bits: BitReader): WordCode | undefined {
  const code = new WordCode(PRECODE);
  for (let at = 0; at < PRECODE; ) {
    const length = bits.take(4);
    const zeros = length === 15 ? bits.take(4) : 0;
    if (zeros > 0) at += zeros + 2;
    else code.lengths[at++] = length;
  }
  return code.build() ? code : undefined;
}
