// A message in 7 bits, for next hops without 8BITMIME: bodies with bytes above 127 are put into
// quoted-printable or base64, part by part, header fields into encoded words. All else stays byte
// for byte. What is signed or encrypted is not touched. RFC 6152 §3, RFC 2045 §6.

import { hasHighByte } from "../../base/bytes.ts";
import { base64Lines, quotedPrintable } from "../../entity/encode.ts";
import { describeEntity } from "../../entity/entity.ts";
import { type Header, readHeader } from "../../entity/header.ts";
import { findDelimiters, type Range, splitAt } from "../../entity/multipart.ts";
import { asciiField, isHigh } from "./header-field.ts";

/** Larger messages are not converted, bytes: they would be held in memory twice. */
export const CONVERT_SIZE_MAX = 64 * 1024 * 1024;

const PARTS_MAX = 5000;
const DEPTH_MAX = 50;
const SAMPLE_SIZE = 64 * 1024;
const QUOTED_SLICE = 512 * 1024;
/** Whole lines of 76 characters. */
const BASE64_SLICE = 57 * 16 * 1024;
/** Above this share of high bytes quoted-printable is neither short nor legible. */
const BASE64_SHARE = 0.3;

/** What came of it. */
export type SevenBit =
  | { readonly kind: "plain" }
  | { readonly kind: "converted"; readonly bytes: Buffer; readonly hasDkim: boolean }
  /** It can't be said in 7 bits without a change that must not be made. */
  | { readonly kind: "fixed"; readonly reason: string };

interface Edit extends Range {
  readonly bytes: Buffer;
}

interface Entity extends Range {
  readonly depth: number;
  readonly fallbackType: string;
  /** A message, not a part of one: it needs MIME-Version. */
  readonly isMessage: boolean;
}

class Fixed extends Error {}

/** Puts a whole message into 7 bits. Never throws for its content. */
export function toSevenBit(message: Buffer): SevenBit {
  if (!hasHighByte(message)) return { kind: "plain" };
  try {
    const edits = new Conversion(message).edits();
    const bytes = splice(message, edits);
    // Whatever was overlooked is found here.
    if (hasHighByte(bytes)) return { kind: "fixed", reason: "8-bit text outside of all parts" };
    return { kind: "converted", bytes, hasDkim: hasDkim(message) };
  } catch (error) {
    if (error instanceof Fixed) return { kind: "fixed", reason: error.message };
    throw error;
  }
}

function hasDkim(message: Buffer): boolean {
  const { bodyStart } = readHeader(message, 0, message.length);
  return /^dkim-signature[ \t]*:/im.test(message.toString("latin1", 0, bodyStart));
}

function splice(message: Buffer, edits: readonly Edit[]): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    pieces.push(message.subarray(at, edit.start), edit.bytes);
    at = edit.end;
  }
  pieces.push(message.subarray(at));
  return Buffer.concat(pieces);
}

