// How every archive reader hands over what it found: the budget is asked, refusals are counted, and
// what went wrong is gathered for the archive's own status.

import type { Budget } from "../../base/budget.ts";
import { isBlank } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { Tally } from "../tally.ts";

/** Entries that proved too large before we stop trying: each costs as much as a large object. */
const REFUSALS_MAX = 8;
/** Entries looked at in one archive, with or without content. */
const ENTRIES_MAX = 100_000;

/** Hands over one archive's files within the budget. */
export class Giver {
  readonly #budget: Budget;
  readonly #tally = new Tally();
  #refusals = 0;
  #entries = 0;
  #isStopped = false;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Bytes that one more file may have. */
  get room(): number {
    return this.#isStopped ? 0 : this.#budget.bytesLeft;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get outcome(): Explosion {
    return this.#tally.outcome;
  }

  /** Counts one more entry; false if the archive may not be read on. */
  enter(): boolean {
    if (this.#isStopped) return false;
    if (++this.#entries > ENTRIES_MAX) this.stop(`more than ${ENTRIES_MAX} entries`);
    return this.goesOn();
  }

  /** For loops that yield nothing for long: false once time is up. */
  goesOn(): boolean {
    if (!this.#isStopped && this.#budget.isExpired) this.stop("time limit reached");
    return !this.#isStopped;
  }

  /** Yields one file, if the budget lets it pass. */
  *give(name: string, bytes: Uint8Array): Generator<Extract> {
    if (this.#isStopped) return;
    const clean = cleanName(name) || "content";
    if (this.#budget.takeObject(bytes.length)) yield { name: clean, declaredType: "", bytes };
    else if (bytes.length <= this.#budget.bytesLeft) this.stop("too many objects");
    else this.refuse(clean);
  }

  /** Yields what stands behind the archive's end, unless it is padding. */
  *giveRest(bytes: Uint8Array, at: number): Generator<Extract> {
    if (at >= bytes.length || isBlank(bytes, at)) return;
    yield* this.give("data behind the archive", bytes.subarray(at));
  }

  /** Notes that a file is larger than what may still be extracted. */
  refuse(name: string): void {
    this.#tally.add("unscanned", "larger than what may still be extracted", cleanName(name));
    if (++this.#refusals >= REFUSALS_MAX) this.#isStopped = true;
  }

  /** Notes that the archive, or its entry `name`, could not be read as it should. */
  note(status: "protected" | "damaged" | "unscanned", reason: string, name = ""): void {
    this.#tally.add(status, reason, cleanName(name));
  }

  /** Notes which password opened the archive, or something in it. */
  notePassword(password: string): void {
    this.#tally.remarkPassword(password);
  }

  /** Ends the reading: what follows remains unscanned. */
  stop(reason: string): void {
    this.#isStopped = true;
    this.#tally.add("unscanned", reason);
  }
}
