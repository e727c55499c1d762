// Lists of named values as .NET programs keep them in a resource: droppers have their second stage
// there as a byte array. ".resources file format" (the layout of ResourceReader, version 2).

import { Reader } from "../../executable/reader.ts";

const MAGIC = 0xbeef_cace;
const VALUES_MAX = 4096;
const TYPES_MAX = 1024;
const NAME_MAX = 1024;
const TYPE = { text: 1, bytes: 0x20, stream: 0x21, own: 0x40 } as const;
/** Shorter texts are the user interface's; long ones may be files written as text. */
const TEXT_MIN = 1024;
const BYTES_MIN = 16;

/** A value that may be a file. */
export interface ManagedValue {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The values in `data` that may be files, or undefined if it is no such list. */
export function managedValues(data: Uint8Array): ManagedValue[] | undefined {
  const reader = new Reader(data);
  if (reader.u32(0) !== MAGIC) return;
  const start = 12 + reader.u32(8);
  const [version, count] = [reader.u32(start), Math.min(reader.u32(start + 4), VALUES_MAX)];
  // Version 1 writes types as names; no compiler of this century makes it.
  if (version !== 2 || !reader.has(start, 12)) return;
  let at = start + 12;
  for (let left = Math.min(reader.u32(start + 8), TYPES_MAX); left > 0; left--) {
    const length = numberAt(reader, at);
    at = length.end + length.value;
  }
  const hashes = Math.ceil(at / 8) * 8;
  const positions = hashes + 4 * count;
  const dataStart = reader.u32(positions + 4 * count);
  const names = positions + 4 * count + 4;
  if (!reader.has(names, 0) || dataStart < names) return;
  const values: ManagedValue[] = [];
  for (let i = 0; i < count; i++) {
    const nameLength = numberAt(reader, names + reader.u32(positions + 4 * i));
    const name = reader.slice(nameLength.end, Math.min(nameLength.value, NAME_MAX));
    const offset = dataStart + reader.u32(nameLength.end + nameLength.value);
    const bytes = valueAt(reader, offset);
    if (bytes !== undefined) values.push({ name: name.toString("utf16le"), bytes });
  }
  return values;
}

function valueAt(reader: Reader, at: number): Buffer | undefined {
  const type = numberAt(reader, at);
  switch (type.value) {
    case TYPE.text: {
      const length = numberAt(reader, type.end);
      return length.value < TEXT_MIN ? undefined : reader.slice(length.end, length.value);
    }
    case TYPE.bytes:
    case TYPE.stream: {
      const size = reader.u32(type.end);
      return size < BYTES_MIN ? undefined : reader.slice(type.end + 4, size);
    }
    default:
      // A serialised object (mostly a picture) says nowhere how long it is.
      return;
  }
}

// Seven bits at a time, least first.
function numberAt(reader: Reader, start: number): { value: number; end: number } {
  let value = 0;
  let at = start;
  for (let scale = 1; at < start + 5; scale *= 128) {
    const byte = reader.u8(at++);
    value += (byte & 127) * scale;
    if (byte < 128) break;
  }
  return { value, end: at };
}
