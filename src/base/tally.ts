// Counts of what is there now, in all and by key, with a limit on both.

/** Limits of a `Tally`. */
export interface TallyLimits {
  readonly totalMax: number;
  readonly perKeyMax: number;
}

/** Counts things that come and go. Its size is bounded by `totalMax`. */
export class Tally {
  readonly #counts = new Map<string, number>();
  #total = 0;

  /** Counts one; false, and nothing is counted, if that would pass a limit. */
  enter(key: string, limits: TallyLimits): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (this.#total >= limits.totalMax || count >= limits.perKeyMax) return false;
    this.#counts.set(key, count + 1);
    this.#total++;
    return true;
  }

  /** Takes one away that `enter()` counted. */
  leave(key: string): void {
    const count = this.#counts.get(key);
    if (count === undefined) return;
    if (count === 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
    this.#total--;
  }

  get total(): number {
    return this.#total;
  }
}
