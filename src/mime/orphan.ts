// Parts that stand in a text without a multipart around them: in a bounce's copy of a message, in a
// prologue, behind a broken header. Some readers find them, so we do.

import { lineEnd } from "../base/bytes.ts";
import type { Range } from "../entity/multipart.ts";

/** Text that is searched in one go; bounds the string that is made of it. */
const CHUNK = 1_048_576;
const OVERLAP = 256;
const HEADER_LINES_MAX = 64;
const ORPHANS_MAX = 200;

/** Where parts with an encoding of their own begin and end in the text `range`. */
export function findOrphans(bytes: Buffer, range: Range): Range[] {
  const found: Range[] = [];
  let free = range.start;
  for (let at = range.start; at < range.end; at += CHUNK) {
    const text = bytes.toString("latin1", at, Math.min(range.end, at + CHUNK + OVERLAP));
    const fields =
      /(?:^|[\r\n])content-transfer-encoding[ \t]*:[^\r\n]{0,60}?(?:base64|quoted|uue)/gi;
    for (const match of text.matchAll(fields)) {
      const isFirst = match[0].startsWith("c") || match[0].startsWith("C");
      const line = at + match.index + (isFirst ? 0 : 1);
      if (line < free) continue;
      free = orphanEnd(bytes, line, range.end);
      found.push({ start: headerStart(bytes, line, range.start), end: free });
      if (found.length >= ORPHANS_MAX) return found;
    }
  }
  return found;
}

// Walks back over the fields above the line at `line` to the first one.
function headerStart(bytes: Buffer, line: number, first: number): number {
  let start = line;
  for (let count = 0; count < HEADER_LINES_MAX && start - 2 > first; count++) {
    const previous = Math.max(first, bytes.lastIndexOf(10, start - 2) + 1);
    const text = bytes.toString("latin1", previous, Math.min(start, previous + 100));
    if (!/^(?:[^\s:]+[ \t]*:|[ \t]+\S)/.test(text)) break;
    start = previous;
  }
  return start;
}

// Up to the next line that could be a delimiter.
function orphanEnd(bytes: Buffer, line: number, end: number): number {
  const next = bytes.subarray(0, end).indexOf("\n--", lineEnd(bytes, line, end));
  if (next < 0) return end;
  return bytes[next - 1] === 13 ? next - 1 : next;
}
