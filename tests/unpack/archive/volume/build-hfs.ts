// Writes HFS+ volumes for tests: files whose pieces lie backwards, more of them than a catalogue's entry
// has room for, and a resource fork.

import { bytesOf } from "../build-archives.ts";
import type { ImageFile } from "../build-images.ts";

const BLOCK = 512;
const NODE = 4096;
const FOLDER = 16;
const ROOT = 2;

export interface HfsOptions {
  /** In a volume of the older kind. */
  readonly isWrapped?: boolean;
  /** A resource fork of the first file. */
  readonly resources?: string;
  /** The first file is marked as packed. */
  readonly isPacked?: boolean;
}

interface Run {
  readonly start: number;
  readonly count: number;
}

function runsOf(runs: readonly Run[]): Buffer {
  const bytes = Buffer.alloc(64);
  for (const [index, { start, count }] of runs.slice(0, 8).entries()) {
    bytes.writeUInt32BE(start, 8 * index);
    bytes.writeUInt32BE(count, 8 * index + 4);
  }
  return bytes;
}

function forkOf(size: number, runs: readonly Run[]): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(BigInt(size), 0);
  head.writeUInt32BE(
    runs.reduce((sum, { count }) => sum + count, 0),
    12,
  );
  return Buffer.concat([head, runsOf(runs)]);
}

function catalogueKey(parent: number, name: string): Buffer {
  const text = Buffer.from(name, "utf16le").swap16();
  const key = Buffer.alloc(8 + text.length);
  key.writeUInt16BE(6 + text.length, 0);
  key.writeUInt32BE(parent, 2);
  key.writeUInt16BE(name.length, 6);
  text.copy(key, 8);
  return key;
}

function nodeOf(kind: number, next: number, records: readonly Buffer[]): Buffer {
  const node = Buffer.alloc(NODE);
  node.writeUInt32BE(next, 0);
  node.writeInt8(kind, 8);
  node[9] = kind === -1 ? 1 : 0;
  node.writeUInt16BE(records.length, 10);
  let at = 14;
  for (const [index, record] of records.entries()) {
    record.copy(node, at);
    node.writeUInt16BE(at, NODE - 2 * (index + 1));
    at += record.length;
  }
  node.writeUInt16BE(at, NODE - 2 * (records.length + 1));
  return node;
}

// A header, and leaves of at most ten records each.
function treeOf(records: readonly Buffer[], keyMax: number): Buffer {
  const leaves: Buffer[][] = [];
  for (let at = 0; at < records.length; at += 10) leaves.push(records.slice(at, at + 10));
  const header = Buffer.alloc(106);
  header.writeUInt16BE(leaves.length > 0 ? 1 : 0, 0);
  header.writeUInt32BE(leaves.length > 0 ? 1 : 0, 2);
  header.writeUInt32BE(records.length, 6);
  header.writeUInt32BE(leaves.length > 0 ? 1 : 0, 10);
  header.writeUInt32BE(leaves.length, 14);
  header.writeUInt16BE(NODE, 18);
  header.writeUInt16BE(keyMax, 20);
  header.writeUInt32BE(leaves.length + 1, 22);
  header.writeUInt32BE(0x6, 38);
  const map = Buffer.alloc(NODE - 14 - 106 - 128 - 8);
  const nodes = leaves.map((own, index) =>
    nodeOf(-1, index + 1 < leaves.length ? index + 2 : 0, own),
  );
  return Buffer.concat([nodeOf(1, 0, [header, Buffer.alloc(128), map]), ...nodes]);
}

/** A volume: `files` in the root, the last of them in the folder sub. */
export function buildHfs(files: readonly ImageFile[], options: HfsOptions = {}): Buffer {
  const { isWrapped = false, resources = "", isPacked = false } = options;
  const pieces: Buffer[] = [];
  // The volume header is in the third sector.
  let free = 3;
  const put = (bytes: Buffer): Run => {
    const whole = Buffer.concat([bytes, Buffer.alloc(-bytes.length & (BLOCK - 1))]);
    pieces.push(whole);
    free += whole.length / BLOCK;
    return { start: free - whole.length / BLOCK, count: whole.length / BLOCK };
  };
  const overflow: Buffer[] = [];
  // In up to twelve pieces, the last one first.
  const store = (content: Buffer, file: number): Run[] => {
    const step = Math.max(BLOCK, Math.ceil(content.length / 12 / BLOCK) * BLOCK);
    const runs: Run[] = [];
    for (let at = (Math.ceil(content.length / step) - 1) * step; at >= 0; at -= step) {
      runs.unshift(put(content.subarray(at, at + step)));
    }
    if (runs.length > 8) {
      const key = Buffer.alloc(12);
      key.writeUInt16BE(10, 0);
      key.writeUInt32BE(file, 4);
      key.writeUInt32BE(
        runs.slice(0, 8).reduce((sum, { count }) => sum + count, 0),
        8,
      );
      overflow.push(Buffer.concat([key, runsOf(runs.slice(8))]));
    }
    return runs;
  };
  const folder = Buffer.alloc(88);
  folder.writeInt16BE(1, 0);
  folder.writeUInt32BE(FOLDER, 8);
  const records: { parent: number; name: string; data: Buffer }[] = [
    { parent: 1, name: "Volume", data: Buffer.from(folder) },
    { parent: ROOT, name: "sub", data: folder },
  ];
  records[0]?.data.writeUInt32BE(ROOT, 8);
  for (const [index, { name, content }] of files.entries()) {
    const bytes = bytesOf(content);
    const data = Buffer.alloc(248);
    const id = FOLDER + 1 + index;
    data.writeInt16BE(2, 0);
    data.writeUInt32BE(id, 8);
    const isMarked = isPacked && index === 0;
    data[41] = isMarked ? 0x20 : 0;
    if (!isMarked) forkOf(bytes.length, store(bytes, id)).copy(data, 88);
    const own = bytesOf(index === 0 ? resources : "");
    if (own.length > 0) forkOf(own.length, [put(own)]).copy(data, 168);
    const parent = index > 0 && index === files.length - 1 ? FOLDER : ROOT;
    records.push({ parent, name, data });
  }
  records.sort((one, two) => one.parent - two.parent || (one.name < two.name ? -1 : 1));
  const catalogue = treeOf(
    records.map(({ parent, name, data }) => Buffer.concat([catalogueKey(parent, name), data])),
    516,
  );
  const extents = treeOf(overflow, 10);
  const header = Buffer.alloc(512);
  header.write("H+\0\x04", 0, "latin1");
  header.writeUInt32BE(files.length, 32);
  header.writeUInt32BE(1, 36);
  header.writeUInt32BE(BLOCK, 40);
  forkOf(extents.length, [put(extents)]).copy(header, 192);
  forkOf(catalogue.length, [put(catalogue)]).copy(header, 272);
  header.writeUInt32BE(free + 2, 44);
  const end = Buffer.alloc(1024);
  header.copy(end, 0);
  const volume = Buffer.concat([Buffer.alloc(1024), header, ...pieces, end]);
  if (!isWrapped) return volume;
  const wrapper = Buffer.alloc(2048);
  wrapper.write("BD", 1024, "latin1");
  wrapper.writeUInt32BE(BLOCK, 1044);
  wrapper.writeUInt16BE(4, 1052);
  wrapper.write("H+", 1148, "latin1");
  wrapper.writeUInt16BE(volume.length / BLOCK, 1152);
  return Buffer.concat([wrapper, volume]);
}
