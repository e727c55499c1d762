// The methods that ZIP had before deflate, in archives of the early nineties, and in those that are
// made to be read by the one program and not by the other: shrink (LZW), reduce (followers and
// matches) and implode (matches with Shannon-Fano codes). APPNOTE.TXT 6.3.10 §5.1 to §5.3. None of
// them marks its end: the size in the header is needed.

import type { Output } from "../archive/stream/output.ts";
import { LowBitReader, LowCode, reversed } from "./low-bits.ts";

const CHECK_EVERY = 65_536;

/** What is known of an entry's data. */
export interface LegacyStream {
  readonly input: Uint8Array;
  /** Bytes that it unpacks to. */
  readonly size: number;
  readonly goesOn: () => boolean;
}

const SHRINK_BITS_MIN = 9;
const SHRINK_BITS_MAX = 13;
const SHRINK_CODES = 1 << SHRINK_BITS_MAX;
const SHRINK_CONTROL = 256;
const FREE = -1;

/** Method 1: LZW whose dictionary loses its leaves when it is full. Whether all of it was made. */
export function unshrink({ input, size, goesOn }: LegacyStream, output: Output): boolean {
  const bits = new LowBitReader(input);
  const table = new ShrinkTable();
  let width = SHRINK_BITS_MIN;
  let previous = FREE;
  for (let count = 0; output.size < size; count++) {
    if (bits.isPast || (count % CHECK_EVERY === 0 && !goesOn())) return false;
    const code = bits.take(width);
    if (code === SHRINK_CONTROL) {
      const order = bits.take(width);
      if (order === 1 && width < SHRINK_BITS_MAX) width++;
      else if (order === 2) table.clearLeaves();
      else return false;
      continue;
    }
    const first = table.write(code, previous, output);
    if (first < 0) return false;
    if (previous !== FREE) table.add(previous, first);
    previous = code;
  }
  return true;
}

/** Strings by code: each is another one with a byte behind it. */
class ShrinkTable {
  readonly #parents = new Int32Array(SHRINK_CODES).fill(FREE);
  readonly #bytes = new Uint8Array(SHRINK_CODES);
  #last = SHRINK_CONTROL;

  /** Writes the string of `code`; its first byte, or -1 if there is no such string. */
  write(code: number, previous: number, output: Output): number {
    const isKnown = code < SHRINK_CONTROL || this.#parents[code] !== FREE;
    // A code that is about to be made: the string before it, with its own first byte behind it.
    const start = isKnown ? code : previous;
    const string = start === FREE ? [] : this.#string(start);
    const first = string.at(-1);
    if (first === undefined) return -1;
    for (let at = string.length - 1; at >= 0; at--) output.push(string[at] as number);
    if (!isKnown) output.push(first);
    return first;
  }

  // Last byte first. Leaves that were cleared and made anew may hang on themselves.
  #string(start: number): number[] {
    const string: number[] = [];
    for (let code = start; string.length <= SHRINK_CODES; ) {
      if (code < SHRINK_CONTROL) return [...string, code];
      const parent = this.#parents[code] as number;
      if (parent === FREE) break;
      string.push(this.#bytes[code] as number);
      code = parent;
    }
    return [];
  }