// Walks the parts as a strict reader does, and collects what has to be written anew.
class Conversion {
  readonly #bytes: Buffer;
  readonly #edits: Edit[] = [];
  readonly #open: Entity[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const whole = { start: 0, end: bytes.length };
    this.#open.push({ ...whole, depth: 0, fallbackType: "", isMessage: true });
  }

  edits(): readonly Edit[] {
    let count = 0;
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      if (++count > PARTS_MAX || next.depth > DEPTH_MAX) throw new Fixed("too many parts");
      if (this.#isHigh(next)) this.#convert(next);
    }
    return this.#edits;
  }

  #isHigh({ start, end }: Range): boolean {
    return hasHighByte(this.#bytes.subarray(start, end));
  }

  #convert(entity: Entity): void {
    const header = readHeader(this.#bytes, entity.start, entity.end);
    const { types, protection } = describeEntity(header, entity.fallbackType);
    const type = types[0]?.type ?? "";
    if (header.isCut) throw new Fixed("a header section that is too long");
    if (/^multipart\/(?:signed|encrypted)$|\/(?:x-)?pkcs7-mime$/.test(type) || protection !== "") {
      throw new Fixed("8-bit text in a signed or encrypted part");
    }
    const isClear = types.length <= 1 && header.encodings.length <= 1;
    if (!isClear || header.otherStarts.length > 0) throw new Fixed("a part that is not clear");
    const body = { start: header.bodyStart, end: entity.end };
    const isBodyHigh = this.#isHigh(body);
    const fields = new Fields(this.#bytes.toString("latin1", entity.start, header.bodyStart));
    if (isBodyHigh) fields.setEncoding(this.#convertBody(entity, { header, type, body, fields }));
    if (isBodyHigh && entity.isMessage && !fields.has("mime-version")) {
      fields.add("MIME-Version: 1.0");
    }
    const text = fields.text();
    this.#edits.push({
      start: entity.start,
      end: header.bodyStart,
      bytes: Buffer.from(text, "latin1"),
    });
  }

  // Gives the new Content-Transfer-Encoding.
  #convertBody(
    entity: Entity,
    about: { header: Header; type: string; body: Range; fields: Fields },
  ): string {
    const { header, type, body, fields } = about;
    const depth = entity.depth + 1;
    const encoding = header.encodings[0] ?? "identity";
    // RFC 2045 §6.4: what has parts is never encoded itself.
    const hasParts = type.startsWith("multipart/") || type === "message/rfc822";
    if (hasParts && encoding !== "identity") throw new Fixed("a multipart that is encoded");
    if (type.startsWith("multipart/")) {
      this.#split(header, { body, depth, type });
      return "7bit";
    }
    if (type === "message/rfc822") {
      this.#open.push({ ...body, depth, fallbackType: "", isMessage: true });
      return "7bit";
    }
    if (encoding === "identity" && /^(?:|7bit|8bit|binary)$/.test(fields.encoding())) {
      if (entity.isMessage && type === "") fields.add(plainType(this.#bytes.subarray(body.start)));
      return this.#encode(body, type);
    }
    if (encoding === "quoted-printable" || encoding === "base64") {
      this.#mend(body, encoding);
      return encoding;
    }
    throw new Fixed(`8-bit text in an encoding that is not known (${fields.encoding()})`);
  }

  #encode(body: Range, type: string): string {
    const bytes = this.#bytes.subarray(body.start, body.end);
    const isText = type === "" || type.startsWith("text/") || type.startsWith("message/");
    const isQuoted = isText && highShare(bytes) <= BASE64_SHARE;
    this.#edits.push({ ...body, bytes: isQuoted ? quotedSlices(bytes) : base64Slices(bytes) });
    return isQuoted ? "quoted-printable" : "base64";
  }

  // A body that breaks the rules of its own encoding, written so that it decodes to the same.
  #mend(body: Range, encoding: "quoted-printable" | "base64"): void {
    const text = this.#bytes.toString("latin1", body.start, body.end);
    const mended =
      encoding === "base64"
        ? text.replace(/[\x80-\xff]/g, "")
        : text.replace(
            /[\x80-\xff]/g,
            (char) => `=${char.charCodeAt(0).toString(16).toUpperCase()}`,
          );
    const short = encoding === "base64" ? mended : mended.replace(/[^\r\n]{900,}/g, softBreaks);
    const bytes = Buffer.from(short, "latin1");
    this.#edits.push({ ...body, bytes });
  }

  #split(header: Header, about: { body: Range; depth: number; type: string }): void {
    const { body, depth, type } = about;
    const bytes = this.#bytes;
    const { boundaries = [] } = describeEntity(header, "").types[0] ?? {};
    for (const boundary of boundaries) {
      const delimiters = findDelimiters(bytes, body, boundary);
      if (delimiters.isCut) throw new Fixed("too many parts");
      if (!delimiters.hasStrict) continue;
      if (delimiters.hasLoose || isHigh(boundary)) throw new Fixed("a boundary that is not clear");
      const { parts, outside } = splitAt(bytes, body, delimiters, false);
      const fallbackType = type === "multipart/digest" ? "message/rfc822" : "";
      for (const part of parts) {
        this.#open.push({ ...part, depth, fallbackType, isMessage: false });
      }
      // Nobody is shown what stands around the parts.
      for (const range of outside) this.#blank(range);
      return;
    }
    throw new Fixed("a multipart without its boundary");
  }

  #blank(range: Range): void {
    if (!this.#isHigh(range)) return;
    const text = this.#bytes.toString("latin1", range.start, range.end);
    this.#edits.push({ ...range, bytes: Buffer.from(text.replace(/[\x80-\xff]/g, "?"), "latin1") });
  }
}

