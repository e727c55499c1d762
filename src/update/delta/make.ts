// Deltas between two versions of a file, for whoever publishes: blocks of the old version are looked
// up in the new one at every byte (as rsync does), so that a line more in a list costs little more
// than the line, wherever it stands.
import { constants, zstdCompressSync } from "node:zlib";
import { MAGIC } from "./format.ts";

const BLOCK = 32;
/** Odd, so that it can be multiplied out again modulo 2^32. */
const FACTOR = 0x01000193;
/** Blocks with one hash that are tried; the same text many times over must not cost a search each. */
const PROBES_MAX = 8;
const EMPTY = -1;
const ZSTD_LEVEL = 19;

/** Bytes that grow as needed. */
class Steps {
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;

  number(value: number): void {
    // Not with shifts: sizes may be more than 31 bits.
    let left = value;
    this.#reserve(8);
    for (; left >= 0x80; left = Math.floor(left / 0x80)) {
      this.#bytes[this.#length++] = (left % 0x80) | 0x80;
    }
    this.#bytes[this.#length++] = left;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Where the blocks of the old file stand, by hash. */
class BlockIndex {
  readonly #old: Uint8Array;
  readonly #slots: Int32Array;
  readonly #mask: number;

  constructor(old: Uint8Array) {
    this.#old = old;
    const count = Math.floor(old.length / BLOCK);
    const size = 2 ** Math.ceil(Math.log2(Math.max(count * 2, 16)));
    this.#slots = new Int32Array(size).fill(EMPTY);
    this.#mask = size - 1;
    for (let block = 0; block < count; block++) this.#add(block * BLOCK);
  }

  #add(at: number): void {
    const start = hashAt(this.#old, at);
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const slot = mix(start + probe) & this.#mask;
      if (this.#slots[slot] !== EMPTY) continue;
      this.#slots[slot] = at;
      return;
    }
  }

  /** A place in the old file with the block that stands at `at` in `bytes`; -1 if none is known. */
  find(hash: number, bytes: Uint8Array, at: number): number {
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const place = this.#slots[mix(hash + probe) & this.#mask] ?? EMPTY;
      if (place === EMPTY) return EMPTY;
      if (isSame(this.#old, place, bytes, at)) return place;
    }
    return EMPTY;
  }
}

function mix(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 4;
}

function hashAt(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let k = 0; k < BLOCK; k++) hash = (Math.imul(hash, FACTOR) + (bytes[at + k] ?? 0)) | 0;
  return hash;
}

/** FACTOR to the power of BLOCK: what the byte that leaves the window has become. */
function leavingFactor(): number {
  let power = 1;
  for (let k = 0; k < BLOCK; k++) power = Math.imul(power, FACTOR);
  return power;
}

function isSame(old: Uint8Array, place: number, bytes: Uint8Array, at: number): boolean {
  for (let k = 0; k < BLOCK; k++) if (old[place + k] !== bytes[at + k]) return false;
  return true;
}

/** A run of bytes that both files have. */
interface Run {
  readonly from: number;
  readonly at: number;
  readonly length: number;
}

/** The longest run around two equal places, in the new file not before `floor`. */
function runAround(old: Uint8Array, bytes: Uint8Array, hit: Run, floor: number): Run {
  let { from, at } = hit;
  while (from > 0 && at > floor && old[from - 1] === bytes[at - 1]) {
    from--;
    at--;
  }
  let length = hit.at - at + hit.length;
  const most = Math.min(old.length - from, bytes.length - at);
  while (length < most && old[from + length] === bytes[at + length]) length++;
  return { from, at, length };
}

/** All runs of the new file that the old one has, in order, none within another. */
function* runsOf(old: Uint8Array, bytes: Uint8Array): Generator<Run> {
  const index = new BlockIndex(old);
  const leaving = leavingFactor();
  let floor = 0;
  let at = 0;
  let hash = hashAt(bytes, 0);
  while (at + BLOCK <= bytes.length) {
    const from = index.find(hash, bytes, at);
    if (from === EMPTY) {
      const out = Math.imul(bytes[at] ?? 0, leaving);
      hash = (Math.imul(hash, FACTOR) + (bytes[at + BLOCK] ?? 0) - out) | 0;
      at++;
      continue;
    }
    const run = runAround(old, bytes, { from, at, length: BLOCK }, floor);
    yield run;
    floor = run.at + run.length;
    at = floor;
    hash = hashAt(bytes, at);
  }
}

/** The delta by which `applyDelta` makes `bytes` of `old`. */
export function makeDelta(old: Uint8Array, bytes: Uint8Array): Uint8Array {
  const steps = new Steps();
  let at = 0;
  let copied = 0;
  const step = (run: Run) => {
    steps.number(run.at - at);
    steps.append(bytes.subarray(at, run.at));
    steps.number(run.length);
    const distance = run.from - copied;
    steps.number(distance < 0 ? -distance * 2 - 1 : distance * 2);
    at = run.at + run.length;
    copied = run.from + run.length;
  };
  for (const run of runsOf(old, bytes)) step(run);
  if (at < bytes.length) step({ from: copied, at: bytes.length, length: 0 });
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
  return Buffer.concat([MAGIC, zstdCompressSync(steps.bytes, { params })]);
}
