// The headers of RAR archives: which files there are, and where their data lie. RAR 5.0 archive format
// (rarlab technote); RAR 4 technote.

import { decodeName } from "../tar-header.ts";

/** One file, as its header has it. */
export interface RarFile {
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly hasData: boolean;
  /** Undefined if it has none, or one that counts only for a part of it. */
  readonly crc: number | undefined;
  /** Its data, if it is stored as it is. */
  readonly stored: Uint8Array | undefined;
  /** How it is packed, in RAR 4 and before, unless it is stored. */
  readonly packed: RarPacked | undefined;
}

/** A packed file of RAR 4 and before. */
export interface RarPacked {
  /** Of RAR, times ten: 15, 20, 26, 29, 36. */
  readonly version: number;
  readonly data: Uint8Array;
  /** Bytes it unpacks to. */
  readonly size: number;
  /** It goes on from the file before it. */
  readonly isSolid: boolean;
  /** A part of it is in another volume. */
  readonly isSplit: boolean;
}

/** What the headers of an archive tell. */
export interface RarDirectory {
  readonly files: readonly RarFile[];
  readonly isVolume: boolean;
  /** Whether the library would not open it: files go on from each other, or are of old versions. */
  readonly isOwn: boolean;
  /** Where the last block that was understood ends. */
  readonly end: number;
  /** Whether there was nothing that could not be read. */
  readonly isWhole: boolean;
  /** Whether more should be there. */
  readonly isCut: boolean;
}

/** One block: where its own fields begin, and where its data lie. */
interface Block {
  readonly type: number;
  readonly flags: number;
  readonly fields: number;
  readonly dataStart: number;
  readonly end: number;
}

const SIGNATURE_4 = "Rar!\x1a\x07\0";
const SIGNATURE_5 = "Rar!\x1a\x07\x01\0";
const BLOCKS_MAX = 200_000;

/** Reads the headers of RAR 4 or 5; undefined if it is neither. */
export function readDirectory(input: Buffer): RarDirectory | undefined {
  if (input.toString("latin1", 0, 8) === SIGNATURE_5) return walk(input, 8, readBlock5, readFile5);
  if (input.toString("latin1", 0, 7) === SIGNATURE_4) return walk(input, 7, readBlock4, readFile4);
  return;
}

type BlockReader = (input: Buffer, at: number) => Block | "end" | undefined;
type FileReader = (input: Buffer, block: Block) => RarFile | "volume" | undefined;

function walk(
  input: Buffer,
  start: number,
  readBlock: BlockReader,
  readFile: FileReader,
): RarDirectory {
  const files: RarFile[] = [];
  let [isVolume, isOwn] = [false, false];
  let at = start;
  for (let count = 0; count < BLOCKS_MAX && at < input.length; count++) {
    const block = readBlock(input, at);
    if (block === undefined)
      return { files, isVolume, isOwn, end: at, isWhole: false, isCut: false };
    if (block === "end") {
      const end = endOfArchive(input, at, readBlock);
      return { files, isVolume, isOwn, end, isWhole: true, isCut: end > input.length };
    }
    if (readBlock === readBlock4) isOwn ||= isBeyondLibrary(input, block);
    const found = readFile(input, block);
    if (found === "volume") isVolume = true;
    else if (found !== undefined) files.push(found);
    at = block.end;
  }
  // RAR 4 may leave out the last block, RAR 5 may not.
  const isCut = at > input.length || readBlock === readBlock5;
  return { files, isVolume, isOwn, end: at, isWhole: !isCut, isCut };
}

function endOfArchive(input: Buffer, at: number, readBlock: BlockReader): number {
  if (readBlock === readBlock4) return at + input.readUInt16LE(at + 5);
  const size = numberAt(input, at + 4);
  return size.at + size.value;
}

const MAIN_4 = 0x73;
const FILE_4 = 0x74;
const SUB_4 = 0x7a;
const SOLID_4 = 0x10;
const END_4 = 0x7b;
const FOLDER_4 = 0xe0;
const VERSION_3 = 29;

function readBlock4(input: Buffer, at: number): Block | "end" | undefined {
  if (at + 7 > input.length) return;
  const type = input[at + 2] as number;
  const flags = input.readUInt16LE(at + 3);
  const size = input.readUInt16LE(at + 5);
  if (type === END_4) return "end";
  if (type < 0x72 || type > 0x7a || size < 7) return;
  const hasData = (flags & 0x8000) !== 0 || type === FILE_4;
  if (hasData && at + 40 > input.length) return;
  let dataSize = hasData ? input.readUInt32LE(at + 7) : 0;
  if (type === FILE_4 && (flags & 0x100) !== 0) dataSize += input.readUInt32LE(at + 32) * 2 ** 32;
  return { type, flags, fields: at, dataStart: at + size, end: at + size + dataSize };
}

