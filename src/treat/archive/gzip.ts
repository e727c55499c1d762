// gzip: a single file, which can be replaced by its cured form and in no other way. RFC 1952.

import { crc32, deflateRawSync, gunzipSync } from "node:zlib";
import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { ScannedObject } from "../../message.ts";
import type { Editor, Edits } from "../editor.ts";

const FLAG_HEADER_CRC = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;

/** Opens a gzip stream of one file; undefined if it is not whole. */
export function openGzip(bytes: Uint8Array, budget: Budget): Editor | undefined {
  const input = asBuffer(bytes);
  const header = headerSize(input);
  if (header < 0) return undefined;
  let content: Buffer;
  try {
    content = gunzipSync(input, { maxOutputLength: Math.max(1, budget.bytesLeft) });
  } catch {
    // Damaged, or more than may be extracted: not to be edited either way.
    return undefined;
  }
  if (!budget.takeObject(content.length)) return undefined;
  return {
    read: (child: ScannedObject) => (child.size === content.length ? content : undefined),
    rebuild: (edits: Edits) => {
      const [edit] = edits.values();
      if (edits.size !== 1 || edit?.kind !== "replace") return "gzip holds one file only";
      const head = Buffer.from(input.subarray(0, header));
      head[3] = (head[3] ?? 0) & ~FLAG_HEADER_CRC;
      const tail = Buffer.alloc(8);
      tail.writeUInt32LE(crc32(edit.bytes), 0);
      tail.writeUInt32LE(edit.bytes.length % 2 ** 32, 4);
      return Buffer.concat([head, deflateRawSync(edit.bytes), tail]);
    },
  };
}

// Up to the compressed data, without the header's own checksum; -1 if there is none.
function headerSize(input: Buffer): number {
  const flags = input[3] ?? 0;
  let at = 10;
  if ((flags & FLAG_EXTRA) !== 0) {
    if (at + 2 > input.length) return -1;
    at += 2 + input.readUInt16LE(at);
  }
  for (const flag of [FLAG_NAME, FLAG_COMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = input.indexOf(0, at);
    if (end < 0) return -1;
    at = end + 1;
  }
  return at > input.length ? -1 : at;
}
