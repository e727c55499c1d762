// What WIM images and compressed system files of Windows have in common: a file in chunks of one size,
// each packed for itself, or stored where packing would not make it smaller.

import { LzxDecoder, lzxSlots } from "../../coder/lzx.ts";
import { unpackXpress } from "../../coder/xpress.ts";
import type { Giver } from "../giver.ts";
import { Output, OutputFullError } from "../stream/output.ts";

/** How chunks are packed; LZMS is known and not opened. */
export type ChunkCoder = "stored" | "xpress" | "lzx" | "lzms";

const CHUNK_MAX = 1 << 21;
const CHUNK_MIN = 1 << 12;

/** A file in chunks. */
export interface ChunkedFile {
  /** All chunks, one after the other, without their table. */
  readonly packed: Buffer;
  /** Where each chunk begins in `packed`. */
  readonly starts: readonly number[];
  /** Bytes of the unpacked file. */
  readonly size: number;
  /** Bytes of each unpacked chunk but the last. */
  readonly chunkSize: number;
  readonly coder: ChunkCoder;
}

/** How many chunks a file of `size` bytes has; 0 if there are no chunks of such a size. */
export function chunkCount(size: number, chunkSize: number): number {
  const isPower = (chunkSize & (chunkSize - 1)) === 0;
  if (chunkSize < CHUNK_MIN || chunkSize > CHUNK_MAX || !isPower) return 0;
  return Math.ceil(size / chunkSize);
}

/**
 * A file whose table of chunks stands before them: for each but the first where it begins, behind the
 * table. Undefined if the table is not there.
 */
export function withTable(
  packed: Buffer,
  size: number,
  chunkSize: number,
  coder: ChunkCoder,
): ChunkedFile | undefined {
  const count = chunkCount(size, chunkSize);
  const width = size > 0xffff_ffff ? 8 : 4;
  const tableSize = Math.max(0, count - 1) * width;
  if (count === 0 || tableSize > packed.length) return;
  const starts = [0];
  for (let at = 0; at < tableSize; at += width) {
    starts.push(width === 4 ? packed.readUInt32LE(at) : Number(packed.readBigUInt64LE(at)));
  }
  return { packed: packed.subarray(tableSize), starts, size, chunkSize, coder };
}

/** Unpacks a file as far as it goes; `problem` is "" if that is all of it. */
export function unpackChunks(
  file: ChunkedFile,
  giver: Giver,
): { readonly bytes: Uint8Array; readonly problem: string; readonly isRefused: boolean } {
  const output = new Output(giver.room);
  const end = (problem: string, isRefused = false) => {
    return { bytes: output.made, problem, isRefused };
  };
  if (file.size > giver.room) return end("", true);
  try {
    for (let index = 0; output.size < file.size; index++) {
      if (!giver.goesOn()) return end("", true);
      const problem = unpackChunk(file, index, output);
      if (problem !== "") return end(problem);
    }
  } catch (error) {
    if (!(error instanceof OutputFullError)) throw error;
    return end("", true);
  }
  return end("");
}

function unpackChunk(file: ChunkedFile, index: number, output: Output): string {
  const { packed, starts, chunkSize, coder } = file;
  const start = starts[index] ?? packed.length;
  const input = packed.subarray(start, starts[index + 1] ?? packed.length);
  const size = Math.min(chunkSize, file.size - index * chunkSize);
  if (input.length === 0) return "cut short";
  if (input.length >= size || coder === "stored") {
    output.append(input.subarray(0, size));
    return input.length < size ? "cut short" : "";
  }
  // Chunks know nothing of each other.
  const made = new Output(size);
  const status = unpackInto(made, input, size, file);
  output.append(made.made);
  return status === "whole" ? "" : status === "truncated" ? "cut short" : "broken data";
}

function unpackInto(made: Output, input: Buffer, size: number, { coder, chunkSize }: ChunkedFile) {
  if (coder === "xpress") return unpackXpress(input, made, size);
  const slots = lzxSlots(Math.log2(chunkSize));
  if (coder !== "lzx" || slots === undefined) return "corrupt";
  return new LzxDecoder(slots, made, "image").frame(input, 0, size).end;
}
