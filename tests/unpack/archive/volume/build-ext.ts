// Writes ext volumes for tests: files by extents, by lists of blocks with holes between them, or in
// their inodes.

import { bytesOf } from "../build-archives.ts";
import type { ImageFile } from "../build-images.ts";

const BLOCK = 1024;
const NODE = 256;
const NODE_TABLE = 5;
const LEAF_ROWS = 84;
const INLINE_MAX = 120;
const ROOT = 2;
const FOLDER = 11;
const FIRST_FILE = 12;

export interface ExtOptions {
  readonly map?: "extents" | "tree" | "list" | "inline";
  /** More of the superblock's features. */
  readonly incompat?: number;
  readonly isEncrypted?: boolean;
}

function entryOf(number: number, name: string): Buffer {
  const text = Buffer.from(name);
  const bytes = Buffer.alloc(8 + Math.ceil(text.length / 4) * 4);
  bytes.writeUInt32LE(number, 0);
  bytes.writeUInt16LE(bytes.length, 4);
  bytes[6] = text.length;
  text.copy(bytes, 8);
  return bytes;
}

function extentNode(room: number, depth: number, rows: readonly Buffer[]): Buffer {
  const node = Buffer.alloc(room);
  node.writeUInt16LE(0xf30a, 0);
  node.writeUInt16LE(rows.length, 2);
  node.writeUInt16LE(room / 12 - 1, 4);
  node.writeUInt16LE(depth, 6);
  for (const [index, row] of rows.entries()) row.copy(node, 12 * (index + 1));
  return node;
}

function extent(first: number, block: number, count: number): Buffer {
  const row = Buffer.alloc(12);
  row.writeUInt32LE(first, 0);
  row.writeUInt16LE(count, 4);
  row.writeUInt32LE(block, 8);
  return row;
}

/** A volume: `files` in the root, the last of them in the folder sub. */
export function buildExt(files: readonly ImageFile[], options: ExtOptions = {}): Buffer {
  const { map = "extents", incompat = 0, isEncrypted = false } = options;
  const nodeCount = FIRST_FILE + files.length;
  const dataBlock = NODE_TABLE + Math.ceil((nodeCount * NODE) / BLOCK);
  const nodes = Buffer.alloc((dataBlock - NODE_TABLE) * BLOCK);
  const blocks: Buffer[] = [];
  const put = (bytes: Buffer) => {
    const block = Buffer.alloc(BLOCK);
    bytes.copy(block);
    return dataBlock + blocks.push(block) - 1;
  };
  // Block by block, the second half first; blocks of zeros are holes.
  const place = (content: Buffer) => {
    const count = Math.ceil(content.length / BLOCK);
    const places: number[] = new Array(count).fill(0);
    const order = [...places.keys()];
    for (const index of [...order.slice(count >> 1), ...order.slice(0, count >> 1)]) {
      const block = content.subarray(index * BLOCK, (index + 1) * BLOCK);
      if (!block.every((byte) => byte === 0)) places[index] = put(block);
    }
    return places;
  };
  const extentsOf = (places: readonly number[]): Buffer => {
    const rows: Buffer[] = [];
    for (let at = 0; at < places.length; at++) {
      const start = at;
      if (places[start] === 0) {
        // Set aside, and never written.
        rows.push(extent(start, 0, 32_768 + 1));
        continue;
      }
      while (places[at + 1] === (places[at] as number) + 1) at++;
      rows.push(extent(start, places[start] as number, at + 1 - start));
    }
    if (map !== "tree" && rows.length <= 4) return extentNode(60, 0, rows);
    const leaves: Buffer[] = [];
    for (let at = 0; at < rows.length; at += LEAF_ROWS) {
      const index = Buffer.alloc(12);
      index.writeUInt32LE(put(extentNode(BLOCK, 0, rows.slice(at, at + LEAF_ROWS))), 4);
      leaves.push(index);
    }
    return extentNode(60, 1, leaves);
  };
  const pointers = (places: readonly number[]) => {
    const block = Buffer.alloc(BLOCK);
    for (const [index, value] of places.entries()) block.writeUInt32LE(value, 4 * index);
    return put(block);
  };
  const listOf = (places: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(60);
    for (let index = 0; index < 12; index++) bytes.writeUInt32LE(places[index] ?? 0, 4 * index);
    if (places.length > 12) bytes.writeUInt32LE(pointers(places.slice(12, 268)), 48);
    const second: number[] = [];
    for (let at = 268; at < places.length; at += 256) {
      second.push(pointers(places.slice(at, at + 256)));
    }
    if (second.length > 0) bytes.writeUInt32LE(pointers(second), 52);
    return bytes;
  };
  const node = (number: number, mode: number, content: Buffer) => {
    const bytes = nodes.subarray((number - 1) * NODE, number * NODE);
    const isInline = map === "inline" && content.length <= INLINE_MAX && number !== ROOT;
    const isFolder = (mode & 0x4000) !== 0;
    const flags = isInline ? 0x1000_0000 : map === "list" ? 0 : 0x8_0000;
    bytes.writeUInt16LE(mode, 0);
    bytes.writeUInt32LE(content.length, 4);
    bytes.writeUInt32LE((flags | (isEncrypted && !isFolder ? 0x800 : 0)) >>> 0, 32);
    if (!isInline) {
      const places = place(content);
      (map === "list" ? listOf(places) : extentsOf(places)).copy(bytes, 40);
      return;
    }
    const first = isFolder ? Buffer.concat([Buffer.alloc(4), content]) : content;
    first.copy(bytes, 40, 0, 60);
    const rest = first.subarray(60);
    bytes.writeUInt16LE(28, 128);
    bytes.writeUInt32LE(0xea02_0000, 156);
    bytes.set([4, 7], 160);
    bytes.writeUInt16LE(24, 162);
    bytes.writeUInt32LE(rest.length, 168);
    bytes.write("data", 176, "latin1");
    rest.copy(bytes, 160 + 24);
  };
  const numbers = files.map((_, index) => FIRST_FILE + index);
  const entries = files.map(({ name }, index) => entryOf(numbers[index] as number, name));
  const last = entries.pop() ?? Buffer.alloc(0);
  node(ROOT, 0x41ed, Buffer.concat([entryOf(0, "gone"), ...entries, entryOf(FOLDER, "sub")]));
  node(FOLDER, 0x41ed, last);
  for (const [index, { content }] of files.entries()) {
    node(numbers[index] as number, 0x81a4, bytesOf(content));
  }
  const head = Buffer.alloc(NODE_TABLE * BLOCK);
  const superblock = head.subarray(BLOCK);
  superblock.writeUInt32LE(nodeCount, 0);
  superblock.writeUInt32LE(dataBlock + blocks.length, 4);
  superblock.writeUInt32LE(1, 20);
  superblock.writeUInt32LE(8192, 32);
  superblock.writeUInt32LE(nodeCount, 40);
  superblock.writeUInt16LE(0xef53, 56);
  superblock.writeUInt16LE(1, 58);
  superblock.writeUInt32LE(1, 76);
  superblock.writeUInt16LE(NODE, 88);
  superblock.writeUInt32LE(incompat, 96);
  head.writeUInt32LE(NODE_TABLE, 2 * BLOCK + 8);
  return Buffer.concat([head, nodes, ...blocks]);
}
