// The parts of a message as a strict reader sees them: where each begins, where its body does, and
// what has to be cut to take it out. Treatment edits along these lines and no others.

import { describeEntity } from "../../entity/entity.ts";
import { readHeader } from "../../entity/header.ts";
import { type Delimiters, findDelimiters, splitAt } from "../../entity/multipart.ts";
import type { TransferEncoding } from "../../entity/transfer.ts";
import type { Stretch } from "../../message.ts";

/** One entity of a message: a multipart or a leaf. RFC 2045 §2.4. */
export interface Part extends Stretch {
  /** Its multipart's place in the list, -1 for the message. */
  readonly parent: number;
  readonly bodyStart: number;
  /** What goes when it goes: from its delimiter line up to the next one. */
  readonly cut: Stretch;
  readonly type: string;
  readonly encoding: TransferEncoding;
  readonly name: string;
  readonly isLeaf: boolean;
  /** Signed or encrypted, or inside of what is: an edit would break it. */
  readonly isSealed: boolean;
}

/** All parts, outer ones first, each level in order. */
export interface PartTree {
  readonly parts: readonly Part[];
  /** Why the message can't be edited, "" if it can. */
  readonly problem: string;
}

/** Parts looked at in one message. */
export const PARTS_MAX = 5000;
const DEPTH_MAX = 100;

interface Open extends Stretch {
  readonly parent: number;
  readonly cut: Stretch;
  readonly depth: number;
  readonly isSealed: boolean;
  readonly fallbackType: string;
}

// RFC 1847 and RFC 8551: what is signed is signed byte for byte.
function isSealing(type: string): boolean {
  return /^multipart\/(?:signed|encrypted)$|^application\/(?:x-)?pkcs7-mime$/.test(type);
}

/** Reads the parts of a message. Never throws. */
export function readParts(bytes: Buffer): PartTree {
  const parts: Part[] = [];
  const whole = { start: firstLine(bytes), end: bytes.length };
  const open: Open[] = [
    { ...whole, parent: -1, cut: whole, depth: 0, isSealed: false, fallbackType: "" },
  ];
  let problem = "";
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    if (parts.length >= PARTS_MAX || next.depth > DEPTH_MAX) {
      problem = "the message has too many parts";
      break;
    }
    const header = readHeader(bytes, next.start, next.end);
    if (header.isCut) problem = "a header section is too long";
    const about = describeEntity(header, next.fallbackType);
    const claimed = about.types[0];
    const type = claimed?.type ?? "";
    const isSealed = next.isSealed || isSealing(type) || about.protection !== "";
    const body = { start: header.bodyStart, end: next.end };
    const delimiters = delimitersOf(bytes, body, claimed?.isMultipart ? claimed.boundaries : []);
    if (delimiters?.isCut) problem = "the message has too many parts";
    if (delimiters !== undefined) {
      const fallbackType = type === "multipart/digest" ? "message/rfc822" : "";
      const base = { parent: parts.length, depth: next.depth + 1, isSealed, fallbackType };
      for (const place of placesOf(bytes, body, delimiters)) open.push({ ...base, ...place });
    }
    parts.push({
      ...{ start: next.start, end: next.end, bodyStart: header.bodyStart, cut: next.cut },
      ...{ parent: next.parent, type, isSealed, name: about.name },
      encoding: about.encodings[0] ?? "identity",
      isLeaf: delimiters === undefined,
    });
  }
  return { parts, problem };
}

// Blank lines above a message are skipped by nearly all readers.
function firstLine(bytes: Buffer): number {
  let at = 0;
  while (at < 1024 && (bytes[at] === 13 || bytes[at] === 10)) at++;
  return at;
}

function delimitersOf(
  bytes: Buffer,
  body: Stretch,
  boundaries: readonly string[],
): Delimiters | undefined {
  for (const boundary of boundaries) {
    const found = findDelimiters(bytes, body, boundary);
    if (found.hasStrict) return found;
  }
  return undefined;
}

function placesOf(bytes: Buffer, body: Stretch, delimiters: Delimiters) {
  const strict = delimiters.lines.filter((line) => !line.isLoose);
  const openers = strict.filter((line) => !line.isClose);
  return splitAt(bytes, body, delimiters, false).parts.map((part, index) => {
    const line = openers[index] as Stretch;
    const next = strict.find((one) => one.start > line.start);
    return { ...part, cut: { start: line.start, end: next?.start ?? body.end } };
  });
}

/** The leaves among `parts`. */
export function leavesOf(tree: PartTree): Part[] {
  return tree.parts.filter((part) => part.isLeaf);
}
