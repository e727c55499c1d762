// The new version of a file from the old one and a delta. What a delta says is not trusted: whoever
// calls checks the hash of what comes out; here only sizes and places are held in bounds.
import { zstdDecompressSync } from "node:zlib";
import { MAGIC, stepsSizeMax } from "./format.ts";

/** Digits of a varint: more would not fit a safe integer. */
const VARINT_BYTES_MAX = 7;

/** Reads numbers and bytes from the front; undefined where there are none. */
class Steps {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(): number | undefined {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    return undefined;
  }

  take(length: number): Uint8Array | undefined {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes.length === length ? bytes : undefined;
  }
}

function stepsOf(delta: Uint8Array, size: number): Uint8Array | undefined {
  if (MAGIC.some((byte, index) => delta[index] !== byte)) return undefined;
  try {
    const options = { maxOutputLength: stepsSizeMax(size) };
    return zstdDecompressSync(delta.subarray(MAGIC.length), options);
  } catch {
    // Damaged, or larger than any delta to a file of this size: it is of no use either way.
    return undefined;
  }
}

/**
 * The file of exactly `size` bytes that `delta` makes of `old`; undefined if it makes none. Never
 * throws, and never takes more memory than three times `size`.
 */
export function applyDelta(
  old: Uint8Array,
  delta: Uint8Array,
  size: number,
): Uint8Array | undefined {
  const bytes = stepsOf(delta, size);
  if (bytes === undefined) return undefined;
  const steps = new Steps(bytes);
  const made = new Uint8Array(size);
  let at = 0;
  let copied = 0;
  // Every round takes at least two bytes of the steps.
  while (!steps.isAtEnd) {
    const inserted = steps.take(steps.number() ?? Number.POSITIVE_INFINITY);
    const length = steps.number();
    const distance = steps.number();
    if (inserted === undefined || length === undefined || distance === undefined) return undefined;
    const from = copied + (distance % 2 === 0 ? distance / 2 : -(distance + 1) / 2);
    if (from < 0 || from + length > old.length) return undefined;
    if (at + inserted.length + length > size) return undefined;
    made.set(inserted, at);
    made.set(old.subarray(from, from + length), at + inserted.length);
    at += inserted.length + length;
    copied = from + length;
  }
  return at === size ? made : undefined;
}
