// Splitting a multipart body at its boundary, strictly and leniently. RFC 2046 §5.1.1.

import { lineEnd, skipLineEnd } from "../base/bytes.ts";

/** A stretch of the message. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A line that separates parts. */
interface Delimiter extends Range {
  readonly isClose: boolean;
  /** Only some readers take it for a delimiter: text follows, or white space stands before it. */
  readonly isLoose: boolean;
}

/** The delimiter lines of one boundary in a body. */
export interface Delimiters {
  readonly lines: readonly Delimiter[];
  readonly hasStrict: boolean;
  readonly hasLoose: boolean;
  /** True if there were too many to look at all. */
  readonly isCut: boolean;
}

const DELIMITERS_MAX = 20_000;
const FALSE_HITS_MAX = 1_000_000;
const INDENT_MAX = 64;

/** Finds the delimiter lines of `boundary` (latin1 text) between `range.start` and `range.end`. */
export function findDelimiters(bytes: Buffer, range: Range, boundary: string): Delimiters {
  const needle = Buffer.from(`--${boundary}`, "latin1");
  const body = bytes.subarray(0, range.end);
  const lines: Delimiter[] = [];
  let hasStrict = false;
  let hasLoose = false;
  let falseHits = 0;
  let at = body.indexOf(needle, range.start);
  while (at >= 0) {
    const start = lineStart(body, at, range.start);
    if (start >= 0) {
      const line = delimiterAt(body, start, at + needle.length, start < at);
      // A line "--" would match the empty boundary, and so does every "--…" line loosely.
      if (!line.isLoose || boundary.length > 0) {
        lines.push(line);
        if (line.isLoose) hasLoose = true;
        else hasStrict = true;
      }
    } else falseHits++;
    if (lines.length >= DELIMITERS_MAX || falseHits >= FALSE_HITS_MAX) {
      return { lines, hasStrict, hasLoose, isCut: true };
    }
    at = body.indexOf(needle, start >= 0 ? Math.max(lines.at(-1)?.end ?? 0, at + 2) : at + 2);
  }
  return { lines, hasStrict, hasLoose, isCut: false };
}

// The start of the line that `at` stands on, if only white space stands before it; else -1.
function lineStart(body: Buffer, at: number, first: number): number {
  let start = at;
  while (start > first && at - start < INDENT_MAX) {
    const byte = body[start - 1];
    if (byte !== 0x20 && byte !== 9) break;
    start--;
  }
  if (start === first) return start;
  return body[start - 1] === 10 || body[start - 1] === 13 ? start : -1;
}

function delimiterAt(body: Buffer, start: number, tail: number, isIndented: boolean): Delimiter {
  const end = body.length;
  const isClose = body[tail] === 0x2d && body[tail + 1] === 0x2d;
  let at = isClose ? tail + 2 : tail;
  while (at < end && (body[at] === 0x20 || body[at] === 9)) at++;
  const isLineEnd = at >= end || body[at] === 13 || body[at] === 10;
  const lineStop = isLineEnd ? at : lineEnd(body, at, end);
  return {
    start,
    end: skipLineEnd(body, lineStop, end),
    isClose,
    isLoose: isIndented || !isLineEnd,
  };
}

/** What stands between the delimiter lines. */
export interface Split {
  readonly parts: readonly Range[];
  /** Prologue, epilogue and what stands behind closing delimiters. */
  readonly outside: readonly Range[];
}

/** Splits `range` at `delimiters`; with the loose ones too if `isLenient`. */
export function splitAt(
  bytes: Buffer,
  range: Range,
  delimiters: Delimiters,
  isLenient: boolean,
): Split {
  const parts: Range[] = [];
  const outside: Range[] = [];
  let start = range.start;
  let isPart = false;
  for (const line of delimiters.lines) {
    if (line.isLoose && !isLenient) continue;
    const end = withoutLineEnd(bytes, start, line.start);
    if (isPart) parts.push({ start, end });
    else if (end > start) outside.push({ start, end });
    start = line.end;
    isPart = !line.isClose;
  }
  // A missing closing delimiter is ordinary: the last part goes to the end.
  if (isPart) parts.push({ start, end: range.end });
  else if (range.end > start) outside.push({ start, end: range.end });
  return { parts, outside };
}

// The line end before a delimiter belongs to the delimiter.
function withoutLineEnd(bytes: Buffer, start: number, end: number): number {
  if (end > start && bytes[end - 1] === 10) {
    return end - 1 > start && bytes[end - 2] === 13 ? end - 2 : end - 1;
  }
  return end > start && bytes[end - 1] === 13 ? end - 1 : end;
}

/**
 * The boundary a body shows when its header declares none that occurs: the first line that begins
 * with "--" and has a Content-* field below it. "" if there is none.
 */
export function guessBoundary(bytes: Buffer, range: Range): string {
  const head = bytes.toString("latin1", range.start, Math.min(range.end, range.start + 65_536));
  const found =
    /(?:^|[\r\n])--([^\r\n]{1,200}?)[ \t]{0,64}(?:\r\n?|\n)content-[a-z-]+[ \t]*:/i.exec(head);
  return found?.[1] ?? "";
}
