// The names of an NSIS installer's files, from its compiled script: tables of sections, instructions
// and strings. Of all instructions only the one that writes a file matters here.

import { Reader } from "../../executable/reader.ts";

const BLOCK = { instructions: 2, strings: 3 } as const;
const INSTRUCTION = 28;
const INSTRUCTIONS_MAX = 100_000;
const EXTRACT_FILE = 20;
const NAME_MAX = 512;

/** Names by the place of a file's data behind the script. */
export function nsisNames(script: Buffer): ReadonlyMap<number, string> {
  const reader = new Reader(script);
  const names = new Map<number, string>();
  // Flags, then for each table its place and its number of entries.
  const table = (index: number) => reader.u32(4 + 8 * index);
  const count = Math.min(reader.u32(8 + 8 * BLOCK.instructions), INSTRUCTIONS_MAX);
  const strings = table(BLOCK.strings);
  // The first string is empty: one zero byte, or two where characters have two.
  const isWide = reader.u16(strings) === 0;
  for (let i = 0; i < count; i++) {
    const at = table(BLOCK.instructions) + i * INSTRUCTION;
    if (!reader.has(at, INSTRUCTION)) break;
    if (reader.u32(at) !== EXTRACT_FILE) continue;
    const nameAt = reader.u32(at + 8);
    const name = isWide
      ? wideName(reader, strings + 2 * nameAt)
      : narrowName(reader, strings + nameAt);
    if (name !== "") names.set(reader.u32(at + 12), name);
  }
  return names;
}

// Characters 1 to 4 stand for variables and folders, with one more unit behind them.
function wideName(reader: Reader, start: number): string {
  let name = "";
  for (let at = start; at < start + NAME_MAX * 2; at += 2) {
    const unit = reader.u16(at);
    if (unit === 0) break;
    if (unit <= 4) at += 2;
    else name += String.fromCharCode(unit);
  }
  return lastOf(name);
}

// Version 3 has the same codes in narrow strings, with two bytes behind; version 2 has 252 to 255.
function narrowName(reader: Reader, start: number): string {
  let name = "";
  for (let at = start; at < start + NAME_MAX; at++) {
    const byte = reader.u8(at);
    if (byte === 0) break;
    if (byte <= 4 || byte >= 252) at += 2;
    else name += String.fromCharCode(byte);
  }
  return lastOf(name);
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf("\\") + 1);
}
