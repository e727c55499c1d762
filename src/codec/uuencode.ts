// uuencode: blocks of `begin 644 name` … `end`, anywhere in a text, as old mail programs send
// attachments and as Outlook still opens them. Also its base64 form (`begin-base64`). POSIX.1-2017,
// uuencode.

import { asBuffer, isBlank, lineEnd, skipLineEnd } from "../base/bytes.ts";
import { decodeBase64 } from "./base64.ts";

/** A file found in a text. */
export interface EncodedBlock {
  /** As written in the text, not yet decoded from its charset. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where its `begin` line starts in the text. */
  readonly start: number;
  /** Where its data ends in the text. */
  readonly end: number;
}

/** Without one of these, or "begin" at its very start, a text holds no block. */
export const UU_MARKS = ["\nbegin", "\rbegin"] as const;

type Data = Omit<EncodedBlock, "start">;

const LINE_MAX = 512;

/** The uuencoded files in `text`, in order, one at a time. Blocks that hold nothing are left out. */
export function* uuBlocks(text: Uint8Array): Generator<EncodedBlock> {
  const input = asBuffer(text);
  for (let at = input.indexOf("begin"); at >= 0; at = input.indexOf("begin", at)) {
    const block = atLineStart(input, at) ? blockAt(input, at) : undefined;
    if (block !== undefined && block.bytes.length > 0) yield { ...block, start: at };
    at = block === undefined ? at + 5 : block.end;
  }
}

function atLineStart(input: Buffer, at: number): boolean {
  return at === 0 || input[at - 1] === 10 || input[at - 1] === 13;
}

function blockAt(input: Buffer, at: number): Data | undefined {
  const end = lineEnd(input, at, Math.min(input.length, at + LINE_MAX));
  const line = input.toString("latin1", at, end);
  const found = /^begin(-base64)?[ \t]+[0-7]{3,4}(?:[ \t]+(.*?))?[ \t]*$/.exec(line);
  if (found === null) return;
  const start = skipLineEnd(input, end, input.length);
  const name = found[2] ?? "";
  return found[1] === undefined
    ? decodeLines(input, start, name)
    : decodeBase64Lines(input, start, name);
}

function decodeBase64Lines(input: Buffer, start: number, name: string): Data {
  const found = input.indexOf("\n====", start);
  const end = found < 0 ? input.length : found;
  return { name, bytes: decodeBase64(input.subarray(start, end)).bytes, end };
}

// Reads data lines until one is none. Lines may have lost trailing spaces (read as zeros) or carry
// a check character (left out), and blank lines between them are skipped.
function decodeLines(input: Buffer, start: number, name: string): Data {
  let bytes: Buffer = Buffer.alloc(0);
  let size = 0;
  let at = start;
  while (at < input.length) {
    const end = lineEnd(input, at, Math.min(input.length, at + LINE_MAX));
    const count = ((input[at] as number) - 32) & 63;
    const isData = isDataLine(end - at, count, input[at] as number, size === 0);
    if (!isData && !isBlank(input, at, end)) break;
    if (isData) {
      if (size + count + 3 > bytes.length) bytes = grown(bytes, size);
      decodeLine(input, { at: at + 1, end }, bytes, size);
      size += count;
    }
    const next = skipLineEnd(input, end, input.length);
    if (next === at) break;
    at = next;
  }
  return { name, bytes: bytes.subarray(0, size), end: Math.max(at, start) };
}

// "end" is no data line: "e" is no count. Lines may be as short as they like (a run of zeros is
// written as spaces, which get lost at line ends), but not the first one: prose would be data.
function isDataLine(length: number, count: number, first: number, isFirst: boolean): boolean {
  if (length === 0 || first < 32 || first > 96 || count === 0) return false;
  const digits = Math.ceil(count / 3) * 4;
  return length - 1 <= digits + 4 && (!isFirst || (length - 1) * 2 >= digits);
}

function decodeLine(
  input: Buffer,
  line: { readonly at: number; readonly end: number },
  bytes: Buffer,
  start: number,
): void {
  const count = ((input[line.at - 1] as number) - 32) & 63;
  const digit = (at: number) => (at < line.end ? ((input[at] as number) - 32) & 63 : 0);
  let size = start;
  for (let at = line.at; size < start + count; at += 4) {
    const group = (digit(at) << 18) | (digit(at + 1) << 12) | (digit(at + 2) << 6) | digit(at + 3);
    bytes[size++] = group >> 16;
    bytes[size++] = group >> 8;
    bytes[size++] = group;
  }
}

function grown(bytes: Buffer, size: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(1024, bytes.length * 2));
  larger.set(bytes.subarray(0, size));
  return larger;
}

/** Decodes text that is declared as uuencoded and has no `begin` line. */
export function decodeUuLines(text: Uint8Array): Uint8Array {
  return decodeLines(asBuffer(text), 0, "").bytes;
}
