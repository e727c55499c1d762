// PDF: scripts, actions that start something, and attached files are struck out in place. Every
// object keeps its place, so cross-references stay right; object streams are packed anew in the room
// they had. What is struck out becomes blanks, keys and values alike. ISO 32000-1, 7.3 and 12.6.

import { deflateSync, inflateSync } from "node:zlib";
import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import { strikeActive } from "./pdf-dictionary.ts";

const OBJECTS_MAX = 200_000;
const SIZE_MAX = 64 << 20;
const OBJECT = /(?<=^|[\s>\]])(\d{1,10})[ \t\r\n]+(\d{1,5})[ \t\r\n]+obj\b/g;

/** The document without active content; undefined if there is none, or it can't be edited. */
export function cleanPdf(bytes: Uint8Array, budget: Budget): Uint8Array | undefined {
  if (bytes.length > SIZE_MAX) return undefined;
  const file = Buffer.from(asBuffer(bytes));
  const text = file.toString("latin1");
  // What is encrypted is encrypted object by object; blanks would be garbage.
  if (/\/Encrypt\b/.test(text)) return undefined;
  const objects = readObjects(text, file, budget);
  if (objects === undefined) return undefined;
  const scripts = scriptNumbers(text, objects);
  let isChanged = false;
  for (const object of objects) {
    const edit = edited(file, text, object, scripts);
    if (edit === "failed") return undefined;
    if (edit === "changed") isChanged = true;
  }
  // Trailers stand between objects.
  for (const match of text.matchAll(/\btrailer\b/g)) {
    const stop = text.indexOf("startxref", match.index);
    const struck = strikeActive(text.slice(match.index, stop < 0 ? undefined : stop));
    if (struck === undefined) continue;
    file.write(struck, match.index, "latin1");
    isChanged = true;
  }
  return isChanged ? file : undefined;
}

// All objects in the file's order; undefined if one of those that hold others can't be opened.
function readObjects(text: string, file: Buffer, budget: Budget): PdfObject[] | undefined {
  const objects: PdfObject[] = [];
  let end = 0;
  for (const match of text.matchAll(OBJECT)) {
    if (match.index < end) continue;
    if (objects.length >= OBJECTS_MAX || budget.isExpired) return undefined;
    const object = objectAt(text, match.index + match[0].length);
    end = object.end;
    const value = text.slice(object.start, object.valueEnd);
    const number = Number(match[1]);
    if (!/\/Type\s*\/ObjStm\b/.test(plainNames(value))) {
      objects.push({ ...object, number });
      continue;
    }
    const data = file.subarray(object.dataStart, object.dataEnd);
    const content = objectStreamContent(data, value, budget);
    if (content === undefined) return undefined;
    objects.push({ ...object, number, content });
  }
  return objects;
}

function plainNames(text: string): string {
  if (!text.includes("#")) return text;
  return text.replace(/#([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

// Objects that some /JS entry refers to: a script's text need not stand where the action does.
function scriptNumbers(text: string, objects: readonly PdfObject[]): Set<number> {
  const numbers = new Set<number>();
  for (const { start, valueEnd, content } of objects) {
    const value = plainNames(content ?? text.slice(start, valueEnd));
    for (const [, number] of value.matchAll(/\/JS\s+(\d{1,10})\s+\d+\s+R\b/g)) {
      numbers.add(Number(number));
    }
  }
  return numbers;
}

interface PdfObject {
  readonly number: number;
  readonly start: number;
  /** Where its dictionary or value ends. */
  readonly valueEnd: number;
  /** Where its stream's data lies; equal if it has none. */
  readonly dataStart: number;
  readonly dataEnd: number;
  readonly end: number;
  /** What an object stream holds. */
  readonly content?: string;
}

function objectAt(text: string, start: number): Omit<PdfObject, "number"> {
  const endObject = text.indexOf("endobj", start);
  const stop = endObject < 0 ? text.length : endObject;
  const found = /\bstream(?:\r\n|\n|\r)/.exec(
    text.slice(start, Math.min(text.length, start + 65_536)),
  );
  if (found === null || start + found.index > stop) {
    return { start, valueEnd: stop, dataStart: stop, dataEnd: stop, end: stop };
  }
  const valueEnd = start + found.index;
  const dataStart = valueEnd + found[0].length;
  const told = /\/Length\s+(\d{1,10})(?!\s+\d+\s+R)/.exec(text.slice(start, valueEnd))?.[1];
  const place = dataStart + Number(told ?? -1);
  const isTold = told !== undefined && /^\s*endstream/.test(text.slice(place, place + 20));
  const search = text.indexOf("endstream", dataStart);
  const dataEnd = isTold ? place : search < 0 ? text.length : search;
  const end = text.indexOf("endobj", dataEnd);
  return { start, valueEnd, dataStart, dataEnd, end: end < 0 ? text.length : end };
}

function edited(
  file: Buffer,
  text: string,
  object: PdfObject,
  scripts: ReadonlySet<number>,
): "same" | "changed" | "failed" {
  const { start, valueEnd, dataStart, dataEnd, end, content } = object;
  const value = text.slice(start, valueEnd);
  // A file or a script that is a stream: nothing of it may stay. The object becomes null.
  const isPayload =
    scripts.has(object.number) || /\/Type\s*\/EmbeddedFile\b/.test(plainNames(value));
  if (isPayload && end - start > " null ".length) {
    file.fill(0x20, start, end);
    file.write(" null ", start, "latin1");
    return "changed";
  }
  const struck = strikeActive(value);
  if (struck !== undefined) file.write(struck, start, "latin1");
  const inner = content === undefined ? undefined : strikeActive(content);
  if (inner === undefined) return struck === undefined ? "same" : "changed";
  const bytes = Buffer.from(inner, "latin1");
  const isPlain = !/\/Filter\b/.test(value);
  const packed = isPlain ? bytes : fitted(bytes, dataEnd - dataStart);
  if (packed === undefined) return "failed";
  packed.copy(file, dataStart);
  return "changed";
}

// 7.5.7: only as nearly all programs write them, deflated and without a predictor.
function objectStreamContent(data: Buffer, value: string, budget: Budget): string | undefined {
  const isFlate = /\/Filter\s*\[?\s*\/(?:FlateDecode|Fl)\b\s*\]?/.test(value);
  const isPlain = !/\/Filter\b/.test(value);
  if ((!isFlate && !isPlain) || /\/Predictor\s+(?!1\b)\d/.test(value)) return undefined;
  try {
    const bounds = { maxOutputLength: Math.max(1, budget.bytesLeft) };
    const content = isPlain ? data : inflateSync(data, bounds);
    return budget.takeObject(content.length) ? content.toString("latin1") : undefined;
  } catch {
    // Damaged, or too large: nothing is known of what is in it.
    return undefined;
  }
}

// As long as the old data: a stream's length may stand anywhere, so it must stay true. Blanks pack
// well, and behind the packed data line ends fill up, which readers leave alone.
function fitted(content: Buffer, room: number): Buffer | undefined {
  const packed = deflateSync(content, { level: 9 });
  if (packed.length > room) return undefined;
  return Buffer.concat([packed, Buffer.alloc(room - packed.length, 0x0a)]);
}
