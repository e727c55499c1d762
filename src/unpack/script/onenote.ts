// OneNote sections: the files embedded in their pages, which a click starts. [MS-ONESTORE] §2.6.13.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { cleanName, joinNames } from "../../text/object-name.ts";
import { Tally } from "../tally.ts";

const FILES_MAX = 2000;
const NAMES_MAX = 2000;
const HEADER_BYTES = 36;
// {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC} and {71FBA722-0F79-4A0B-BB13-899256426B24}.
const FILE_HEAD = Buffer.from("e716e3bd65261145a4c48d4d0b7a9eac", "hex");
const FILE_FOOT = Buffer.from("22a7fb71790f0b4abb13899256426b24", "hex");
const PICTURE = /^(?:89504e47|ffd8ff|47494638|424d|01000000|d7cdc69a|49492a00)/;
// A file name as property sets hold it: counted UTF-16 with an extension.
const EXTENSION = /\.[a-z0-9]{1,10}$/i;
const NAME_BYTES_MAX = 520;

interface EmbeddedFile {
  readonly bytes: Buffer;
  readonly isCut: boolean;
}

/** Yields the files embedded in a OneNote section. */
export function* explodeOneNote(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const tally = new Tally();
  const files: EmbeddedFile[] = [];
  for (let at = input.indexOf(FILE_HEAD); at >= 0; ) {
    if (files.length >= FILES_MAX || budget.isExpired) {
      tally.add("unscanned", "too many embedded files");
      break;
    }
    const file = fileAt(input, at);
    if (file.isCut) tally.add("damaged", "an embedded file is cut short");
    files.push(file);
    at = input.indexOf(FILE_HEAD, at + HEADER_BYTES + file.bytes.length);
  }
  const names = files.length === 0 ? [] : fileNames(input);
  const isAttached = (file: EmbeddedFile) => !PICTURE.test(file.bytes.toString("hex", 0, 4));
  // Names stand far from their files; only when there are as many, they are told apart.
  const attached = files.filter(isAttached);
  const isPaired = attached.length === names.length;
  const all = isPaired ? "" : joinNames(names);
  for (const [index, file] of files.entries()) {
    if (file.bytes.length === 0) continue;
    const place = attached.indexOf(file);
    const own = isPaired ? names[place] : place >= 0 ? all : "";
    const name = own || `embedded file ${index + 1}`;
    if (budget.takeObject(file.bytes.length)) yield { name, declaredType: "", bytes: file.bytes };
    else tally.add("unscanned", "more than may still be extracted", name);
  }
  return tally.outcome;
}

// A head, the length (eight bytes), twelve bytes unused, the data, padding, a foot. The length is
// only believed if it leads to the foot; else the data reach to the next foot there is.
function fileAt(input: Buffer, at: number): EmbeddedFile {
  const start = at + HEADER_BYTES;
  if (start > input.length) return { bytes: Buffer.alloc(0), isCut: true };
  const size = Number(input.readBigUInt64LE(at + 16));
  const end = start + size;
  const foot = end <= input.length ? input.indexOf(FILE_FOOT, end) : -1;
  if (foot >= 0 && foot - end < 8) return { bytes: input.subarray(start, end), isCut: false };
  const next = input.indexOf(FILE_FOOT, start);
  return { bytes: input.subarray(start, next < 0 ? input.length : next), isCut: true };
}

// Properties are not read one by one: a name is a counted UTF-16 text that ends in an extension,
// found by its full stop.
function fileNames(input: Buffer): string[] {
  const names = new Set<string>();
  const stop = Buffer.from(".\0");
  for (let at = input.indexOf(stop); at >= 0; at = input.indexOf(stop, at + 2)) {
    const name = nameAround(input, at);
    if (name !== "") names.add(name);
    if (names.size >= NAMES_MAX) break;
  }
  return [...names];
}

function nameAround(input: Buffer, stopAt: number): string {
  for (let start = stopAt - 2; start >= 4 && stopAt - start < NAME_BYTES_MAX; start -= 2) {
    const code = input.readUInt16LE(start);
    const size = input.readUInt32LE(start - 4);
    const isCounted = size > stopAt - start && size <= NAME_BYTES_MAX && size % 2 === 0;
    if (isCounted && start + size <= input.length) {
      const name = input.toString("utf16le", start, start + size).replace(/\0+$/, "");
      const isName = EXTENSION.test(name) && !/[\\/:*?"<>|]/.test(name);
      if (isName && cleanName(name) === name) return name;
    }
    if (code < 0x20) return "";
  }
  return "";
}
