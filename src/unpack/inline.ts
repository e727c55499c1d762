// Files that are written out as text inside a text: uuencode and yEnc blocks, data: URLs, and
// base64 strings in scripts that carry an archive or a program ("HTML smuggling": the page builds
// the attachment when it is opened, so that no filter on the way sees it).

import type { Budget } from "../base/budget.ts";
import { asBuffer } from "../base/bytes.ts";
import { decodeBase64 } from "../codec/base64.ts";
import { UU_MARKS, uuBlocks } from "../codec/uuencode.ts";
import { YENC_MARK, yencBlocks } from "../codec/yenc.ts";
import type { Explosion, Extract } from "../message.ts";
import { cleanName } from "../text/object-name.ts";

const FILES_MAX = 1000;
const DATA_URL_MIN = 64;
const STRING_MIN = 256;
const CHUNK = 1_048_576;
const OVERLAP = 512;

// How the base64 of formats that carry malware begins: ZIP, programs, RAR, 7z, OLE2, CAB, gzip, PDF,
// LNK. ISO is not among them since its magic stands far behind its start.
const MARKERS = [
  "UEsDB",
  "TVqQAA",
  "TVpQAA",
  "TVoAAA",
  "UmFyIR",
  "N3q8rycc",
  "0M8R4K",
  "TVNDRgAAAA",
  "H4sIA",
  "JVBERi0",
  "TAAAAAEUAg",
];

/** Without one of these, or "begin" at its very start, a text holds no file. */
export const INLINE_MARKS = [
  ...UU_MARKS,
  YENC_MARK,
  ...["64,", "data:", "DATA:", "Data:"],
  ...MARKERS,
] as const;

