// Messages saved by Outlook (.msg, [MS-OXMSG]): a compound file with a stream for each property and
// a storage for each attachment, which may be a message again. Bodies and attachments are given
// under the names a reader sees; the many small properties as one text.

import { decompressRtf } from "../../codec/lzfu.ts";
import type { Extract } from "../../message.ts";
import { cleanName, joinNames } from "../../text/object-name.ts";
import type { CompoundFile, Stream } from "./compound-file.ts";
import type { Extraction } from "./extraction.ts";

const PROPERTIES = "__properties_version1.0";
const PROPERTY_STREAM = /^__substg1\.0_([0-9a-f]{4})([0-9a-f]{4})$/i;
const ATTACHMENT_STORAGE = /^__attach_version1\.0_#/i;
const OBJECT_STORAGE = /(?:^|\/)__substg1\.0_3701000D(?:$|\/)/i;
/** Storages of recipients and of the names of named properties. */
const BOOKKEEPING = /(?:^|\/)__(?:recip_version1\.0_#[^/]*|nameid_version1\.0)$/i;
const SMALL_SIZE = 4096;
/** Binary properties from this size on may be files of their own. */
const BLOB_SIZE = 128;
/** Sound files have each sector in one stream; of others this many times their size is read. */
const OVERLAP_MAX = 4;

// [MS-OXPROPS]: ids of properties, and the types of strings.
const TRANSPORT_HEADERS = "007D";
const BODY = "1000";
const RTF_COMPRESSED = "1009";
const BODY_HTML = "1013";
const ATTACH_DATA = "3701";
const ATTACH_LONG_NAME = "3707";
const ATTACH_NAME = "3704";
const DISPLAY_NAME = "3001";
const ATTACH_MIME = "370E";
const UNICODE = "001F";
const EIGHT_BIT = "001E";

const SHOWN: ReadonlyMap<string, readonly [name: string, type: string]> = new Map([
  [TRANSPORT_HEADERS, ["headers.txt", "text/plain"]],
  [BODY, ["body.txt", "text/plain"]],
  [BODY_HTML, ["body.html", "text/html"]],
  [RTF_COMPRESSED, ["body.rtf", "application/rtf"]],
]);

/** Whether `file` is a message that Outlook saved. */
export function isMessage(file: CompoundFile): boolean {
  return file.find(PROPERTIES) !== undefined;
}

/** What is known of an attachment before it is read. */
interface Attachment {
  readonly name: string;
  readonly type: string;
}

/** Gives out a message; returns the streams that were given as they are. */
export function* explodeMessage(file: CompoundFile, out: Extraction): Generator<Extract, Stream[]> {
  const attachments = attachmentsOf(file);
  const given: Stream[] = [];
  const small: Uint8Array[] = [];
  let room = file.size * OVERLAP_MAX;
  for (const stream of file.streams) {
    if (out.isStopped) break;
    const found = file.sizeOf(stream);
    // In a real file no byte belongs to two streams.
    room -= found;
    if (room < 0) {
      out.stop("its streams overlap");
      break;
    }
    if (found === 0) {
      if (stream.size > 0)
        out.tally.add("damaged", "nothing of it can be read", cleanName(stream.path));
      continue;
    }
    const { bytes, problem } = file.read(stream);
    if (problem !== "") out.tally.add("damaged", problem, cleanName(stream.path));
    const part = partOf(stream, bytes, { attachments, room: out.budget.bytesLeft });
    if (part.rtf === "too-large") out.tally.add("unscanned", "the RTF body is too large");
    else if (part.rtf !== undefined && part.rtf !== "whole") {
      out.tally.add("damaged", "the RTF body is damaged");
    }
    if (part.kind === "small") small.push(part.bytes, NEWLINE);
    else yield* out.give(part.name, part.bytes, part.type);
    if (part.kind === "raw") given.push(stream);
  }
  yield* out.give("properties", Buffer.concat(small), "text/plain");
  return given;
}

const NEWLINE = Buffer.from("\n");

/** What becomes of a stream: part of the text of small ones, a body, or an object as it is. */
interface Part {
  readonly kind: "small" | "shown" | "raw";
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  /** How a compressed body ended. */
  readonly rtf?: "whole" | "too-large" | "truncated" | "corrupt";
}

// Bodies stand in the storage of a message; in one of an attachment or a recipient the same numbers
// mean nothing.
function partOf(
  stream: Stream,
  bytes: Buffer,
  context: { readonly attachments: ReadonlyMap<string, Attachment>; readonly room: number },
): Part {
  const { id, isUnicode, isText } = propertyOf(stream.name);
  const prefix = prefixOf(stream.storage, context.attachments);
  const attachment = context.attachments.get(stream.storage);
  if (attachment !== undefined && id === ATTACH_DATA) {
    return { kind: "raw", name: prefix, type: attachment.type, bytes };
  }
  const shown = SHOWN.get(id);
  const isProperty = id !== "" || stream.name.toLowerCase() === PROPERTIES;
  if (attachment === undefined && shown !== undefined && !BOOKKEEPING.test(stream.storage)) {
    const [name, type] = shown;
    const place = { kind: "shown" as const, name: joined(prefix, name), type };
    if (id !== RTF_COMPRESSED) return { ...place, bytes: isUnicode ? utf8(bytes) : bytes };
    const rtf = decompressRtf(bytes, context.room);
    return { ...place, bytes: rtf.bytes, rtf: rtf.end };
  }
  const sizeMax = isText || BOOKKEEPING.test(stream.storage) ? SMALL_SIZE : BLOB_SIZE;
  if (isProperty && bytes.length < sizeMax) {
    return { kind: "small", name: "", type: "", bytes: isUnicode ? utf8(bytes) : bytes };
  }
  // The storage of an embedded object has a name that says nothing.
  const last = OBJECT_STORAGE.test(stream.storage) ? stream.name : stream.path;
  return { kind: "raw", name: joined(prefix, last), type: "", bytes };
}

// Names of all attachments, since their streams come in any order.
function attachmentsOf(file: CompoundFile): Map<string, Attachment> {
  const strings = new Map<string, Map<string, string>>();
  for (const stream of file.streams) {
    const { storage } = stream;
    if (!ATTACHMENT_STORAGE.test(storage.slice(storage.lastIndexOf("/") + 1))) continue;
    const values = strings.get(storage) ?? new Map<string, string>();
    strings.set(storage, values);
    const { id, isUnicode } = propertyOf(stream.name);
    if (![ATTACH_LONG_NAME, ATTACH_NAME, DISPLAY_NAME, ATTACH_MIME].includes(id)) continue;
    const { bytes } = file.read(stream, SMALL_SIZE);
    values.set(id, bytes.toString(isUnicode ? "utf16le" : "latin1"));
  }
  const attachments = new Map<string, Attachment>();
  for (const [storage, values] of strings) {
    // The short name is made from the long one: it tells something only where that one is missing
    // or has another extension.
    const long = values.get(ATTACH_LONG_NAME) ?? "";
    const short = values.get(ATTACH_NAME) ?? "";
    const names = extension(long) === extension(short) ? [long] : [long, short];
    const name = joinNames(names) || joinNames([short, values.get(DISPLAY_NAME) ?? ""]);
    const type = (values.get(ATTACH_MIME) ?? "").replaceAll("\0", "").trim().toLowerCase();
    attachments.set(storage, { name: name || "attachment", type });
  }
  return attachments;
}

// Three letters are what short names have: "html" and "htm" are no contradiction.
function extension(name: string): string {
  const clean = name.replaceAll("\0", "");
  return clean
    .slice(clean.lastIndexOf(".") + 1)
    .toLowerCase()
    .slice(0, 3);
}

// `Fwd: invoice/invoice.pdf` for what lies in an attached message.
function prefixOf(storage: string, attachments: ReadonlyMap<string, Attachment>): string {
  const names: string[] = [];
  for (let end = storage.indexOf("/"); ; end = storage.indexOf("/", end + 1)) {
    const attachment = attachments.get(end < 0 ? storage : storage.slice(0, end));
    if (attachment !== undefined) names.push(attachment.name);
    if (end < 0) return names.join("/");
  }
}

interface Property {
  /** Four hex digits, "" for a stream that is no property. */
  readonly id: string;
  readonly isText: boolean;
  readonly isUnicode: boolean;
}

function propertyOf(name: string): Property {
  const [, id = "", type = ""] = PROPERTY_STREAM.exec(name) ?? [];
  const isUnicode = type.toUpperCase() === UNICODE;
  return { id: id.toUpperCase(), isUnicode, isText: isUnicode || type.toUpperCase() === EIGHT_BIT };
}

// Signatures for text and markup are made for one byte per letter.
function utf8(utf16: Buffer): Buffer {
  return Buffer.from(utf16.toString("utf16le"));
}

function joined(prefix: string, name: string): string {
  return prefix === "" ? name : `${prefix}/${name}`;
}
