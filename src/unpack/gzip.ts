// gzip: one file in one or more members, which readers join. RFC 1952.

import { crc32 } from "node:zlib";
import type { Budget } from "../base/budget.ts";
import { asBuffer, isBlank } from "../base/bytes.ts";
import type { Explosion, Extract } from "../message.ts";
import { joinNames } from "../text/object-name.ts";
import { inflate } from "./inflate.ts";
import { Tally } from "./tally.ts";

const MEMBERS_MAX = 1024;
const NAME_LENGTH_MAX = 1024;
const FLAG_CRC = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;

interface MemberHeader {
  readonly name: string;
  readonly dataStart: number;
}

/** Yields the file in a gzip stream, and whatever stands behind the stream. */
export function* explodeGzip(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const tally = new Tally();
  const pieces: Uint8Array[] = [];
  const names: string[] = [];
  let size = 0;
  let at = 0;
  for (let count = 0; isMember(input, at); count++) {
    if (count >= MEMBERS_MAX || budget.isExpired) {
      tally.add("unscanned", "too many members");
      break;
    }
    const header = memberHeader(input, at);
    if (header === undefined) {
      tally.add("damaged", "the header is cut short");
      at = input.length;
      break;
    }
    names.push(header.name);
    // The sizes of earlier members count: they are one file in the end.
    const found = inflate(input.subarray(header.dataStart), budget.bytesLeft - size);
    if (found.end === "too-large") {
      tally.add("unscanned", "larger than what may still be extracted");
      at = input.length;
      break;
    }
    pieces.push(found.bytes);
    size += found.bytes.length;
    at = header.dataStart + found.consumed;
    const problem = found.end === "whole" ? trailerProblem(input, at, found.bytes) : found.end;
    if (problem !== "") tally.add("damaged", problem);
    at = found.end === "whole" ? Math.min(input.length, at + 8) : input.length;
  }
  // Only what stands behind a whole stream is looked at on its own.
  if (pieces.length === 0 && at === 0) tally.add("damaged", "not a gzip stream");
  // Readers join members (`cat a.gz b.gz`), and so a pattern may run across the seam.
  const whole = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  yield* give({ name: joinNames(names) || "content", bytes: whole ?? input }, budget, tally);
  if (at < input.length && !isBlank(input, at)) {
    const name = "data behind the gzip stream";
    yield* give({ name, bytes: input.subarray(at) }, budget, tally);
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
  else tally.add("unscanned", "more than may still be extracted");
}

// RFC 1952 §2.3.1: 8 is the only method there is.
function isMember(input: Buffer, at: number): boolean {
  return input[at] === 0x1f && input[at + 1] === 0x8b && input[at + 2] === 8;
}

// RFC 1952 §2.3: optional fields come in this order. Undefined if the header is cut short.
function memberHeader(input: Buffer, start: number): MemberHeader | undefined {
  const flags = input[start + 3] ?? 0;
  let at = start + 10;
  if ((flags & FLAG_EXTRA) !== 0) {
    if (at + 2 > input.length) return;
    at += 2 + input.readUInt16LE(at);
  }
  let name = "";
  if ((flags & FLAG_NAME) !== 0) {
    const end = input.indexOf(0, at);
    if (end < 0) return;
    name = input.toString("latin1", at, Math.min(end, at + NAME_LENGTH_MAX));
    at = end + 1;
  }
  if ((flags & FLAG_COMMENT) !== 0) {
    const end = input.indexOf(0, at);
    if (end < 0) return;
    at = end + 1;
  }
  if ((flags & FLAG_CRC) !== 0) at += 2;
  return at < input.length ? { name, dataStart: at } : undefined;
}

// CRC-32 and the size modulo 2^32; the checksum says all that the size could.
function trailerProblem(input: Buffer, at: number, bytes: Uint8Array): string {
  if (at + 8 > input.length) return "truncated";
  return input.readUInt32LE(at) === crc32(bytes) ? "" : "checksum does not match";
}
