// XAR archives, as installers of macOS are (.pkg): a table of contents in compressed XML, and a heap
// that it points into. "xar file format" (mackyle.github.io/xar).

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { joinNames } from "../../text/object-name.ts";
import { inflate } from "../inflate.ts";
import { Giver } from "./giver.ts";
import { readBzip2 } from "./stream/bzip2.ts";
import type { StreamReader } from "./stream/open.ts";
import { Output, OutputFullError } from "./stream/output.ts";
import { readXz } from "./stream/xz.ts";

const HEADER_BYTES = 28;
/** Largest table that is read; one entry of an installer takes about a kilobyte. */
const TABLE_MAX = 64 << 20;
const DEPTH_MAX = 1000;
const ZLIB_HEADER_BYTES = 2;
/** Its attributes are of no interest but for one: how a name or a piece is encoded. */
const TAG = /<(\/?)([A-Za-z][\w:-]{0,40})([^<>]{0,1000})>([^<]*)/g;

/** A stretch of the heap that belongs to a file: its data, or an attribute such as a resource fork. */
interface Piece {
  readonly name: string;
  readonly suffix: string;
  /** Media type of its compression; "application/octet-stream" if none. */
  encoding: string;
  offset: number;
  length: number;
}

interface OpenFile {
  name: string;
  readonly pieces: Piece[];
}

/** Tags that hold the place of bytes in the heap. */
const PIECES = new Set(["data", "ea", "checksum", "signature", "x-signature"]);
const READERS: ReadonlyMap<string, StreamReader> = new Map([
  ["bzip2", readBzip2],
  ["xz", readXz],
]);

/** Yields the files of a XAR archive, and its table. */
export function* explodeXar(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const headerSize = input.length < HEADER_BYTES ? 0 : input.readUInt16BE(4);
  if (headerSize < HEADER_BYTES || headerSize > input.length) {
    giver.note("damaged", "the header is broken");
    return giver.outcome;
  }
  const heap = headerSize + Number(input.readBigUInt64BE(8));
  const packed = input.subarray(headerSize, Math.min(heap, input.length));
  const table = inflate(packed.subarray(ZLIB_HEADER_BYTES), Math.min(TABLE_MAX, giver.room));
  if (table.end === "too-large") {
    giver.refuse("table of contents");
    return giver.outcome;
  }
  if (table.end !== "whole") giver.note("damaged", "the table of contents is broken");
  if (table.bytes.length > 0) yield* giver.give("table of contents", table.bytes);
  let end = heap;
  for (const piece of piecesOf(asBuffer(table.bytes).toString("utf8"), giver)) {
    end = Math.max(end, heap + piece.offset + piece.length);
    if (piece.name !== "" && giver.enter()) yield* givePiece(input, heap, piece, giver);
  }
  yield* giver.giveRest(input, Math.min(end, input.length));
  return giver.outcome;
}

// A name may stand behind the data of its file, so that pieces are told when their file ends. Those
// without a name are of the table itself: its checksum, and signatures.
function piecesOf(xml: string, giver: Giver): Piece[] {
  const all: Piece[] = [];
  const open: OpenFile[] = [{ name: "", pieces: [] }];
  let piece: Piece | undefined;
  for (const [, slash, tag = "", attributes = "", raw = ""] of xml.matchAll(TAG)) {
    if (!giver.goesOn()) break;
    const file = open.at(-1) as OpenFile;
    if (slash === "/") {
      if (PIECES.has(tag)) piece = undefined;
      if (tag === "file" && open.length > 1) all.push(...closed(open));
    } else if (tag === "file") {
      if (open.length > DEPTH_MAX) giver.stop(`folders nested deeper than ${DEPTH_MAX}`);
      open.push({ name: "", pieces: [] });
    } else if (PIECES.has(tag)) {
      const suffix = tag === "ea" ? " (attribute)" : "";
      piece = { suffix, name: "", encoding: "", offset: 0, length: 0 };
      file.pieces.push(piece);
    } else if (piece !== undefined) fill(piece, tag, attributes, raw);
    else if (tag === "name") {
      const isBase64 = /base64/i.test(attributes);
      const name = isBase64 ? Buffer.from(raw, "base64").toString() : raw.trim();
      // Of several names programs take the first or the last.
      file.name = joinNames([file.name, name]);
    }
  }
  // A table that breaks off leaves files open: what was read of them is theirs all the same.
  while (open.length > 1) all.push(...closed(open));
  return [...all, ...(open[0]?.pieces ?? [])];
}

function fill(piece: Piece, tag: string, attributes: string, raw: string): void {
  const number = /^\s*\d{1,15}\s*$/.test(raw) ? Number(raw) : 0;
  if (tag === "offset") piece.offset = number;
  // The length is that of the packed bytes, which checksums and signatures call their size.
  else if (tag === "length" || (tag === "size" && piece.length === 0)) piece.length = number;
  else if (tag === "encoding") {
    piece.encoding = /style\s*=\s*["']([^"']*)/.exec(attributes)?.[1]?.toLowerCase() ?? "";
  }
}

function closed(open: OpenFile[]): Piece[] {
  const path = open.slice(1).map(({ name }) => name || "unnamed");
  const file = open.pop();
  return (file?.pieces ?? []).map((piece) => ({ ...piece, name: path.join("/") + piece.suffix }));
}

function* givePiece(input: Buffer, heap: number, piece: Piece, giver: Giver): Generator<Extract> {
  const { name, encoding, length } = piece;
  const start = heap + piece.offset;
  const packed = input.subarray(start, start + length);
  if (start + length > input.length) giver.note("damaged", "cut short", name);
  const packing = encoding.replace(/^application\/(?:x-)?/, "");
  if (packing === "" || packing === "octet-stream") return yield* giver.give(name, packed);
  if (packing === "gzip") {
    const { bytes, end } = inflate(packed.subarray(ZLIB_HEADER_BYTES), giver.room);
    if (end === "too-large") return giver.refuse(name);
    if (end !== "whole") giver.note("damaged", "broken data", name);
    return yield* giver.give(name, bytes);
  }
  const read = READERS.get(packing);
  if (read === undefined) return giver.note("unscanned", `${packing} is not supported`, name);
  const output = new Output(giver.room);
  try {
    const end = read(packed, output, () => giver.goesOn());
    if (end.status !== "clean") giver.note(end.status, end.problem, name);
    yield* giver.give(name, output.made);
  } catch (error) {
    if (!(error instanceof OutputFullError)) throw error;
    giver.refuse(name);
  }
}
