// Writes RAR 4 archives around what build-old.ts packs.

import { crc32 } from "node:zlib";

/** A file, packed before. */
export interface OldFile {
  readonly name: string;
  readonly content: Buffer;
  readonly version: number;
  readonly packed: Buffer;
  readonly isSolid?: boolean;
  /** What the header says of its size, if that is something else. */
  readonly size?: number;
}

function block(type: number, flags: number, fields: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head[2] = type;
  head.writeUInt16LE(flags, 3);
  head.writeUInt16LE(7 + fields.length, 5);
  const bytes = Buffer.concat([head, fields]);
  bytes.writeUInt16LE(crc32(bytes.subarray(2)) & 0xffff, 0);
  return bytes;
}

/** An archive of `files`, solid if one of them is. */
export function buildOldRar(files: readonly OldFile[]): Buffer {
  const isSolid = files.some((file) => file.isSolid === true);
  const pieces = [
    Buffer.from("Rar!\x1a\x07\0", "latin1"),
    block(0x73, isSolid ? 8 : 0, Buffer.alloc(6)),
  ];
  for (const { name, content, version, packed, isSolid: goesOn = false, size } of files) {
    const fields = Buffer.alloc(25);
    fields.writeUInt32LE(packed.length, 0);
    fields.writeUInt32LE(size ?? content.length, 4);
    fields[8] = 3;
    fields.writeUInt32LE(crc32(content), 9);
    fields[17] = version;
    fields[18] = 0x33;
    fields.writeUInt16LE(name.length, 19);
    fields.writeUInt32LE(0o100644, 21);
    const flags = 0x8000 | (goesOn ? 0x10 : 0);
    pieces.push(block(0x74, flags, Buffer.concat([fields, Buffer.from(name)])), packed);
  }
  return Buffer.concat([...pieces, block(0x7b, 0x4000, Buffer.alloc(0))]);
}
