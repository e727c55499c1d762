// BinHex 4.0: how old Macintosh mail programs write a file with both of its forks as text. A text
// may hold it anywhere; application/mac-binhex40, RFC 1741.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { Tally } from "../tally.ts";

const FILES_MAX = 100;
/** Without it a text holds no BinHex. */
export const BINHEX_MARK = "must be converted with BinHex";
const DIGITS = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
const RUN = 0x90;
const END = 64;
const SPACE = 65;
const JUNK = 66;

/** Yields the files of all BinHex blocks in a text; quick if there are none. */
export function* explodeBinhex(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const text = asBuffer(bytes);
  const tally = new Tally();
  let at = text.indexOf(BINHEX_MARK);
  for (let count = 0; at >= 0; count++) {
    if (count >= FILES_MAX || budget.isExpired) {
      tally.add("unscanned", "too many BinHex files");
      break;
    }
    const start = dataStart(text, at);
    if (start > 0) yield* file(text, start, { budget, tally });
    at = text.indexOf(BINHEX_MARK, at + BINHEX_MARK.length);
  }
  return tally.outcome;
}

// The data begin with a colon at a line's start; the mark alone is a sentence about BinHex.
function dataStart(text: Buffer, markAt: number): number {
  const head = text.toString("latin1", markAt, Math.min(text.length, markAt + 400));
  const found = /[\r\n][ \t]*:(?=[!-r])/.exec(head);
  return found === null ? -1 : markAt + found.index + found[0].length;
}

interface Place {
  readonly budget: Budget;
  readonly tally: Tally;
}

// A name, its type and creator, the lengths of the forks; each piece has a checksum behind it.
function* file(text: Buffer, start: number, { budget, tally }: Place): Generator<Extract> {
  const { bytes, end } = decode(text, start, budget.bytesLeft);
  if (end === "too-large") tally.add("unscanned", "larger than what may still be extracted");
  else if (end === "cut") tally.add("damaged", "a BinHex file is cut short");
  const nameLength = bytes[0] ?? 0;
  const lengthsAt = nameLength + 12;
  if (lengthsAt + 10 > bytes.length) {
    tally.add("damaged", "a BinHex header is malformed");
    return;
  }
  const name = cleanName(bytes.toString("latin1", 1, 1 + nameLength)) || "binhex file";
  const sizes = [bytes.readUInt32BE(lengthsAt), bytes.readUInt32BE(lengthsAt + 4)];
  let at = lengthsAt + 8;
  if (bytes.readUInt16BE(at) !== checksum(bytes.subarray(0, at))) {
    tally.add("damaged", "checksum does not match", name);
  }
  at += 2;
  for (const [index, size] of sizes.entries()) {
    const fork = bytes.subarray(at, at + size);
    const label = index === 0 ? name : `${name} (resource fork)`;
    at += size;
    if (fork.length < size) tally.add("damaged", "a BinHex file is cut short", label);
    else if (at + 2 <= bytes.length && bytes.readUInt16BE(at) !== checksum(fork)) {
      tally.add("damaged", "checksum does not match", label);
    }
    at += 2;
    if (fork.length === 0) continue;
    if (budget.takeObject(fork.length)) yield { name: label, declaredType: "", bytes: fork };
    else tally.add("unscanned", "more than may still be extracted", label);
  }
}

interface Decoded {
  readonly bytes: Buffer;
  readonly end: "whole" | "cut" | "too-large";
}

// Six bits per digit, then run lengths: 0x90 and a count repeat the byte before; a count of zero
// stands for 0x90 itself.
function decode(text: Buffer, start: number, sizeMax: number): Decoded {
  const table = digitTable();
  const out = new Output(sizeMax);
  let group = 0;
  let bits = 0;
  let isRun = false;
  for (let at = start; at < text.length; at++) {
    const value = table[text[at] as number] as number;
    if (value === SPACE) continue;
    if (value >= END) return { bytes: out.bytes, end: value === END ? "whole" : "cut" };
    group = ((group << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    const byte = (group >> bits) & 0xff;
    if (isRun) {
      out.repeat(byte);
      isRun = false;
    } else if (byte === RUN) isRun = true;
    else out.put(byte, 1);
    if (out.isFull) return { bytes: out.bytes, end: "too-large" };
  }
  return { bytes: out.bytes, end: "cut" };
}

/** Bytes as they are made, up to a bound. */
class Output {
  readonly #max: number;
  #bytes = Buffer.allocUnsafeSlow(4096);
  #size = 0;
  #last = 0;
  isFull = false;

  constructor(max: number) {
    this.#max = max;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  put(byte: number, count: number): void {
    const end = this.#size + count;
    if (end > this.#max) {
      this.isFull = true;
      return;
    }
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, this.#bytes.length * 2));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.fill(byte, this.#size, end);
    this.#size = end;
    this.#last = byte;
  }

  repeat(count: number): void {
    if (count === 0) this.put(RUN, 1);
    else if (count > 1) this.put(this.#last, count - 1);
  }
}

function digitTable(): Uint8Array {
  const table = new Uint8Array(256).fill(JUNK);
  for (let value = 0; value < DIGITS.length; value++) table[DIGITS.charCodeAt(value)] = value;
  for (const space of "\t\r\n ") table[space.charCodeAt(0)] = SPACE;
  table[0x3a] = END;
  return table;
}

// CRC-16 with the polynomial 0x1021, as if two zero bytes stood behind (RFC 1741, appendix A).
function checksum(bytes: Uint8Array): number {
  const table = crcTable();
  let crc = 0;
  for (let at = 0; at < bytes.length; at++) {
    crc = ((crc << 8) ^ (table[((crc >> 8) ^ (bytes[at] as number)) & 0xff] as number)) & 0xffff;
  }
  return crc;
}

function crcTable(): Uint16Array {
  const table = new Uint16Array(256);
  for (let index = 0; index < 256; index++) {
    let crc = index << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    table[index] = crc;
  }
  return table;
}
