// LZ4 frames, and the older "legacy" ones. "LZ4 Frame Format Description" 1.6.4 and "LZ4 Block
// Format". Block checksums are not verified: xxHash would be needed for nothing else.

import type { Budget } from "../../../base/budget.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { brokenAt, explodeStream, type StreamEnd, wholeAt } from "./open.ts";
import type { Output } from "./output.ts";

const MAGIC = 0x184d_2204;
const LEGACY_MAGIC = 0x184c_2102;
const SKIPPABLE = 0x184d_2a50;
const LEGACY_BLOCK_MAX = 8 << 20;
const FRAMES_MAX = 100_000;
const MATCH_MIN = 4;

/** Yields the content of an LZ4 file. */
export function explodeLz4(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return explodeStream(bytes, budget, readLz4);
}

/** Decodes LZ4 frames. */
export function readLz4(input: Buffer, output: Output, goesOn: () => boolean): StreamEnd {
  let at = 0;
  for (let count = 0; count < FRAMES_MAX && at + 7 <= input.length && goesOn(); count++) {
    const magic = input.readUInt32LE(at);
    let end: number;
    if ((magic & 0xffff_fff0) >>> 0 === SKIPPABLE) end = at + 8 + input.readUInt32LE(at + 4);
    else if (magic === MAGIC) end = readFrame(input, at, output);
    else if (magic === LEGACY_MAGIC) end = readLegacy(input, at + 4, output);
    else break;
    if (end < 0) return brokenAt("broken data");
    if (end > input.length) return brokenAt("cut short");
    at = end;
  }
  return at === 0 ? brokenAt("not an LZ4 stream") : wholeAt(at);
}

// Where the frame ends; beyond the input if it is cut short, -1 if it is broken.
function readFrame(input: Buffer, start: number, output: Output): number {
  const flags = input[start + 4] ?? 0;
  const hasBlockSums = (flags & 0x10) !== 0;
  const isLinked = (flags & 0x20) === 0;
  let at = start + 7 + ((flags & 8) !== 0 ? 8 : 0) + ((flags & 1) !== 0 ? 4 : 0);
  let windowStart = output.size;
  for (;;) {
    if (at + 4 > input.length) return input.length + 1;
    const header = input.readUInt32LE(at);
    at += 4;
    if (header === 0) return at + ((flags & 4) !== 0 ? 4 : 0);
    const size = header & 0x7fff_ffff;
    const data = input.subarray(at, at + size);
    if (!isLinked) windowStart = output.size;
    if (header >= 0x8000_0000) output.append(data);
    else if (!readBlock(data, output, windowStart))
      return at + size > input.length ? at + size : -1;
    at += size;
    if (at > input.length) return at;
    if (hasBlockSums) at += 4;
  }
}

function readLegacy(input: Buffer, start: number, output: Output): number {
  let at = start;
  while (at + 4 <= input.length) {
    const size = input.readUInt32LE(at);
    // The next frame's magic is larger than any block.
    if (size > LEGACY_BLOCK_MAX * 2) return at;
    const data = input.subarray(at + 4, at + 4 + size);
    const isRead = readBlock(data, output, output.size);
    at += 4 + size;
    if (!isRead) return at > input.length ? at : -1;
  }
  return at;
}

// Literals, then a match, and so on; the last sequence has no match. False if it is broken.
function readBlock(data: Uint8Array, output: Output, windowStart: number): boolean {
  for (let at = 0; at < data.length; ) {
    const token = data[at++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < data.length) {
        more = data[at++] as number;
        literals += more;
      }
    }
    output.append(data.subarray(at, at + literals));
    at += literals;
    if (at >= data.length) return at === data.length;
    const distance = (data[at] as number) | ((data[at + 1] ?? 0) << 8);
    at += 2;
    let length = (token & 15) + MATCH_MIN;
    if ((token & 15) === 15) {
      let more = 255;
      while (more === 255 && at < data.length) {
        more = data[at++] as number;
        length += more;
      }
    }
    if (distance === 0 || distance > output.size - windowStart) return false;
    output.copy(distance, length);
  }
  return true;
}
