// The codecs that are worth their C (wasm/codec): each thread has one instance, whose memory is
// scratch between the first and the last line of a call.

import { readFileSync } from "node:fs";
import codecPath from "../../dist/embedded/codec.wasm" with { type: "file" };

interface CodecExports {
  readonly memory: WebAssembly.Memory;
  gw_piece(): number;
  gw_input(): number;
  gw_output(): number;
  gw_keep(size: number): number;
  gw_base64(input: number, length: number, output: number, consumed: number): number;
  gw_lines(input: number, length: number, afterCr: number): number;
  gw_text_view(input: number, length: number, output: number, last: number): number;
  gw_marks(set: number, input: number, length: number, found: number): number;
}

const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(codecPath)));
const codec = exports as unknown as CodecExports;
const PIECE = codec.gw_piece();
const INPUT = codec.gw_input();
const OUTPUT = codec.gw_output();
const input = new Uint8Array(codec.memory.buffer, INPUT, PIECE);
const output = new Uint8Array(codec.memory.buffer, OUTPUT, PIECE);
const consumed = codec.gw_keep(4);

/**
 * Decodes base64 up to the first character that is neither digit nor white space, whole groups of
 * four only: how many characters were read, and bytes written. RFC 4648 §4.
 */
export function base64Groups(
  from: Uint8Array,
  to: Uint8Array,
): { readonly read: number; readonly written: number } {
  let read = 0;
  let written = 0;
  const length = new DataView(codec.memory.buffer, consumed, 4);
  while (read < from.length) {
    const piece = from.subarray(read, read + PIECE);
    input.set(piece);
    const size = codec.gw_base64(INPUT, piece.length, OUTPUT, consumed);
    const step = length.getUint32(0, true);
    to.set(output.subarray(0, size), written);
    written += size;
    read += step;
    // What a piece leaves over begins the next one; if nothing can be read there, the digits end.
    if (step === 0) break;
  }
  return { read, written };
}

/**
 * Whether CR and LF only stand together in `bytes`; a CR at the very end is not judged.
 * `isAfterCr`: the byte before them is a CR. RFC 5321 §2.3.8.
 */
export function arePairedLines(bytes: Uint8Array, isAfterCr: boolean): boolean {
  let afterCr = isAfterCr;
  for (let at = 0; at < bytes.length; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE);
    input.set(piece);
    if (codec.gw_lines(INPUT, piece.length, afterCr ? 1 : 0) === 0) return false;
    afterCr = piece[piece.length - 1] === 0x0d;
  }
  return true;
}

/** Writes a text's normalised view to `to`, of the same size: how many bytes that are. */
export function foldText(from: Uint8Array, to: Uint8Array): number {
  let written = 0;
  for (let at = 0; at < from.length; at += PIECE) {
    const piece = from.subarray(at, at + PIECE);
    input.set(piece);
    const size = codec.gw_text_view(INPUT, piece.length, OUTPUT, to[written - 1] ?? 0);
    to.set(output.subarray(0, size), written);
    written += size;
  }
  return written;
}

const MARK_SIZE = 32;
const MARK_MAX = 30;
const MARK_MIN = 3;
const BUCKETS = 8;
const GROUPS_MAX = 31;
// As MarkSet in wasm/codec/marks.c: two tables for each of the first bytes, ends of buckets, groups.
const POSITIONS = 5;
const FIRSTS_AT = 2 * 16 * POSITIONS;
const HEAD_SIZE = FIRSTS_AT + 4 * (BUCKETS + 1) + 4;

interface Mark {
  readonly bytes: Uint8Array;
  readonly group: number;
}

/** Looks for groups of short texts ("marks") in one pass, however many there are. */
export class MarkFinder {
  readonly #set: number;
  readonly #overlap: number;

  /** Marks are 3 to 30 bytes of Latin-1; there are at most 31 groups. */
  constructor(groups: readonly (readonly string[])[]) {
    const marks = groups.flatMap((texts, group) =>
      texts.map((text): Mark => ({ bytes: Buffer.from(text, "latin1"), group })),
    );
    const lengths = marks.map(({ bytes }) => bytes.length);
    if (groups.length > GROUPS_MAX) throw new RangeError("there are too many groups of marks");
    if (Math.min(...lengths) < MARK_MIN) throw new RangeError("a mark is too short");
    this.#overlap = Math.max(...lengths) - 1;
    if (this.#overlap >= MARK_MAX) throw new RangeError("a mark is too long");
    const size = HEAD_SIZE + marks.length * MARK_SIZE;
    this.#set = codec.gw_keep(size);
    if (this.#set === 0) throw new RangeError("there are too many marks");
    layOut(new Uint8Array(codec.memory.buffer, this.#set, size), marks);
  }

  /** Bit for each group of which a mark occurs in `bytes`. */
  find(bytes: Uint8Array): number {
    let found = 0;
    const step = PIECE - this.#overlap;
    for (let at = 0; at < bytes.length; at += step) {
      const piece = bytes.subarray(at, at + PIECE);
      input.set(piece);
      found = codec.gw_marks(this.#set, INPUT, piece.length, found);
    }
    return found;
  }
}

// Marks that begin alike share a bucket, so that a bucket's tables let little else through.
function layOut(set: Uint8Array, marks: readonly Mark[]): void {
  const view = new DataView(set.buffer, set.byteOffset, set.length);
  const ordered = marks.toSorted((a, b) => Buffer.compare(a.bytes, b.bytes));
  const buckets: Mark[][] = Array.from({ length: BUCKETS }, () => []);
  for (const [i, mark] of ordered.entries()) {
    buckets[Math.floor((i * BUCKETS) / ordered.length)]?.push(mark);
  }
  let index = 0;
  buckets.forEach((bucket, number) => {
    view.setUint32(FIRSTS_AT + 4 * number, index, true);
    for (const { bytes, group } of bucket) {
      addToTables(set, bytes, 1 << number);
      const at = HEAD_SIZE + MARK_SIZE * index++;
      set[at] = bytes.length;
      set[at + 1] = group;
      set.set(bytes, at + 2);
    }
  });
  view.setUint32(FIRSTS_AT + 4 * BUCKETS, index, true);
  view.setUint32(
    FIRSTS_AT + 4 + 4 * BUCKETS,
    marks.reduce((all, { group }) => all | (1 << group), 0),
    true,
  );
}

// Behind the end of a short mark any byte will do.
function addToTables(set: Uint8Array, bytes: Uint8Array, bit: number): void {
  for (let position = 0; position < POSITIONS; position++) {
    const byte = bytes[position];
    for (let half = 0; half < 16; half++) {
      const low = 16 * position + half;
      const high = 16 * (POSITIONS + position) + half;
      if (byte === undefined || half === (byte & 15)) set[low] = (set[low] as number) | bit;
      if (byte === undefined || half === byte >> 4) set[high] = (set[high] as number) | bit;
    }
  }
}
