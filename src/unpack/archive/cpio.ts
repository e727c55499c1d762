// cpio archives: the binary format in both byte orders, and the ASCII formats odc, newc, crc and
// afio's large one. FreeBSD cpio(5) describes them.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { Giver } from "./giver.ts";
import { decodeName } from "./tar-header.ts";

interface CpioHeader {
  readonly mode: number;
  readonly nameSize: number;
  readonly size: number;
  readonly headerSize: number;
  /** What header and name, and then data, are padded to. */
  readonly padding: number;
  /** The sum of all bytes, in the crc format. */
  readonly sum?: number;
}

const TRAILER = "TRAILER!!!";
const NAME_SIZE_MAX = 65_536;
const TYPE_MASK = 0o170000;
const TYPE_FILE = 0o100000;
const MAGICS = ["070701", "070702", "070707", "070727", "\xc7\x71", "\x71\xc7"];

/** Yields the files of a cpio archive. */
export function* explodeCpio(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  let at = 0;
  let isEnded = false;
  while (at < input.length && giver.enter()) {
    const header = readHeader(input, at);
    const isPlain = header === undefined || header.nameSize > NAME_SIZE_MAX;
    if (isPlain && isEnded) {
      yield* giver.giveRest(input, at);
      break;
    }
    const next = isPlain ? findHeader(input, at + 1) : at;
    if (isPlain) giver.note("damaged", "a header is broken");
    if (next < 0) break;
    if (isPlain) {
      at = next;
      continue;
    }
    const nameStart = at + header.headerSize;
    const name = decodeName(input.subarray(nameStart, nameStart + header.nameSize - 1));
    const start = padded(at, nameStart + header.nameSize, header.padding);
    isEnded = name === TRAILER;
    const end = start + header.size;
    if (!isEnded) yield* giveEntry(input, { header, name, start, end }, giver);
    at = padded(at, end, header.padding);
    // Archives may follow each other, each padded to a block (as in a boot image).
    if (isEnded) while (at < input.length && input[at] === 0) at++;
  }
  if (!isEnded) giver.note("damaged", "no end of the archive");
  return giver.outcome;
}

function* giveEntry(
  input: Buffer,
  entry: { header: CpioHeader; name: string; start: number; end: number },
  giver: Giver,
): Generator<Extract> {
  const { header, name, start, end } = entry;
  const data = input.subarray(start, Math.min(end, input.length));
  if (end > input.length) giver.note("damaged", "cut short", name);
  else if (header.sum !== undefined && header.sum !== sumOf(data) && data.length > 0) {
    giver.note("damaged", "checksum does not match", name);
  }
  const isFile = (header.mode & TYPE_MASK) === TYPE_FILE;
  // The target of a symbolic link is data as well, and nobody's file.
  if (isFile || (header.mode & TYPE_MASK) === 0) yield* giver.give(name, data);
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum = (sum + byte) | 0;
  return sum >>> 0;
}

function padded(start: number, at: number, padding: number): number {
  return start + Math.ceil((at - start) / padding) * padding;
}

function findHeader(input: Buffer, from: number): number {
  const found = MAGICS.slice(0, 4).map((magic) => input.indexOf(magic, from, "latin1"));
  return found.reduce((first, at) => (at >= 0 && (first < 0 || at < first) ? at : first), -1);
}

function readHeader(input: Buffer, at: number): CpioHeader | undefined {
  switch (input.toString("latin1", at, at + 6)) {
    case "070701":
      return asciiHeader(input, at, { radix: 16, mode: 14, name: 94, size: 54, end: 110 });
    case "070702": {
      const fields = { radix: 16, mode: 14, name: 94, size: 54, end: 110 };
      const header = asciiHeader(input, at, fields);
      const sum = Number.parseInt(input.toString("latin1", at + 102, at + 110), 16);
      return header && { ...header, sum };
    }
    case "070707":
      return asciiHeader(input, at, { radix: 8, mode: 18, name: 59, size: 65, end: 76 });
    case "070727":
      return asciiHeader(input, at, { radix: 0, mode: 31, name: 86, size: 99, end: 116 });
  }
  const isLittle = input[at] === 0xc7 && input[at + 1] === 0x71;
  const isBig = input[at] === 0x71 && input[at + 1] === 0xc7;
  return (isLittle || isBig) && at + 26 <= input.length
    ? binaryHeader(input, at, isLittle)
    : undefined;
}

// Hexadecimal fields have 8 digits; octal ones 6, the size 11; afio's (radix 0) mixes.
function asciiHeader(
  input: Buffer,
  at: number,
  fields: { radix: number; mode: number; name: number; size: number; end: number },
): CpioHeader | undefined {
  const { radix } = fields;
  const [modeDigits, nameDigits, sizeDigits] =
    radix === 16 ? [8, 8, 8] : [6, radix === 8 ? 6 : 4, radix === 8 ? 11 : 16];
  const number = (from: number, digits: number, base: number) => {
    const text = input.toString("latin1", at + from, at + from + digits).trim();
    return /^[0-9a-f]+$/i.test(text) ? Number.parseInt(text, base) : Number.NaN;
  };
  const header = {
    mode: number(fields.mode, modeDigits, radix === 16 ? 16 : 8),
    nameSize: number(fields.name, nameDigits, radix || 16),
    size: number(fields.size, sizeDigits, radix || 16),
    headerSize: fields.end,
    padding: radix === 16 ? 4 : 1,
  };
  return Number.isNaN(header.mode + header.nameSize + header.size) ? undefined : header;
}

// Sixteen-bit words; the size has two, the higher one first in either byte order.
function binaryHeader(input: Buffer, at: number, isLittle: boolean): CpioHeader {
  const word = (index: number) =>
    isLittle ? input.readUInt16LE(at + index * 2) : input.readUInt16BE(at + index * 2);
  return {
    mode: word(3),
    nameSize: word(10),
    size: word(11) * 65_536 + word(12),
    headerSize: 26,
    padding: 2,
  };
}
