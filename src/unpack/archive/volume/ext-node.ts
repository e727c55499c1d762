// The inodes of an ext volume: where the bytes of a file are, in trees of extents (ext4), in lists of
// blocks (ext2, ext3), or in the inode itself.

import type { Giver } from "../giver.ts";
import { type Extent, HOLE } from "../image/file-table.ts";

const SUPERBLOCK_AT = 1024;
const SUPERBLOCK_BYTES = 1024;
const MAGIC = 0xef53;
const NODE_BYTES = 128;
const NODE_BYTES_MAX = 4096;
const INCOMPAT_RECOVER = 0x4;
const INCOMPAT_META_GROUPS = 0x10;
const INCOMPAT_64BIT = 0x80;
/** Compression, a journal device: what changes how everything else is read. */
const INCOMPAT_FOREIGN = 0x1 | 0x8;
const COMPAT_SPARSE_SUPER = 0x1;
const FLAG_ENCRYPTED = 0x800;
const FLAG_EXTENTS = 0x8_0000;
const FLAG_INLINE = 0x1000_0000;
const KIND_FOLDER = 0x4000;
const KIND_FILE = 0x8000;
const EXTENT_MAGIC = 0xf30a;
const EXTENT_BYTES = 12;
const EXTENT_DEPTH_MAX = 5;
const EXTENT_UNWRITTEN = 32_768;
/** Blocks of pointers or extents that are read for one volume. */
const MAP_BLOCKS_MAX = 200_000;
const PIECES_MAX = 100_000;
const ATTRIBUTES_MAGIC = 0xea02_0000;

/** What the superblock says. */
export interface ExtLayout {
  readonly blockSize: number;
  readonly nodeSize: number;
  readonly nodesPerGroup: number;
  readonly blocksPerGroup: number;
  readonly firstBlock: number;
  readonly groupBytes: number;
  /** First of the groups whose descriptors stand in the groups themselves. */
  readonly metaGroup: number;
  readonly isSparse: boolean;
  readonly hasJournalLeft: boolean;
  readonly isForeign: boolean;
}

/** Reads the superblock; undefined if it is none. */
export function readLayout(input: Buffer): ExtLayout | undefined {
  const block = input.subarray(SUPERBLOCK_AT, SUPERBLOCK_AT + SUPERBLOCK_BYTES);
  if (block.length < SUPERBLOCK_BYTES || block.readUInt16LE(56) !== MAGIC) return;
  const isDynamic = block.readUInt32LE(76) > 0;
  const incompat = isDynamic ? block.readUInt32LE(96) : 0;
  const nodeSize = isDynamic ? block.readUInt16LE(88) : NODE_BYTES;
  const shift = block.readUInt32LE(24);
  const [blocksPerGroup, nodesPerGroup] = [block.readUInt32LE(32), block.readUInt32LE(40)];
  const isGood = nodeSize >= NODE_BYTES && nodeSize <= NODE_BYTES_MAX && shift <= 6;
  if (!isGood || blocksPerGroup === 0 || nodesPerGroup === 0) return;
  const is64 = (incompat & INCOMPAT_64BIT) !== 0;
  return {
    ...{ blockSize: 1024 << shift, nodeSize, nodesPerGroup, blocksPerGroup },
    firstBlock: block.readUInt32LE(20),
    groupBytes: is64 ? Math.max(32, block.readUInt16LE(254)) : 32,
    metaGroup: (incompat & INCOMPAT_META_GROUPS) !== 0 ? block.readUInt32LE(260) : Infinity,
    isSparse: isDynamic && (block.readUInt32LE(100) & COMPAT_SPARSE_SUPER) !== 0,
    hasJournalLeft: (incompat & INCOMPAT_RECOVER) !== 0,
    isForeign: (incompat & INCOMPAT_FOREIGN) !== 0,
  };
}

/** One file or folder. */
export interface ExtNode {
  readonly kind: "file" | "folder" | "other";
  readonly size: number;
  readonly isEncrypted: boolean;
  readonly hasExtents: boolean;
  /** Its bytes, if they stand in the inode. */
  readonly inline: Buffer | undefined;
  /** The 60 bytes that say where the others are. */
  readonly map: Buffer;
}

/** Reads the inodes of one volume. */
export class ExtNodes {
  readonly #input: Buffer;
  readonly #layout: ExtLayout;
  readonly #giver: Giver;
  #mapBlocks = 0;

  constructor(input: Buffer, layout: ExtLayout, giver: Giver) {
    this.#input = input;
    this.#layout = layout;
    this.#giver = giver;
  }

