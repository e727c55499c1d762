// Bodies and header fields that gw writes itself into a message, in a form that every hop and every
// mail program takes: ASCII, short lines.

import { hasHighByte } from "../base/bytes.ts";
import type { TransferEncoding } from "./transfer.ts";

const LINE_MAX = 76;
/** RFC 5322 §2.1.1: without its line end. */
const IDENTITY_LINE_MAX = 998;
const PIECE_MAX = 50;

/** A body in an encoding, and the encoding's name for its header field. */
export interface EncodedBody {
  readonly bytes: Buffer;
  /** What Content-Transfer-Encoding has to say, "" if what stood there is still right. */
  readonly encoding: string;
}

/** Base64 in lines of 76. RFC 2045 §6.8. */
export function base64Lines(bytes: Uint8Array, eol: string): Buffer {
  const text = Buffer.from(bytes).toString("base64");
  return Buffer.from(text.replace(/.{76}(?=.)/g, `$&${eol}`), "latin1");
}

/** Quoted-printable; line ends of the text stay line ends. RFC 2045 §6.7. */
export function quotedPrintable(bytes: Uint8Array, eol: string): Buffer {
  const lines = Buffer.from(bytes)
    .toString("latin1")
    .split(/\r\n|\n/);
  return Buffer.from(lines.map((line) => quotedLine(line, eol)).join(eol), "latin1");
}

function quotedLine(line: string, eol: string): string {
  const hex = (char: string) =>
    `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  const coded = line
    .replace(/[^\t -<>-~]/g, hex)
    .replace(/[ \t]$/, hex)
    .replace(/^\.|^From /, (start) => hex(start.charAt(0)) + start.slice(1));
  if (coded.length <= LINE_MAX) return coded;
  const out: string[] = [];
  let current = "";
  for (const [token] of coded.matchAll(/=[0-9A-F]{2}|[\s\S]/g)) {
    if (current.length + token.length >= LINE_MAX) {
      out.push(`${current}=`);
      current = "";
    }
    current += token;
  }
  return [...out, current].join(eol);
}

/** Encodes a body anew the way the part said it was, or in base64 if that can't hold it. */
export function encodeBody(
  bytes: Uint8Array,
  old: { readonly encoding: TransferEncoding; readonly body: Uint8Array },
  eol: string,
): EncodedBody {
  if (old.encoding === "base64") return { bytes: base64Lines(bytes, eol), encoding: "" };
  if (old.encoding === "quoted-printable") {
    return { bytes: quotedPrintable(bytes, eol), encoding: "" };
  }
  if (old.encoding === "identity" && isPlain(bytes, hasHighByte(old.body))) {
    return { bytes: Buffer.from(bytes), encoding: "" };
  }
  return { bytes: base64Lines(bytes, eol), encoding: "base64" };
}

// What may stand in a message as it is: lines of bearable length, no NUL, no lone CR, and bytes
// above 127 only where there were some before.
function isPlain(bytes: Uint8Array, mayBeHigh: boolean): boolean {
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === 0 || (byte > 127 && !mayBeHigh)) return false;
    if (byte === 13 && bytes[at + 1] !== 10) return false;
    length = byte === 10 ? 0 : length + 1;
    if (length > IDENTITY_LINE_MAX + 1) return false;
  }
  return true;
}

/** A parameter of a structured field, folded onto lines of its own. RFC 2045 §5.1, RFC 2231. */
export function parameter(key: string, value: string, eol: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not get into a header
  const text = value.replace(/[\x00-\x1f\x7f-\x9f]/g, "");
  if (/^[ -~]{0,60}$/.test(text)) {
    return `;${eol} ${key}="${text.replace(/["\\]/g, "\\$&")}"`;
  }
  const coded = encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const pieces = coded.match(/(?:%[0-9A-F]{2}|[^%]){1,16}/g) ?? [];
  const lines = pieces.map(
    (piece, index) => `;${eol} ${key}*${index}*=${index === 0 ? "utf-8''" : ""}${piece}`,
  );
  return lines.join("");
}

/** Text for an unstructured field, as encoded words on lines of their own if it needs that. RFC 2047 §2. */
export function headerText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not get into a header
  const line = text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").toWellFormed();
  if (/^[ -~]*$/.test(line) && !line.includes("=?")) return line;
  const words: string[] = [];
  let piece = "";
  for (const char of line) {
    if (Buffer.byteLength(piece + char) > (PIECE_MAX * 3) / 4) {
      words.push(piece);
      piece = "";
    }
    piece += char;
  }
  words.push(piece);
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString("base64")}?=`).join("\r\n ");
}
