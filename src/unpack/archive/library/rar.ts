// RAR archives. libarchive unpacks them, but ends in silence at some headers that it does not like,
// so the headers are walked here as well: what it did not give is told, and members that are merely
// stored are given all the same. RAR 5.0 archive format (rarlab technote); RAR 4 technote.

import { crc32 } from "node:zlib";
import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { unlock4 } from "../rar/unlock4.ts";
import { type Unlocked, unlock5 } from "../rar/unlock5.ts";
import { decodeName } from "../tar-header.ts";
import { GivenNames, giveLibraryFiles } from "./foreign.ts";

interface RarFile {
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly hasData: boolean;
  /** Undefined if it has none, or one that counts only for a part of it. */
  readonly crc: number | undefined;
  /** Packed as RAR did before version 3, which the library would take for something else. */
  readonly isOld: boolean;
  /** Its data, if it is stored as it is. */
  readonly stored: Uint8Array | undefined;
}

interface RarDirectory {
  readonly files: readonly RarFile[];
  readonly isVolume: boolean;
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
/** Files may have passwords of their own. */
const PASSWORDS_MAX = 4;

/** Yields the files of a RAR archive. */
export function* explodeRar(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  let input = asBuffer(bytes);
  for (let count = 0; count < PASSWORDS_MAX; count++) {
    const unlocked = unlock(input, budget);
    if (unlocked === undefined) break;
    giver.notePassword(unlocked.password);
    input = unlocked.bytes;
  }
  const directory = readDirectory(input);
  if (directory === undefined) {
    giver.note("unscanned", "RAR archives of the first versions are not opened");
    return giver.outcome;
  }
  if (directory.isVolume) giver.note("unscanned", "one part of an archive in several volumes");
  const isOld = directory.files.some((file) => file.isOld);
  if (isOld) giver.note("unscanned", "files packed by RAR before version 3 are not opened");
  const given = isOld ? new GivenNames() : yield* giveChecked(input, directory, giver);
  if (directory.isCut) giver.note("damaged", "cut short");
  else if (!directory.isWhole && !given.hasProblem) giver.note("damaged", "a header is broken");
  if (given.size < directory.files.length) {
    yield* giveMissing(directory, given, giver);
  }
  if (directory.isWhole) yield* giver.giveRest(input, directory.end);
  return giver.outcome;
}

// Only what would fit unpacked is written anew.
function unlock(input: Buffer, budget: Budget): Unlocked | undefined {
  if (input.length > budget.bytesLeft) return;
  if (input.toString("latin1", 0, 8) === SIGNATURE_5) return unlock5(input, budget.passwords);
  if (input.toString("latin1", 0, 7) === SIGNATURE_4) return unlock4(input, budget.passwords);
  return;
}

// The library verifies checksums in most cases, and passes over some.
function* giveChecked(
  bytes: Uint8Array,
  directory: RarDirectory,
  giver: Giver,
): Generator<Extract, GivenNames> {
  const sums = new Set(directory.files.map(({ crc }) => crc));
  const files = giveLibraryFiles(bytes, giver);
  let step = files.next();
  for (; step.done !== true; step = files.next()) {
    const isGood = sums.has(undefined) || sums.has(crc32(step.value.bytes));
    if (!isGood) giver.note("damaged", "checksum does not match", step.value.name);
    yield step.value;
  }
  return step.value;
}

// What the library should have given, as the headers tell.
function* giveMissing(
  directory: RarDirectory,
  given: GivenNames,
  giver: Giver,
): Generator<Extract> {
  const isExplained = directory.isVolume || given.hasProblem;
  for (const file of directory.files) {
    if (!file.hasData || given.has(normal(file.name))) continue;
    if (file.stored !== undefined) yield* giver.give(file.name, file.stored);
    else if (!file.isEncrypted) {
      if (!isExplained && !file.isOld) giver.note("damaged", "could not be unpacked", file.name);
    } else if (!given.protectedNames.has(normal(file.name))) {
      giver.note("protected", "encrypted", file.name);
    }
  }
}

// The library writes names its own way where they are not ASCII.
function normal(name: string): string {
  return name.replaceAll("\\", "/");
}

function readDirectory(input: Buffer): RarDirectory | undefined {
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
  let isVolume = false;
  let at = start;
  for (let count = 0; count < BLOCKS_MAX && at < input.length; count++) {
    const block = readBlock(input, at);
    if (block === undefined) return { files, isVolume, end: at, isWhole: false, isCut: false };
    if (block === "end") {
      const end = endOfArchive(input, at, readBlock);
      return { files, isVolume, end, isWhole: true, isCut: end > input.length };
    }
    const found = readFile(input, block);
    if (found === "volume") isVolume = true;
    else if (found !== undefined) files.push(found);
    at = block.end;
  }
  // RAR 4 may leave out the last block, RAR 5 may not.
  const isCut = at > input.length || readBlock === readBlock5;
  return { files, isVolume, end: at, isWhole: !isCut, isCut };
}

function endOfArchive(input: Buffer, at: number, readBlock: BlockReader): number {
  if (readBlock === readBlock4) return at + input.readUInt16LE(at + 5);
  const size = numberAt(input, at + 4);
  return size.at + size.value;
}

const MAIN_4 = 0x73;
const FILE_4 = 0x74;
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
    isOld: !isStored && (input[at + 24] as number) < VERSION_3,
    stored: isStored ? input.subarray(dataStart, end) : undefined,
  };
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
    isOld: false,
    stored: isStored ? input.subarray(block.dataStart, block.end) : undefined,
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
