// XPRESS with Huffman codes, as WIM images and compressed system files of Windows pack with it:
// [MS-XCA] §2.1 and §2.2. One code for literals, lengths and the magnitude of distances.

import type { Output } from "../archive/stream/output.ts";
import { WordBits, WordCode } from "./word-bits.ts";

const SYMBOLS = 512;
const TABLE_BYTES = SYMBOLS / 2;
const LENGTH_MIN = 3;

/** How decoding ended. */
export type XpressEnd = "whole" | "truncated" | "corrupt";

/** Decodes one chunk of `size` bytes to the end of `output`, in which no match reaches back further. */
export function unpackXpress(input: Uint8Array, output: Output, size: number): XpressEnd {
  if (input.length < TABLE_BYTES) return "truncated";
  const code = new WordCode(SYMBOLS);
  for (let i = 0; i < TABLE_BYTES; i++) {
    const byte = input[i] as number;
    code.lengths[2 * i] = byte & 15;
    code.lengths[2 * i + 1] = byte >> 4;
  }
  if (!code.build()) return "corrupt";
  const bits = new WordBits(input, TABLE_BYTES);
  const start = output.size;
  const limit = start + size;
  output.reserve(size);
  while (output.size < limit) {
    const symbol = code.read(bits);
    if (bits.isPast) return "truncated";
    if (symbol < 0) return "corrupt";
    if (symbol < 256) {
      output.push(symbol);
      continue;
    }
    const length = readLength(bits, input, symbol & 15);
    const magnitude = (symbol >> 4) & 15;
    const distance = (1 << magnitude) + bits.take(magnitude);
    if (distance > output.size - start) return "corrupt";
    output.copy(distance, Math.min(length, limit - output.size));
  }
  return "whole";
}

// Long lengths stand in bytes of their own, behind the words that the next bits are taken from.
function readLength(bits: WordBits, input: Uint8Array, short: number): number {
  if (short < 15) return short + LENGTH_MIN;
  bits.peek(16);
  const byte = input[bits.at++] ?? 0;
  if (byte < 255) return 15 + byte + LENGTH_MIN;
  const word = (input[bits.at] ?? 0) | ((input[bits.at + 1] ?? 0) << 8);
  bits.at += 2;
  return word + LENGTH_MIN;
}
