// What NTFS files are made of: streams that are joined from pieces, and unpacked where the file system
// (LZNT1), or Windows on top of it (XPRESS, LZX), has packed them.

import { unpackLznt1 } from "../../coder/lznt1.ts";
import type { Giver } from "../giver.ts";
import { HOLE } from "../image/file-table.ts";
import { Output, OutputFullError } from "../stream/output.ts";
import { type ChunkCoder, unpackChunks, withTable } from "../wim/chunks.ts";
import type { NtfsPiece, NtfsRun } from "./ntfs-record.ts";

const UNIT_MAX = 1 << 20;
const NOTHING = new Uint8Array(0);

/** A file's content, or a stream beside it. */
export interface NtfsStream {
  /** "" for the content. */
  readonly name: string;
  readonly resident: Buffer | undefined;
  readonly runs: readonly NtfsRun[];
  /** Bytes, and how many of them were ever written. */
  readonly size: number;
  readonly written: number;
  /** Clusters that are packed together; 0 if they are not. */
  readonly unitClusters: number;
  readonly isEncrypted: boolean;
}

/** Streams from pieces that stand in several records, in any order. */
export function joinPieces(pieces: readonly NtfsPiece[]): NtfsStream[] {
  const byName = Map.groupBy(pieces, ({ stream }) => stream);
  return [...byName].map(([name, own]) => {
    const sorted = own.toSorted((one, two) => one.first - two.first);
    const [first] = sorted as [NtfsPiece];
    const { resident, size, written, unitClusters } = first;
    const isEncrypted = sorted.some((piece) => piece.isEncrypted);
    const runs = sorted.flatMap((piece) => piece.runs);
    return { name, resident, runs, size, written, unitClusters, isEncrypted };
  });
}

/** A stream's bytes, unpacked; undefined if they are more than may be extracted. */
export function unpackStream(
  input: Buffer,
  stream: NtfsStream,
  clusterSize: number,
  giver: Giver,
): { readonly bytes: Uint8Array; readonly problem: string } | undefined {
  const { size, unitClusters } = stream;
  if (size > giver.room) return;
  // Windows packs 16 clusters of at most 4 KB together: what is far beyond it could fill the memory.
  if (unitClusters * clusterSize > UNIT_MAX) return { bytes: NOTHING, problem: "broken units" };
  const output = new Output(size);
  let problem = "";
  try {
    for (const unit of unitsOf(stream.runs, unitClusters)) {
      if (output.room === 0 || !giver.goesOn()) break;
      const wanted = Math.min(unitClusters * clusterSize, output.room);
      const isGood = unpackUnit(input, { unit, unitClusters, clusterSize, wanted }, output);
      if (!isGood) problem = "broken data";
    }
    // A stream may end in what was never written.
    output.append(new Uint8Array(output.room));
  } catch (error) {
    if (!(error instanceof OutputFullError)) throw error;
    return;
  }
  return { bytes: output.made, problem };
}

// Runs in units of the clusters that are packed together.
function* unitsOf(runs: readonly NtfsRun[], unitClusters: number): Generator<NtfsRun[]> {
  let unit: NtfsRun[] = [];
  let left = unitClusters;
  for (const { cluster, count } of runs) {
    for (let done = 0; done < count; ) {
      const taken = Math.min(left, count - done);
      unit.push({ cluster: cluster === HOLE ? HOLE : cluster + done, count: taken });
      done += taken;
      left -= taken;
      if (left > 0) continue;
      yield unit;
      [unit, left] = [[], unitClusters];
    }
  }
  if (unit.length > 0) yield unit;
}

interface Unit {
  readonly unit: readonly NtfsRun[];
  readonly unitClusters: number;
  readonly clusterSize: number;
  /** Bytes it must become. */
  readonly wanted: number;
}

// A unit with all its clusters is not packed, one with none is empty.
function unpackUnit(
  input: Buffer,
  { unit, unitClusters, clusterSize, wanted }: Unit,
  output: Output,
) {
  const stored = unit.filter(({ cluster }) => cluster !== HOLE);
  const bytes = Buffer.concat(
    stored.map(({ cluster, count }) =>
      input.subarray(cluster * clusterSize, (cluster + count) * clusterSize),
    ),
  );
  const clusters = stored.reduce((sum, { count }) => sum + count, 0);
  const before = output.size;
  let isGood = bytes.length === clusters * clusterSize;
  if (clusters === unitClusters) output.append(bytes.subarray(0, wanted));
  else if (clusters > 0) isGood = unpackLznt1(bytes, output, wanted) && isGood;
  output.append(new Uint8Array(before + wanted - output.size));
  return isGood;
}

// By the number of the algorithm in the reparse point.
const SYSTEM_PACKINGS: readonly (readonly [coder: ChunkCoder, chunkSize: number])[] = [
  ["xpress", 4096],
  ["lzx", 32_768],
  ["xpress", 8192],
  ["xpress", 16_384],
];

/** A file that Windows has packed ("compact /exe"); undefined if it is not known how. */
export function unpackSystemFile(packed: Buffer, size: number, packing: number, giver: Giver) {
  const [coder, chunkSize] = SYSTEM_PACKINGS[packing] ?? [];
  if (coder === undefined || chunkSize === undefined) return;
  const file = withTable(packed, size, chunkSize, coder);
  if (file === undefined) return { bytes: packed, problem: "cut short", isRefused: false };
  return unpackChunks(file, giver);
}
