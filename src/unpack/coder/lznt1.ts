// LZNT1, as NTFS packs files with: chunks of 4 KB, in which the further one is, the more bits of a
// match are its distance. [MS-XCA] §2.5.

import type { Output } from "../archive/stream/output.ts";

const CHUNK = 4096;
const PACKED = 0x8000;
const LENGTH_MIN = 3;

/** Unpacks the chunks of `input` to at most `size` bytes more in `output`; false if they are broken. */
export function unpackLznt1(input: Uint8Array, output: Output, size: number): boolean {
  const limit = output.size + size;
  for (let at = 0; at + 2 <= input.length && output.size < limit; ) {
    const header = (input[at] as number) | ((input[at + 1] as number) << 8);
    if (header === 0) break;
    const end = at + 3 + (header & 0xfff);
    if (end > input.length) return false;
    const start = output.size;
    const wanted = Math.min(CHUNK, limit - start);
    const chunk = input.subarray(at + 2, end);
    if ((header & PACKED) === 0) output.append(chunk.subarray(0, wanted));
    else if (!unpackChunk(chunk, output, start + wanted)) return false;
    at = end;
    // What is missing of a chunk before the last reads as zeros.
    const isLast = at + 2 > input.length || (input[at] === 0 && input[at + 1] === 0);
    if (!isLast && output.size < start + wanted) {
      output.append(new Uint8Array(start + wanted - output.size));
    }
  }
  return true;
}

function unpackChunk(chunk: Uint8Array, output: Output, limit: number): boolean {
  const start = output.size;
  let lengthBits = 12;
  for (let at = 0; at < chunk.length && output.size < limit; ) {
    const flags = chunk[at++] as number;
    for (let bit = 0; bit < 8 && at < chunk.length && output.size < limit; bit++) {
      if (((flags >> bit) & 1) === 0) {
        output.push(chunk[at++] as number);
        continue;
      }
      if (at + 2 > chunk.length) return false;
      const token = (chunk[at] as number) | ((chunk[at + 1] as number) << 8);
      at += 2;
      const made = output.size - start;
      while (lengthBits > 4 && made > 1 << (16 - lengthBits)) lengthBits--;
      const distance = (token >> lengthBits) + 1;
      const length = (token & ((1 << lengthBits) - 1)) + LENGTH_MIN;
      if (distance > made) return false;
      output.copy(distance, Math.min(length, limit - output.size));
    }
  }
  return true;
}
