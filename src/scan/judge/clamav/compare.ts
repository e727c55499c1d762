// ClamAV's byte comparisons: a number near a match, as text or in binary, is compared with others.
import type { ByteCompare } from "../../../gwdb/clamav-judgement.ts";

const SPACE = /[\t\n\v\f\r ]/;
/** White space that may stand before a number in text. */
const SPACE_MAX = 64;

/** Reads the number at `at`; undefined if there is none. */
function readNumber(compare: ByteCompare, bytes: Uint8Array, at: number): bigint | undefined {
  if (at < 0 || at >= bytes.length) return undefined;
  return compare.form === "binary" ? readBinary(compare, bytes, at) : readText(compare, bytes, at);
}

function readBinary(compare: ByteCompare, bytes: Uint8Array, at: number): bigint | undefined {
  const { length, isLittleEndian } = compare;
  if (at + length > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, length);
  switch (length) {
    case 1:
      return BigInt(view.getUint8(0));
    case 2:
      return BigInt(view.getUint16(0, isLittleEndian));
    case 4:
      return BigInt(view.getUint32(0, isLittleEndian));
    case 8:
      return view.getBigInt64(0, isLittleEndian);
    default:
      return undefined;
  }
}

function readText(compare: ByteCompare, bytes: Uint8Array, at: number): bigint | undefined {
  const ahead = bytes.subarray(at, at + SPACE_MAX + compare.length);
  const text = Buffer.from(ahead).toString("latin1");
  let from = 0;
  while (from < SPACE_MAX && SPACE.test(text[from] ?? "")) from++;
  const word = text.slice(from, from + compare.length);
  const isHex = compare.form === "hex" || (compare.form === "auto" && /^0x/i.test(word));
  const digits = isHex
    ? (/^(?:0x)?([0-9a-f]+)/i.exec(word)?.[1] ?? "")
    : (/^\d+/.exec(word)?.[0] ?? "");
  const taken = word.length - (isHex && /^0x/i.test(word) ? 2 : 0);
  if (digits === "" || (compare.isExact && digits.length !== taken)) return undefined;
  if (compare.isExact && word.length < compare.length) return undefined;
  if (!isHex) return BigInt(digits);
  return BigInt(`0x${compare.isLittleEndian ? swapped(digits) : digits}`);
}

// The text of a little-endian number has its lowest byte first.
function swapped(digits: string): string {
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return (even.match(/../g) ?? []).reverse().join("");
}

/** 1 if the number near `start` passes all tests, else 0. */
export function countCompare(compare: ByteCompare, bytes: Uint8Array, start: number): number {
  const number = readNumber(compare, bytes, start + compare.add);
  if (number === undefined) return 0;
  const passes = compare.tests.every(({ operator, value }) => {
    const right = BigInt(value);
    return operator === "=" ? number === right : operator === "<" ? number < right : number > right;
  });
  return passes ? 1 : 0;
}
