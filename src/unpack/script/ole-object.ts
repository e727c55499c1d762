// Objects as OLE 1 writes them: a class name and native data, or a link. RTF and old databases hold
// these; what a packager object carries is a plain file with a name. [MS-OLEDS] §2.2.

import { asBuffer } from "../../base/bytes.ts";
import { cleanName } from "../../text/object-name.ts";

/** An OLE 1 object; a link has a topic (the linked file) and no data. */
export interface OleObject {
  readonly className: string;
  readonly topic: string;
  readonly item: string;
  readonly data: Buffer;
  /** What stands behind the data and is no picture of the object. */
  readonly rest: Buffer;
  readonly isCut: boolean;
}

/** A file in a packager object. */
export interface PackagedFile {
  readonly name: string;
  readonly bytes: Buffer;
  readonly isCut: boolean;
}

const STRING_MAX = 4096;
const FORMAT = { linked: 1, embedded: 2 } as const;
const PACKAGE_EMBEDDED = 3;
const REST_MIN = 64;

/** Reads an OLE 1 object; undefined if there is none. Never throws. [MS-OLEDS] §2.2.4, §2.2.5. */
export function readOleObject(bytes: Uint8Array): OleObject | undefined {
  const input = asBuffer(bytes);
  if (input.length < 12) return;
  // The version is never looked at, and exploits fill it with anything. Of the format only the low
  // bits are.
  const format = input.readUInt32LE(4);
  const strings: string[] = [];
  let at = 8;
  for (let n = 0; n < 3; n++) {
    const found = countedText(input, at);
    if (found === undefined) return;
    strings.push(found.text);
    at = found.next;
  }
  const [className = "", topic = "", item = ""] = strings;
  const names = { className, topic, item };
  const none = Buffer.alloc(0);
  if (format === FORMAT.linked) return { ...names, data: none, rest: none, isCut: false };
  if (format !== FORMAT.embedded && className === "") return;
  if (at + 4 > input.length) return { ...names, data: none, rest: none, isCut: true };
  const size = input.readUInt32LE(at);
  at += 4;
  const data = input.subarray(at, at + size);
  const rest = input.subarray(at + data.length);
  return { ...names, data, rest: isPresentation(rest) ? none : rest, isCut: data.length < size };
}

// [MS-OLEDS] §2.1.4: a length that counts the NUL at the end; readers go by either.
function countedText(input: Buffer, at: number): { text: string; next: number } | undefined {
  if (at + 4 > input.length) return;
  const length = input.readUInt32LE(at);
  if (length > STRING_MAX || at + 4 + length > input.length) return;
  const text = input.toString("latin1", at + 4, at + 4 + length).split("\0", 1)[0] ?? "";
  return { text, next: at + 4 + length };
}

// [MS-OLEDS] §2.2.1: how the object looks, as a metafile or bitmap; or nothing at all.
function isPresentation(rest: Buffer): boolean {
  if (rest.length < REST_MIN) return true;
  const format = rest.readUInt32LE(4);
  return format === 0 || format === 5;
}

/**
 * The file in the native data of a "Package" object (an OLE 2 stream `\x01Ole10Native` holds the
 * same behind four bytes of length). Undefined if it is none.
 */
export function readPackage(bytes: Uint8Array): PackagedFile | undefined {
  const input = asBuffer(bytes);
  if (input.length < 12 || input.readUInt16LE(0) !== 2) return;
  const label = asciiz(input, 2);
  if (label === undefined) return;
  const source = asciiz(input, label.next);
  if (source === undefined || source.next + 8 > input.length) return;
  // Two words say embedded or linked; then the path of a temporary copy, and the data.
  const kind = input.readUInt16LE(source.next + 2);
  if (kind !== PACKAGE_EMBEDDED) return;
  const pathLength = input.readUInt32LE(source.next + 4);
  const sizeAt = source.next + 8 + pathLength;
  if (pathLength > STRING_MAX || sizeAt + 4 > input.length) return;
  const size = input.readUInt32LE(sizeAt);
  const data = input.subarray(sizeAt + 4, sizeAt + 4 + size);
  const path = label.text === "" ? source.text : label.text;
  const name = cleanName(path.slice(Math.max(path.lastIndexOf("\\"), path.lastIndexOf("/")) + 1));
  return { name, bytes: data, isCut: data.length < size };
}

function asciiz(input: Buffer, at: number): { text: string; next: number } | undefined {
  const end = input.indexOf(0, at);
  if (end < 0 || end - at > STRING_MAX) return;
  return { text: input.toString("latin1", at, end), next: end + 1 };
}