// No part of the type may hold a colon, and "base64" at its end is the other form.
const PLAIN_URL =
  /data:(text\/(?:html|xml|javascript|vbscript)|application\/(?:xhtml\+xml|xml|(?:x-)?javascript|hta)|image\/svg\+xml)(?:;(?!base64)[^:,;"'<>\s]{0,100}){0,4},/gi;

const SVG_ACTION = /script|\bon[a-z]{3,25}\s{0,20}=|foreignobject/i;

interface Found {
  readonly name: string;
  readonly declaredType: string;
  readonly bytes: Uint8Array;
}

/** Whether a whole string is base64 that is given by `explodeText()` wherever it stands. */
export function isArchiveBase64(text: string): boolean {
  return text.length >= STRING_MIN && MARKERS.some((marker) => text.startsWith(marker));
}

/** Yields the files written inside a text. */
export function* explodeText(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const text = asBuffer(bytes);
  let count = 0;
  for (const found of inlineFiles(text)) {
    if (++count > FILES_MAX) return { status: "unscanned", note: "too many files in a text" };
    if (budget.isExpired) return { status: "unscanned", note: "time limit reached" };
    if (!budget.takeObject(found.bytes.length)) {
      return { status: "unscanned", note: "more than may still be extracted" };
    }
    yield found;
  }
  return { status: "clean", note: "" };
}

function* inlineFiles(text: Buffer): Generator<Found> {
  for (const blocks of [uuBlocks(text), yencBlocks(text)]) {
    for (const { name, bytes } of blocks) {
      yield { name: cleanName(name) || "encoded file", declaredType: "", bytes };
    }
  }
  const urls = new Set<number>();
  // What the URL scheme says is told as the declared type; the bytes are judged all the same.
  for (const url of dataUrls(text)) {
    urls.add(url.start);
    yield url;
  }
  yield* plainUrls(text);
  yield* base64Strings(text, urls);
}

/** `data:text/html,%3Chtml…`: types that run scripts, percent codes instead of base64. RFC 2397. */
function* plainUrls(text: Buffer): Generator<Found> {
  if (!text.includes("data:") && !text.includes("DATA:") && !text.includes("Data:")) return;
  let free = 0;
  for (let at = 0; at < text.length; at += CHUNK) {
    const chunk = text.toString("latin1", at, Math.min(text.length, at + CHUNK + OVERLAP));
    for (const match of chunk.matchAll(PLAIN_URL)) {
      const start = at + match.index + match[0].length;
      // What an address holds is part of it, and an overlap is read twice.
      if (start < free) continue;
      const end = plainUrlEnd(text, start, text[at + match.index - 1] ?? 0);
      free = end;
      if (end - start < DATA_URL_MIN) continue;
      const declaredType = (match[1] ?? "").toLowerCase();
      const bytes = percentDecoded(text.subarray(start, end));
      // Drawings are what style sheets are full of; only those that run something count.
      if (declaredType.includes("svg") && !SVG_ACTION.test(bytes.toString("latin1"))) continue;
      yield { name: "data url", declaredType, bytes };
    }
  }
}

// The address ends at the quote it stands in, or at any quote or line end if it stands in none.
function plainUrlEnd(text: Buffer, start: number, quote: number): number {
  const isQuoted = quote === 0x22 || quote === 0x27 || quote === 0x60;
  if (isQuoted) {
    const end = text.indexOf(quote, start);
    return end < 0 ? text.length : end;
  }
  let at = start;
  for (; at < text.length; at++) {
    const byte = text[at] as number;
    if (byte === 0x22 || byte === 0x27 || byte === 0x60 || byte === 10 || byte === 13) break;
  }
  return at;
}

function percentDecoded(run: Buffer): Buffer {
  const plain = run
    .toString("latin1")
    .replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  return Buffer.from(plain, "latin1");
}

/** `data:text/html;base64,…`, RFC 2397. Pictures, fonts and sounds are what mail is full of. */
function* dataUrls(text: Buffer): Generator<Found & { readonly start: number }> {
  // Looked for first in the bytes: strings of whole texts are dear, and few texts have any.
  if (text.indexOf("64,") < 0) return;
  let free = 0;
  for (let at = 0; at < text.length; at += CHUNK) {
    const chunk = text.toString("latin1", at, Math.min(text.length, at + CHUNK + OVERLAP));
    // A colon may not stand in the type: it keeps floods of "data:" from being read twice.
    const pattern = /data:([^:,;"'<>\s]{0,180})(?:;[^,;"'<>\s]{0,100}){0,8}?;base64,/gi;
    for (const match of chunk.matchAll(pattern)) {
      const start = at + match.index + match[0].length;
      if (start < free) continue;
      const declaredType = (match[1] ?? "").toLowerCase();
      const end = runEnd(text, start, true);
      free = end;
      const isMedia = /^(?:image|font|audio|video)\//.test(declaredType);
      if (end - start <= DATA_URL_MIN || (isMedia && !declaredType.includes("svg"))) continue;
      yield { name: "data url", declaredType, start, bytes: decoded(text, start, end) };
    }
  }
}

// A data: URL was given already when it holds what a marker finds; `seen` is where those begin.
function* base64Strings(text: Buffer, seen: ReadonlySet<number>): Generator<Found> {
  for (const marker of MARKERS) {
    for (let at = text.indexOf(marker, 0, "latin1"); at >= 0; ) {
      const end = runEnd(text, at, false);
      if (end - at >= STRING_MIN && !seen.has(at) && isRunStart(text, at)) {
        yield { name: "base64 string", declaredType: "", bytes: decoded(text, at, end) };
      }
      at = text.indexOf(marker, Math.max(end, at + 1), "latin1");
    }
  }
}

// The marker must open the string: in the middle of other base64 it is chance.
function isRunStart(text: Buffer, at: number): boolean {
  return at === 0 || !isDigit(text[at - 1] as number);
}

function isDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (byte >= 0x2f && byte <= 0x39) || byte === 0x2b;
}

// Where base64 that begins at `start` ends. Browsers strip white space from data: URLs, and read
// percent codes in them; line ends and backslashes continue a string in scripts.
function runEnd(text: Buffer, start: number, isUrl: boolean): number {
  let at = start;
  for (; at < text.length; at++) {
    const byte = text[at] as number;
    if (isDigit(byte) || byte === 0x3d || byte === 10 || byte === 13) continue;
    if (isUrl ? byte === 0x20 || byte === 9 || byte === 0x25 : byte === 0x5c) continue;
    break;
  }
  return at;
}

function decoded(text: Buffer, start: number, end: number): Uint8Array {
  const run = text.subarray(start, end);
  if (!run.includes(0x25)) return decodeBase64(run).bytes;
  return decodeBase64(percentDecoded(run)).bytes;
}
