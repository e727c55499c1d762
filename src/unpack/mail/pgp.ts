// OpenPGP messages: what is signed or compressed only is given, what is encrypted is protected.
// Keys and detached signatures hold nothing to give. Binary or in armour. RFC 9580.

import { inflateSync } from "node:zlib";
import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import { decodeBase64 } from "../../codec/base64.ts";
import type { Explosion, Extract } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { inflate } from "../inflate.ts";
import { Tally } from "../tally.ts";

const PACKETS_MAX = 2000;
const PARTS_MAX = 100_000;
const NEST_MAX = 8;
const BLOCKS_MAX = 100;
const ENCRYPTED = "encrypted for its recipient (OpenPGP)";

// RFC 9580 §5: tags that matter. 9, 18 and 20 are encrypted data; 1 and 3 announce them.
const TAG = { compressed: 8, literal: 11 } as const;
const ENCRYPTED_TAGS: readonly number[] = [1, 3, 9, 18, 20];

interface Packet {
  readonly tag: number;
  readonly body: Buffer;
  readonly next: number;
  readonly isWhole: boolean;
}

/** Yields what OpenPGP packets or armoured blocks hold that is not encrypted. */
export function* explodePgp(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const tally = new Tally();
  if (((input[0] ?? 0) & 0x80) !== 0 && !input.includes(ARMOUR_MARK)) {
    yield* packets(input, budget, tally);
  } else {
    yield* armoured(input, budget, tally);
  }
  return tally.outcome;
}

/** Without it a text holds no armoured block. */
export const ARMOUR_MARK = "-----BEGIN PGP ";

/** The same for armoured blocks within a text. */
export function* explodeArmour(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const tally = new Tally();
  yield* armoured(asBuffer(bytes), budget, tally);
  return tally.outcome;
}

// RFC 9580 §6.2, §7: blocks begin at a line's start; quoting in a reply puts "> " before it.
function* armoured(input: Buffer, budget: Budget, tally: Tally): Generator<Extract> {
  let at = input.indexOf(ARMOUR_MARK);
  for (let count = 0; at >= 0; count++) {
    if (count >= BLOCKS_MAX || budget.isExpired) {
      tally.add("unscanned", "too many OpenPGP blocks");
      return;
    }
    const kind = /^[A-Z ,0-9/]{1,40}/.exec(input.toString("latin1", at + 15, at + 60))?.[0] ?? "";
    let end = input.length;
    if (kind.startsWith("SIGNED MESSAGE")) {
      end = before(input, "-----BEGIN PGP SIGNATURE", at + 15);
      yield* give("signed text", signedText(input.subarray(at, end)), { budget, tally });
    } else {
      end = before(input, "-----END PGP ", at + 15);
      if (kind.startsWith("MESSAGE")) {
        const binary = armourBytes(input.subarray(at, end));
        if (binary.length > 0) yield* packets(binary, budget, tally);
      }
    }
    at = input.indexOf(ARMOUR_MARK, Math.max(end, at + 15));
  }
}

function before(input: Buffer, mark: string, from: number): number {
  const at = input.indexOf(mark, from);
  return at < 0 ? input.length : at;
}

// Armour headers end at a blank line; a line of "=" and four digits is the checksum.
function armourBytes(block: Buffer): Buffer {
  const text = block.toString("latin1").replace(/^[> \t]+/gm, "");
  const blank = /\r?\n[ \t]*\r?\n/.exec(text);
  const start = blank === null ? text.indexOf("\n") + 1 : blank.index + blank[0].length;
  const lines = text.slice(start);
  const sum = /\r?\n=[A-Za-z0-9+/]{4}[ \t]*(?=\r?\n|$)/.exec(lines);
  const digits = sum === null ? lines : lines.slice(0, sum.index);
  return asBuffer(decodeBase64(Buffer.from(digits, "latin1")).bytes);
}

// RFC 9580 §7.1: lines that begin with a dash have "- " put before them.
function signedText(block: Buffer): Buffer {
  const text = block.toString("latin1");
  const blank = /\r?\n[ \t]*\r?\n/.exec(text);
  const start = blank === null ? text.indexOf("\n") + 1 : blank.index + blank[0].length;
  return Buffer.from(text.slice(start).replace(/^- /gm, ""), "latin1");
}

