// What is remembered of a feed beside its files: when it was tried and what came of it, until when to
// leave its server alone, and what its source wants to know the next time.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeAtomically } from "../../base/file/atomic-file.ts";
import type { SourceState, UpdateFault } from "../source.ts";

/** What came of the last try. */
export interface LastResult {
  /** "rejected": it was fetched and did not pass the trial; the set in use stays. */
  readonly kind: "updated" | "current" | "rejected" | UpdateFault;
  /** For an administrator; "" if all is well. */
  readonly reason: string;
  /** Bytes that came over the wire. */
  readonly transferred: number;
}

/** A version that is not to be taken again. */
export interface Withheld {
  readonly id: string;
  readonly version: string;
  readonly reason: string;
  /** The gw that said so: a newer one tries again. */
  readonly by: string;
}

/** All that is remembered of a feed. Times are milliseconds since the epoch, 0 for never. */
export interface FeedRecord {
  readonly triedAt: number;
  /** When it was last found to be up to date, or was updated. */
  readonly currentAt: number;
  readonly result: LastResult;
  /** Not to be asked before. */
  readonly retryAt: number;
  readonly withheld: readonly Withheld[];
  /** The version that `state.offered` is of, "" for none. */
  readonly offeredId: string;
  readonly state: SourceState;
}

const FILE = "record.json";
const SIZE_MAX = 8 * 1024 * 1024;
const WITHHELD_MAX = 20;

const NEW: Omit<FeedRecord, "state"> = {
  triedAt: 0,
  currentAt: 0,
  result: { kind: "current", reason: "", transferred: 0 },
  retryAt: 0,
  withheld: [],
  offeredId: "",
};

/** The records of the feeds of one data folder. */
export class FeedRecords {
  readonly #folder: string;

  /** `folder` is the shelf's. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A feed's record, whose `state` may be changed in place; an empty one if there is none. */
  read(feed: string): FeedRecord {
    const empty = { ...NEW, state: { kept: {}, offered: {} } };
    try {
      const text = readFileSync(join(this.#folder, feed, FILE), "utf8");
      if (text.length > SIZE_MAX) return empty;
      const { kept = {}, offered = {} } = JSON.parse(text).state ?? {};
      return { ...NEW, ...JSON.parse(text), state: { kept, offered } };
    } catch {
      // Not there yet; or lost, and then the feed is fetched as if it were new.
      return empty;
    }
  }

  /** Writes a record down, durably. */
  write(feed: string, record: FeedRecord): void {
    const withheld = record.withheld.slice(-WITHHELD_MAX);
    makeFolder(join(this.#folder, feed));
    const text = JSON.stringify({ ...record, withheld });
    writeAtomically(join(this.#folder, feed, FILE), `${text}\n`);
  }
}
