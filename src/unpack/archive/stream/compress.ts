// Unix compress: LZW with codes of 9 to 16 bits, least significant bit first. The program reads and
// writes codes in groups of eight, and what is left of a group is padding whenever the width changes.

import type { Budget } from "../../../base/budget.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { brokenAt, explodeStream, type StreamEnd, wholeAt } from "./open.ts";
import type { Output } from "./output.ts";

const HEADER_BYTES = 3;
const WIDTH_MIN = 9;
const WIDTH_MAX = 16;
const CLEAR = 256;

/** Yields the content of a file made by compress. */
export function explodeCompress(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return explodeStream(bytes, budget, readCompress);
}

/** Decodes an LZW stream. */
export function readCompress(input: Buffer, output: Output): StreamEnd {
  const flags = input[2] ?? 0;
  const widthMax = flags & 31;
  if (input.length < HEADER_BYTES) return brokenAt("cut short");
  if (input[0] !== 0x1f || input[1] !== 0x9d) {
    // 1F A0 is LZH of System V, which nothing has written for thirty years.
    return { at: Infinity, status: "unscanned", problem: "this kind of compress is not supported" };
  }
  if (widthMax < WIDTH_MIN || widthMax > WIDTH_MAX) return brokenAt("broken header");
  const decoder = new LzwDecoder(output, widthMax, (flags & 0x80) !== 0);
  return decoder.run(input);
}

class LzwDecoder {
  readonly #output: Output;
  readonly #widthMax: number;
  readonly #hasClear: boolean;
  /** Where in the output each code's string stands, and how long it is: no chains to walk. */
  readonly #places: Int32Array;
  readonly #lengths: Int32Array;
  #next: number;

  constructor(output: Output, widthMax: number, hasClear: boolean) {
    this.#output = output;
    this.#widthMax = widthMax;
    this.#hasClear = hasClear;
    this.#places = new Int32Array(1 << widthMax);
    this.#lengths = new Int32Array(1 << widthMax);
    this.#next = hasClear ? CLEAR + 1 : CLEAR;
  }

  run(input: Buffer): StreamEnd {
    let width = WIDTH_MIN;
    let groupStart = HEADER_BYTES * 8;
    let bit = groupStart;
    let isFirst = true;
    let previous = { at: 0, length: 0 };
    while (bit + width <= input.length * 8) {
      const code = codeAt(input, bit, width);
      bit += width;
      if (code === CLEAR && this.#hasClear) {
        bit = groupEnd(groupStart, bit, width);
        groupStart = bit;
        width = WIDTH_MIN;
        this.#next = CLEAR + 1;
        isFirst = true;
        continue;
      }
      const at = this.#output.size;
      if (!this.#write(code, isFirst, previous)) return brokenAt("broken data");
      // The new string is the previous one and the byte behind it: they stand together.
      if (!isFirst && this.#next < 1 << this.#widthMax) {
        this.#places[this.#next] = previous.at;
        this.#lengths[this.#next] = previous.length + 1;
        this.#next++;
      }
      previous = { at, length: this.#output.size - at };
      isFirst = false;
      // The program widens once the next code to be made would not fit, which is one code late.
      if (this.#next >= 1 << width && width < this.#widthMax) {
        bit = groupEnd(groupStart, bit, width);
        groupStart = bit;
        width++;
      }
    }
    return wholeAt(input.length);
  }

  #write(code: number, isFirst: boolean, previous: { at: number; length: number }): boolean {
    const output = this.#output;
    if (code < CLEAR) {
      output.push(code);
      return true;
    }
    if (isFirst || code > this.#next || (code === this.#next && previous.length === 0))
      return false;
    if (code === this.#next) {
      // A string that begins with itself: the previous one and its own first byte.
      output.copy(output.size - previous.at, previous.length + 1);
      return true;
    }
    const length = this.#lengths[code] as number;
    if (length === 0) return false;
    output.copy(output.size - (this.#places[code] as number), length);
    return true;
  }
}

function codeAt(input: Buffer, bit: number, width: number): number {
  const at = bit >> 3;
  const three = (input[at] as number) | ((input[at + 1] ?? 0) << 8) | ((input[at + 2] ?? 0) << 16);
  return (three >>> (bit & 7)) & ((1 << width) - 1);
}

function groupEnd(start: number, bit: number, width: number): number {
  const group = width * 8;
  return start + Math.ceil((bit - start) / group) * group;
}
