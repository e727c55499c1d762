// yEnc: `=ybegin … name=` … `=yend` blocks in 8-bit text, a newsgroup habit that some mail readers
// open as well (yenc-draft.1.3).

import { asBuffer, lineEnd, skipLineEnd } from "../base/bytes.ts";
import type { EncodedBlock } from "./uuencode.ts";

/** Without it a text holds no block. */
export const YENC_MARK = "=ybegin ";

const LINE_MAX = 1024;

/** The yEnc files in `text`, in order, one at a time; a part of a file counts as a file. */
export function* yencBlocks(text: Uint8Array): Generator<EncodedBlock> {
  const input = asBuffer(text);
  for (let at = input.indexOf(YENC_MARK); at >= 0; at = input.indexOf(YENC_MARK, at)) {
    if (at > 0 && input[at - 1] !== 10 && input[at - 1] !== 13) {
      at += 8;
      continue;
    }
    const block = blockAt(input, at);
    if (block.bytes.length > 0) yield block;
    at = block.end;
  }
}

function blockAt(input: Buffer, at: number): EncodedBlock {
  const end = lineEnd(input, at, Math.min(input.length, at + LINE_MAX));
  const name = /[ \t]name=(.*)$/.exec(input.toString("latin1", at, end))?.[1] ?? "";
  let data = skipLineEnd(input, end, input.length);
  if (input.toString("latin1", data, data + 7) === "=ypart ") {
    data = skipLineEnd(input, lineEnd(input, data, input.length), input.length);
  }
  const found = input.indexOf("\n=yend", data - 1);
  const stop = found < 0 ? input.length : Math.max(data, found);
  return { name: name.trim(), bytes: decode(input.subarray(data, stop)), start: at, end: stop };
}

// Each byte is the original plus 42; "=" says that 64 more were added. Line ends are not data.
function decode(input: Buffer): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(input.length);
  let size = 0;
  let shift = 42;
  for (let at = 0; at < input.length; at++) {
    const byte = input[at] as number;
    if (byte === 13 || byte === 10) continue;
    if (byte === 0x3d && shift === 42) {
      shift = 106;
      continue;
    }
    bytes[size++] = byte - shift;
    shift = 42;
  }
  return bytes.subarray(0, size);
}
