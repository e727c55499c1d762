// Watches what scanning gives after an update. A set that passed its trial can still be wrong about a
// site's mail: if far more is found, or fails, than before, it is better to go back and let somebody
// look.

/** Messages since the start of the gateway. */
export interface ScanCounts {
  readonly scanned: number;
  /** Of those, infected or suspicious. */
  readonly found: number;
  /** Of those, not wholly scanned. */
  readonly failed: number;
}

/** When it is decided, and how. */
export interface WatchLimits {
  /** How long after an update. */
  readonly timeMs: number;
  /** Messages before and after without which nothing is decided. */
  readonly messages: number;
  /** Percentage points by which shares may rise. */
  readonly foundRise: number;
  readonly failedRise: number;
}

interface Sample {
  readonly at: number;
  readonly counts: ScanCounts;
}

/** The time before an update with which it is compared, and how often it is sampled in it. */
const BEFORE_MS = 24 * 3_600_000;
const SAMPLE_EVERY_MS = 5 * 60_000;

const NONE: ScanCounts = { scanned: 0, found: 0, failed: 0 };

function difference(late: ScanCounts, early: ScanCounts): ScanCounts {
  return {
    scanned: late.scanned - early.scanned,
    found: late.found - early.found,
    failed: late.failed - early.failed,
  };
}

const share = (part: number, of: ScanCounts) => (100 * part) / Math.max(1, of.scanned);

/** Compares the mail after an update with that before it. */
export class ScanWatch {
  #samples: Sample[] = [{ at: Number.NEGATIVE_INFINITY, counts: NONE }];
  #update:
    | { readonly at: number; readonly counts: ScanCounts; readonly before: ScanCounts }
    | undefined;

  /** Notes how things are; to be called now and then. */
  sample(at: number, counts: ScanCounts): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < SAMPLE_EVERY_MS) return;
    // One older than the time that matters is kept: the next counts from there.
    const keep = this.#samples.findLastIndex((each) => each.at <= at - BEFORE_MS);
    this.#samples = [...this.#samples.slice(Math.max(0, keep)), { at, counts }];
  }

  /** New signatures are in use. `isWatched` false: nothing is decided about them. */
  changed(at: number, counts: ScanCounts, isWatched: boolean): void {
    const [oldest] = this.#samples;
    const before = difference(counts, oldest?.counts ?? NONE);
    this.#update = isWatched ? { at, counts, before } : undefined;
    // The next one is compared with mail that these signatures have seen.
    this.#samples = [{ at, counts }];
  }

  /** Why it is to be gone back; "" if it is not. */
  decide(at: number, counts: ScanCounts, limits: WatchLimits): string {
    const update = this.#update;
    if (update === undefined) return "";
    if (at - update.at > limits.timeMs) {
      this.#update = undefined;
      return "";
    }
    const { before } = update;
    const after = difference(counts, update.counts);
    if (before.scanned < limits.messages || after.scanned < limits.messages) return "";
    const say = (what: string, part: keyof ScanCounts, rise: number) => {
      const [old, now] = [share(before[part], before), share(after[part], after)];
      if (now - old <= rise) return "";
      return `the share of messages ${what} rose from ${old.toFixed(1)} % to ${now.toFixed(1)} % (of ${after.scanned} since the update)`;
    };
    return (
      say("in which something is found", "found", limits.foundRise) ||
      say("that can't be scanned", "failed", limits.failedRise)
    );
  }
}
