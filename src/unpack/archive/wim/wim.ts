// Windows images (.wim, .esd): a table of contents that are kept once each, and for each image a tree
// of names. All contents are given, named or not. "Windows Imaging File Format (WIM)" (Microsoft,
// 2007); resources in one piece (ESD) as wimlib's documentation has them.

import type { Budget } from "../../../base/budget.ts";
import { Reader } from "../../../executable/reader.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { joinNames } from "../../../text/object-name.ts";
import { Giver } from "../giver.ts";
import {
  type ChunkCoder,
  type ChunkedFile,
  chunkCount,
  unpackChunks,
  withTable,
} from "./chunks.ts";
import { addNames, type HashNames } from "./names.ts";

const HEADER_BYTES = 208;
const ENTRY_BYTES = 50;
const ENTRIES_MAX = 200_000;
const FLAG_FREE = 1;
const FLAG_METADATA = 2;
const FLAG_PACKED = 4;
const FLAG_SPANNED = 8;
const FLAG_SOLID = 16;
/** In place of a size: the entry is not a content, but what several contents are packed into. */
const SOLID_SIZE = 2 ** 32;
const CHUNK_DEFAULT = 32_768;
/** Of the header's flags. */
const CODERS: readonly (readonly [flag: number, coder: ChunkCoder])[] = [
  [0x2_0000, "xpress"],
  [0x4_0000, "lzx"],
  [0x8_0000, "lzms"],
];
const SOLID_CODERS: readonly ChunkCoder[] = ["stored", "xpress", "lzx", "lzms"];

/** One row of the table of contents. */
interface Resource {
  readonly flags: number;
  readonly at: number;
  /** Bytes it takes in the file. */
  readonly packedSize: number;
  readonly size: number;
  /** SHA-1 in hexadecimal. */
  readonly hash: string;
}

interface Image {
  readonly reader: Reader;
  readonly giver: Giver;
  readonly coder: ChunkCoder;
  readonly chunkSize: number;
}

/** Yields the files of a Windows image. */
export function* explodeWim(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const reader = new Reader(bytes);
  if (reader.text(0, 5) !== "MSWIM") {
    giver.note("unscanned", "WIM images that are made to be piped are not opened");
    return giver.outcome;
  }
  if (!reader.has(0, HEADER_BYTES)) {
    giver.note("damaged", "the header is broken");
    return giver.outcome;
  }
  const flags = reader.u32(16);
  const coder = CODERS.find(([flag]) => (flags & flag) !== 0)?.[1] ?? "stored";
  const image = { reader, giver, coder, chunkSize: reader.u32(20) || CHUNK_DEFAULT };
  if (reader.u16(42) > 1) giver.note("unscanned", "one part of an image in several files");
  const table = openResource(image, readResource(reader, 48), "table of contents");
  if (table !== undefined) yield* giveContents(image, readTable(new Reader(table), giver));
  yield* giveDescription(image);
  return giver.outcome;
}

function readResource(reader: Reader, at: number): Resource {
  const size = reader.u32(at) + (reader.u16(at + 4) + reader.u8(at + 6) * 65_536) * 2 ** 32;
  return {
    flags: reader.u8(at + 7),
    at: reader.u64(at + 8),
    packedSize: size,
    size: reader.u64(at + 16),
    hash: reader.slice(at + 30, 20).toString("hex"),
  };
}

function readTable(table: Reader, giver: Giver): Resource[] {
  const resources: Resource[] = [];
  for (let at = 0; at + ENTRY_BYTES <= table.size && giver.goesOn(); at += ENTRY_BYTES) {
    if (resources.length >= ENTRIES_MAX) giver.stop(`more than ${ENTRIES_MAX} entries`);
    resources.push(readResource(table, at));
  }
  return resources;
}

// Names first: they stand in resources of their own.
function* giveContents(image: Image, resources: readonly Resource[]): Generator<Extract> {
  const { giver } = image;
  const names: HashNames = new Map();
  for (const resource of resources) {
    if ((resource.flags & FLAG_METADATA) === 0 || (resource.flags & FLAG_FREE) !== 0) continue;
    const metadata = openResource(image, resource, "folders");
    if (metadata !== undefined) addNames(metadata, names, giver);
  }
  let solid: Uint8Array | undefined;
  for (const [index, resource] of resources.entries()) {
    const { flags, hash, size } = resource;
    if ((flags & (FLAG_METADATA | FLAG_FREE)) !== 0) continue;
    if (!giver.enter()) return;
    const name = joinNames(names.get(hash) ?? [`content ${index + 1}`]);
    if ((flags & FLAG_SOLID) === 0) {
      const content = openResource(image, resource, name);
      if (content !== undefined) yield* giver.give(name, content);
    } else if (size === SOLID_SIZE) solid = openSolid(image, resource);
    else if (solid !== undefined) {
      // Places are counted in what is unpacked.
      const content = solid.subarray(resource.at, resource.at + resource.packedSize);
      if (content.length < resource.packedSize) giver.note("damaged", "cut short", name);
      yield* giver.give(name, content);
    }
  }
}

function* giveDescription(image: Image): Generator<Extract> {
  const description = readResource(image.reader, 72);
  if (description.packedSize === 0) return;
  const xml = openResource(image, description, "description");
  if (xml !== undefined) yield* image.giver.give("description", xml);
}

// What could be had of a resource; undefined if that is nothing, and it was told why.
function openResource(image: Image, resource: Resource, name: string): Uint8Array | undefined {
  const { reader, giver, coder, chunkSize } = image;
  const packed = reader.slice(resource.at, resource.packedSize);
  if ((resource.flags & FLAG_SPANNED) !== 0) {
    giver.note("unscanned", "goes on in another file", name);
    return;
  }
  if (packed.length < resource.packedSize) giver.note("damaged", "cut short", name);
  if ((resource.flags & FLAG_PACKED) === 0) return packed;
  const file = withTable(packed, resource.size, chunkSize, coder);
  return openChunks(file, name, giver);
}

// [ESD] A header of its own, the packed size of each chunk, and the chunks.
function openSolid(image: Image, resource: Resource): Uint8Array | undefined {
  const { reader, giver } = image;
  const packed = new Reader(reader.slice(resource.at, resource.packedSize));
  const [size, chunkSize] = [packed.u64(0), packed.u32(8)];
  const coder = SOLID_CODERS[packed.u32(12)] ?? "lzms";
  const count = chunkCount(size, chunkSize);
  const data = 16 + 4 * count;
  if (coder === "lzms") return openChunks({ coder } as ChunkedFile, "packed contents", giver);
  if (count === 0 || !packed.has(0, data)) {
    return openChunks(undefined, "packed contents", giver);
  }
  const starts: number[] = [];
  for (let index = 0, at = 0; index < count; index++) {
    starts.push(at);
    at += packed.u32(16 + 4 * index);
  }
  const file = { packed: packed.bytes.subarray(data), starts, size, chunkSize, coder };
  return openChunks(file, "packed contents", giver);
}

function openChunks(
  file: ChunkedFile | undefined,
  name: string,
  giver: Giver,
): Uint8Array | undefined {
  if (file === undefined || file.coder === "lzms") {
    if (file === undefined) giver.note("damaged", "its chunks are not told", name);
    else giver.note("unscanned", "LZMS is not opened", name);
    return;
  }
  const { bytes, problem, isRefused } = unpackChunks(file, giver);
  if (isRefused) giver.refuse(name);
  else if (problem !== "") giver.note("damaged", problem, name);
  return isRefused ? undefined : bytes;
}
