// How old the signatures of each feed are, what came of the last try, and when the next one is due.
import { createHash } from "node:crypto";
import type { Config } from "../../../config/schema.ts";
import type { FeedSettings } from "../../../config/tables.ts";
import { roundDuration } from "../../../text/units.ts";
import { type FeedRecord, FeedRecords } from "../../../update/shelf/record.ts";
import { type FeedSet, Shelf } from "../../../update/shelf/shelf.ts";
import { ShelfError } from "../../../update/shelf/version.ts";

/** A feed at one moment. Times are milliseconds since the epoch, 0 for never. */
export interface FeedStatus {
  readonly feed: string;
  readonly type: FeedSettings["type"];
  readonly enabled: boolean;
  /** Version in use, "" for none. */
  readonly version: string;
  readonly fetchedAt: number;
  readonly files: number;
  readonly size: number;
  readonly triedAt: number;
  /** When it was last found to be up to date. */
  readonly currentAt: number;
  readonly result: FeedRecord["result"];
  /** When a gateway that runs tries again; 0 if it does not. */
  readonly nextAt: number;
  /** What is wrong, "" if nothing is. */
  readonly warning: string;
}

/** All feeds at one moment. */
export interface UpdateStatus {
  /** Number of the set in use, 0 for none. */
  readonly set: number;
  readonly installedAt: number;
  readonly cause: FeedSet["cause"];
  readonly signatures: number;
  /** Sets that can be gone back to. */
  readonly earlier: number;
  readonly feeds: readonly FeedStatus[];
}

const RETRY_MAX_MS = 10 * 60_000;
/** Part of the interval by which a try may be earlier or later. */
const JITTER = 0.1;

/**
 * When a feed is due: an interval after the last try, or sooner if nobody answered. The jitter comes
 * from the time of that try, so that who asks does not change it.
 */
export function dueAt({ name, interval }: FeedSettings, record: FeedRecord): number {
  const { triedAt, retryAt, result } = record;
  if (triedAt === 0) return 0;
  const hash = createHash("sha256").update(`${name} ${triedAt}`).digest().readUInt32LE() / 2 ** 32;
  const wait = result.kind === "unreachable" ? Math.min(interval, RETRY_MAX_MS) : interval;
  return Math.max(retryAt, Math.round(triedAt + wait * (1 - JITTER + 2 * JITTER * hash)));
}

function warningOf(feed: FeedSettings, { currentAt, result }: FeedRecord, now: number): string {
  if (!feed.enabled || now - currentAt <= feed.age_max) return "";
  const why = result.reason === "" ? "" : `: ${result.reason}`;
  if (currentAt === 0) return `feed ${feed.name} was never fetched${why}`;
  return `feed ${feed.name} was last up to date ${roundDuration(now - currentAt)} ago${why}`;
}

/** The state of all feeds of a configuration. */
export function updateStatus(config: Config, now: number): UpdateStatus {
  const shelf = new Shelf(config["server.data_dir"]);
  const records = new FeedRecords(shelf.folder);
  let set: FeedSet | undefined;
  let earlier = 0;
  try {
    set = shelf.current;
    earlier = shelf.earlier.length;
  } catch (error) {
    // What is damaged is told by whoever reads the files.
    if (!(error instanceof ShelfError)) throw error;
  }
  const feeds = config.feed.map((feed): FeedStatus => {
    const record = records.read(feed.name);
    const inUse = set?.feeds[feed.name];
    const { triedAt, currentAt, result } = record;
    const isScheduled = feed.enabled && config["update.automatic"];
    return {
      ...{ feed: feed.name, type: feed.type, enabled: feed.enabled },
      version: inUse?.version ?? "",
      fetchedAt: inUse?.fetchedAt ?? 0,
      files: inUse?.files ?? 0,
      size: inUse?.size ?? 0,
      ...{ triedAt, currentAt, result },
      nextAt: isScheduled ? Math.max(dueAt(feed, record), triedAt === 0 ? now : 0) : 0,
      warning: warningOf(feed, record, now),
    };
  });
  return {
    set: set?.number ?? 0,
    installedAt: set?.at ?? 0,
    cause: set?.cause ?? "update",
    signatures: set?.signatures ?? 0,
    ...{ earlier, feeds },
  };
}
