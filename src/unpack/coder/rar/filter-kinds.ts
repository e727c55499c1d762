// What RAR's own filters do: each undoes a change that made programs, tables, pictures or sound easier
// to pack.

import { adapt } from "./sound.ts";

const CALL_SPACE = 0x100_0000;
const CALL = 0xe8;
const JUMP = 0xe9;

/** Calls (and jumps) of x86 programs get their relative targets back; `at` is the place in the file. */
export function filterCalls(bytes: Buffer, at: number, hasJumps: boolean): Buffer {
  const made = Buffer.from(bytes);
  for (let i = 0; i + 4 < made.length; i++) {
    const byte = made[i];
    if (byte !== CALL && !(hasJumps && byte === JUMP)) continue;
    const offset = at + i + 1;
    const target = made.readInt32LE(i + 1);
    if (target < 0) {
      if (((target + offset) | 0) >= 0) made.writeInt32LE((target + CALL_SPACE) | 0, i + 1);
    } else if (target < CALL_SPACE) made.writeInt32LE((target - offset) | 0, i + 1);
    i += 4;
  }
  return made;
}

/** Differences of bytes that stand `channels` apart, channel after channel. */
export function filterDelta(bytes: Buffer, channels: number): Buffer {
  if (channels < 1) return bytes;
  const made = Buffer.alloc(bytes.length);
  let from = 0;
  for (let channel = 0; channel < Math.min(channels, bytes.length); channel++) {
    let last = 0;
    for (let at = channel; at < bytes.length; at += channels) {
      last = (last - (bytes[from++] as number)) & 255;
      made[at] = last;
    }
  }
  return made;
}

/** Pixels of three bytes, each guessed from its neighbours; red and blue as differences to green. */
export function filterPicture(bytes: Buffer, rowBytes: number, redAt: number): Buffer {
  const made = Buffer.alloc(bytes.length);
  const width = rowBytes - 3;
  let from = 0;
  for (let channel = 0; channel < 3; channel++) {
    let last = 0;
    for (let at = channel; at < bytes.length; at += 3) {
      const upper = at - width;
      const guess = upper >= 3 ? predicted(last, made[upper] ?? 0, made[upper - 3] ?? 0) : last;
      last = (guess - (bytes[from++] as number)) & 255;
      made[at] = last;
    }
  }
  for (let at = redAt; at + 2 < made.length; at += 3) {
    const green = made[at + 1] as number;
    made[at] = ((made[at] as number) + green) & 255;
    made[at + 2] = ((made[at + 2] as number) + green) & 255;
  }
  return made;
}

// The neighbour that is nearest to left + upper - upper left, as in PNG.
function predicted(left: number, upper: number, upperLeft: number): number {
  const guess = left + upper - upperLeft;
  const [a, b, c] = [guess - left, guess - upper, guess - upperLeft].map(Math.abs) as [
    number,
    number,
    number,
  ];
  if (a <= b && a <= c) return left;
  return b <= c ? upper : upperLeft;
}

const WEIGHTS = 3;
const ADAPT_EVERY = 32;

/** Sound: each byte guessed from the last ones, with weights that follow what would have been best. */
export function filterAudio(bytes: Buffer, channels: number): Buffer {
  if (channels < 1) return bytes;
  const made = Buffer.alloc(bytes.length);
  let from = 0;
  for (let channel = 0; channel < Math.min(channels, bytes.length); channel++) {
    const weights = [0, 0, 0];
    const slopes = [0, 0, 0];
    const errors = new Array<number>(1 + 2 * WEIGHTS).fill(0);
    let [last, lastDelta] = [0, 0];
    for (let at = channel, count = 0; at < bytes.length; at += channels, count++) {
      const [first = 0, second = 0] = slopes;
      slopes[2] = second;
      slopes[1] = lastDelta - first;
      slopes[0] = lastDelta;
      let sum = 8 * last;
      for (let i = 0; i < WEIGHTS; i++) sum += (weights[i] as number) * (slopes[i] as number);
      const byte = bytes[from++] as number;
      const value = (((sum >> 3) & 255) - byte) & 255;
      made[at] = value;
      lastDelta = signed(value - last);
      last = value;
      addErrors(errors, slopes, signed(byte) * 8);
      if (count % ADAPT_EVERY === 0) adapt(errors, weights);
    }
  }
  return made;
}

function signed(value: number): number {
  return (value << 24) >> 24;
}

function addErrors(errors: number[], slopes: readonly number[], difference: number): void {
  errors[0] = (errors[0] as number) + Math.abs(difference);
  for (const [i, slope] of slopes.entries()) {
    errors[2 * i + 1] = (errors[2 * i + 1] as number) + Math.abs(difference - slope);
    errors[2 * i + 2] = (errors[2 * i + 2] as number) + Math.abs(difference + slope);
  }
}
