// When a deferred recipient is tried again: soon at first, then ever more rarely, and never after
// its time is up. RFC 5321 §4.5.4.1.

/** How long to wait and when to give up, milliseconds. */
export interface BackoffOptions {
  /** Wait after the first attempt; doubled after each further one. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Time in the queue after which a deferred recipient counts as failed. */
  readonly lifetimeMs: number;
  /** Age from which the sender is told of the delay, once; 0 is never. */
  readonly delayWarningMs: number;
}

/** RFC 5321 §4.5.4.1 wants retries after 30 minutes or more, and 4 to 5 days in all; the first few
 * come sooner, since most deferrals are greylisting or a busy server. */
export const DEFAULT_BACKOFF: BackoffOptions = {
  delayMinMs: 5 * 60_000,
  delayMaxMs: 60 * 60_000,
  lifetimeMs: 5 * 24 * 60 * 60_000,
  delayWarningMs: 0,
};

/** What is known of a deferred recipient. */
export interface Deferral {
  /** Attempts so far, the one just made included. */
  readonly attempts: number;
  /** Reply of the next hop. */
  readonly reply: string;
  readonly queuedAt: number;
  readonly now: number;
}

/** Spread of a delay, so that what was deferred together does not come back together. */
const JITTER = 0.2;
// A greylisting server takes the mail at the second try, some minutes later (RFC 6647 §5.1): the
// ordinary delay would make every first contact wait for nothing.
const GREYLIST = /^45[01]\b.*gr[ea]y-?\s?list/is;
const GREYLIST_DELAYS_MS = [60_000, 3 * 60_000, 5 * 60_000, 10 * 60_000];

/** When to try again, or undefined when time is up. `random` gives numbers in [0, 1). */
export function nextAttemptAt(
  options: BackoffOptions,
  deferral: Deferral,
  random: () => number,
): number | undefined {
  const { attempts, reply, queuedAt, now } = deferral;
  const expiresAt = queuedAt + options.lifetimeMs;
  if (now >= expiresAt) return undefined;
  const doublings = Math.min(Math.max(attempts - 1, 0), 30);
  const ordinary = Math.min(options.delayMinMs * 2 ** doublings, options.delayMaxMs);
  const grey = GREYLIST.test(reply) ? GREYLIST_DELAYS_MS[attempts - 1] : undefined;
  const spread = 1 + JITTER * (random() * 2 - 1);
  const delay = Math.min(grey ?? ordinary, ordinary) * spread;
  // The last attempt is made when time is up, not up to an hour before.
  return Math.min(Math.round(now + delay), expiresAt);
}
