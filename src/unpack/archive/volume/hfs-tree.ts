// The B-trees of HFS+: their leaves, one after the other, as they are linked. Apple Technical Note
// TN1150 "B-Trees".

import { Reader } from "../../../executable/reader.ts";
import type { Giver } from "../giver.ts";

const NODE_HEADER_BYTES = 14;
const NODE_MIN = 512;
const NODE_MAX = 32_768;
const NODE_LEAF = 0xff;
const RECORDS_MAX = 400_000;

/** One record of a leaf. */
export interface HfsRecord {
  /** With its length in front. */
  readonly key: Reader;
  readonly data: Reader;
}

/** Yields the records of a tree's leaves. */
export function* readRecords(tree: Reader, giver: Giver): Generator<HfsRecord> {
  if (tree.size === 0) return;
  const nodeSize = tree.u16(32);
  const isGood = nodeSize >= NODE_MIN && nodeSize <= NODE_MAX && (nodeSize & (nodeSize - 1)) === 0;
  if (!isGood) {
    giver.note("damaged", "a tree is broken");
    return;
  }
  const nodes = Math.floor(tree.size / nodeSize);
  let count = 0;
  let node = tree.u32(24);
  // No more steps than there are nodes: a chain may run in circles.
  for (let step = 0; step < nodes && node !== 0; step++) {
    const bytes = tree.slice(node * nodeSize, nodeSize);
    const leaf = new Reader(bytes, true);
    if (bytes.length < nodeSize || leaf.u8(8) !== NODE_LEAF) {
      giver.note("damaged", "a tree is broken");
      return;
    }
    for (const record of recordsOf(leaf)) {
      if (++count > RECORDS_MAX) giver.stop("too many files");
      if (!giver.goesOn()) return;
      yield record;
    }
    node = leaf.u32(0);
  }
}

// Where records begin stands at the node's end, the first one last.
function* recordsOf(leaf: Reader): Generator<HfsRecord> {
  const count = leaf.u16(10);
  for (let index = 0; index < count; index++) {
    const place = leaf.size - 2 * (index + 1);
    if (place < NODE_HEADER_BYTES) return;
    const [start, end] = [leaf.u16(place), leaf.u16(place - 2)];
    const keySize = 2 + leaf.u16(start);
    const dataAt = start + keySize + (keySize & 1);
    if (start < NODE_HEADER_BYTES || dataAt > end || end > leaf.size) continue;
    yield {
      key: new Reader(leaf.slice(start, keySize), true),
      data: new Reader(leaf.slice(dataAt, end - dataAt), true),
    };
  }
}
