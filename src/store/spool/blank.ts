// Takes the record of a deleted message out of its segment: envelope, subject and trace fields stand
// there as long as the segment does, which other mail may keep alive for days. Spaces take their
// place, with check sums that fit: the records around stay where they are.
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { blankRecord, decodeSegmentHeader, findRecords, SEGMENT_HEADER_SIZE } from "./record.ts";
import { segmentPath } from "./segment.ts";

const SEGMENT = /^(\d{10})\.seg$/;

interface Segment {
  readonly path: string;
  readonly firstSequence: number;
  readonly nonce: Uint8Array;
}

async function segmentsOf(dataDir: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const name of (await readdir(join(dataDir, "spool"))).sort()) {
    const number = SEGMENT.exec(name)?.[1];
    if (number === undefined) continue;
    const path = segmentPath(dataDir, Number(number));
    const bytes = await Bun.file(path).slice(0, SEGMENT_HEADER_SIZE).bytes();
    const header = decodeSegmentHeader(Buffer.from(bytes));
    if (header !== undefined) segments.push({ path, ...header });
  }
  return segments;
}

/** Blanks the records with these numbers, wherever they stand; durable when it resolves. */
export async function blankSequences(dataDir: string, sequences: readonly number[]): Promise<void> {
  const segments = await segmentsOf(dataDir);
  for (const [index, segment] of segments.entries()) {
    const end = segments[index + 1]?.firstSequence ?? Number.POSITIVE_INFINITY;
    const inside = sequences.filter((one) => one >= segment.firstSequence && one < end);
    if (inside.length > 0) await blankIn(segment, new Set(inside));
  }
}

async function blankIn({ path, nonce }: Segment, sequences: ReadonlySet<number>): Promise<void> {
  const bytes = Buffer.from(await Bun.file(path).bytes());
  const file = await open(path, "r+");
  try {
    for (const { start, sequence } of findRecords(bytes, nonce)) {
      const blank = sequences.has(sequence) ? blankRecord(bytes, start) : undefined;
      if (blank !== undefined) await file.write(blank, 0, blank.length, start);
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}
