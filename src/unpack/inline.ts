// Files that are written out as text inside a text: uuencode and yEnc blocks, data: URLs, and
// base64 strings in scripts that carry an archive or a program ("HTML smuggling": the page builds
// the attachment when it is opened, so that no filter on the way sees it).

import type { Budget } from "../base/budget.ts";
import { asBuffer } from "../base/bytes.ts";
import { decodeBase64 } from "../codec/base64.ts";
import { uuBlocks } from "../codec/uuencode.ts";
import { yencBlocks } from "../codec/yenc.ts";
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

interface Found {
  readonly name: string;
  readonly declaredType: string;
  readonly bytes: Uint8Array;
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
  yield* base64Strings(text, urls);
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
  const plain = run
    .toString("latin1")
    .replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  return decodeBase64(Buffer.from(plain, "latin1")).bytes;
}
