// Packs as RAR 2 and RAR 3 did, with codes of one length for all symbols: literals, runs of one byte,
// sound, and declarations of filters.

import { crc32 } from "node:zlib";

/** Bits, highest first. */
class Bits {
  readonly #bytes: number[] = [];
  #count = 0;

  put(value: number, width: number): this {
    for (let bit = width - 1; bit >= 0; bit--) {
      if (this.#count % 8 === 0) this.#bytes.push(0);
      const at = this.#bytes.length - 1;
      const one = Math.floor(value / 2 ** bit) % 2;
      this.#bytes[at] = (this.#bytes[at] as number) | (one << (7 - (this.#count++ % 8)));
    }
    return this;
  }

  get bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

// A table in which each code is as long as `groups` say: [how many symbols, bits].
function putTable(
  bits: Bits,
  groups: readonly (readonly [number, number])[],
  precode: number,
): void {
  const used = [...new Set(groups.map(([, length]) => length))].sort((one, two) => one - two);
  for (let symbol = 0; symbol < precode; symbol++) bits.put(used.includes(symbol) ? 2 : 0, 4);
  for (const [count, length] of groups) {
    for (let i = 0; i < count; i++) bits.put(used.indexOf(length), 2);
  }
}

// Lengths of matches: where each symbol begins, for a run of any length.
const LENGTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64];

function putContent(bits: Bits, content: Buffer, match: number, low: (bits: Bits) => void): void {
  for (let at = 0; at < content.length; ) {
    let run = 0;
    while (at > 0 && at + run < content.length && content[at + run] === content[at - 1]) run++;
    // Runs of up to ten bytes: their lengths have no bits behind the symbol.
    const length = Math.min(run, 10);
    if (length < 3) bits.put(content[at++] as number, 9);
    else {
      bits.put(match + LENGTHS.indexOf(length - 3), 9);
      low(bits);
      at += length;
    }
  }
}

/** Packs as RAR 2.0. */
export function packRar20(content: Buffer): Buffer {
  const bits = new Bits().put(0, 2);
  putTable(
    bits,
    [
      [298, 9],
      [48, 6],
      [28, 5],
    ],
    19,
  );
  putContent(bits, content, 270, (one) => one.put(0, 6));
  return bits.bytes;
}

/** Sound of one channel, as RAR 2.0 has it: a symbol for each byte. */
export function packRar20Sound(symbols: Buffer, channels = 1): Buffer {
  const bits = new Bits().put(2, 2).put(channels - 1, 2);
  putTable(
    bits,
    Array.from({ length: channels }, () => [257, 9] as const),
    19,
  );
  for (const symbol of symbols) bits.put(symbol, 9);
  return bits.bytes;
}

/** A filter: the checksum of its program, the bytes it is for, and its first registers. */
export interface FilterUse {
  readonly crc: number;
  readonly length: number;
  readonly registers?: readonly number[];
}

/** Packs as RAR 2.9; `hasTable` is false for a file that goes on from the one before it. */
export function packRar29(content: Buffer, filter?: FilterUse, hasTable = true): Buffer {
  const bits = new Bits();
  if (hasTable) {
    bits.put(0, 2);
    putTable(
      bits,
      [
        [299, 9],
        [60, 6],
        [17, 5],
        [28, 5],
      ],
      20,
    );
  }
  if (filter !== undefined) putFilter(bits, filter);
  putContent(bits, content, 271, (one) => one.put(0, 6));
  // The end of the file: the next one keeps the table.
  return bits.put(256, 9).put(0, 2).bytes;
}

function putFilter(bits: Bits, { crc, length, registers = [] }: FilterUse): void {
  const number = (one: Bits, value: number) => one.put(3, 2).put(value, 32);
  const code = forged(crc);
  const body = new Bits();
  number(body, 0);
  number(body, 0);
  number(body, length);
  body.put((1 << registers.length) - 1, 7);
  for (const register of registers) number(body, register);
  number(body, code.length);
  for (const byte of code) body.put(byte, 8);
  const { bytes } = body;
  // Program, length and registers are told; the size stands in two bytes.
  bits
    .put(257, 9)
    .put(0x80 | 0x20 | 0x10 | 7, 8)
    .put(bytes.length, 16);
  for (const byte of bytes) bits.put(byte, 8);
}

/** Four bytes with the checksum `crc`: each step of a CRC can be undone. */
function forged(crc: number): Buffer {
  const table = Array.from({ length: 256 }, (_, byte) => crc32(Buffer.from([byte])));
  // crc32() of one byte is the table's entry for byte ^ 0xff, with its upper bits turned.
  const entry = (index: number) => ((table[index ^ 0xff] as number) ^ 0xff00_0000) >>> 0;
  let state = (crc ^ 0xffff_ffff) >>> 0;
  const indexes: number[] = [];
  for (let i = 0; i < 4; i++) {
    const index = Array.from({ length: 256 }, (_, one) => one).find(
      (one) => entry(one) >>> 24 === state >>> 24,
    ) as number;
    indexes.unshift(index);
    state = ((state ^ entry(index)) << 8) >>> 0;
  }
  const bytes = Buffer.alloc(4);
  let forward = 0xffff_ffff;
  for (const [i, index] of indexes.entries()) {
    bytes[i] = (forward ^ index) & 255;
    forward = ((forward >>> 8) ^ entry(index)) >>> 0;
  }
  return bytes;
}
