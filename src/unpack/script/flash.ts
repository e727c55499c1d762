// Flash files: compressed ones are given unpacked, and of plain ones the binary data that their
// scripts load. SWF file format 19, chapters 2 and "DefineBinaryData".

import { inflateSync } from "node:zlib";
import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { inflate } from "../inflate.ts";
import { Tally } from "../tally.ts";

const HEADER_BYTES = 8;
const LZMA_HEADER_BYTES = 17;
const TAGS_MAX = 200_000;
const BINARY_DATA = 87;
const END = 0;

/** Yields what a Flash file holds: its unpacked form, or the data in it. */
export function* explodeFlash(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const tally = new Tally();
  switch (input[0]) {
    case 0x43:
      yield* unpacked(input, budget, tally);
      break;
    case 0x5a:
      yield* lzma(input, budget, tally);
      break;
    default:
      yield* binaryData(input, budget, tally);
  }
  return tally.outcome;
}

function* give(
  extract: { readonly name: string; readonly bytes: Uint8Array },
  budget: Budget,
  tally: Tally,
): Generator<Extract> {
  if (extract.bytes.length === 0) return;
  if (budget.takeObject(extract.bytes.length)) yield { ...extract, declaredType: "" };
  else tally.add("unscanned", "more than may still be extracted", extract.name);
}

// "CWS": a zlib stream behind the header; the same file unpacked begins with "FWS".
function* unpacked(input: Buffer, budget: Budget, tally: Tally): Generator<Extract> {
  const packed = input.subarray(HEADER_BYTES);
  const sizeMax = Math.max(1, budget.bytesLeft - HEADER_BYTES);
  let body: Uint8Array;
  try {
    body = inflateSync(packed, { maxOutputLength: sizeMax });
  } catch {
    // Cut, corrupt or too large: the raw stream tells which, and gives what there is.
    const found = inflate(packed.subarray(2), sizeMax);
    body = found.bytes;
    if (found.end === "too-large") tally.add("unscanned", "larger than may still be extracted");
    else if (found.end !== "whole") tally.add("damaged", "does not inflate");
  }
  if (body.length === 0) return;
  const whole = Buffer.concat([input.subarray(0, HEADER_BYTES), body]);
  whole[0] = 0x46;
  yield* give({ name: "unpacked.swf", bytes: whole }, budget, tally);
}

// "ZWS": given as an .lzma file, for the unpacker of that format: properties, size, stream.
function* lzma(input: Buffer, budget: Budget, tally: Tally): Generator<Extract> {
  if (input.length <= LZMA_HEADER_BYTES) {
    tally.add("damaged", "cut short");
    return;
  }
  const header = Buffer.alloc(13);
  input.copy(header, 0, 12, LZMA_HEADER_BYTES);
  header.writeUInt32LE(Math.max(0, input.readUInt32LE(4) - HEADER_BYTES), 5);
  const bytes = Buffer.concat([header, input.subarray(LZMA_HEADER_BYTES)]);
  yield* give({ name: "body.lzma", bytes }, budget, tally);
}

function* binaryData(input: Buffer, budget: Budget, tally: Tally): Generator<Extract> {
  // A rectangle of four numbers, whose width in bits stands first; frame rate and count.
  const rectangleBits = 5 + 4 * ((input[HEADER_BYTES] ?? 0) >> 3);
  let at = HEADER_BYTES + Math.ceil(rectangleBits / 8) + 4;
  for (let count = 0, files = 0; at + 2 <= input.length; count++) {
    if (count >= TAGS_MAX || budget.isExpired) {
      tally.add("unscanned", "too many tags");
      return;
    }
    const head = input.readUInt16LE(at);
    let size = head & 0x3f;
    at += 2;
    if (size === 0x3f) {
      if (at + 4 > input.length) break;
      size = input.readUInt32LE(at);
      at += 4;
    }
    const tag = head >> 6;
    if (tag === END) return;
    if (at + size > input.length) tally.add("damaged", "cut short");
    // An identifier, four bytes reserved, the data.
    if (tag === BINARY_DATA) {
      const bytes = input.subarray(at + 6, at + size);
      yield* give({ name: `binary data ${++files}`, bytes }, budget, tally);
    }
    at += size;
  }
}
