// What scripts put together when they run: strings and lists of numbers that decode to a page, a
// script or a file. Scripts are not run; the usual ways to write data into them (base64, hex,
// percent and \x codes, character codes, in pieces joined by "+" or in an array, forwards or
// backwards) are read wherever a page has a word that decodes. What comes out is taken apart in
// turn, so chains of several such steps open one by one.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { isArchiveBase64 } from "../../inline.ts";
import { decodeLiteral, isTelling, numberBytes } from "./literal.ts";

const FILES_MAX = 500;
const CANDIDATES_MAX = 20_000;
const LITERAL_MIN = 16;
const JOINT_MAX = 24;
const ENCODED_PERCENTS = 6;

// Spelt as their languages do, which for VBScript and
// PowerShell, where case is free, means as people write them.
/** Without one of these nothing in a text decodes. */
export const STRING_MARKS = [
  ...["atob", "unescape", "fromCharCode", "decodeURI", "Uint8Array", "charCodeAt", "parseInt("],
  ...["FromBase64String", "frombase64string", "bin.base64", "bin.hex", "Chr(", "chr(", "ChrW("],
  ...["CHR(", "[char]", "[Char]", "[byte[]]", "[Byte[]]", "\\x3c", "\\x3C", "%3Cscript", "-enc"],
  ...["-Enc", "-ENC", " -e ", " -ec "],
] as const;

// Chr(60)&Chr(115)&…, [char]60+[char]115+…: eight characters or more.
const CHARACTERS =
  /(?:(?:\bchrw?\$?\(\s{0,4}(?:&h[0-9a-f]{1,4}|\d{1,5})\s{0,4}\)|\[char\]\s{0,4}(?:0x[0-9a-f]{1,4}|\d{1,5}))\s{0,8}(?:[&+,]\s{0,8}(?:_\s{1,20})?)?){8,}/gi;
const CHARACTER_MARKS = ["Chr(", "chr(", "CHR(", "ChrW(", "chrw(", "CHRW(", "[char]", "[Char]"];
const NUMBERS_MIN = 8;
const NUMBER_GAP_MAX = 8;
// PowerShell takes base64 without quotes.
const COMMAND = /[-/]e(?:nc?|ncodedcommand|c)?["']?\s{1,20}["']?([A-Za-z0-9+/]{24,}={0,2})/gi;
// What may stand between the pieces of one string: `" + "`, `', '`, `" & _\n "`, `").concat("`.
const JOINT = /^\s*(?:[+,&.]\s*_?|\)?\s*\.concat\s*\(|\)\s*\+\s*\(|\s)\s*$/;

/** Yields what the strings and lists in a script decode to. */
export function* explodeStrings(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const text = asBuffer(bytes).toString("latin1");
  let count = 0;
  const steps = decodings(text);
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) {
    const decoded = step.value;
    if (budget.isExpired) return { status: "unscanned", note: "time limit reached" };
    if (decoded === undefined) continue;
    if (++count > FILES_MAX) return { status: "unscanned", note: "too many strings in a script" };
    if (!budget.takeObject(decoded.length)) {
      return { status: "unscanned", note: "more than may still be extracted" };
    }
    yield { name: "decoded string", declaredType: "", bytes: decoded };
  }
  if (!step.value) return { status: "unscanned", note: "too many strings in a script" };
  return { status: "clean", note: "" };
}

