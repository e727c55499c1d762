// Microsoft's VHD around a disk: a copy with a footer, or blocks that were written. "Virtual Hard Disk
// Image Format Specification" 1.0 (Microsoft, 2006).

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type DiskPiece, giveDisk } from "./pieces.ts";

const SECTOR = 512;
const VHD_FOOTER_BYTES = 512;
const VHD_FIXED = 2;
const VHD_DYNAMIC = 3;
const VHD_UNUSED = 0xffff_ffff;
const VHD_BLOCKS_MAX = 1 << 20;

/** Yields the disk in a VHD. */
export function* explodeVhd(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const at = input.length - VHD_FOOTER_BYTES;
  const footer = [at, 0].find(
    (place) =>
      place >= 0 &&
      place + VHD_FOOTER_BYTES <= input.length &&
      input.toString("latin1", place, place + 8) === "conectix",
  );
  const type = footer === undefined ? 0 : input.readUInt32BE(footer + 60);
  if (footer !== at) giver.note("damaged", "cut short");
  if (footer === undefined) return giver.outcome;
  if (type === VHD_FIXED) yield* giver.give("disk", input.subarray(0, Math.max(0, at)));
  else if (type === VHD_DYNAMIC) yield* giveDynamic(input, footer, giver);
  else giver.note("unscanned", "a disk of differences needs its parent");
  return giver.outcome;
}

// Only blocks that were written are there; each comes behind a map of its sectors.
function* giveDynamic(input: Buffer, footer: number, giver: Giver): Generator<Extract> {
  const header = Number(input.readBigUInt64BE(footer + 16));
  const size = Number(input.readBigUInt64BE(footer + 48));
  if (header + 1024 > input.length || input.toString("latin1", header, header + 8) !== "cxsparse") {
    return giver.note("damaged", "the header is broken");
  }
  const tableAt = Number(input.readBigUInt64BE(header + 16));
  const blockSize = input.readUInt32BE(header + 32);
  const count = Math.min(input.readUInt32BE(header + 28), VHD_BLOCKS_MAX);
  if (blockSize < SECTOR || blockSize % SECTOR !== 0) {
    return giver.note("damaged", "the header is broken");
  }
  const mapSize = Math.ceil(blockSize / SECTOR / 8 / SECTOR) * SECTOR;
  const pieces: DiskPiece[] = [];
  for (let index = 0; index < count && tableAt + index * 4 + 4 <= input.length; index++) {
    const sector = input.readUInt32BE(tableAt + index * 4);
    if (sector === VHD_UNUSED) continue;
    const from = sector * SECTOR + mapSize;
    const packed = input.subarray(Math.min(from, input.length), from + blockSize);
    pieces.push({ at: index * blockSize, size: blockSize, packed, packing: "stored" });
  }
  yield* giveDisk(giver, size, pieces);
}
