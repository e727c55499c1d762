// What taking one message apart may cost. One budget is shared by everything that is extracted from
// the message, so that no nesting multiplies it.

import { Passwords } from "./password/passwords.ts";

/** Bounds for one message or file. */
export interface Limits {
  /** Largest object that is scanned, bytes. */
  readonly objectSizeMax: number;
  /** All extracted bytes together. */
  readonly expandedSizeMax: number;
  readonly objectCountMax: number;
  /** How deep objects may lie in each other; the message is at depth 0. */
  readonly depthMax: number;
  /** Milliseconds for the whole message. */
  readonly timeMaxMs: number;
}

/** Counts what has been used of `Limits`. Every taker asks before it takes. */
export class Budget {
  readonly limits: Limits;
  /** What encrypted objects are tried with; trials cost time, which is bounded like the rest. */
  readonly passwords: Passwords;
  readonly #expiresAt: number;
  readonly #steady: () => number;
  #bytes = 0;
  #objects = 0;

  /** Without `passwords` only the usual ones are tried. */
  constructor(limits: Limits, steady: () => number, passwords?: Passwords) {
    this.limits = limits;
    this.passwords = passwords ?? new Passwords({ listed: [], texts: () => [] }, limits, steady);
    this.#steady = steady;
    this.#expiresAt = steady() + limits.timeMaxMs;
  }

  /** Bytes that may still be extracted, for one object. */
  get bytesLeft(): number {
    return Math.min(this.limits.objectSizeMax, this.limits.expandedSizeMax - this.#bytes);
  }

  /** Takes one object of `size` bytes; false if a limit would be passed (nothing is taken then). */
  takeObject(size: number): boolean {
    if (size > this.bytesLeft || this.#objects >= this.limits.objectCountMax) return false;
    this.#bytes += size;
    this.#objects++;
    return true;
  }

  get isExpired(): boolean {
    return this.#steady() > this.#expiresAt;
  }
}
