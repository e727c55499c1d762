// TNEF: the winmail.dat in which Outlook wraps what MIME has no words for. Its attachments, bodies
// and embedded messages are what the reader sees, so all are given. [MS-OXTNEF] §2.1.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import { decompressRtf } from "../../codec/lzfu.ts";
import type { Explosion, Extract } from "../../message.ts";
import { joinNames } from "../../text/object-name.ts";
import { Tally } from "../tally.ts";
import { MAPI_TYPE, type MapiProperty, mapiText, readMapi } from "./mapi.ts";

const HEADER_BYTES = 6;
const ATTRIBUTE_BYTES = 9;
const ATTRIBUTES_MAX = 20_000;

const ATTRIBUTE = {
  body: 0x0002_800c,
  messageProperties: 0x0006_9003,
  attachmentStart: 0x0006_9002,
  attachmentTitle: 0x0001_8010,
  attachmentData: 0x0006_800f,
  attachmentProperties: 0x0006_9005,
  attachmentTransportName: 0x0006_9001,
} as const;

const PROPERTY = {
  body: 0x1000,
  rtfCompressed: 0x1009,
  bodyHtml: 0x1013,
  displayName: 0x3001,
  attachData: 0x3701,
  attachFilename: 0x3704,
  attachLongFilename: 0x3707,
  attachPathname: 0x3708,
  attachTransportName: 0x370c,
  attachMimeTag: 0x370e,
} as const;

// The interface an attached object has: IMessage is TNEF again. [MS-OXTNEF] §2.1.3.4.2.
const IID_BYTES = 16;
const IID_TAIL = "c000000000000046";

interface Attachment {
  names: string[];
  declaredType: string;
  /** Several if the attribute and the property disagree. */
  contents: Buffer[];
}

/** Yields the bodies, attachments and embedded messages of a TNEF stream. */
export function* explodeTnef(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return yield* new TnefWalk(asBuffer(bytes), budget).run();
}

class TnefWalk {
  readonly #bytes: Buffer;
  readonly #budget: Budget;
  readonly #tally = new Tally();
  #attachment: Attachment | undefined;
  #attachments = 0;

  constructor(bytes: Buffer, budget: Budget) {
    this.#bytes = bytes;
    this.#budget = budget;
  }

  *run(): Generator<Extract, Explosion> {
    const input = this.#bytes;
    let at = HEADER_BYTES;
    for (let count = 0; at < input.length; count++) {
      if (count >= ATTRIBUTES_MAX || this.#budget.isExpired) {
        this.#tally.add("unscanned", "too many attributes");
        break;
      }
      const level = input[at];
      if (level !== 1 && level !== 2) {
        // Mail programs add line ends and zeros behind the stream; anything else is broken.
        if (!isPadding(input.subarray(at))) this.#tally.add("damaged", "an attribute is malformed");
        break;
      }
      if (at + ATTRIBUTE_BYTES > input.length) {
        this.#tally.add("damaged", "cut short");
        break;
      }
      const id = input.readUInt32LE(at + 1);
      const start = at + ATTRIBUTE_BYTES;
      const end = start + input.readUInt32LE(at + 5);
      const data = input.subarray(start, end);
      yield* this.#attribute(id, data);
      if (end + 2 > input.length) {
        this.#tally.add("damaged", "cut short");
        break;
      }
      if (input.readUInt16LE(end) !== checksum(data)) {
        this.#tally.add("damaged", "checksum does not match");
      }
      at = end + 2;
    }
    yield* this.#finishAttachment();
    if (input.length < HEADER_BYTES) this.#tally.add("damaged", "cut short");
    return this.#tally.outcome;
  }

