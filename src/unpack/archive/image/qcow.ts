// QEMU's disks (QCOW2): two levels of tables, and clusters as they are or packed. "Qcow2 Image File
// Format" (QEMU documentation).

import type { Budget } from "../../../base/budget.ts";
import { Reader } from "../../../executable/reader.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type DiskPiece, giveDisk } from "./pieces.ts";

const SECTOR = 512;
const HEADER_BYTES = 72;
const CLUSTER_BITS_MIN = 9;
const CLUSTER_BITS_MAX = 21;
const CLUSTERS_MAX = 1 << 20;
const FEATURE_EXTERNAL = 0x4;
const FEATURE_SUBCLUSTERS = 0x10;
const PACKED_ZSTD = 1;
const FLAG_PACKED = 1n << 62n;
const FLAG_ZEROS = 1n;
const PLACE_MASK = 0x00ff_ffff_ffff_fe00n;

/** Yields the disk in a QCOW2 file. */
export function* explodeQcow(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const reader = new Reader(bytes, true);
  const version = reader.u32(4);
  const clusterBits = reader.u32(20);
  const features = version >= 3 ? reader.u32(76) : 0;
  if (version === 1) giver.note("unscanned", "QCOW of the first version is not opened");
  else if (!reader.has(0, HEADER_BYTES) || clusterBits < CLUSTER_BITS_MIN) {
    giver.note("damaged", "the header is broken");
  } else if (clusterBits > CLUSTER_BITS_MAX) giver.note("damaged", "the header is broken");
  else if (reader.u32(32) !== 0) giver.note("protected", "encrypted");
  else if ((features & (FEATURE_EXTERNAL | FEATURE_SUBCLUSTERS)) !== 0) {
    giver.note("unscanned", "the disk lies in another file, or in parts of clusters");
  } else {
    if (reader.u64(8) !== 0) giver.note("unscanned", "a disk of differences needs its parent");
    yield* giveDisk(giver, reader.u64(24), readClusters(reader, version, giver));
  }
  return giver.outcome;
}

function readClusters(reader: Reader, version: number, giver: Giver): DiskPiece[] {
  const clusterBits = reader.u32(20);
  const clusterSize = 2 ** clusterBits;
  const perTable = clusterSize / 8;
  const isZstd = version >= 3 && reader.u32(100) > 104 && reader.u8(104) === PACKED_ZSTD;
  const firstTable = reader.u64(40);
  const clusters = Math.min(CLUSTERS_MAX, Math.ceil(reader.u64(24) / clusterSize));
  const pieces: DiskPiece[] = [];
  for (let index = 0; index < clusters; index++) {
    const first = Math.floor(index / perTable);
    if (!reader.has(firstTable + 8 * first, 8)) giver.note("damaged", "a table is not there");
    const table =
      first < reader.u32(36) ? Number(reader.big64(firstTable + 8 * first) & PLACE_MASK) : 0;
    if (table === 0) {
      index += perTable - 1 - (index % perTable);
      continue;
    }
    if (!reader.has(table, clusterSize)) giver.note("damaged", "a table is not there");
    const entry = reader.big64(table + 8 * (index % perTable));
    const place = { at: index * clusterSize, size: clusterSize };
    if ((entry & FLAG_PACKED) !== 0n) {
      const packed = packedCluster(reader, entry, clusterBits);
      pieces.push({ ...place, packed, packing: isZstd ? "zstd" : "deflate" });
      continue;
    }
    const at = Number(entry & PLACE_MASK);
    const isZero = at === 0 || (version >= 3 && (entry & FLAG_ZEROS) !== 0n);
    if (isZero) continue;
    pieces.push({ ...place, packed: reader.slice(at, clusterSize), packing: "stored" });
  }
  return pieces;
}

// The place in the lower bits, and above it how many sectors it takes beyond the first.
function packedCluster(reader: Reader, entry: bigint, clusterBits: number): Buffer {
  const width = BigInt(62 - (clusterBits - 8));
  const at = Number(entry & ((1n << width) - 1n));
  const sectors = Number((entry & (FLAG_PACKED - 1n)) >> width) + 1;
  return reader.slice(at, sectors * SECTOR - (at % SECTOR));
}
