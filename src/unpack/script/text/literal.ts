// Decoding one string or list of numbers that a script may decode, and telling whether something
// came out: a text or a file that is known, not the noise that any word decodes to.

import { asBuffer } from "../../../base/bytes.ts";
import { decodeBase64 } from "../../../codec/base64.ts";

const TELLING_MIN = 8;
const HEAD_BYTES = 512;
/** Data of this size counts even if nothing in it is known: no word is as long. */
const LARGE = 64;
const CODES_MIN = 4;
const NUMBER_MAX = 0xffff;
// ZIP, program, RAR, 7z, PDF, OLE2, gzip, CAB, shortcut, RTF, ELF, zlib, PNG, bzip2, xz, Zstandard,
// LZ4, LZMA, compress, Flash, OpenPGP.
const MAGIC =
  /^(?:504b0304|4d5a|52617221|377abcaf|25504446|d0cf11e0|1f8b08|4d534346|4c000000|7b5c7274|7f454c46|789c|78da|89504e47|425a68|fd377a58|28b52ffd|04224d18|5d0000|1f9d|[4-5][36a]5753|a30[1-3]|c8..0[1-3])/;

/** All that a string decodes to; backwards as well if the script may turn it round. */
export function decodeLiteral(text: string, isReversing: boolean): readonly Buffer[] {
  const ways = isReversing || text.startsWith("=") ? [text, [...text].reverse().join("")] : [text];
  return ways.map(decodeForwards).filter((decoded) => decoded !== undefined);
}

function decodeForwards(text: string): Buffer | undefined {
  for (const decode of [percentBytes, escapeBytes, hexBytes, base64Bytes]) {
    const decoded = decode(text);
    if (decoded !== undefined && isTelling(decoded)) return decoded;
  }
  return;
}

// unescape() of %41 and %u0041; decodeURIComponent() differs only beyond ASCII.
function percentBytes(text: string): Buffer | undefined {
  // Addresses are given by the reader of data: URLs, if they are such.
  if (!text.includes("%") || /^\s*(?:data|https?):/i.test(text)) return;
  let codes = 0;
  const plain = text.replace(/%u([0-9a-f]{4})|%([0-9a-f]{2})/gi, (_, wide = "", narrow = "") => {
    codes++;
    return String.fromCharCode(Number.parseInt(wide || narrow, 16));
  });
  return codes < CODES_MIN ? undefined : textBytes(plain);
}

// \x41 and \u0041, as scripts write any string to hide it.
function escapeBytes(text: string): Buffer | undefined {
  if (!text.includes("\\")) return;
  let codes = 0;
  const plain = text.replace(
    /\\(?:x|u00)([0-9a-f]{2})|\\u([0-9a-f]{4})/gi,
    (_, low = "", wide = "") => {
      codes++;
      return String.fromCharCode(Number.parseInt(low || wide, 16));
    },
  );
  if (codes < CODES_MIN) return;
  // Base64 behind escapes is one step for the script and is one here.
  return decodeForwards(plain) ?? textBytes(plain);
}

function hexBytes(text: string): Buffer | undefined {
  const digits = text.replace(/^0x/i, "").replace(/-/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(digits)) return;
  return Buffer.from(digits, "hex");
}

function base64Bytes(text: string): Buffer | undefined {
  if (!/^[\w+/=\\-]+$/.test(text)) return;
  const digits = text.replaceAll("\\", "").replaceAll("-", "+").replaceAll("_", "/");
  return asBuffer(decodeBase64(Buffer.from(digits, "latin1")).bytes);
}

/** The bytes (or characters, as UTF-8) that a list of numbers stands for. */
export function numberBytes(list: string): Buffer | undefined {
  const numbers: number[] = [];
  let isWide = false;
  for (const [, hex, decimal = ""] of list.matchAll(/(?:&h|0x)([0-9a-f]+)|(\d+)/gi)) {
    const value = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    if (value > NUMBER_MAX) return;
    if (value > 0xff) isWide = true;
    numbers.push(value);
  }
  if (!isWide) return Buffer.from(numbers);
  let text = "";
  for (const value of numbers) text += String.fromCharCode(value);
  return Buffer.from(text);
}

/** Whether bytes are a text or a known kind of file (or too large to be chance). */
export function isTelling(bytes: Buffer): boolean {
  if (bytes.length < TELLING_MIN) return false;
  if (bytes.length >= LARGE || MAGIC.test(bytes.toString("hex", 0, 4))) return true;
  return isText(bytes, 1) || (bytes[1] === 0 && isText(bytes, 2));
}

// Printable ASCII at every byte, or every other one (UTF-16). A part beyond ASCII is UTF-8.
function isText(bytes: Buffer, step: 1 | 2): boolean {
  const end = Math.min(bytes.length, HEAD_BYTES);
  let odd = 0;
  let isVaried = false;
  for (let at = 0; at < end; at += step) {
    const byte = bytes[at] as number;
    const isSpace = byte === 9 || byte === 10 || byte === 13;
    if (byte < 0x20 && !isSpace) return false;
    if (byte >= 0x7f) odd++;
    if (byte !== bytes[0]) isVaried = true;
  }
  return isVaried && odd * step * 16 <= end;
}

function textBytes(text: string): Buffer {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0xff) return Buffer.from(text);
  }
  return Buffer.from(text, "latin1");
}