  *#attribute(id: number, data: Buffer): Generator<Extract> {
    switch (id) {
      case ATTRIBUTE.body:
        yield* this.#give("body", "text/plain", trimmed(data));
        break;
      case ATTRIBUTE.messageProperties:
        yield* this.#message(data);
        break;
      case ATTRIBUTE.attachmentStart:
        yield* this.#finishAttachment();
        this.#open();
        break;
      case ATTRIBUTE.attachmentTitle:
      case ATTRIBUTE.attachmentTransportName:
        this.#open().names.push(trimmed(data).toString("latin1"));
        break;
      case ATTRIBUTE.attachmentData:
        this.#open().contents.push(data);
        break;
      case ATTRIBUTE.attachmentProperties:
        this.#describe(data);
        break;
    }
  }

  #open(): Attachment {
    this.#attachment ??= { names: [], declaredType: "", contents: [] };
    return this.#attachment;
  }

  #describe(data: Buffer): void {
    const attachment = this.#open();
    const { list, isWhole } = readMapi(data);
    if (!isWhole) this.#tally.add("damaged", "the properties of an attachment are cut short");
    const { attachFilename, attachLongFilename, attachPathname, displayName } = PROPERTY;
    const ids = [attachLongFilename, attachFilename, PROPERTY.attachTransportName, attachPathname];
    const names = ids.map((id) => mapiText(list, id)).filter((name) => name !== "");
    attachment.names.push(...names);
    if (names.length === 0) attachment.names.push(mapiText(list, displayName));
    attachment.declaredType = mapiText(list, PROPERTY.attachMimeTag).toLowerCase();
    for (const property of list) {
      if (property.id === PROPERTY.attachData) attachment.contents.push(content(property));
    }
  }

  *#finishAttachment(): Generator<Extract> {
    const attachment = this.#attachment;
    if (attachment === undefined) return;
    this.#attachment = undefined;
    const name = joinNames(attachment.names) || `attachment ${++this.#attachments}`;
    const given: Buffer[] = [];
    for (const bytes of attachment.contents) {
      if (given.some((other) => other.equals(bytes))) continue;
      given.push(bytes);
      yield* this.#give(name, attachment.declaredType, bytes);
    }
  }

  *#message(data: Buffer): Generator<Extract> {
    const { list, isWhole } = readMapi(data);
    if (!isWhole) this.#tally.add("damaged", "the properties of the message are cut short");
    for (const { id, type, bytes } of list) {
      if (id === PROPERTY.body) {
        const text = type === MAPI_TYPE.unicode ? Buffer.from(bytes.toString("utf16le")) : bytes;
        yield* this.#give("body", "text/plain", trimmed(text));
      } else if (id === PROPERTY.bodyHtml) {
        const html = type === MAPI_TYPE.unicode ? Buffer.from(bytes.toString("utf16le")) : bytes;
        yield* this.#give("body.html", "text/html", html);
      } else if (id === PROPERTY.rtfCompressed) {
        yield* this.#rtf(bytes);
      }
    }
  }

  *#rtf(packed: Buffer): Generator<Extract> {
    const { bytes, end } = decompressRtf(packed, Math.max(0, this.#budget.bytesLeft));
    if (end === "too-large") {
      this.#tally.add("unscanned", "larger than what may still be extracted", "body.rtf");
    } else if (end !== "whole") {
      this.#tally.add("damaged", "does not decompress", "body.rtf");
    }
    yield* this.#give("body.rtf", "text/rtf", bytes);
  }

  *#give(name: string, declaredType: string, bytes: Uint8Array): Generator<Extract> {
    if (bytes.length === 0) return;
    if (this.#budget.takeObject(bytes.length)) yield { name, declaredType, bytes };
    else this.#tally.add("unscanned", "more than may still be extracted", name);
  }
}

// An object comes behind the name of its interface; an OLE storage or a message are given bare.
function content({ type, bytes }: MapiProperty): Buffer {
  const isObject = bytes.toString("hex", 8, IID_BYTES) === IID_TAIL;
  return type === MAPI_TYPE.object && isObject ? bytes.subarray(IID_BYTES) : bytes;
}

// [MS-OXTNEF] §2.1.3.3: the sum of all bytes, modulo 65,536.
function checksum(data: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < data.length; at++) sum = (sum + (data[at] as number)) & 0xffff;
  return sum;
}

function trimmed(text: Buffer): Buffer {
  const end = text.indexOf(0);
  return end < 0 ? text : text.subarray(0, end);
}

function isPadding(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte <= 0x20);
}
