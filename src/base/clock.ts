// Time, passed in so that tests can hold it.

/** Milliseconds since the epoch, and a steady counter for durations. */
export interface Clock {
  now(): number;
  /** Milliseconds on a clock that never steps back. */
  steady(): number;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now(), steady: () => performance.now() };
