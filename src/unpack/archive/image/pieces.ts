// A disk that is kept in pieces, of which each may be packed, and those never written are left out: how
// all formats of virtual disks have it. The disk is put together as far as there are pieces.

import { asBuffer } from "../../../base/bytes.ts";
import type { Extract } from "../../../message.ts";
import { inflate } from "../../inflate.ts";
import type { Giver } from "../giver.ts";
import { readBzip2 } from "../stream/bzip2.ts";
import type { StreamReader } from "../stream/open.ts";
import { Output, OutputFullError } from "../stream/output.ts";
import { readXz } from "../stream/xz.ts";
import { readZstd } from "../stream/zstd.ts";
import { isKnownDisk } from "./disk.ts";

/** How a piece is packed. */
export type PiecePacking = "stored" | "zlib" | "deflate" | "bzip2" | "xz" | "zstd" | "adc";

/** A stretch of the disk that is not empty. */
export interface DiskPiece {
  /** Where on the disk, and how much of it, in bytes. */
  readonly at: number;
  readonly size: number;
  readonly packed: Uint8Array;
  readonly packing: PiecePacking;
}

const ZLIB_HEADER_BYTES = 2;
const STREAMS: ReadonlyMap<PiecePacking, StreamReader> = new Map([
  ["bzip2", readBzip2],
  ["xz", readXz],
  ["zstd", readZstd],
]);

/** Yields the disk of `size` bytes that `pieces` are of, without what is unused at its end. */
export function* giveDisk(
  giver: Giver,
  size: number,
  pieces: readonly DiskPiece[],
): Generator<Extract> {
  let used = 0;
  for (const piece of pieces) used = Math.max(used, Math.min(size, piece.at + piece.size));
  if (used > giver.room) {
    giver.refuse("disk");
    return;
  }
  const disk = Buffer.alloc(used);
  for (const piece of pieces) {
    if (!giver.goesOn()) break;
    const wanted = Math.min(piece.size, used - piece.at);
    if (wanted <= 0) continue;
    const bytes = unpackPiece(piece, giver);
    if (bytes.length < wanted) giver.note("damaged", "a block is not there");
    disk.set(bytes.subarray(0, wanted), piece.at);
  }
  if (used === 0) return;
  if (!isKnownDisk(disk)) giver.note("unscanned", "what is on the disk is not known");
  yield* giver.give("disk", disk);
}

function unpackPiece({ packed, packing, size }: DiskPiece, giver: Giver): Uint8Array {
  if (packing === "stored") return packed;
  const sizeMax = Math.min(size, giver.room);
  if (packing === "deflate") return inflate(packed, sizeMax, sizeMax).bytes;
  if (packing === "zlib") {
    return inflate(packed.subarray(ZLIB_HEADER_BYTES), sizeMax, sizeMax).bytes;
  }
  const output = new Output(sizeMax);
  try {
    if (packing === "adc") unpackAdc(packed, output);
    else STREAMS.get(packing)?.(asBuffer(packed), output, () => giver.goesOn());
  } catch (error) {
    // More than the piece should be: what there is of it is enough.
    if (!(error instanceof OutputFullError)) throw error;
  }
  return output.made;
}

// Apple Data Compression: literals, and matches of two sizes.
function unpackAdc(packed: Uint8Array, output: Output): void {
  for (let at = 0; at < packed.length; ) {
    const head = packed[at] as number;
    if ((head & 0x80) !== 0) {
      const count = (head & 0x7f) + 1;
      output.append(packed.subarray(at + 1, at + 1 + count));
      at += 1 + count;
      continue;
    }
    const isLong = (head & 0x40) !== 0;
    const next = packed[at + 1] ?? 0;
    const length = isLong ? (head & 0x3f) + 4 : ((head >> 2) & 15) + 3;
    const distance = isLong ? next * 256 + (packed[at + 2] ?? 0) : (head & 3) * 256 + next;
    if (distance + 1 > output.size) return;
    output.copy(distance + 1, length);
    at += isLong ? 3 : 2;
  }
}
