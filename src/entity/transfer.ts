// Content-Transfer-Encoding: a body's bytes in every way they may be read. RFC 2045 §6.

import { decodeBase64, looksBase64 } from "../codec/base64.ts";
import { decodeQuotedPrintable } from "../codec/quoted-printable.ts";
import { decodeUuLines, uuBlocks } from "../codec/uuencode.ts";
import { yencBlocks } from "../codec/yenc.ts";

/** The encodings that change bytes, and "identity" for all that do not (7bit, 8bit, binary …). */
export type TransferEncoding = "identity" | "base64" | "quoted-printable" | "uuencode" | "yenc";

/** One way to read a body. */
export interface Reading {
  readonly bytes: Uint8Array;
  /** The name written inside the encoding, "" if it has none. */
  readonly name: string;
}

const BLOCKS_MAX = 1000;

/** The encoding a Content-Transfer-Encoding field names, whatever comments or quotes it has. */
export function transferEncoding(value: string): TransferEncoding {
  const word = /[a-z0-9_-]+/i.exec(value.replace(/\([^)]*\)/g, ""))?.[0].toLowerCase() ?? "";
  switch (word.replace(/^x-/, "").replaceAll(/[-_]/g, "")) {
    case "base64":
    case "b":
      return "base64";
    case "quotedprintable":
    case "q":
      return "quoted-printable";
    case "uuencode":
    case "uuencoded":
    case "uue":
    case "uu":
      return "uuencode";
    case "yenc":
    case "yencode":
      return "yenc";
    default:
      return "identity";
  }
}

/**
 * Everything `body` may mean when `encoding` is declared, likeliest first. An identity reading is a
 * view of `body`, not a copy.
 */
export function readings(body: Uint8Array, encoding: TransferEncoding): Reading[] {
  switch (encoding) {
    case "identity":
      return withEvidentBase64(body);
    case "base64":
      return base64Readings(body);
    case "quoted-printable":
      return withEvidentBase64(decodeQuotedPrintable(body));
    case "uuencode":
      return blockReadings(uuBlocks(body), body, decodeUuLines);
    case "yenc":
      return blockReadings(yencBlocks(body), body);
    default:
      return encoding satisfies never;
  }
}

const plain = (bytes: Uint8Array): Reading => ({ bytes, name: "" });

// Some readers decode what is plainly base64 although the header says otherwise.
function withEvidentBase64(bytes: Uint8Array): Reading[] {
  if (!looksBase64(bytes)) return [plain(bytes)];
  return [plain(bytes), ...base64Readings(bytes)];
}

function base64Readings(body: Uint8Array): Reading[] {
  const decoded = decodeBase64(body);
  const all = [plain(decoded.bytes), ...decoded.others.map(plain)];
  // Not base64 after all: readers show the text as it stands.
  if (decoded.junk * 8 > body.length) all.push(plain(body));
  return all;
}

function blockReadings(
  blocks: Iterable<Reading>,
  body: Uint8Array,
  withoutFrame?: (body: Uint8Array) => Uint8Array,
): Reading[] {
  const all: Reading[] = [];
  for (const { bytes, name } of blocks) {
    if (all.push({ bytes, name }) >= BLOCKS_MAX) break;
  }
  if (all.length > 0) return all;
  const bytes = withoutFrame?.(body);
  return bytes === undefined || bytes.length === 0 ? [plain(body)] : [plain(bytes), plain(body)];
}
