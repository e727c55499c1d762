// Installers made with NSIS: behind the program a header, which is the compiled script, and then the
// files one after another, packed each by itself or all in one stream. The layout is that of
// "fileform.h" in NSIS's documentation of its format; nowhere does it say how things are packed.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Extract } from "../../message.ts";
import type { Giver } from "../archive/giver.ts";
import { readBareBzip2 } from "../archive/stream/bzip2.ts";
import { unfilter } from "../archive/stream/filter.ts";
import { LzmaDecoder, lzmaProperties } from "../archive/stream/lzma.ts";
import { Output, OutputFullError } from "../archive/stream/output.ts";
import { inflate } from "../inflate.ts";
import { nsisNames } from "./nsis-script.ts";

const MARK = "\xef\xbe\xad\xdeNullsoftInst";
const FIRST_HEADER = 28;
const NO_CHECKSUM = 4;
const IS_PACKED = 0x8000_0000;
const X86_FILTER = 4;
const LZMA_HEADER = 5;
const TRIES_MAX = 64;

/** Where an installer's data is. */
export interface NsisLayout {
  /** File offsets of the first header, and of what stands behind the installer. */
  readonly start: number;
  readonly end: number;
  /** The packed data behind it. */
  readonly data: Buffer;
  readonly headerSize: number;
}

type Method = "stored" | "deflate" | "bzip2" | "lzma";

interface Packing {
  readonly method: Method;
  /** Everything in one stream. */
  readonly isSolid: boolean;
  /** LZMA may have a byte before it that says whether calls in programs are filtered. */
  readonly hasFilterByte: boolean;
}

/** The installer in a program, or undefined if it is none. */
export function findNsis(bytes: Uint8Array): NsisLayout | undefined {
  const input = asBuffer(bytes);
  let at = input.indexOf(MARK, 4, "latin1");
  for (let tries = 0; at >= 4 && tries < TRIES_MAX; tries++) {
    const start = at - 4;
    const isWhole = start + FIRST_HEADER <= input.length;
    // The mark is also in the code that looks for it; flags and sizes tell the header.
    if (isWhole && input.readUInt32LE(start) < 16 && start > 0) {
      const headerSize = input.readUInt32LE(start + 20);
      const hasChecksum = (input.readUInt32LE(start) & NO_CHECKSUM) === 0;
      const end = Math.min(input.length, start + input.readUInt32LE(start + 24));
      const data = input.subarray(start + FIRST_HEADER, end - (hasChecksum ? 4 : 0));
      if (headerSize > 0 && data.length > 8) return { start, end, data, headerSize };
    }
    at = input.indexOf(MARK, at + 1, "latin1");
  }
  return;
}

/** Yields the script and the files of an installer. */
export function* giveNsis(layout: NsisLayout, giver: Giver, budget: Budget): Generator<Extract> {
  const packing = packingOf(layout);
  try {
    if (packing.isSolid) yield* giveSolid(layout, packing, giver);
    else yield* giveSingly(layout, packing, giver);
  } catch (error) {
    if (!(error instanceof OutputFullError)) throw error;
    giver.refuse("installer");
  }
  if (budget.isExpired) giver.stop("time limit reached");
}

// One stream is told from many by what stands first: a length with its highest bit set.
function packingOf({ data, headerSize }: NsisLayout): Packing {
  const first = data.readUInt32LE(0);
  if (first === headerSize) return { method: "stored", isSolid: false, hasFilterByte: false };
  const lzma = lzmaAt(data, 0);
  if (lzma !== undefined) return { method: "lzma", isSolid: true, hasFilterByte: lzma };
  const isSolid = data[3] !== 0x80 || first - IS_PACKED + 4 > data.length;
  const at = isSolid ? 0 : 4;
  const inner = lzmaAt(data, at);
  if (inner !== undefined) return { method: "lzma", isSolid, hasFilterByte: inner };
  const isBzip2 = data[at] === 0x31 && (data[at + 1] ?? 255) < 14;
  return { method: isBzip2 ? "bzip2" : "deflate", isSolid, hasFilterByte: false };
}

