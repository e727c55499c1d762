// What came of an update, for people and programs.
import type { Log } from "../../base/log.ts";
import type { LastResult } from "../../update/shelf/record.ts";
import type { FeedSet } from "../../update/shelf/shelf.ts";
import type { FeedLoad } from "./prepare.ts";

/** What came of one feed. */
export interface FeedOutcome {
  readonly feed: string;
  /** "paused": its server asked to be left alone for a time. */
  readonly kind: LastResult["kind"] | "paused";
  /** Version in use before, and now; "" for none. */
  readonly before: string;
  readonly version: string;
  /** Why, if it is neither updated nor current. */
  readonly reason: string;
  readonly transferred: number;
  /** What became of its files, if it was updated. */
  readonly load?: FeedLoad;
}

/** What came of an update. */
export interface UpdateReport {
  readonly at: number;
  readonly outcomes: readonly FeedOutcome[];
  /** The set that was put into use, if there is a new one. */
  readonly set?: FeedSet;
  /** Why the command after the update failed; "" if it did not. */
  readonly postCommand?: string;
}

/** Exit codes of `gw update`, those of version 5.5. */
export const UPDATE_EXIT = {
  current: 0,
  updated: 1,
  critical: 10,
  postCommand: 30,
  licence: 60,
  config: 75,
} as const;

/** The exit code that an update ends with. */
export function exitOf({ outcomes, set, postCommand }: UpdateReport): number {
  const good: readonly FeedOutcome["kind"][] = ["updated", "current", "paused"];
  const failures = outcomes.filter(({ kind }) => !good.includes(kind));
  if (failures.some(({ kind }) => kind !== "licence")) return UPDATE_EXIT.critical;
  if (failures.length > 0) return UPDATE_EXIT.licence;
  if ((postCommand ?? "") !== "") return UPDATE_EXIT.postCommand;
  return set === undefined ? UPDATE_EXIT.current : UPDATE_EXIT.updated;
}

/** Logs what came of one feed. */
export function tellOutcome(
  log: Log,
  { feed, kind, version, reason, transferred }: FeedOutcome,
): void {
  const fields = { feed, version, transferred };
  if (kind === "updated" || kind === "current") log.info(`feed-${kind}`, fields);
  else if (kind === "paused") log.info("feed-paused", { feed, cause: reason });
  else log.error("feed-failed", { feed, kind, cause: reason });
}

/** Logs that a set was put on disk, in place of the one before. */
export function tellSet(log: Log, { number, cause, signatures, identity }: FeedSet): void {
  log.info("signatures-installed", { set: number, cause, signatures, identity });
}

/** Logs how the command after an update of these feeds ended; "" for well. */
export function tellPostCommand(log: Log, feeds: readonly string[], failure: string): void {
  if (failure === "") log.info("post-command", { feeds: feeds.join(" ") });
  else log.error("post-command-failed", { cause: failure });
}
