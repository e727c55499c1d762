// The bytes of a segment file: one header, then one record per accepted message. A record is found
// again by its segment's nonce: 8 random bytes that no sender can know, so that a body made to look
// like a record is never taken for one when a damaged stretch has to be skipped.
//
//   segment header, 32 bytes: magic 8, nonce 8, first sequence 8, CRC-32 of these 4, zero 4
//   record header, 40 bytes:  nonce 8, version 1, flags 1, zero 2, JSON length 4, body size 8,
//                             sequence 8, CRC-32 of the payload 4, CRC-32 of the header 4
//   payload:                  the MessageRecord as JSON, then the body unless it has its own file
import { crc32 } from "node:zlib";

/** Where a message can be: on its way out, kept back, or kept as a copy. Rows have the index. */
export const PLACES = ["queue", "quarantine", "backup", "archive"] as const;

/** One of `PLACES`. */
export type Place = (typeof PLACES)[number];

/** Bytes of a segment's header. */
export const SEGMENT_HEADER_SIZE = 32;

const MAGIC = Buffer.from("GWSEG\x01\r\n", "latin1");
const NONCE_SIZE = 8;
const RECORD_HEADER_SIZE = 40;
const RECORD_VERSION = 1;
// The place's index in two bits that are not neighbours: the first version had places 0 and 1.
const FLAG_PLACE_LOW = 1;
const FLAG_OWN_FILE = 2;
const FLAG_PLACE_HIGH = 4;
const FLAG_CONTINUED = 8;
/** Damaged stretches that are told apart in one segment; what follows counts as one more. */
const DAMAGED_MAX = 1000;

/** One message on its way into a segment. */
export interface RecordEntry {
  readonly place: Place;
  /** MessageRecord as JSON. */
  readonly json: Uint8Array;
  /** The body, or undefined when it lies in its own file. */
  readonly body: Uint8Array | undefined;
  /** Bytes of the body, wherever it is. */
  readonly bodySize: number;
  /** The next record is of the same transaction: neither counts without the other. */
  readonly isContinued?: boolean;
}

/** Bytes that `entry` takes in a segment. */
export function recordSize(entry: RecordEntry): number {
  return RECORD_HEADER_SIZE + entry.json.length + (entry.body?.length ?? 0);
}

/** The header of a new segment. */
export function encodeSegmentHeader(nonce: Uint8Array, firstSequence: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_SIZE);
  MAGIC.copy(header);
  header.set(nonce.subarray(0, NONCE_SIZE), 8);
  header.writeUIntBE(firstSequence, 18, 6);
  header.writeUInt32BE(crc32(header.subarray(0, 24)), 24);
  return header;
}

