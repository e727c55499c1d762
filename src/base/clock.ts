// Time, passed in so that tests can hold it.

/** Spans in milliseconds. */
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Milliseconds since the epoch, and a steady counter for durations. */
export interface Clock {
  now(): number;
  /** Milliseconds on a clock that never steps back. */
  steady(): number;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now(), steady: () => performance.now() };