function* packets(input: Buffer, budget: Budget, tally: Tally): Generator<Extract> {
  const open = [{ bytes: input, depth: 0 }];
  let count = 0;
  for (let level = open.pop(); level !== undefined; level = open.pop()) {
    for (let at = 0; at < level.bytes.length; ) {
      if (++count > PACKETS_MAX || budget.isExpired) {
        tally.add("unscanned", "too many OpenPGP packets");
        return;
      }
      const packet = readPacket(level.bytes, at);
      if (packet === undefined) {
        tally.add("damaged", "an OpenPGP packet is malformed");
        break;
      }
      at = packet.next;
      if (ENCRYPTED_TAGS.includes(packet.tag)) {
        tally.add("protected", ENCRYPTED);
        return;
      }
      if (!packet.isWhole) tally.add("damaged", "an OpenPGP packet is cut short");
      if (packet.tag === TAG.literal) {
        yield* literal(packet.body, { budget, tally });
      } else if (packet.tag === TAG.compressed) {
        if (level.depth >= NEST_MAX) {
          tally.add("unscanned", `nested deeper than ${NEST_MAX}`);
          continue;
        }
        const plain = yield* decompressed(packet.body, { budget, tally });
        if (plain !== undefined) open.push({ bytes: plain, depth: level.depth + 1 });
      }
    }
  }
}

interface Place {
  readonly budget: Budget;
  readonly tally: Tally;
}

// RFC 9580 §5.9: a format letter, a counted name, four bytes of date, the data.
function* literal(body: Buffer, place: Place): Generator<Extract> {
  const nameLength = body[1] ?? 0;
  const start = 2 + nameLength + 4;
  if (start > body.length) place.tally.add("damaged", "an OpenPGP packet is cut short");
  const name = cleanName(body.toString("utf8", 2, 2 + nameLength));
  yield* give(name || "signed content", body.subarray(start), place);
}

// RFC 9580 §5.6, §9.4. What bzip2 holds is left to the unpacker of that format.
function* decompressed(body: Buffer, place: Place): Generator<Extract, Buffer | undefined> {
  const { budget, tally } = place;
  const packed = body.subarray(1);
  switch (body[0]) {
    case 0:
      return packed;
    case 1:
    case 2: {
      const found = body[0] === 2 ? inflateWrapped(packed, budget) : undefined;
      if (found !== undefined) return found;
      const raw = inflate(body[0] === 2 ? packed.subarray(2) : packed, budget.bytesLeft);
      if (raw.end === "too-large") tally.add("unscanned", "larger than may still be extracted");
      else if (raw.end !== "whole") tally.add("damaged", "does not inflate");
      return asBuffer(raw.bytes);
    }
    case 3:
      yield* give("compressed content", packed, place);
      return;
    default:
      tally.add("unscanned", "an unknown compression method");
      return;
  }
}

function inflateWrapped(packed: Buffer, budget: Budget): Buffer | undefined {
  try {
    return inflateSync(packed, { maxOutputLength: Math.max(1, budget.bytesLeft) });
  } catch {
    // Cut or too large: the caller looks closer.
    return;
  }
}

function* give(name: string, bytes: Buffer, { budget, tally }: Place): Generator<Extract> {
  if (bytes.length === 0) return;
  if (budget.takeObject(bytes.length)) yield { name, declaredType: "", bytes };
  else tally.add("unscanned", "more than may still be extracted", name);
}

// RFC 9580 §4.2: two ways to write a header; lengths may be partial or open.
function readPacket(bytes: Buffer, at: number): Packet | undefined {
  const first = bytes[at] ?? 0;
  if ((first & 0x80) === 0) return;
  if ((first & 0x40) !== 0) return newPacket(bytes, at + 1, first & 0x3f);
  const lengthBytes = [1, 2, 4, 0][first & 3] ?? 0;
  const start = at + 1 + lengthBytes;
  if (start > bytes.length) return;
  const length = lengthBytes === 0 ? bytes.length - start : bytes.readUIntBE(at + 1, lengthBytes);
  return packetOf((first >> 2) & 15, bytes, start, length);
}

function packetOf(tag: number, bytes: Buffer, start: number, length: number): Packet {
  const end = start + length;
  const isWhole = end <= bytes.length;
  return { tag, body: bytes.subarray(start, end), next: Math.min(end, bytes.length), isWhole };
}

function newPacket(bytes: Buffer, lengthAt: number, tag: number): Packet | undefined {
  const pieces: Buffer[] = [];
  let at = lengthAt;
  for (let count = 0; count < PARTS_MAX; count++) {
    const one = bytes[at];
    if (one === undefined) break;
    const isPartial = one >= 224 && one < 255;
    const size = one < 192 || isPartial ? 1 : one < 224 ? 2 : 5;
    if (at + size > bytes.length) break;
    let length = one;
    if (isPartial) length = 2 ** (one & 31);
    else if (size === 2) length = ((one - 192) << 8) + (bytes[at + 1] as number) + 192;
    else if (size === 5) length = bytes.readUInt32BE(at + 1);
    const packet = packetOf(tag, bytes, at + size, length);
    if (pieces.length === 0 && !isPartial) return packet;
    pieces.push(packet.body);
    at = packet.next;
    if (!isPartial || !packet.isWhole) {
      return { ...packet, body: Buffer.concat(pieces), isWhole: packet.isWhole && !isPartial };
    }
  }
  if (pieces.length === 0) return;
  return { tag, body: Buffer.concat(pieces), next: bytes.length, isWhole: false };
}
