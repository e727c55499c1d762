// Inflating what may be cut, corrupt or a bomb: what could be had is given, with a word for how it
// ended. Sizes in headers are never believed; the output is bounded while it is made.

import { constants, inflateRawSync } from "node:zlib";

/** How a compressed stream ended. */
export type InflateEnd = "whole" | "truncated" | "corrupt" | "too-large";

/** What came out of a compressed stream. */
export interface Inflated {
  /** Empty for "too-large". */
  readonly bytes: Uint8Array;
  /** Input bytes that belong to the stream; for "whole" only. */
  readonly consumed: number;
  readonly end: InflateEnd;
}

const NOTHING = new Uint8Array(0);
/** Streams up to this size are searched for the place where they break. */
const SALVAGE_INPUT_MAX = 4 << 20;
const CHUNK_MIN = 1024;
const CHUNK_MAX = 1 << 20;

/**
 * Inflates the raw deflate stream at the start of `input` to at most `sizeMax` bytes; what stands
 * behind the stream is left alone. `sizeHint` only tunes buffers. Never throws.
 */
export function inflate(input: Uint8Array, sizeMax: number, sizeHint = 65_536): Inflated {
  if (sizeMax < 1) return { bytes: NOTHING, consumed: 0, end: "too-large" };
  const chunkSize = Math.min(CHUNK_MAX, sizeMax, Math.max(CHUNK_MIN, sizeHint));
  const bounds = { maxOutputLength: sizeMax, chunkSize: Math.max(64, chunkSize) };
  try {
    const { buffer, engine } = inflateRawSync(input, { ...bounds, info: true }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    return { bytes: buffer, consumed: engine.bytesWritten, end: "whole" };
  } catch (error) {
    // The kind of failure is the answer; the bytes up to it are had in a second run.
    switch (codeOf(error)) {
      case "ERR_BUFFER_TOO_LARGE":
        return { bytes: NOTHING, consumed: 0, end: "too-large" };
      case "Z_BUF_ERROR":
        return { bytes: partial(input, bounds) ?? NOTHING, consumed: 0, end: "truncated" };
      default:
        return { bytes: salvage(input, bounds), consumed: 0, end: "corrupt" };
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

interface Bounds {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
}

// What an unfinished stream holds; undefined if it is broken or too large.
function partial(input: Uint8Array, bounds: Bounds): Uint8Array | undefined {
  try {
    return inflateRawSync(input, { ...bounds, finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    // Broken before its end, which is what salvage() goes on to find out.
    return undefined;
  }
}

// zlib gives nothing of a stream that breaks midway, so the longest part that does not break is
// searched by halving: some twenty runs, on small streams only.
function salvage(input: Uint8Array, bounds: Bounds): Uint8Array {
  if (input.length > SALVAGE_INPUT_MAX) return NOTHING;
  let best: Uint8Array = NOTHING;
  let good = 0;
  let bad = input.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const found = partial(input.subarray(0, middle), bounds);
    if (found === undefined) bad = middle;
    else {
      good = middle;
      best = found;
    }
  }
  return best;
}