// Slice by slice, since what encodes them needs many times their size in memory.
function base64Slices(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += BASE64_SLICE) {
    if (at > 0) pieces.push(Buffer.from("\r\n"));
    pieces.push(base64Lines(bytes.subarray(at, at + BASE64_SLICE), "\r\n"));
  }
  return Buffer.concat(pieces);
}

// Cut behind line ends; where there are none for too long, at a soft line break.
function quotedSlices(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = Math.min(at + QUOTED_SLICE, bytes.length);
    const lineEnd = end < bytes.length ? bytes.lastIndexOf(10, end - 1) : -1;
    const isSoft = end < bytes.length && lineEnd < at;
    if (lineEnd >= at) end = lineEnd + 1;
    else if (isSoft && bytes[end - 1] === 13) end--;
    pieces.push(quotedPrintable(bytes.subarray(at, end), "\r\n"));
    if (isSoft) pieces.push(Buffer.from("=\r\n"));
  }
  return Buffer.concat(pieces);
}

// A line that may have grown beyond what SMTP takes; soft line breaks do no harm. RFC 2045 §6.7.
function softBreaks(line: string): string {
  return (line.match(/(?:=[0-9A-Fa-f]{2}|=(?![0-9A-Fa-f]{2})|[^=]){1,250}/g) ?? []).join("=\r\n");
}

// RFC 1428 §3 would have it "unknown-8bit"; what is UTF-8 can be called so.
function plainType(bytes: Buffer): string {
  const isUtf8 = Buffer.from(bytes.toString("utf8")).equals(bytes);
  return `Content-Type: text/plain; charset=${isUtf8 ? "utf-8" : "unknown-8bit"}`;
}

function highShare(bytes: Uint8Array): number {
  const sample = bytes.subarray(0, SAMPLE_SIZE);
  let count = 0;
  for (const byte of sample) if (byte > 127) count++;
  return count / Math.max(sample.length, 1);
}

/** The fields of one header section, as latin1 text. */
class Fields {
  readonly #fields: string[];
  readonly #tail: string;

  constructor(section: string) {
    const isEnded = section.endsWith("\r\n\r\n") || section === "\r\n";
    this.#tail = isEnded ? "\r\n" : "";
    const head = isEnded ? section.slice(0, -2) : section;
    this.#fields = head.split(/(?<=\r\n)(?![ \t])/).filter((field) => field !== "");
  }

  #find(name: string): number {
    const start = new RegExp(`^${name}[ \\t]*:`, "i");
    return this.#fields.findIndex((field) => start.test(field));
  }

  has(name: string): boolean {
    return this.#find(name) >= 0;
  }

  /** The word of Content-Transfer-Encoding, lower case; "" if there is none. */
  encoding(): string {
    const field = this.#fields[this.#find("content-transfer-encoding")] ?? "";
    return /:\s*([\w-]*)/.exec(field)?.[1]?.toLowerCase() ?? "";
  }

  setEncoding(word: string): void {
    if (this.encoding() === word) return;
    const at = this.#find("content-transfer-encoding");
    const field = `Content-Transfer-Encoding: ${word}`;
    if (at >= 0) this.#fields[at] = `${field}\r\n`;
    // What is 7bit need not say so.
    else if (word !== "7bit") this.add(field);
  }

  add(field: string): void {
    this.#fields.push(`${field}\r\n`);
  }

  /** The section in ASCII; throws Fixed if that can't be. */
  text(): string {
    const lines = this.#fields.map((field) => {
      const ascii = asciiField(field.replace(/\r\n$/, ""));
      if (ascii === undefined) {
        throw new Fixed(`8-bit text in a field: ${field.slice(0, 40).split(":")[0] ?? ""}`);
      }
      return field.endsWith("\r\n") ? `${ascii}\r\n` : ascii;
    });
    return `${lines.join("")}${this.#tail}`;
  }
}