  /** Inode `number` of what goes by `path`; undefined, and told, if it is not there. */
  read(number: number, path: string): ExtNode | undefined {
    const { nodeSize, nodesPerGroup, blockSize } = this.#layout;
    const group = Math.floor((number - 1) / nodesPerGroup);
    const table = this.#nodeTable(group);
    const at = table * blockSize + ((number - 1) % nodesPerGroup) * nodeSize;
    const bytes = this.#input.subarray(at, at + nodeSize);
    if (table <= 0 || bytes.length < nodeSize) {
      this.#giver.note("damaged", "not there", path);
      return;
    }
    const flags = bytes.readUInt32LE(32);
    const mode = bytes.readUInt16LE(0) & 0xf000;
    const kind = mode === KIND_FILE ? "file" : mode === KIND_FOLDER ? "folder" : "other";
    const size = bytes.readUInt32LE(4) + bytes.readUInt32LE(108) * 2 ** 32;
    const map = bytes.subarray(40, 100);
    return {
      ...{ kind, size, map },
      isEncrypted: (flags & FLAG_ENCRYPTED) !== 0,
      hasExtents: (flags & FLAG_EXTENTS) !== 0,
      inline: (flags & FLAG_INLINE) !== 0 ? inlineBytes(bytes, map, kind, size) : undefined,
    };
  }

  /** Where the bytes of `node` are; what lies nowhere is a hole. */
  extents(node: ExtNode, path: string): Extent[] {
    const { blockSize } = this.#layout;
    const pieces: Piece[] = [];
    const blocks = Math.ceil(node.size / blockSize);
    const isGood = node.hasExtents
      ? this.#addTree(node.map, pieces)
      : this.#addList(node.map, blocks, pieces);
    if (!isGood) this.#giver.note("damaged", "its blocks are not told", path);
    const extents: Extent[] = [];
    let done = 0;
    for (const { first, at, count } of pieces.sort((one, two) => one.first - two.first)) {
      if (first < done || first >= blocks) continue;
      if (first > done) extents.push({ at: HOLE, size: (first - done) * blockSize });
      done = Math.min(blocks, first + count);
      const size = Math.min(done * blockSize, node.size) - first * blockSize;
      extents.push({ at: at === HOLE ? HOLE : at * blockSize, size });
    }
    if (done < blocks) extents.push({ at: HOLE, size: node.size - done * blockSize });
    return extents;
  }

  // Descriptors of groups follow the superblock, or stand in the first group that they are for.
  #nodeTable(group: number): number {
    const { blockSize, groupBytes, firstBlock, metaGroup, blocksPerGroup, isSparse } = this.#layout;
    const perBlock = Math.floor(blockSize / groupBytes);
    const meta = Math.floor(group / perBlock);
    let at = (firstBlock + 1) * blockSize + group * groupBytes;
    if (meta >= metaGroup) {
      const first = meta * perBlock;
      const behind = hasSuperblock(first, isSparse) ? 1 : 0;
      at =
        (firstBlock + first * blocksPerGroup + behind) * blockSize +
        (group % perBlock) * groupBytes;
    }
    if (at + groupBytes > this.#input.length) return 0;
    const high = groupBytes >= 64 ? this.#input.readUInt32LE(at + 0x28) : 0;
    return this.#input.readUInt32LE(at + 8) + high * 2 ** 32;
  }

