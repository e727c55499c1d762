// Files embedded in documents: packages ([MS-OLEDS] 2.3.6, and the packager's own layout inside) and
// the objects stored in presentations ([MS-PPT] 2.10.34).

import { joinNames } from "../../text/object-name.ts";
import { inflate } from "../inflate.ts";

const PATH_LENGTH_MAX = 4096;
const PACKAGE_LINK = 1;
const PACKAGE_FILE = 3;
const STORED_OBJECTS_MAX = 1000;
const COMPOUND_MAGIC = Buffer.from("d0cf11e0a1b11ae1", "hex");

/** A file in a document. */
export interface EmbeddedFile {
  /** Names it goes by, joined; "" if it has none. */
  readonly name: string;
  readonly bytes: Buffer;
  /** What is wrong with it, "" if nothing. */
  readonly problem: string;
}

/** The file in an `\x01Ole10Native` stream: a package, or else the data of some other program. */
export function readPackage(stream: Buffer): EmbeddedFile | undefined {
  if (stream.length < 6) return;
  const size = stream.readUInt32LE(0);
  const native = stream.subarray(4, 4 + size);
  const found = packagedFile(stream);
  if (found !== undefined) return found;
  const problem = native.length < size ? "the embedded object is cut short" : "";
  return { name: "", bytes: native, problem };
}

// Label, path, the path it was copied to, and the file; newer writers repeat the names in Unicode.
function packagedFile(stream: Buffer): EmbeddedFile | undefined {
  const label = zeroEnded(stream, 6);
  const path = label && zeroEnded(stream, label.end);
  if (label === undefined || path === undefined || path.end + 8 > stream.length) return;
  const kind = stream.readUInt16LE(path.end + 2);
  const copySize = stream.readUInt32LE(path.end + 4);
  const copyEnd = path.end + 8 + copySize;
  if (kind === PACKAGE_LINK) {
    const bytes = Buffer.from(`link to ${path.text}\n`, "latin1");
    return { name: "link of a package", bytes, problem: "" };
  }
  if (kind !== PACKAGE_FILE || copySize > PATH_LENGTH_MAX || copyEnd + 4 > stream.length) return;
  const copy = zeroEnded(stream, path.end + 8)?.text ?? "";
  const size = stream.readUInt32LE(copyEnd);
  const bytes = stream.subarray(copyEnd + 4, copyEnd + 4 + size);
  const names = [label.text, path.text, copy, ...unicodeNames(stream, copyEnd + 4 + size)];
  const problem = bytes.length < size ? "the embedded file is cut short" : "";
  return { name: joinNames(names.map(baseName)), bytes, problem };
}

function unicodeNames(stream: Buffer, start: number): string[] {
  const names: string[] = [];
  let at = start;
  for (let n = 0; n < 3 && at + 4 <= stream.length; n++) {
    const size = stream.readUInt32LE(at) * 2;
    if (size > PATH_LENGTH_MAX * 2 || at + 4 + size > stream.length) break;
    names.push(stream.toString("utf16le", at + 4, at + 4 + size));
    at += 4 + size;
  }
  return names;
}

function zeroEnded(bytes: Buffer, start: number): { text: string; end: number } | undefined {
  const end = bytes.indexOf(0, start);
  if (end < 0 || end - start > PATH_LENGTH_MAX) return;
  return { text: bytes.toString("latin1", start, end), end: end + 1 };
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("\\"), path.lastIndexOf("/")) + 1);
}

/** Type 0x1011 of an "ExOleObjStg" record, as its header's second half has it. */
const STORED_OBJECT = Buffer.from([0x00, 0x11, 0x10]);
const COMPRESSED = 0x10;

/** An object stored in a presentation, or "too-large" for one that may not be unpacked. */
export type StoredObject = EmbeddedFile | "too-large";

/**
 * The compound files in a "PowerPoint Document" stream: embedded objects and the macro project.
 * `room()` says how many bytes the next one may have.
 */
export function* storedObjects(document: Buffer, room: () => number): Generator<StoredObject> {
  // Records can be reached by their position alone, and so they are looked for at any.
  let at = document.indexOf(STORED_OBJECT, 1);
  for (let count = 1; at > 0 && count <= STORED_OBJECTS_MAX; ) {
    const found = storedObjectAt(document, at - 1, room);
    if (found !== undefined) {
      count++;
      yield found === "too-large" ? found : { ...found, name: `stored object ${count - 1}` };
    }
    at = document.indexOf(STORED_OBJECT, at + 1);
  }
}

function storedObjectAt(
  document: Buffer,
  at: number,
  room: () => number,
): StoredObject | undefined {
  const kind = document[at];
  if ((kind !== 0 && kind !== COMPRESSED) || at + 16 > document.length) return;
  const size = document.readUInt32LE(at + 4);
  const data = document.subarray(at + 8, at + 8 + size);
  const cut = data.length < size ? "an embedded object is cut short" : "";
  if (kind === 0) {
    const isCompound = data.subarray(0, 8).equals(COMPOUND_MAGIC);
    return isCompound ? { name: "", bytes: data, problem: cut } : undefined;
  }
  const found = packedObject(data, room);
  if (found === undefined || found === "too-large") return found;
  return { ...found, problem: found.problem === "" ? "" : cut || found.problem };
}

/** An object behind its size when unpacked, in a zlib stream: RFC 1950 §2.2. Undefined if none is. */
export function packedObject(data: Buffer, room: () => number): StoredObject | undefined {
  if (data.length < 8 || (data[4] as number) % 16 !== 8) return;
  if (data.readUInt16BE(4) % 31 !== 0) return;
  const found = inflate(data.subarray(6), room(), data.readUInt32LE(0));
  if (found.end === "too-large") return "too-large";
  if (found.bytes.length === 0) return;
  const problem = found.end === "whole" ? "" : "an embedded object does not inflate";
  return { name: "", bytes: Buffer.from(found.bytes), problem };
}
