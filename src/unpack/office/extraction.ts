// What an office unpacker gives out, asked of the budget piece by piece, and what went wrong on the
// way.

import type { Budget } from "../../base/budget.ts";
import type { Extract } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { Tally } from "../tally.ts";

const REFUSALS_MAX = 16;

/** One run of an unpacker. */
export class Extraction {
  readonly budget: Budget;
  readonly tally = new Tally();
  #refusals = 0;
  #isStopped = false;

  constructor(budget: Budget) {
    this.budget = budget;
  }

  /** Whether nothing more can be given out: a limit or the deadline was reached. */
  get isStopped(): boolean {
    if (!this.#isStopped && this.budget.isExpired) this.stop("time limit reached");
    return this.#isStopped;
  }

  /** Ends the run; what was not looked at is told as unscanned. */
  stop(reason: string): void {
    this.#isStopped = true;
    this.tally.add("unscanned", reason);
  }

  /** Takes `size` bytes for the object `name` from the budget; false if it may not be had. */
  accepts(size: number, name: string): boolean {
    if (this.isStopped) return false;
    if (this.budget.takeObject(size)) return true;
    if (size <= this.budget.bytesLeft) this.stop("too many objects");
    else {
      this.tally.add("unscanned", "larger than what may still be extracted", cleanName(name));
      // Each refusal costs time, and a hostile file has any number of them.
      if (++this.#refusals >= REFUSALS_MAX) this.#isStopped = true;
    }
    return false;
  }

  /** Gives out one object, if the budget has room for it; empty ones are left out. */
  *give(name: string, bytes: Uint8Array, declaredType = ""): Generator<Extract> {
    if (bytes.length === 0 || !this.accepts(bytes.length, name)) return;
    yield { name: cleanName(name) || "stream", declaredType, bytes };
  }
}
