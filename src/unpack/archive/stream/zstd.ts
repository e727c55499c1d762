// Zstandard. The frames are walked here, which tells where they end and whether they are whole, and
// then given to the runtime's decoder with a bound on its output. RFC 8878.

import { zstdDecompressSync } from "node:zlib";
import type { Budget } from "../../../base/budget.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { brokenAt, explodeStream, type StreamEnd, wholeAt } from "./open.ts";
import { type Output, OutputFullError } from "./output.ts";

const MAGIC = 0xfd2f_b528;
const SKIPPABLE = 0x184d_2a50;
const FRAMES_MAX = 100_000;
const BLOCKS_MAX = 1_000_000;
const WINDOW_MAX = 128 << 20;
const RESERVED_BLOCK = 3;
const RLE_BLOCK = 1;

/** Yields the content of a Zstandard file. */
export function explodeZstd(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return explodeStream(bytes, budget, readZstd);
}

/** Decodes Zstandard frames. */
export function readZstd(input: Buffer, output: Output, goesOn: () => boolean): StreamEnd {
  let at = 0;
  for (let count = 0; count < FRAMES_MAX && at + 8 <= input.length && goesOn(); count++) {
    const magic = input.readUInt32LE(at);
    // §3.1.2: frames to be skipped.
    if ((magic & 0xffff_fff0) >>> 0 === SKIPPABLE) {
      at += 8 + input.readUInt32LE(at + 4);
      if (at > input.length) return brokenAt("cut short");
      continue;
    }
    if (magic !== MAGIC) break;
    const frame = frameEnd(input, at);
    const problem = decode(input.subarray(at, frame.end), output);
    if (frame.problem !== "") return brokenAt(frame.problem);
    if (problem !== undefined) return { at: Infinity, ...problem };
    at = frame.end;
  }
  return at === 0 ? brokenAt("not a Zstandard stream") : wholeAt(at);
}

// §3.1.1: the header says how long it is, every block how long it is, and the last one that it is.
function frameEnd(input: Buffer, start: number): { end: number; problem: string } {
  const flags = input[start + 4] ?? 0;
  const isSingle = (flags & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  let at = start + 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][flags & 3] ?? 0) + sizeBytes;
  for (let count = 0; count < BLOCKS_MAX; count++) {
    if (at + 3 > input.length) return { end: input.length, problem: "cut short" };
    const header = input.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    if (type === RESERVED_BLOCK) return { end: at, problem: "broken data" };
    at += 3 + (type === RLE_BLOCK ? 1 : header >> 3);
    if ((header & 1) === 0) continue;
    at += (flags & 4) !== 0 ? 4 : 0;
    return at > input.length
      ? { end: input.length, problem: "cut short" }
      : { end: at, problem: "" };
  }
  return { end: input.length, problem: "too many blocks" };
}

type Problem = { status: "damaged" | "unscanned"; problem: string };

function decode(frame: Buffer, output: Output): Problem | undefined {
  // §3.1.1.1.2: what a decoder must set aside before it has made anything.
  const descriptor = frame[5] ?? 0;
  const window = 2 ** (10 + (descriptor >> 3)) * (1 + (descriptor & 7) / 8);
  if (((frame[4] ?? 0) & 0x20) === 0 && window > WINDOW_MAX) {
    return { status: "unscanned", problem: "needs more memory than is allowed" };
  }
  if (((frame[4] ?? 0) & 3) !== 0) {
    return { status: "unscanned", problem: "needs a dictionary" };
  }
  const maxOutputLength = output.room;
  if (maxOutputLength < 1) throw new OutputFullError();
  try {
    output.append(zstdDecompressSync(frame, { maxOutputLength }));
    return;
  } catch (error) {
    if (error instanceof OutputFullError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw new OutputFullError();
    }
    // Any other word of the decoder is about the data.
    return { status: "damaged", problem: "broken data" };
  }
}