  /** Makes the string of `parent` and `byte`, at the next code that is free. */
  add(parent: number, byte: number): void {
    let code = this.#last + 1;
    while (code < SHRINK_CODES && this.#parents[code] !== FREE) code++;
    if (code >= SHRINK_CODES) return;
    this.#last = code;
    this.#parents[code] = parent;
    this.#bytes[code] = byte;
  }

  /** Forgets all strings that no other one builds on. */
  clearLeaves(): void {
    const hasChildren = new Uint8Array(SHRINK_CODES);
    for (const parent of this.#parents) if (parent !== FREE) hasChildren[parent] = 1;
    for (let code = SHRINK_CONTROL + 1; code < SHRINK_CODES; code++) {
      if (hasChildren[code] === 0) this.#parents[code] = FREE;
    }
    this.#last = SHRINK_CONTROL;
  }
}

const MARK = 144;
const FOLLOWERS_MAX = 63;

/** Methods 2 to 5 (`factor` 1 to 4): bytes by what follows what, and matches behind a mark. */
export function unreduce(
  { input, size, goesOn }: LegacyStream,
  factor: number,
  output: Output,
): boolean {
  const bits = new LowBitReader(input);
  const followers: number[][] = [];
  for (let byte = 255; byte >= 0; byte--) {
    const count = Math.min(bits.take(6), FOLLOWERS_MAX);
    followers[byte] = Array.from({ length: count }, () => bits.take(8));
  }
  let last = 0;
  const next = () => {
    const known = followers[last] ?? [];
    const isKnown = known.length > 0 && bits.take(1) === 0;
    const width = Math.max(1, 32 - Math.clz32(known.length - 1));
    last = isKnown ? (known[bits.take(width)] ?? 0) : bits.take(8);
    return last;
  };
  const lengthMask = 0xff >> factor;
  for (let count = 0; output.size < size; count++) {
    if (bits.isPast || (count % CHECK_EVERY === 0 && !goesOn())) return false;
    const byte = next();
    const head = byte === MARK ? next() : 0;
    if (byte !== MARK || head === 0) {
      output.push(byte);
      continue;
    }
    const length = head & lengthMask;
    const total = length + (length === lengthMask ? next() : 0) + 3;
    const distance = (head >> (8 - factor)) * 256 + next() + 1;
    copyBack(output, distance, Math.min(total, size - output.size));
  }
  return true;
}

// What lies before the start is zeros.
function copyBack(output: Output, distance: number, length: number): void {
  let left = length;
  while (left > 0 && distance > output.size) {
    output.push(0);
    left--;
  }
  if (left > 0) output.copy(distance, left);
}

const LARGE_WINDOW_FLAG = 2;
const LITERAL_TREE_FLAG = 4;

/** Method 6; `flags` are the entry's general purpose flags. */
export function explode(
  { input, size, goesOn }: LegacyStream,
  flags: number,
  output: Output,
): boolean {
  const bits = new LowBitReader(input);
  const hasLiterals = (flags & LITERAL_TREE_FLAG) !== 0;
  const literals = hasLiterals ? readTree(bits, 256) : undefined;
  const lengths = readTree(bits, 64);
  const distances = readTree(bits, 64);
  if (lengths === undefined || distances === undefined) return false;
  if (hasLiterals && literals === undefined) return false;
  const lowBits = (flags & LARGE_WINDOW_FLAG) !== 0 ? 7 : 6;
  const lengthMin = hasLiterals ? 3 : 2;
  for (let count = 0; output.size < size; count++) {
    if (bits.isPast || (count % CHECK_EVERY === 0 && !goesOn())) return false;
    if (bits.take(1) === 1) {
      const literal = literals === undefined ? bits.take(8) : literals.read(bits);
      if (literal < 0) return false;
      output.push(literal);
      continue;
    }
    const low = bits.take(lowBits);
    const high = distances.read(bits);
    const length = lengths.read(bits);
    if (high < 0 || length < 0) return false;
    const total = length + lengthMin + (length === 63 ? bits.take(8) : 0);
    copyBack(output, ((high << lowBits) | low) + 1, Math.min(total, size - output.size));
  }
  return true;
}

// §5.3.7: runs of equal lengths; codes are counted from the longest and last symbol on.
function readTree(bits: LowBitReader, count: number): LowCode | undefined {
  const lengths: number[] = [];
  for (let left = bits.take(8) + 1; left > 0; left--) {
    const run = bits.take(8);
    for (let i = run >> 4; i >= 0; i--) lengths.push((run & 15) + 1);
  }
  if (lengths.length !== count || bits.isPast) return;
  const order = lengths.map((_, symbol) => symbol);
  order.sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b);
  const codes: number[] = [];
  let code = 0;
  let step = 0;
  let last = 0;
  for (const symbol of order.reverse()) {
    const length = lengths[symbol] as number;
    code += step;
    if (length !== last) {
      last = length;
      step = 1 << (16 - length);
    }
    if (code > 0xffff) return;
    codes[symbol] = reversed(code >> (16 - length), length);
  }
  return new LowCode(lengths, codes);
}