// Undefined for every candidate that is nothing, so that the caller can look at the clock. Ends with
// false if there were more candidates than are looked at.
function* decodings(text: string): Generator<Buffer | undefined, boolean> {
  const isReversing = text.includes("reverse") || text.includes("StrReverse");
  const seen = new Set<string>();
  let count = 0;
  for (const pieces of literals(text)) {
    if (++count > CANDIDATES_MAX) break;
    const whole = pieces.join("");
    const candidates = [whole];
    if (pieces.length > 1) candidates.push(...pieces);
    for (const candidate of candidates) {
      if (candidate.length < LITERAL_MIN || seen.has(candidate)) continue;
      seen.add(candidate);
      // Files written as one string are given by the reader of inline files.
      if (pieces.includes(candidate) && isArchiveBase64(candidate)) continue;
      const decoded = decodeLiteral(candidate, isReversing);
      yield* decoded;
      // Pieces are looked at only if they do not make sense together.
      if (decoded.length > 0) break;
      yield;
    }
  }
  yield* lists(numberLists(text));
  if (CHARACTER_MARKS.some((mark) => text.includes(mark))) {
    for (const [list] of text.matchAll(CHARACTERS)) yield* lists([list]);
  }
  for (const [, digits = ""] of text.matchAll(COMMAND)) {
    if (!seen.has(digits)) yield* decodeLiteral(digits, false);
  }
  return count <= CANDIDATES_MAX;
}

function* lists(found: Iterable<string>): Generator<Buffer | undefined> {
  for (const list of found) {
    const decoded = numberBytes(list);
    yield decoded !== undefined && isTelling(decoded) ? decoded : undefined;
  }
}

// `60,115,99,…`, of decimal or hex numbers.
function* numberLists(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    if (!isNumeral(text.charCodeAt(at))) continue;
    const start = at;
    let end = at;
    let count = 0;
    for (;;) {
      const from = at;
      while (isWord(text.charCodeAt(at))) at++;
      if (at === from || at - from > NUMBER_GAP_MAX) break;
      count++;
      end = at;
      at = separatorEnd(text, at);
      if (at === end || !isNumeral(text.charCodeAt(at))) break;
    }
    if (count >= NUMBERS_MIN) yield text.slice(start, end);
  }
}

// Behind the comma that follows `at`, with blanks around it; `at` itself if there is none.
function separatorEnd(text: string, at: number): number {
  let next = at;
  while (next < at + NUMBER_GAP_MAX && text.charCodeAt(next) <= 0x20) next++;
  const code = text.charCodeAt(next);
  if (code !== 0x2c && code !== 0x3b) return at;
  const comma = next++;
  while (next < comma + NUMBER_GAP_MAX && text.charCodeAt(next) <= 0x20) next++;
  return next;
}

function isNumeral(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

// Strings in pieces. Quotes are not paired, since a single apostrophe in the page would turn
// strings and code round for all that follows: whatever stands between two quotes is judged by its
// own characters.
function* literals(text: string): Generator<string[]> {
  let pieces: string[] = [];
  let from = nextQuote(text, 0) + 1;
  while (from > 0) {
    const quote = nextQuote(text, from);
    const end = quote < 0 ? text.length : quote;
    if (isEncoded(text, from, end)) pieces.push(text.slice(from, end));
    else if (end - from > JOINT_MAX || !JOINT.test(text.slice(from, end))) {
      if (pieces.length > 0) yield pieces;
      pieces = [];
    }
    from = quote < 0 ? 0 : quote + 1;
  }
  if (pieces.length > 0) yield pieces;
}

function nextQuote(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22 || code === 0x27 || code === 0x60) return at;
  }
  return -1;
}

// Letters, digits and what encodings use; strings of percent codes may hold anything between.
function isEncoded(text: string, from: number, end: number): boolean {
  let percents = 0;
  let isPlain = end > from;
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x25) percents++;
    else if (isPlain && !isEncodingCode(code)) isPlain = false;
    // A connector is never taken for a string: it has no letter or digit.
    if (!isPlain && percents === 0 && at - from > JOINT_MAX) return false;
  }
  if (isPlain) return end - from > 2 || isWord(text.charCodeAt(from));
  return percents >= ENCODED_PERCENTS;
}

function isEncodingCode(code: number): boolean {
  return (
    isWord(code) ||
    code === 0x2b ||
    code === 0x2f ||
    code === 0x3d ||
    code === 0x5c ||
    code === 0x2d
  );
}

function isWord(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f;
}
