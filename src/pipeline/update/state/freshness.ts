// How old the signatures are, and what is wrong with feeds and licences. It stands in small files, and
// is asked for with every look at the statistics: it is kept in memory, and read anew now and then.
import type { Clock } from "../../../base/clock.ts";
import type { Config } from "../../../config/schema.ts";
import { updateStatus } from "./status.ts";

/** How long what was read is good for; a command in another process may have changed it. */
export const READ_EVERY_MS = 10_000;

interface FreshnessParts {
  readonly config: () => Config;
  readonly clock: Clock;
  /** What is wrong with licences, in sentences. */
  readonly licences: (now: number) => readonly string[];
}

interface Known {
  readonly config: Config;
  readonly readAt: number;
  /** When the oldest feed in use was last up to date, 0 if there is none. */
  readonly currentAt: number;
  readonly warnings: readonly string[];
}

/** What is known of the feeds of one gateway. */
export class Freshness {
  readonly #parts: FreshnessParts;
  #known: Known | undefined;

  constructor(parts: FreshnessParts) {
    this.#parts = parts;
  }

  /** What is wrong with feeds and licences, in sentences. */
  warnings(): readonly string[] {
    return this.#read().warnings;
  }

  /** Seconds since the oldest feed in use was last up to date; -1 if there is none. */
  ageSeconds(): number {
    const { currentAt } = this.#read();
    return currentAt === 0 ? -1 : Math.round((this.#parts.clock.now() - currentAt) / 1000);
  }

  /** Has the next question answered from disk: something was installed, or tried. */
  forget(): void {
    this.#known = undefined;
  }

  #read(): Known {
    const { clock, licences } = this.#parts;
    const config = this.#parts.config();
    const readAt = clock.steady();
    const known = this.#known;
    if (known?.config === config && readAt - known.readAt < READ_EVERY_MS) return known;
    const now = clock.now();
    const { feeds } = updateStatus(config, now);
    const times = feeds.filter(({ enabled }) => enabled).map(({ currentAt }) => currentAt);
    const old = feeds.map(({ warning }) => warning).filter((warning) => warning !== "");
    const warnings = [...old, ...licences(now)];
    const currentAt = times.length === 0 ? 0 : Math.min(...times);
    this.#known = { config, readAt, currentAt, warnings };
    return this.#known;
  }
}
