// A header section: where it ends, and its Content-* fields, as a union of what lenient and strict
// readers see. RFC 5322 §2.2, RFC 2045 §3.

import { type Field, parseField } from "./field.ts";
import { type TransferEncoding, transferEncoding } from "./transfer.ts";

/** The header section of a message or part. */
export interface Header {
  /** Where the body begins for a strict reader: behind the first empty line. */
  readonly bodyStart: number;
  /** Where it begins for readers that end the header at a blank line or at a line without colon. */
  readonly otherStarts: readonly number[];
  readonly types: readonly Field[];
  readonly dispositions: readonly Field[];
  /** The distinct encodings that are declared, in order; empty if none is. */
  readonly encodings: readonly TransferEncoding[];
  /** True if a limit kept us from reading all of it. */
  readonly isCut: boolean;
}

const HEADER_SIZE_MAX = 1_048_576;
const FIELDS_MAX = 16;

// A line that is neither a field, a continuation with something in it, nor empty. "From " lines are
// what mailbox files put in front of messages.
const ODD_LINE = /^(?![ \t]+[^\s]|[^\s:]+[ \t]*:|>?From |$|\n)/m;
const CONTENT_FIELD =
  /^content-(type|disposition|transfer-encoding)[ \t]*:([^\r\n]*(?:(?:\r\n?|\n)[ \t]+[^\r\n]*)*)/gim;

/** Reads the header section that begins at `start`; the entity ends at `end`. Never throws. */
export function readHeader(bytes: Buffer, start: number, end: number): Header {
  const limit = Math.min(end, start + HEADER_SIZE_MAX);
  const window = bytes.subarray(start, limit);
  const size = headerSize(window);
  const text = window.toString("latin1", 0, size.header);
  const fields = contentFields(text);
  return {
    bodyStart: start + size.body,
    otherStarts: otherBodyStarts(text, size.header).map((at) => start + at),
    types: fields.types,
    dispositions: fields.dispositions,
    encodings: fields.encodings,
    isCut: fields.isCut || (size.body === window.length && limit < end),
  };
}

// Sizes up to the empty line, and up to behind it. The searches are native, and bounded by what the
// one before found. Lines may end in CRLF, LF, CR CR LF or, if there is no LF at all, CR.
function headerSize(window: Buffer): { header: number; body: number } {
  if (window[0] === 10) return { header: 0, body: 1 };
  if (window[0] === 13) return { header: 0, body: window[1] === 10 ? 2 : 1 };
  let header = window.length;
  let body = window.length;
  for (const [needle, skipped] of [
    ["\n\r\n", 3],
    ["\n\n", 2],
    ["\n\r\r\n", 4],
  ] as const) {
    const at = window.subarray(0, header).indexOf(needle);
    if (at < 0) continue;
    header = at + 1;
    body = at + skipped;
  }
  if (body === window.length && !window.includes(10)) {
    const at = window.indexOf("\r\r");
    if (at >= 0) return { header: at + 1, body: at + 2 };
  }
  return { header, body };
}

function otherBodyStarts(text: string, size: number): number[] {
  const starts = new Set<number>();
  const odd = ODD_LINE.exec(text)?.index ?? -1;
  if (odd >= 0 && odd < size) starts.add(odd);
  const bare = text.indexOf("\r\r");
  if (bare >= 0 && bare + 2 < size && text[bare + 2] !== "\n") starts.add(bare + 2);
  return [...starts];
}

function contentFields(text: string) {
  const types: Field[] = [];
  const dispositions: Field[] = [];
  const encodings: TransferEncoding[] = [];
  let isCut = false;
  let count = 0;
  for (const match of text.matchAll(CONTENT_FIELD)) {
    if (++count > FIELDS_MAX) return { types, dispositions, encodings, isCut: true };
    const [, name = "", value = ""] = match;
    // The names have 4, 11 and 17 letters: cheaper than lower-casing them.
    if (name.length === 17) {
      const encoding = transferEncoding(value);
      if (!encodings.includes(encoding)) encodings.push(encoding);
      continue;
    }
    const field = parseField(value);
    if (field.isCut) isCut = true;
    (name.length === 4 ? types : dispositions).push(field);
  }
  return { types, dispositions, encodings, isCut };
}
