// Counts events by key within a sliding span of time, with a bounded number of keys: two counters for
// each key, of this span and of the one before, of which the older one fades.

/** What a meter is made with. */
export interface RateMeterOptions {
  readonly withinMs: number;
  /** Keys that are remembered; further ones are counted as if they came for the first time. */
  readonly keysMax?: number;
}

const KEYS_MAX = 100_000;

/** Events of the last `withinMs`, by key. */
export class RateMeter {
  readonly #withinMs: number;
  readonly #keysMax: number;
  #span = Number.NEGATIVE_INFINITY;
  #current = new Map<string, number>();
  #previous = new Map<string, number>();

  constructor({ withinMs, keysMax = KEYS_MAX }: RateMeterOptions) {
    this.#withinMs = withinMs;
    this.#keysMax = keysMax;
  }

  /** Notes `count` events at `now`, a steady clock's milliseconds. */
  add(key: string, now: number, count = 1): void {
    this.#turn(now);
    const before = this.#current.get(key);
    // A flood of keys must not fill the memory; those that are counted go on being counted.
    if (before === undefined && this.#current.size >= this.#keysMax) return;
    this.#current.set(key, (before ?? 0) + count);
  }

  /** Events within the last span, rounded up; those of the span before are taken to be even. */
  count(key: string, now: number): number {
    this.#turn(now);
    const share = 1 - (now / this.#withinMs - this.#span);
    const older = (this.#previous.get(key) ?? 0) * share;
    return Math.ceil((this.#current.get(key) ?? 0) + older);
  }

  /** Forgets a key. */
  clear(key: string): void {
    this.#current.delete(key);
    this.#previous.delete(key);
  }

  #turn(now: number): void {
    const span = Math.floor(now / this.#withinMs);
    if (span <= this.#span) return;
    this.#previous = span === this.#span + 1 ? this.#current : new Map();
    this.#current = new Map();
    this.#span = span;
  }
}
