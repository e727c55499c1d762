// Compiled help files: a directory in chunks, and files in two sections, one stored and one packed with
// LZX as a whole. After "Microsoft's HTML Help (.chm) format" by M. Russotto (2001).

import type { Budget } from "../../base/budget.ts";
import { Reader } from "../../executable/reader.ts";
import type { Explosion, Extract } from "../../message.ts";
import { LZX_FRAME, LzxDecoder, lzxSlots } from "../coder/lzx.ts";
import { Giver } from "./giver.ts";
import { Output, OutputFullError } from "./stream/output.ts";

const HEADER = 0x60;
const CHUNKS_MAX = 65_536;
const ENTRIES_MAX = 100_000;
const CHUNK_HEADER = 20;
const NAME_MAX = 4096;
const STORAGE = "::DataSpace/Storage/MSCompressed/";
const RESET_TABLE = `${STORAGE}Transform/{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable`;
const CONTROL = `${STORAGE}ControlData`;
const CONTENT = `${STORAGE}Content`;
const PACKED = 1;

interface Entry {
  readonly name: string;
  /** 0 is stored, 1 is packed. */
  readonly section: number;
  readonly offset: number;
  readonly size: number;
}

interface HelpFile {
  readonly reader: Reader;
  /** Where the stored section begins. */
  readonly contentAt: number;
  readonly entries: readonly Entry[];
}

/** Yields the files of a compiled help file. */
export function* explodeChm(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const help = readHelpFile(new Reader(bytes), giver);
  let packed: Uint8Array = new Uint8Array(0);
  if (help.entries.some(({ section }) => section === PACKED)) {
    try {
      packed = unpackSection(help, giver);
    } catch (error) {
      if (!(error instanceof OutputFullError)) throw error;
      giver.refuse("packed section");
    }
  }
  for (const { name, section, offset, size } of help.entries) {
    // Those are about the packing; their bytes have been used or seen.
    if (name.startsWith("::") || size === 0 || section > PACKED) continue;
    if (!giver.enter()) break;
    const content =
      section === PACKED
        ? packed.subarray(offset, offset + size)
        : help.reader.slice(help.contentAt + offset, size);
    if (content.length < size) giver.note("damaged", "cut short", name);
    if (content.length > 0) yield* giver.give(name.replace(/^\//, ""), content);
  }
  return giver.outcome;
}

// The header names two sections: one with the file's size, one with the directory.
function readHelpFile(reader: Reader, giver: Giver): HelpFile {
  const version = reader.u32(4);
  const directory = reader.u64(0x48);
  const behind = directory + reader.u64(0x50);
  const contentAt = version >= 3 ? reader.u64(0x58) : behind;
  const isGood = reader.has(0, HEADER) && reader.text(directory, 4) === "ITSP";
  if (!isGood) giver.note("damaged", "the header is broken");
  return { reader, contentAt, entries: isGood ? readDirectory(reader, directory, giver) : [] };
}

function readDirectory(reader: Reader, at: number, giver: Giver): Entry[] {
  const chunkSize = reader.u32(at + 0x10);
  const first = at + reader.u32(at + 8);
  const count = Math.min(reader.u32(at + 0x2c), CHUNKS_MAX);
  const entries: Entry[] = [];
  for (let i = 0; i < count && chunkSize > CHUNK_HEADER && giver.goesOn(); i++) {
    const chunk = first + i * chunkSize;
    if (!reader.has(chunk, chunkSize)) {
      giver.note("damaged", "the directory is cut short");
      break;
    }
    // Index chunks lie between those that list files.
    if (reader.text(chunk, 4) !== "PMGL") continue;
    const end = chunk + chunkSize - Math.min(reader.u32(chunk + 4), chunkSize);
    if (!readChunk(reader, { at: chunk + CHUNK_HEADER, end }, entries)) {
      giver.note("damaged", "the directory is broken");
    }
  }
  return entries;
}

function readChunk(
  reader: Reader,
  { at, end }: { at: number; end: number },
  entries: Entry[],
): boolean {
  let from = at;
  while (from < end) {
    const name = numberAt(reader, from);
    const section = numberAt(reader, name.end + name.value);
    const offset = numberAt(reader, section.end);
    const size = numberAt(reader, offset.end);
    if (size.end > end || entries.length >= ENTRIES_MAX || name.value > NAME_MAX) return false;
    entries.push({
      name: reader.slice(name.end, name.value).toString("utf8"),
      ...{ section: section.value, offset: offset.value, size: size.value },
    });
    from = size.end;
  }
  return true;
}

// Seven bits at a time, highest first.
function numberAt(reader: Reader, start: number): { value: number; end: number } {
  let value = 0;
  let at = start;
  while (at < start + 8) {
    const byte = reader.u8(at++);
    value = value * 128 + (byte & 127);
    if (byte < 128) break;
  }
  return { value, end: at };
}

function unpackSection(help: HelpFile, giver: Giver): Uint8Array {
  const { reader } = help;
  const place = (name: string) => {
    const entry = help.entries.find((one) => one.name === name);
    return { at: help.contentAt + (entry?.offset ?? 0), size: entry?.size ?? 0 };
  };
  const [control, table, content] = [place(CONTROL), place(RESET_TABLE), place(CONTENT)];
  const output = new Output(giver.room);
  // Sizes are counted in frames from the second version on.
  const unit = reader.u32(control.at + 8) === 1 ? 1 : LZX_FRAME;
  const resetFrames = Math.max(1, (reader.u32(control.at + 12) * unit) / LZX_FRAME);
  const slots = lzxSlots(Math.log2(reader.u32(control.at + 16) * unit));
  const size = reader.u64(table.at + 16);
  if (reader.text(control.at + 4, 4) !== "LZXC" || slots === undefined || table.size < 40) {
    giver.note("damaged", "how files are packed is not told");
    return output.made;
  }
  if (size > giver.room) throw new OutputFullError();
  const input = reader.slice(content.at, content.size);
  const decoder = new LzxDecoder(slots, output);
  const offsets = table.at + reader.u32(table.at + 12);
  const frames = Math.min(reader.u32(table.at + 4), Math.ceil(size / LZX_FRAME));
  let at = 0;
  for (let frame = 0; output.size < size && giver.goesOn(); frame++) {
    // The table says where frames begin; without it they follow each other.
    if (frame < frames) at = reader.u64(offsets + 8 * frame);
    if (frame % resetFrames === 0) decoder.reset();
    const made = decoder.frame(input, at, Math.min(LZX_FRAME, size - output.size));
    at = made.at;
    if (made.end === "whole") continue;
    giver.note("damaged", made.end === "corrupt" ? "broken data" : "cut short");
    break;
  }
  return output.made;
}
