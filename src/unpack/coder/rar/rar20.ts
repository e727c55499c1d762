// RAR as version 2.0 packs: LZ77 with three Huffman codes, or sound, each byte of which is guessed from
// those before it. Learnt from what others wrote of the format; checked against The Unarchiver.

import { BitReader } from "../../archive/stream/bits.ts";
import { OutputFullError } from "../../archive/stream/output.ts";
import { WordCode } from "../word-bits.ts";
import { RarSound } from "./sound.ts";
import { type RarDecoder, type RarEnd, RarTables, RarWindow } from "./window.ts";

const MAIN = 298;
const DISTANCES = 48;
const LENGTHS = 28;
const SOUND = 257;
const CHANNELS_MAX = 4;
const PRECODE = 19;
const SYMBOL_AGAIN = 256;
const SYMBOL_SHORT = 261;
const SYMBOL_TABLES = 269;
const SYMBOL_MATCH = 270;
const SOUND_TABLES = 256;
const NEAR = 0x101;
const MIDDLE = 0x2000;
const FAR = 0x4_0000;
const CHECK_EVERY = 65_536;

/** Decodes the files of one archive. */
export class Rar20Decoder implements RarDecoder {
  readonly #window = new RarWindow();
  readonly #tables = new RarTables();
  readonly #old = new Uint8Array(SOUND * CHANNELS_MAX);
  readonly #main = new WordCode(MAIN);
  readonly #distances = new WordCode(DISTANCES);
  readonly #repeats = new WordCode(LENGTHS);
  readonly #soundCodes = Array.from({ length: CHANNELS_MAX }, () => new WordCode(SOUND));
  #bits = new BitReader(new Uint8Array(0));
  #sound = new RarSound();
  #recent: number[] = [0, 0, 0, 0];
  #lastLength = 0;
  #channels = 0;
  #hasTables = false;

  unpack(input: Uint8Array, size: number, isSolid: boolean, goesOn: () => boolean): RarEnd {
    this.#bits = new BitReader(input);
    if (!isSolid) this.#reset();
    this.#window.begin(size);
    let isGood = false;
    try {
      isGood = (this.#hasTables || this.#readTables()) && this.#decode(goesOn);
    } catch (error) {
      if (!(error instanceof OutputFullError)) throw error;
    }
    return { kind: isGood ? "whole" : "broken", bytes: this.#window.made };
  }

  #reset(): void {
    this.#old.fill(0);
    this.#sound = new RarSound();
    this.#recent = [0, 0, 0, 0];
    this.#lastLength = 0;
    this.#channels = 0;
    this.#hasTables = false;
  }

  #readTables(): boolean {
    const bits = this.#bits;
    const isSound = bits.take(1) === 1;
    if (bits.take(1) === 0) this.#old.fill(0);
    this.#channels = isSound ? bits.take(2) + 1 : 0;
    const codes = isSound
      ? this.#soundCodes.slice(0, this.#channels)
      : [this.#main, this.#distances, this.#repeats];
    const precode = new WordCode(PRECODE);
    for (let i = 0; i < PRECODE; i++) precode.lengths[i] = bits.take(4);
    const total = codes.reduce((sum, { lengths }) => sum + lengths.length, 0);
    if (!precode.build() || !this.#readLengths(precode, total)) return false;
    let at = 0;
    for (const code of codes) {
      code.lengths.set(this.#old.subarray(at, at + code.lengths.length));
      if (!code.build()) return false;
      at += code.lengths.length;
    }
    this.#hasTables = true;
    return !bits.isPast;
  }

  #readLengths(precode: WordCode, total: number): boolean {
    const [bits, lengths] = [this.#bits, this.#old];
    for (let at = 0; at < total; ) {
      const symbol = precode.read(bits);
      if (symbol < 0 || bits.isPast) return false;
      if (symbol < 16) {
        lengths[at] = ((lengths[at] as number) + symbol) & 15;
        at++;
        continue;
      }
      if (symbol === 16 && at === 0) return false;
      const count =
        symbol === 16 ? bits.take(2) + 3 : symbol === 17 ? bits.take(3) + 3 : bits.take(7) + 11;
      const value = symbol === 16 ? (lengths[at - 1] as number) : 0;
      lengths.fill(value, at, Math.min(total, at + count));
      at += count;
    }
    return true;
  }

  #decode(goesOn: () => boolean): boolean {
    const window = this.#window;
    for (let count = 1; !window.isFull; count++) {
      if (count % CHECK_EVERY === 0 && !goesOn()) return false;
      if (!(this.#channels > 0 ? this.#decodeSound() : this.#decodeSymbol())) return false;
    }
    this.#readEnd();
    return true;
  }

  // New tables may stand behind the last byte, for the next file of a solid archive.
  #readEnd(): void {
    const isSound = this.#channels > 0;
    const code = isSound ? this.#soundCodes[this.#sound.channel] : this.#main;
    const mark = isSound ? SOUND_TABLES : SYMBOL_TABLES;
    if (code?.read(this.#bits) === mark && !this.#bits.isPast) this.#readTables();
  }

  #decodeSound(): boolean {
    const symbol = (this.#soundCodes[this.#sound.channel] as WordCode).read(this.#bits);
    if (symbol < 0 || this.#bits.isPast) return false;
    if (symbol === SOUND_TABLES) return this.#readTables();
    this.#window.push(this.#sound.next(symbol, this.#channels));
    return true;
  }

  #decodeSymbol(): boolean {
    const symbol = this.#main.read(this.#bits);
    if (symbol < 0 || this.#bits.isPast) return false;
    if (symbol < 256) {
      this.#window.push(symbol);
      return true;
    }
    if (symbol === SYMBOL_TABLES) return this.#readTables();
    const { lengthBases, lengthBits, distanceBases, distanceBits, shortBases, shortBits } =
      this.#tables;
    if (symbol === SYMBOL_AGAIN) return this.#copy(this.#recent[0] as number, this.#lastLength);
    if (symbol < SYMBOL_SHORT) {
      const distance = this.#recent[symbol - SYMBOL_AGAIN - 1] as number;
      const index = this.#repeats.read(this.#bits);
      if (index < 0) return false;
      const near = distance >= NEAR ? 1 : 0;
      const length = this.#value(lengthBases, lengthBits, index) + 2 + near + farther(distance);
      return this.#copy(distance, length);
    }
    if (symbol < SYMBOL_MATCH) {
      return this.#copy(this.#value(shortBases, shortBits, symbol - SYMBOL_SHORT) + 1, 2);
    }
    const length = this.#value(lengthBases, lengthBits, symbol - SYMBOL_MATCH) + 3;
    const index = this.#distances.read(this.#bits);
    if (index < 0) return false;
    const distance = this.#value(distanceBases, distanceBits, index) + 1;
    return this.#copy(distance, length + farther(distance));
  }

  #value(bases: Int32Array, bits: Uint8Array, index: number): number {
    return (bases[index] as number) + this.#bits.take(bits[index] as number);
  }

  // Every distance, repeated or not, is the newest of the four.
  #copy(distance: number, length: number): boolean {
    this.#recent = [distance, ...this.#recent.slice(0, 3)];
    this.#lastLength = length;
    return this.#window.copy(distance, length);
  }
}

// Far matches are worth it only if they are longer.
function farther(distance: number): number {
  return (distance >= MIDDLE ? 1 : 0) + (distance >= FAR ? 1 : 0);
}