/** Nonce and first sequence number of a segment, or undefined if its header is damaged. */
export function decodeSegmentHeader(bytes: Buffer) {
  if (bytes.length < SEGMENT_HEADER_SIZE || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (bytes.readUInt32BE(24) !== crc32(bytes.subarray(0, 24))) return undefined;
  return { nonce: bytes.subarray(8, 16), firstSequence: bytes.readUIntBE(18, 6) };
}

/** Writes `entry` into `target` at `offset`; gives where its body starts. */
export function encodeRecord(
  target: Buffer,
  offset: number,
  entry: RecordEntry,
  mark: { readonly nonce: Uint8Array; readonly sequence: number },
): number {
  const header = target.subarray(offset, offset + RECORD_HEADER_SIZE);
  const jsonStart = offset + RECORD_HEADER_SIZE;
  const bodyStart = jsonStart + entry.json.length;
  target.set(entry.json, jsonStart);
  if (entry.body !== undefined) target.set(entry.body, bodyStart);
  header.fill(0);
  header.set(mark.nonce, 0);
  header[8] = RECORD_VERSION;
  const place = PLACES.indexOf(entry.place);
  header[9] =
    ((place & 1) === 0 ? 0 : FLAG_PLACE_LOW) |
    ((place & 2) === 0 ? 0 : FLAG_PLACE_HIGH) |
    (entry.isContinued === true ? FLAG_CONTINUED : 0) |
    (entry.body === undefined ? FLAG_OWN_FILE : 0);
  header.writeUInt32BE(entry.json.length, 12);
  header.writeUIntBE(entry.bodySize, 18, 6);
  header.writeUIntBE(mark.sequence, 26, 6);
  const payload = target.subarray(jsonStart, bodyStart + (entry.body?.length ?? 0));
  sealHeader(header, payload);
  return bodyStart;
}

/** What a segment holds at one place. */
export type SegmentItem =
  | {
      readonly kind: "record";
      readonly sequence: number;
      readonly place: Place;
      readonly hasOwnFile: boolean;
      readonly isContinued: boolean;
      readonly json: Buffer;
      readonly bodyStart: number;
      readonly bodySize: number;
      readonly end: number;
    }
  /** Bytes between sound records that are none: something was there and is lost. */
  | { readonly kind: "damaged"; readonly start: number; readonly end: number }
  /** No sound record follows: a write that never was acknowledged, or its rest. */
  | { readonly kind: "torn"; readonly start: number; readonly end: number };

type RecordItem = Extract<SegmentItem, { kind: "record" }>;

// What a sound header says; its payload may be damaged all the same.
function readHeader(bytes: Buffer, start: number, nonce: Uint8Array) {
  const jsonStart = start + RECORD_HEADER_SIZE;
  if (jsonStart > bytes.length) return undefined;
  const header = bytes.subarray(start, jsonStart);
  if (!header.subarray(0, NONCE_SIZE).equals(nonce) || header[8] !== RECORD_VERSION) {
    return undefined;
  }
  if (header.readUInt32BE(36) !== crc32(header.subarray(0, 36))) return undefined;
  const flags = header[9] ?? 0;
  const hasOwnFile = (flags & FLAG_OWN_FILE) !== 0;
  const bodySize = header.readUIntBE(18, 6);
  const bodyStart = jsonStart + header.readUInt32BE(12);
  const end = bodyStart + (hasOwnFile ? 0 : bodySize);
  if (end > bytes.length) return undefined;
  const payloadSum = header.readUInt32BE(32);
  const sequence = header.readUIntBE(26, 6);
  return { sequence, flags, hasOwnFile, jsonStart, bodyStart, bodySize, end, payloadSum };
}

function decodeRecord(bytes: Buffer, start: number, nonce: Uint8Array): RecordItem | undefined {
  const header = readHeader(bytes, start, nonce);
  if (header === undefined) return undefined;
  const { flags, jsonStart, payloadSum, ...where } = header;
  if (payloadSum !== crc32(bytes.subarray(jsonStart, where.end))) return undefined;
  return {
    kind: "record",
    ...where,
    place: placeOf(flags),
    isContinued: (flags & FLAG_CONTINUED) !== 0,
    json: bytes.subarray(jsonStart, where.bodyStart),
  };
}

function placeOf(flags: number): Place {
  const low = (flags & FLAG_PLACE_LOW) === 0 ? 0 : 1;
  const high = (flags & FLAG_PLACE_HIGH) === 0 ? 0 : 2;
  return PLACES[low + high] as Place;
}

/** Walks a whole segment, from after its header to its end. */
export function* readSegment(bytes: Buffer, nonce: Uint8Array): Generator<SegmentItem> {
  let damaged = 0;
  for (let position = SEGMENT_HEADER_SIZE; position < bytes.length; ) {
    const item = decodeRecord(bytes, position, nonce);
    if (item !== undefined) {
      yield item;
      position = item.end;
      continue;
    }
    const next = damaged < DAMAGED_MAX ? findRecord(bytes, position + 1, nonce) : -1;
    if (next < 0) {
      const kind = damaged < DAMAGED_MAX ? "torn" : "damaged";
      yield { kind, start: position, end: bytes.length };
      return;
    }
    damaged++;
    yield { kind: "damaged", start: position, end: next };
    position = next;
  }
}

/** Where records begin, by their headers alone; a damaged stretch is passed over. */
export function* findRecords(
  bytes: Buffer,
  nonce: Uint8Array,
): Generator<{ readonly start: number; readonly sequence: number }> {
  let start = bytes.indexOf(nonce, SEGMENT_HEADER_SIZE);
  while (start >= 0) {
    const header = readHeader(bytes, start, nonce);
    if (header !== undefined) yield { start, sequence: header.sequence };
    start = bytes.indexOf(nonce, header?.end ?? start + 1);
  }
}

/** Header and JSON of the record at `start` with spaces for JSON; undefined if it has a body. */
export function blankRecord(bytes: Buffer, start: number): Buffer | undefined {
  const flags = bytes[start + 9] ?? 0;
  if ((flags & FLAG_OWN_FILE) === 0) return undefined;
  const size = bytes.readUInt32BE(start + 12);
  const blank = Buffer.alloc(RECORD_HEADER_SIZE + size, " ");
  bytes.copy(blank, 0, start, start + RECORD_HEADER_SIZE);
  sealHeader(blank.subarray(0, RECORD_HEADER_SIZE), blank.subarray(RECORD_HEADER_SIZE));
  return blank;
}

/** Whether this is the JSON of a record that was blanked. */
export function isBlank(json: Buffer): boolean {
  return json.every((byte) => byte === 0x20);
}

function sealHeader(header: Buffer, payload: Buffer): void {
  header.writeUInt32BE(crc32(payload), 32);
  header.writeUInt32BE(crc32(header.subarray(0, 36)), 36);
}

function findRecord(bytes: Buffer, from: number, nonce: Uint8Array): number {
  for (let at = bytes.indexOf(nonce, from); at >= 0; at = bytes.indexOf(nonce, at + 1)) {
    if (decodeRecord(bytes, at, nonce) !== undefined) return at;
  }
  return -1;
}
