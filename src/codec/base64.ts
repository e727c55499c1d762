// Base64 as mail carries it. Clean input takes the native decoder. Unclean input (junk between the
// digits, padding that comes early or twice) is read differently by every mail program, so all
// readings that are in use are given and the caller scans each of them. RFC 2045 §6.8.

import { asBuffer } from "../base/bytes.ts";
import { base64Groups } from "./native.ts";

/** What base64 text may mean. */
export interface Base64Reading {
  /** The usual reading: junk is skipped, padding ends a quantum and digits may follow it. */
  readonly bytes: Uint8Array;
  /** True if there is only one reading. */
  readonly isClean: boolean;
  /** What stricter readers see (they stop early) and what sloppier ones do (they skip padding). */
  readonly others: readonly Uint8Array[];
  /** Characters that are neither digits, padding nor white space. */
  readonly junk: number;
}

/** Characters of a last short group, its padding, and empty lines behind it. */
const TAIL_MAX = 1024;
const WHITE_SPACE = 64;
const PADDING = 65;
const JUNK = 66;

/** Decodes base64 in every way it is read in. Never throws and never drops a digit silently. */
export function decodeBase64(input: Uint8Array): Base64Reading {
  const bytes = Buffer.allocUnsafeSlow(Math.ceil((input.length * 3) / 4));
  try {
    const size = decodeClean(asBuffer(input), bytes);
    return { bytes: bytes.subarray(0, size), isClean: true, others: [], junk: 0 };
  } catch {
    // Not clean: the native decoder takes white space only, and padding only at the end.
    return decodeUnclean(input);
  }
}

// What the groups leave over is judged by the host's decoder: a last short group with its padding is
// clean, anything else makes it throw.
function decodeClean(input: Buffer, output: Buffer): number {
  const { read, written } = base64Groups(input, output);
  if (read === input.length) return written;
  if (input.length - read > TAIL_MAX) throw new SyntaxError("not clean base64");
  const tail = input.toString("latin1", read);
  return written + output.subarray(written).setFromBase64(tail).written;
}

/** Whether text begins as base64 does: a first line of 40 digits or more, and nothing else. */
export function looksBase64(bytes: Uint8Array): boolean {
  const first = bytes[0] as number;
  // Most text fails here, before any string is made: markup, quotes, dashes.
  if (bytes.length < 40 || first === 0x3c || first === 0x2d || first === 0x3e) return false;
  const head = asBuffer(bytes).toString("latin1", 0, Math.min(bytes.length, 1024));
  return /^\s*[A-Za-z0-9+/]{40,}={0,2}[ \t]*(?:[\r\n]|$)/.test(head);
}

function digitTable(): Uint8Array {
  const table = new Uint8Array(256).fill(JUNK);
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (let value = 0; value < 64; value++) table[digits.charCodeAt(value)] = value;
  for (const space of "\t\n\v\f\r ") table[space.charCodeAt(0)] = WHITE_SPACE;
  table[0x3d] = PADDING;
  return table;
}

function decodeUnclean(input: Uint8Array): Base64Reading {
  const restart = decodeLeniently(input, false);
  const others: Uint8Array[] = [];
  for (const stop of new Set([restart.firstPad, restart.firstJunk])) {
    if (stop > 0 && stop < restart.bytes.length) others.push(restart.bytes.subarray(0, stop));
  }
  if (restart.isResumed) others.push(decodeLeniently(input, true).bytes);
  return { bytes: restart.bytes, isClean: others.length === 0, others, junk: restart.junk };
}

interface LenientReading {
  bytes: Buffer;
  junk: number;
  /** Bytes decoded when the first padding and the first junk came; -1 if none did. */
  firstPad: number;
  firstJunk: number;
  /** Digits came after padding. */
  isResumed: boolean;
}

function decodeLeniently(input: Uint8Array, skipsPadding: boolean): LenientReading {
  const table = digitTable();
  const bytes = Buffer.allocUnsafeSlow(Math.ceil((input.length * 3) / 4) + 3);
  const reading = { bytes, junk: 0, firstPad: -1, firstJunk: -1, isResumed: false };
  let size = 0;
  let group = 0;
  let digits = 0;
  for (let at = 0; at < input.length; at++) {
    const value = table[input[at] as number] as number;
    if (value < WHITE_SPACE) {
      if (reading.firstPad >= 0) reading.isResumed = true;
      group = (group << 6) | value;
      if (++digits < 4) continue;
      bytes[size++] = group >> 16;
      bytes[size++] = group >> 8;
      bytes[size++] = group;
      group = 0;
      digits = 0;
    } else if (value === JUNK) {
      reading.junk++;
      if (reading.firstJunk < 0) reading.firstJunk = size;
    } else if (value === PADDING && !skipsPadding) {
      size = flush(bytes, size, group, digits);
      group = 0;
      digits = 0;
      if (reading.firstPad < 0) reading.firstPad = size;
    }
  }
  size = flush(bytes, size, group, digits);
  return { ...reading, bytes: bytes.subarray(0, size) };
}

// Writes the whole bytes of an unfinished quantum: two digits hold one, three hold two.
function flush(bytes: Uint8Array, size: number, group: number, digits: number): number {
  if (digits === 2) bytes[size] = group >> 4;
  if (digits === 3) {
    bytes[size] = group >> 10;
    bytes[size + 1] = group >> 2;
  }
  return size + Math.max(0, digits - 1);
}