  #block(number: number): Buffer | undefined {
    const { blockSize } = this.#layout;
    if (++this.#mapBlocks > MAP_BLOCKS_MAX) {
      this.#giver.stop("too many blocks");
      return;
    }
    const block = this.#input.subarray(number * blockSize, (number + 1) * blockSize);
    return block.length === blockSize ? block : undefined;
  }

  // A tree: headers say how deep a node lies, leaves have extents.
  #addTree(root: Buffer, pieces: Piece[]): boolean {
    const open = [{ node: root, depth: 0 }];
    let isGood = true;
    for (let top = open.pop(); top !== undefined; top = open.pop()) {
      const { node, depth } = top;
      const count = Math.min(node.readUInt16LE(2), Math.floor(node.length / EXTENT_BYTES) - 1);
      const isIndex = node.readUInt16LE(6) > 0;
      isGood &&= node.readUInt16LE(0) === EXTENT_MAGIC && depth <= EXTENT_DEPTH_MAX;
      if (!isGood || pieces.length > PIECES_MAX) return false;
      for (let index = 1; index <= count; index++) {
        const at = index * EXTENT_BYTES;
        if (!isIndex) {
          pieces.push(readExtent(node, at));
          continue;
        }
        const child = this.#block(node.readUInt32LE(at + 4) + node.readUInt16LE(at + 8) * 2 ** 32);
        if (child === undefined) isGood = false;
        else open.push({ node: child, depth: depth + 1 });
      }
    }
    return isGood;
  }

  // Twelve blocks, then blocks of pointers, one, two and three levels deep.
  #addList(map: Buffer, blocks: number, pieces: Piece[]): boolean {
    const walk = { next: 0, blocks, pieces };
    for (let index = 0; index < 12; index++) addBlock(walk, map.readUInt32LE(4 * index));
    let isGood = true;
    for (let level = 1; level <= 3; level++) {
      const pointer = map.readUInt32LE(4 * (11 + level));
      isGood = this.#addPointers(walk, pointer, level) && isGood;
    }
    return isGood;
  }

  #addPointers(walk: Walk, pointer: number, level: number): boolean {
    const perBlock = this.#layout.blockSize / 4;
    if (walk.next >= walk.blocks) return true;
    // A pointer that is not there: all that it would lead to is a hole.
    if (pointer === 0) {
      walk.next += perBlock ** level;
      return true;
    }
    const block = this.#block(pointer);
    if (block === undefined || walk.pieces.length > PIECES_MAX) return false;
    let isGood = true;
    for (let index = 0; index < perBlock && walk.next < walk.blocks; index++) {
      const next = block.readUInt32LE(4 * index);
      if (level === 1) addBlock(walk, next);
      else if (!this.#addPointers(walk, next, level - 1)) isGood = false;
    }
    return isGood;
  }
}

/** Blocks that follow each other: `first` in the file, `at` in the volume. */
interface Piece {
  readonly first: number;
  readonly at: number;
  count: number;
}

interface Walk {
  /** Block of the file that comes next. */
  next: number;
  readonly blocks: number;
  readonly pieces: Piece[];
}

function addBlock(walk: Walk, block: number): void {
  const first = walk.next++;
  if (block === 0 || first >= walk.blocks) return;
  const last = walk.pieces.at(-1);
  const isNext =
    last !== undefined && last.first + last.count === first && last.at + last.count === block;
  if (isNext) last.count++;
  else walk.pieces.push({ first, at: block, count: 1 });
}

// Extents that were set aside and never written read as zeros.
function readExtent(node: Buffer, at: number): Piece {
  const size = node.readUInt16LE(at + 4);
  const block = node.readUInt32LE(at + 8) + node.readUInt16LE(at + 6) * 2 ** 32;
  const isWritten = size <= EXTENT_UNWRITTEN;
  return {
    first: node.readUInt32LE(at),
    at: isWritten ? block : HOLE,
    count: isWritten ? size : size - EXTENT_UNWRITTEN,
  };
}

// Copies of the superblock: in all groups, or in those whose number is a power of 3, 5 or 7.
function hasSuperblock(group: number, isSparse: boolean): boolean {
  if (!isSparse || group <= 1) return true;
  return [3, 5, 7].some((base) => {
    let power = base;
    while (power < group) power *= base;
    return power === group;
  });
}

// The first sixty bytes in place of the map, the others in an attribute "data" behind the inode. A
// folder begins with its parent's number, and has two lists of entries.
function inlineBytes(node: Buffer, map: Buffer, kind: string, size: number): Buffer {
  const rest = inlineRest(node);
  if (kind !== "folder") return Buffer.concat([map, rest]).subarray(0, size);
  return Buffer.concat([map.subarray(4), rest]);
}

const SYSTEM_PREFIX = 7;
const ATTRIBUTE_BYTES = 16;

function inlineRest(node: Buffer): Buffer {
  const none = Buffer.alloc(0);
  if (node.length < NODE_BYTES + 4) return none;
  const start = NODE_BYTES + node.readUInt16LE(NODE_BYTES);
  if (start + 4 > node.length || node.readUInt32LE(start) !== ATTRIBUTES_MAGIC) return none;
  const first = start + 4;
  for (let at = first; at + ATTRIBUTE_BYTES <= node.length && node.readUInt32LE(at) !== 0; ) {
    const nameSize = node[at] as number;
    const name = node.toString("latin1", at + ATTRIBUTE_BYTES, at + ATTRIBUTE_BYTES + nameSize);
    if (node[at + 1] === SYSTEM_PREFIX && name === "data") {
      const value = first + node.readUInt16LE(at + 2);
      return node.subarray(value, value + node.readUInt32LE(at + 8));
    }
    at += Math.ceil((ATTRIBUTE_BYTES + nameSize) / 4) * 4;
  }
  return none;
}
