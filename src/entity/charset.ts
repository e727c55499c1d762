// Text of header fields: raw 8-bit, RFC 2047 encoded words, RFC 2231 percent codes. Header text is
// handed about as latin1 strings (one character per byte) until it is decoded here.

import { decodeBase64 } from "../codec/base64.ts";
import { decodeQuotedPrintable, hexValue } from "../codec/quoted-printable.ts";

const WORD = /=\?([^?\s]{1,64})\?([bq])\?([^?]*)\?=/gi;

/** Bytes in `charset` as text; as UTF-8 or else latin1 if the charset is not known. */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  // RFC 2231 §5: a language may follow the charset.
  const label = charset.split("*", 1)[0] ?? "";
  try {
    return new TextDecoder((label === "" ? "utf-8" : label) as Bun.Encoding, {
      fatal: label === "",
    }).decode(bytes);
  } catch {
    // Not a charset we know, or not UTF-8: names only have to be readable, not exact.
    return eightBitText(Buffer.from(bytes).toString("latin1"));
  }
}

/** Raw header text: UTF-8 if it is that (RFC 6532), else taken as latin1. */
export function eightBitText(latin1: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is the fast way out
  if (/^[\x00-\x7f]*$/.test(latin1)) return latin1;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(latin1, "latin1"));
  } catch {
    // Some 8-bit charset that nobody declared.
    return latin1;
  }
}

/** Header text with its encoded words decoded. RFC 2047. */
export function decodeWords(latin1: string): string {
  if (!latin1.includes("=?")) return eightBitText(latin1);
  let text = "";
  let end = 0;
  let held: { charset: string; bytes: Uint8Array[] } | undefined;
  const release = () => {
    if (held !== undefined) text += decodeCharset(Buffer.concat(held.bytes), held.charset);
    held = undefined;
  };
  for (const match of latin1.matchAll(WORD)) {
    const [word, charset = "", encoding = "", digits = ""] = match;
    const between = latin1.slice(end, match.index);
    // RFC 2047 §6.2: white space between two words is not shown. Words of one charset are joined
    // before decoding, since senders do cut characters in two.
    const isAdjacent = held !== undefined && between.trim() === "";
    if (!isAdjacent || held?.charset !== charset.toLowerCase()) release();
    if (!isAdjacent) text += eightBitText(between);
    held ??= { charset: charset.toLowerCase(), bytes: [] };
    held.bytes.push(decodeWord(encoding, digits));
    end = match.index + word.length;
  }
  release();
  return text + eightBitText(latin1.slice(end));
}

function decodeWord(encoding: string, digits: string): Uint8Array {
  const bytes = Buffer.from(digits, "latin1");
  if (encoding === "b" || encoding === "B") return decodeBase64(bytes).bytes;
  return decodeQuotedPrintable(Buffer.from(digits.replaceAll("_", " "), "latin1"));
}

/** Percent codes as bytes, still one character per byte. RFC 2231 §4. */
export function decodePercent(latin1: string): string {
  if (!latin1.includes("%")) return latin1;
  return latin1.replace(/%([0-9a-f])([0-9a-f])/gi, (_, high: string, low: string) =>
    String.fromCharCode((hexValue(high.charCodeAt(0)) << 4) | hexValue(low.charCodeAt(0))),
  );
}
