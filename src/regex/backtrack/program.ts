// The instructions of the executor that goes back: for references, looks, atomic groups, calls.
import type { ByteSet } from "../byte-set.ts";

/** Words of an instruction: its kind and up to five operands. */
export const INSTRUCTION_SIZE = 6;

/** Kinds of instruction, with their operands. R is the number of a register. */
export const OP = {
  /** The whole has matched; in a call of it, it returns. */
  match: 0,
  fail: 1,
  /** Byte. */
  byte: 2,
  /** Number of a set. */
  set: 3,
  /** Set, min, max, greed (see GREED): a repeated set. */
  run: 4,
  /** To try first, to try then. */
  split: 5,
  jump: 6,
  /** R that takes the position. */
  save: 7,
  /** Number of an assertion. */
  assert: 8,
  /** Number of a list of groups, 1 if both cases are equal. */
  reference: 9,
  /** R that takes the height of the stack, R that takes the position. */
  enter: 10,
  /** The same: what was pushed since is forgotten. */
  commit: 11,
  /** R of a position to go back to. */
  restore: 12,
  /** R with a height of the stack: what was done since is undone, and this way fails. */
  refuse: 13,
  /** Bytes to go back. */
  back: 14,
  /** R of a counter; the next register takes where a pass began. */
  countFrom0: 15,
  /** R of a counter, min, max, where to go on behind, 1 if lazy. */
  count: 16,
  /** R of a counter: a pass begins. */
  pass: 17,
  /** Instruction, group. */
  call: 18,
  /** Group: returns if it has been called. */
  return: 19,
  /** Group, where to go on if it has not matched. */
  ifGroup: 20,
  /** Where to go on when this way fails. */
  orElse: 21,
  /** Group, R of where it was opened: it has matched up to here. */
  close: 22,
} as const;

/** How a run of one set chooses. */
export const GREED = { greedy: 0, lazy: 1, possessive: 2 } as const;

/** No bound. */
export const ENDLESS = 0x7fffffff;

/** A compiled expression. */
export interface BacktrackProgram {
  readonly code: Int32Array;
  /** 256 bytes for each set: 1 for what is in it. */
  readonly sets: Uint8Array;
  /** Groups that references look at. */
  readonly references: readonly (readonly number[])[];
  /** Registers: two for each group from 0 on, then others. */
  readonly registerCount: number;
  readonly groupCount: number;
}

/** Sets of a program under way. */
export class SetTable {
  readonly #sets: ByteSet[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf(set: ByteSet): number {
    const known = this.#numbers.get(set.key);
    if (known !== undefined) return known;
    this.#numbers.set(set.key, this.#sets.length);
    return this.#sets.push(set) - 1;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(256 * this.#sets.length);
    for (const [number, set] of this.#sets.entries()) {
      for (const byte of set.bytes()) bytes[256 * number + byte] = 1;
    }
    return bytes;
  }
}
