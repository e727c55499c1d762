// What stands between the brackets of PDF strings, and what it says. ISO 32000-2 §7.3.4, §7.9.2.2.

import { asBuffer } from "../../base/bytes.ts";

/**
 * A string's or script's bytes in UTF-8, if a byte order mark says what they are; as they are
 * otherwise, since PDFDocEncoding is ASCII where it matters.
 */
export function utf8Of(bytes: Buffer): Buffer {
  const [first, second, third] = bytes;
  if (first === 0xfe && second === 0xff) return fromUtf16(bytes.subarray(2), true);
  // Not in the standard, but viewers read it.
  if (first === 0xff && second === 0xfe) return fromUtf16(bytes.subarray(2), false);
  return first === 0xef && second === 0xbb && third === 0xbf ? bytes.subarray(3) : bytes;
}

/** A string for people and signatures: one line, at most `lengthMax` characters. */
export function lineOf(bytes: Buffer, lengthMax: number): string {
  const head = bytes.subarray(0, 4 * lengthMax);
  const text = utf8Of(head);
  const decoded = text.toString(text === head ? "latin1" : "utf8");
  // Line ends and other control characters would forge or hide lines.
  return decoded
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, lengthMax);
}

function fromUtf16(bytes: Buffer, isBigEndian: boolean): Buffer {
  const even = Buffer.from(bytes.subarray(0, bytes.length & ~1));
  const text = (isBigEndian ? even.swap16() : even).toString("utf16le");
  return asBuffer(Buffer.from(text, "utf8"));
}

/** The bytes that hex digits stand for; other bytes between them are passed over. */
export function hexBytes(digits: Buffer): Buffer {
  const out = Buffer.allocUnsafe((digits.length + 1) >> 1);
  let length = 0;
  let high = -1;
  for (const byte of digits) {
    const value = hexValue(byte);
    if (value < 0) continue;
    if (high < 0) high = value;
    else {
      out[length++] = (high << 4) | value;
      high = -1;
    }
  }
  if (high >= 0) out[length++] = high << 4;
  return out.subarray(0, length);
}

/** A literal string without its escapes. §7.3.4.2, table 3: a line end is one LF, however written. */
export function unescaped(raw: Buffer): Buffer {
  const out = Buffer.allocUnsafe(raw.length);
  let length = 0;
  for (let at = 0; at < raw.length; at++) {
    const byte = raw[at] as number;
    if (byte === 13) {
      if (raw[at + 1] === 10) at++;
      out[length++] = 10;
      continue;
    }
    if (byte !== 0x5c) {
      out[length++] = byte;
      continue;
    }
    const next = raw[++at];
    if (next === undefined) break;
    if (next >= 0x30 && next <= 0x37) {
      let code = next - 0x30;
      for (let digits = 1; digits < 3; digits++) {
        const digit = raw[at + 1];
        if (digit === undefined || digit < 0x30 || digit > 0x37) break;
        code = code * 8 + digit - 0x30;
        at++;
      }
      out[length++] = code & 0xff;
    } else if (next === 13 || next === 10) {
      if (next === 13 && raw[at + 1] === 10) at++;
    } else out[length++] = escapeCode(next);
  }
  return out.subarray(0, length);
}

function escapeCode(byte: number): number {
  switch (byte) {
    case 0x6e:
      return 10;
    case 0x72:
      return 13;
    case 0x74:
      return 9;
    case 0x62:
      return 8;
    case 0x66:
      return 12;
    default:
      return byte;
  }
}

function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