// Whether LZMA begins at `at`, and then whether with a byte before it.
function lzmaAt(data: Buffer, at: number): boolean | undefined {
  const isLzma = (start: number) =>
    data[start] === 0x5d &&
    data[start + 1] === 0 &&
    data[start + 2] === 0 &&
    data[start + 5] === 0 &&
    (data[start + 6] ?? 255) < 0x80;
  if (isLzma(at)) return false;
  return (data[at] ?? 255) <= 1 && isLzma(at + 1) ? true : undefined;
}

function* giveSolid(layout: NsisLayout, packing: Packing, giver: Giver): Generator<Extract> {
  const all = asBuffer(unpack(layout.data, packing, giver));
  const scriptSize = all.length < 4 ? 0 : all.readUInt32LE(0);
  const script = all.subarray(4, 4 + scriptSize);
  yield* giver.give("installer script", script);
  const names = nsisNames(script);
  const files = all.subarray(4 + scriptSize);
  let at = 0;
  for (let count = 1; at + 4 <= files.length && giver.enter(); count++) {
    const size = files.readUInt32LE(at) % IS_PACKED;
    const content = files.subarray(at + 4, at + 4 + size);
    const name = names.get(at) ?? `file ${count}`;
    if (content.length < size) giver.note("damaged", "cut short", name);
    if (content.length > 0) yield* giver.give(name, content);
    at += 4 + size;
  }
}

function* giveSingly(layout: NsisLayout, packing: Packing, giver: Giver): Generator<Extract> {
  const { data } = layout;
  let at = 0;
  let filesAt = 0;
  let names: ReadonlyMap<number, string> = new Map();
  for (let count = 0; at + 4 <= data.length && giver.enter(); count++) {
    const word = data.readUInt32LE(at);
    const size = word % IS_PACKED;
    const packed = data.subarray(at + 4, at + 4 + size);
    const name = count === 0 ? "installer script" : (names.get(at - filesAt) ?? `file ${count}`);
    if (packed.length < size) giver.note("damaged", "cut short", name);
    const isPacked = word >= IS_PACKED && packing.method !== "stored";
    const content = isPacked ? unpack(packed, packing, giver, name) : packed;
    if (content.length > 0) yield* giver.give(name, content);
    at += 4 + size;
    if (count > 0) continue;
    names = nsisNames(asBuffer(content));
    filesAt = at;
  }
}

function unpack(data: Buffer, packing: Packing, giver: Giver, name = "installer"): Uint8Array {
  switch (packing.method) {
    case "stored":
      return data;
    case "deflate": {
      const { bytes, end } = inflate(data, giver.room);
      if (end === "too-large") throw new OutputFullError();
      if (end === "corrupt") giver.note("damaged", "broken data", name);
      return bytes;
    }
    case "bzip2": {
      const output = new Output(giver.room);
      const end = readBareBzip2(data, output, () => giver.goesOn());
      if (end.status !== "clean") giver.note(end.status, end.problem, name);
      return output.made;
    }
    case "lzma":
      return unpackLzma(data, packing, giver, name);
    default:
      return packing.method satisfies never;
  }
}

function unpackLzma(data: Buffer, packing: Packing, giver: Giver, name: string): Uint8Array {
  const at = packing.hasFilterByte ? 1 : 0;
  const properties = lzmaProperties(data[at] ?? 255);
  if (properties === undefined) {
    giver.note("damaged", "broken data", name);
    return new Uint8Array(0);
  }
  const output = new Output(giver.room);
  const decoder = new LzmaDecoder(output);
  decoder.reset(properties);
  const { problem } = decoder.decode(data, at + LZMA_HEADER, data.length, Infinity);
  // Streams end where their data does, with a mark or without.
  if (problem === "broken data") giver.note("damaged", problem, name);
  const made = output.made;
  if (packing.hasFilterByte && data[0] === 1) unfilter(made, X86_FILTER, new Uint8Array(0));
  return made;
}
