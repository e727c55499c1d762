// Text in UTF-16 or UTF-7, which browsers, script hosts and editors read like any other: given once
// more as UTF-8, since nearly all signatures are written for that. RFC 2781, RFC 2152.

import { asBuffer } from "../../../base/bytes.ts";
import { decodeBase64 } from "../../../codec/base64.ts";

const HEAD_BYTES = 256;
const RUN_MAX = 1 << 20;

/** The text of `bytes` as UTF-8 if it is in UTF-16 (a mark, or every other byte zero). */
export function utf16Text(bytes: Uint8Array): Buffer | undefined {
  const [a, b] = bytes;
  const isLittle = a === 0xff && b === 0xfe;
  const isBig = a === 0xfe && b === 0xff;
  const order = isLittle ? 1 : isBig ? 0 : bareOrder(bytes);
  if (order < 0) return;
  const even = asBuffer(bytes).subarray(0, bytes.length & ~1);
  const little = order === 0 ? Buffer.from(even).swap16() : even;
  return Buffer.from(little.toString("utf16le").replace(/^\ufeff/, ""));
}

// Which of two bytes is zero throughout the head (1 little endian, 0 big), -1 for neither. ASCII
// says so at once: two zeros of four is asked for first, so that other objects cost nothing.
function bareOrder(bytes: Uint8Array): number {
  const order = bytes[1] === 0 && bytes[3] === 0 ? 1 : bytes[0] === 0 && bytes[2] === 0 ? 0 : -1;
  if (order < 0 || bytes.length < 4) return -1;
  const end = Math.min(bytes.length & ~1, HEAD_BYTES);
  for (let at = 0; at < end; at += 2) {
    const high = bytes[at + order];
    const low = bytes[at + 1 - order] as number;
    const isText = low >= 0x20 || low === 9 || low === 10 || low === 13;
    if (high !== 0 || !isText) return -1;
  }
  return order;
}

/** Without one of these no UTF-7 hides markup: "<" as the first or second character of a run. */
export const UTF7_MARKS = ["+ADw", "+ACIAPg", "+AHs"] as const;

/**
 * The text with its UTF-7 runs decoded if it hides markup in them ("+ADw-script+AD4-"): old
 * browsers guess this charset. Undefined if it does not.
 */
export function utf7Text(bytes: Uint8Array): Buffer | undefined {
  const input = asBuffer(bytes);
  if (!UTF7_MARKS.some((mark) => input.includes(mark))) return;
  const text = input
    .toString("latin1")
    .replace(/\+([A-Za-z0-9+/]{2,})-?/g, (_, digits: string) => decodedRun(digits))
    .replaceAll("+-", "+");
  return Buffer.from(text);
}

// RFC 2152: modified base64 of UTF-16 in network order, without padding.
function decodedRun(digits: string): string {
  const bytes = asBuffer(decodeBase64(Buffer.from(digits.slice(0, RUN_MAX), "latin1")).bytes);
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString("utf16le");
}