function readFile4(input: Buffer, block: Block): RarFile | "volume" | undefined {
  const { type, flags, fields: at, dataStart, end } = block;
  if (type === MAIN_4) return (flags & 1) !== 0 ? "volume" : undefined;
  if (type !== FILE_4 || (flags & FOLDER_4) === FOLDER_4) return;
  const nameStart = at + 32 + ((flags & 0x100) !== 0 ? 8 : 0);
  const name = input.subarray(
    nameStart,
    Math.min(dataStart, nameStart + input.readUInt16LE(at + 26)),
  );
  const zero = name.indexOf(0);
  const isEncrypted = (flags & 4) !== 0;
  const isStored = input[at + 25] === 0x30 && !isEncrypted;
  return {
    name: decodeName(zero < 0 ? name : name.subarray(0, zero)),
    isEncrypted,
    hasData: end > dataStart,
    crc: (flags & 3) === 0 ? input.readUInt32LE(at + 16) : undefined,
    stored: isStored ? input.subarray(dataStart, end) : undefined,
    packed: isStored ? undefined : packed4(input, block),
  };
}

function packed4(input: Buffer, { flags, fields: at, dataStart, end }: Block): RarPacked {
  const high = (flags & 0x100) !== 0 ? input.readUInt32LE(at + 36) * 2 ** 32 : 0;
  return {
    version: input[at + 24] as number,
    data: input.subarray(dataStart, end),
    size: input.readUInt32LE(at + 11) + high,
    isSolid: (flags & SOLID_4) !== 0,
    isSplit: (flags & 3) !== 0,
  };
}

// Solid archives, for the library even those in which only a comment is marked so; and what RAR packed
// before version 3, which it takes for something else.
function isBeyondLibrary(input: Buffer, { type, flags, fields: at }: Block): boolean {
  if (type === MAIN_4) return (flags & 8) !== 0;
  if (type !== FILE_4 && type !== SUB_4) return false;
  const isOld =
    type === FILE_4 && input[at + 25] !== 0x30 && (input[at + 24] as number) < VERSION_3;
  return isOld || (flags & SOLID_4) !== 0;
}

const MAIN_5 = 1;
const FILE_5 = 2;
const END_5 = 5;

// Numbers have seven bits in each byte, least first.
function numberAt(input: Buffer, start: number): { value: number; at: number } {
  let value = 0;
  let at = start;
  for (let scale = 1; at < start + 8; scale *= 128) {
    const byte = input[at++] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) break;
  }
  return { value, at };
}

function readBlock5(input: Buffer, start: number): Block | "end" | undefined {
  if (start + 7 > input.length) return;
  const size = numberAt(input, start + 4);
  const dataStart = size.at + size.value;
  const type = numberAt(input, size.at);
  const flags = numberAt(input, type.at);
  if (size.value < 2 || dataStart > input.length) return;
  if (type.value === END_5) return "end";
  let { at } = flags;
  // Headers that are encrypted look like types that do not exist.
  if (type.value < 1 || type.value > END_5) return;
  if ((flags.value & 1) !== 0) at = numberAt(input, at).at;
  let dataSize = 0;
  if ((flags.value & 2) !== 0) ({ value: dataSize, at } = numberAt(input, at));
  return { type: type.value, flags: flags.value, fields: at, dataStart, end: dataStart + dataSize };
}

function readFile5(input: Buffer, block: Block): RarFile | "volume" | undefined {
  const first = numberAt(input, block.fields);
  if (block.type === MAIN_5) return (first.value & 1) !== 0 ? "volume" : undefined;
  if (block.type !== FILE_5 || (first.value & 1) !== 0) return;
  const size = numberAt(input, first.at);
  let { at } = numberAt(input, size.at);
  if ((first.value & 2) !== 0) at += 4;
  const crcAt = at;
  if ((first.value & 4) !== 0) at += 4;
  const hasCrc = (first.value & 4) !== 0 && (block.flags & 0x18) === 0 && at <= input.length;
  const method = numberAt(input, at);
  const nameSize = numberAt(input, numberAt(input, method.at).at);
  const nameEnd = Math.min(block.dataStart, nameSize.at + nameSize.value);
  const extra = input.subarray(nameEnd, block.dataStart);
  const isEncrypted = isEncrypted5(extra);
  const isStored = ((method.value >> 7) & 7) === 0 && !isEncrypted && block.end > block.dataStart;
  return {
    name: decodeName(input.subarray(nameSize.at, nameEnd)),
    isEncrypted,
    // Links have none.
    hasData: block.end > block.dataStart,
    crc: hasCrc ? input.readUInt32LE(crcAt) : undefined,
    stored: isStored ? input.subarray(block.dataStart, block.end) : undefined,
    packed: undefined,
  };
}

// The extra area holds records of a size and a type; type 1 is about encryption.
function isEncrypted5(extra: Buffer): boolean {
  for (let at = 0, count = 0; at < extra.length && count < 32; count++) {
    const size = numberAt(extra, at);
    if (numberAt(extra, size.at).value === 1) return true;
    at = size.at + size.value;
  }
  return false;
}
