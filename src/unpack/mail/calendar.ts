// Calendar entries and contacts: files that stand in them as base64 (ATTACH, PHOTO, KEY …). They
// are text with folded lines, so the text's other readers do not see them. RFC 5545, RFC 2426.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import { decodeBase64 } from "../../codec/base64.ts";
import type { Explosion, Extract } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";

const FILES_MAX = 500;
const PARAMETERS_MAX = 1000;
// A property with its encoding among the parameters; readers fold at any place, even in a name.
const PROPERTY = /^[ \t]*(?:[\w-]{1,40}\.)?([\w-]{1,40})((?:;[^\r\n:]{0,200}){1,16}):/;
const ENCODED = /;(?:[\w-]{1,40}=)?"?(?:base64|b)"?(?=;|$)/i;

/** Yields the files inside a calendar or contact. */
export function* explodeCalendar(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const text = asBuffer(bytes);
  let count = 0;
  for (const { start, end } of encodedLines(text)) {
    if (++count > FILES_MAX) return { status: "unscanned", note: "too many files in a calendar" };
    if (budget.isExpired) return { status: "unscanned", note: "time limit reached" };
    const line = unfolded(text.subarray(start, end));
    const head = line.toString("latin1", 0, Math.min(line.length, PARAMETERS_MAX));
    const found = PROPERTY.exec(head);
    if (found === null || !ENCODED.test(found[2] ?? "")) continue;
    const content = decodeBase64(line.subarray(found[0].length)).bytes;
    if (content.length === 0) continue;
    if (!budget.takeObject(content.length)) {
      return { status: "unscanned", note: "more than may still be extracted" };
    }
    const [, property = "", parameters = ""] = found;
    yield {
      name: cleanName(parameter(parameters, /^(?:x-)?(?:file-?name|apple-filename)$/i)) || property,
      declaredType: parameter(parameters, /^(?:fmttype|mediatype)$/i).toLowerCase(),
      bytes: content,
    };
  }
  return { status: "clean", note: "" };
}

// Logical lines that may hold base64: found by the word, since nearly no line has it.
function* encodedLines(text: Buffer): Generator<{ start: number; end: number }> {
  for (let start = 0; start < text.length; ) {
    const end = logicalEnd(text, start);
    const head = text.toString("latin1", start, Math.min(end, start + PARAMETERS_MAX));
    if (/encoding|;base64/i.test(head.replace(/\r?\n[ \t]/g, ""))) yield { start, end };
    start = end;
  }
}

// A line goes on in the next one if that begins with white space. RFC 5545 §3.1.
function logicalEnd(text: Buffer, start: number): number {
  for (let at = start; ; ) {
    const lineEnd = text.indexOf(10, at);
    if (lineEnd < 0) return text.length;
    const next = text[lineEnd + 1];
    if (next !== 0x20 && next !== 9) return lineEnd + 1;
    at = lineEnd + 1;
  }
}

function unfolded(line: Buffer): Buffer {
  return Buffer.from(line.toString("latin1").replace(/\r?\n[ \t]/g, ""), "latin1");
}

function parameter(parameters: string, name: RegExp): string {
  for (const one of parameters.split(";")) {
    const [key = "", value = ""] = one.split("=", 2);
    if (name.test(key)) return value.replaceAll('"', "");
  }
  return "";
}
