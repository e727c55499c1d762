// The version resource: nested blocks, each with its length, a key in UTF-16 and perhaps a value.
// "VS_VERSIONINFO" (Microsoft).

import type { Reader } from "../reader.ts";

const PAIRS_MAX = 1024;
/** Of a block: behind two lengths and a type. */
const KEY_AT = 6;
const KEY_MAX = 256;
const VALUE_MAX = 4096;

/** A key and its value, as the resource has them; characters beyond Latin-1 lose their high byte. */
export interface VersionString {
  readonly key: string;
  readonly value: string;
  /** File offset of the key. */
  readonly offset: number;
}

interface Block {
  readonly start: number;
  readonly end: number;
  readonly key: string;
  /** Where the value, or the first inner block, begins. */
  readonly body: number;
  /** In characters for texts, in bytes for what is binary. */
  readonly valueLength: number;
}

/** All strings in the version resource of `size` bytes at `at`. */
export function readVersionStrings(reader: Reader, at: number, size: number): VersionString[] {
  const strings: VersionString[] = [];
  const root = blockAt(reader, at, at + size);
  if (root?.key !== "VS_VERSION_INFO") return strings;
  const info = root.body + root.valueLength;
  for (const part of blocksIn(reader, aligned(info, at), root.end, at)) {
    if (part.key !== "StringFileInfo") continue;
    for (const table of blocksIn(reader, part.body, part.end, at)) {
      for (const block of blocksIn(reader, table.body, table.end, at)) {
        const { key, body, valueLength, end, start } = block;
        if (strings.length >= PAIRS_MAX) return strings;
        const length = Math.min(valueLength * 2, end - body, VALUE_MAX * 2);
        const value = narrow(reader, body, Math.max(length, 0));
        strings.push({ key, value, offset: start + KEY_AT });
      }
    }
  }
  return strings;
}

function* blocksIn(reader: Reader, start: number, end: number, base: number): Generator<Block> {
  let at = start;
  for (let count = 0; at < end && count < PAIRS_MAX; count++) {
    const block = blockAt(reader, at, end, base);
    if (block === undefined) return;
    yield block;
    at = aligned(block.end, base);
  }
}

function blockAt(reader: Reader, at: number, limit: number, base = at): Block | undefined {
  const length = reader.u16(at);
  if (length < 8 || !reader.has(at, 6) || at + 6 > limit) return;
  const key = narrow(reader, at + KEY_AT, KEY_MAX * 2);
  const body = aligned(at + KEY_AT + (key.length + 1) * 2, base);
  const end = Math.min(at + length, limit);
  return { start: at, end, key, body, valueLength: reader.u16(at + 2) };
}

// Blocks begin at multiples of four from the resource's start.
function aligned(at: number, base: number): number {
  return base + Math.ceil((at - base) / 4) * 4;
}

function narrow(reader: Reader, at: number, size: number): string {
  let text = "";
  for (let from = at; from + 1 < at + size; from += 2) {
    const unit = reader.u16(from);
    if (unit === 0) break;
    text += String.fromCharCode(unit & 0xff);
  }
  return text;
}
