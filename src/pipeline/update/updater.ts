// The journey of an update: fetch ─> verify ─> compile ─> try ─> swap. Up to the swap nothing that is
// in use is touched, and whatever goes wrong leaves it as it is; the swap is one renamed file.
import type { Clock } from "../../base/clock.ts";
import { describeError, type Log } from "../../base/log.ts";
import { VERSION } from "../../base/version.ts";
import type { Config } from "../../config/schema.ts";
import type { FeedSettings } from "../../config/tables.ts";
import type { CoreModule } from "../../gwdb/core.ts";
import { lockShelf } from "../../update/shelf/lock.ts";
import { type FeedRecord, FeedRecords } from "../../update/shelf/record.ts";
import { type FeedSet, type FeedVersion, NOTHING, Shelf } from "../../update/shelf/shelf.ts";
import { ShelfError } from "../../update/shelf/version.ts";
import { type Progress, type Source, UpdateError } from "../../update/source.ts";
import { limitsOf } from "../scanning.ts";
import { placesOf } from "../signatures/gather.ts";
import { checkLicence } from "./licensing.ts";
import {
  type FeedOutcome,
  tellOutcome,
  tellPostCommand,
  tellSet,
  type UpdateReport,
} from "./outcome.ts";
import { runPostCommand } from "./post-command.ts";
import { type Prepared, prepareSet } from "./prepare.ts";

/** What updates are made with. */
export interface UpdaterParts {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly sourceOf: (feed: FeedSettings) => Source;
  /** Room for so many scanning threads in what is made ready. */
  readonly arenas: number;
  /** The core that runs already, if one does. */
  readonly core?: CoreModule | undefined;
  /** A set was put into use. What it throws is logged: the set is on disk and will be used. */
  readonly onSet: (set: FeedSet, ready: ReadySet) => Promise<void>;
}

/** A set that is loaded. */
export type ReadySet = Extract<Prepared, { readonly kind: "ready" }>;

/** One update. */
export interface UpdateOptions {
  /** Names of feeds; undefined for all that are enabled. */
  readonly feeds?: readonly string[] | undefined;
  /** Fetch all anew, and take again what was withheld. Pauses that servers asked for still hold. */
  readonly isForced?: boolean;
  readonly signal: AbortSignal;
  readonly progress?: (feed: string, step: Progress) => void;
}

interface Fetch {
  readonly feed: string;
  /** What was remembered before, and is now. */
  readonly before: FeedRecord;
  readonly record: FeedRecord;
  readonly outcome: FeedOutcome;
  /** What has to pass the trial. */
  readonly fresh?: FeedVersion;
}

/** Updates and goes back, one at a time. */
export class Updater {
  readonly #parts: UpdaterParts;
  readonly #shelf: Shelf;
  readonly #records: FeedRecords;

  constructor(parts: UpdaterParts) {
    this.#parts = parts;
    this.#shelf = new Shelf(parts.config["server.data_dir"]);
    this.#records = new FeedRecords(this.#shelf.folder);
  }

  /** Updates feeds. Throws UpdateError if it can't even begin: another update, no such feed. */
  async update(options: UpdateOptions): Promise<UpdateReport> {
    const { config, clock } = this.#parts;
    const feeds = chosenFeeds(config.feed, options.feeds);
    const lock = lockShelf(this.#shelf.folder);
    try {
      const before = this.#current();
      const fetches: Fetch[] = [];
      for (const feed of feeds) fetches.push(await this.#fetch(feed, before, options));
      const installed = await this.#install(fetches, before);
      for (const { feed, record } of installed.fetches) this.#write(feed, record);
      const outcomes = installed.fetches.map(({ outcome }) => outcome);
      for (const outcome of outcomes) tellOutcome(this.#parts.log, outcome);
      this.#prune();
      if (installed.set === undefined) return { at: clock.now(), outcomes };
      return { at: clock.now(), outcomes, set: installed.set, ...(await this.#after(outcomes)) };
    } catch (error) {
      // What was fetched must not keep a full disk full.
      this.#prune();
      throw asUpdateError(error);
    } finally {
      lock.release();
    }
  }

  /**
   * Goes back by `steps` sets. What is left is not taken again by an update; something newer is.
   * Throws UpdateError if there is nothing to go back to.
   */
  async rollback(
    steps: number,
    cause: "rollback" | "watch" = "rollback",
    reason = "gw update rollback",
  ): Promise<FeedSet> {
    const lock = lockShelf(this.#shelf.folder);
    try {
      const before = this.#current();
      const target = this.#shelf.earlier[steps - 1];
      if (target === undefined) {
        const count = this.#shelf.earlier.length;
        throw new UpdateError("invalid", `there are only ${count} earlier sets to go back to`);
      }
      const ready = await this.#prepare({ ...target, number: 0 }, false);
      if (ready.kind !== "ready") throw new UpdateError("invalid", ready.reason);
      for (const [feed, version] of Object.entries(before?.feeds ?? {})) {
        if (target.feeds[feed]?.id === version.id) continue;
        const record = this.#records.read(feed);
        const kind = "rejected" as const;
        const result = { kind, reason: `withheld: ${reason}`, transferred: 0 };
        this.#write(feed, { ...withhold(record, version, reason), result });
      }
      return await this.#commit({ feeds: target.feeds, cause, restores: target.number }, ready);
    } finally {
      lock.release();
    }
  }

  // What can't be read is as good as not there: everything is fetched anew.
  #current(): FeedSet | undefined {
    try {
      const set = this.#shelf.current;
      if (set !== undefined) this.#shelf.readFiles(set);
      return set;
    } catch (error) {
      if (!(error instanceof ShelfError)) throw error;
      this.#parts.log.error("signatures-damaged", { cause: describeError(error) });
      return undefined;
    }
  }

  async #fetch(
    { name: feed }: FeedSettings,
    before: FeedSet | undefined,
    options: UpdateOptions,
  ): Promise<Fetch> {
    const { clock, config, sourceOf } = this.#parts;
    const now = clock.now();
    const old = this.#records.read(feed);
    const inUse = before?.feeds[feed];
    const about = { feed, before: inUse?.version ?? "", version: inUse?.version ?? "" };
    if (now < old.retryAt) {
      const reason = `paused until ${new Date(old.retryAt).toISOString()}: ${old.result.reason}`;
      const outcome = { ...about, kind: "paused", reason, transferred: 0 } as const;
      return { feed, before: old, record: old, outcome };
    }
    // Marks are of the version that was offered last; without it they would say "as before".
    const isKnown = inUse !== undefined && options.isForced !== true && !isOfOtherGw(old);
    const withheld = isKnown ? old.withheld : [];
    const offered = isKnown ? structuredClone(old.state.offered) : {};
    const state = { kept: structuredClone(old.state.kept), offered };
    const record = { ...old, triedAt: now, retryAt: 0, withheld };
    try {
      const settings = config.feed.find(({ name }) => name === feed) as FeedSettings;
      checkLicence(config, settings, now);
      const staging = this.#shelf.stage(feed);
      const fetched = await sourceOf(settings).fetch({
        staging,
        previous: inUse && this.#shelf.versionFolder(feed, inUse.id),
        state,
        signal: options.signal,
        progress: (step) => options.progress?.(feed, step),
      });
      const { transferred } = fetched;
      const known = { ...record, state, currentAt: now };
      if (fetched.kind === "unchanged") {
        return settled({ old, now: known }, { ...about, transferred }, inUse?.id);
      }
      const version = await this.#shelf.keep(feed, staging, { ...fetched, at: now });
      const offer = { ...known, offeredId: version.id };
      if (version.id === inUse?.id || withheld.some(({ id }) => id === version.id)) {
        return settled({ old, now: offer }, { ...about, transferred }, inUse?.id);
      }
      const outcome = { ...about, version: version.version, transferred };
      return {
        ...{ feed, before: old, record: offer, fresh: version },
        outcome: { ...outcome, kind: "updated", reason: "" },
      };
    } catch (error) {
      const { kind, message: reason, retryAt = 0 } = asUpdateError(error);
      const result = { kind, reason, transferred: 0 };
      const kept = { kept: state.kept, offered: old.state.offered };
      const failed = { ...record, withheld: old.withheld, retryAt, result, state: kept };
      const outcome = { ...about, kind, reason, transferred: 0 };
      return { feed, before: old, record: failed, outcome };
    }
  }

  // All that is new together; if that does not pass, each by itself, so that one bad feed does not
  // hold up the others.
  async #install(
    fetches: readonly Fetch[],
    before: FeedSet | undefined,
  ): Promise<{ readonly fetches: readonly Fetch[]; readonly set?: FeedSet }> {
    const fresh = fetches.filter((each) => each.fresh !== undefined);
    const configured = this.#parts.config.feed.map(({ name }) => name);
    let feeds = Object.fromEntries(
      Object.entries(before?.feeds ?? {}).filter(([name]) => configured.includes(name)),
    );
    const done = new Map<string, Fetch>();
    let ready: ReadySet | undefined;
    const attempt = async (some: readonly Fetch[]): Promise<Refusal | undefined> => {
      const wanted = { ...feeds, ...Object.fromEntries(some.map((one) => [one.feed, one.fresh])) };
      const candidate = { ...NOTHING, feeds: wanted as Record<string, FeedVersion> };
      const prepared = await this.#prepare(candidate, true);
      if (prepared.kind !== "ready") return prepared;
      const reason = emptyOf(prepared, some);
      if (reason !== "") return { kind: "rejected", reason };
      feeds = candidate.feeds;
      ready = prepared;
      for (const one of some) done.set(one.feed, accepted(one, prepared));
      return undefined;
    };
    const together = fresh.length === 0 ? undefined : await attempt(fresh);
    if (together !== undefined) {
      for (const one of fresh) {
        const refusal = fresh.length === 1 ? together : await attempt([one]);
        if (refusal !== undefined) done.set(one.feed, refused(one, refusal));
      }
    }
    const settledFetches = fetches.map((each) => done.get(each.feed) ?? each);
    if (ready === undefined) return { fetches: settledFetches };
    const set = await this.#commit({ feeds, cause: "update" }, ready);
    return { fetches: settledFetches, set };
  }

  #prepare(candidate: FeedSet, isTried: boolean): Promise<Prepared> {
    const { config, arenas, core } = this.#parts;
    const limits = limitsOf(config);
    const trial = { limits, goodDir: config["update.good_dir"] };
    return prepareSet({
      places: { ...placesOf(config), candidate },
      ...{ arenas, arenaSize: limits.objectSizeMax },
      ...(core !== undefined && { core }),
      ...(isTried && { trial }),
    });
  }

  async #commit(
    what: Pick<FeedSet, "feeds" | "cause" | "restores">,
    ready: ReadySet,
  ): Promise<FeedSet> {
    const { clock, log } = this.#parts;
    const { identity, signatureCount: signatures } = ready.set;
    const set = this.#shelf.commit({ ...what, at: clock.now(), signatures, identity });
    tellSet(log, set);
    try {
      await this.#parts.onSet(set, ready);
    } catch (error) {
      log.error("signatures-not-taken", { set: set.number, cause: describeError(error) });
    }
    return set;
  }

  async #after(outcomes: readonly FeedOutcome[]): Promise<Pick<UpdateReport, "postCommand">> {
    const { config, log } = this.#parts;
    const command = config["update.post_command"];
    if (command.length === 0) return {};
    const feeds = outcomes.filter(({ kind }) => kind === "updated").map(({ feed }) => feed);
    const failure = await runPostCommand(command, feeds, config["update.post_timeout"]);
    tellPostCommand(log, feeds, failure);
    return { postCommand: failure };
  }

  #prune(): void {
    try {
      this.#shelf.prune(this.#parts.config["update.keep"]);
    } catch (error) {
      this.#parts.log.error("update-not-pruned", { cause: describeError(error) });
    }
  }

  #write(feed: string, record: FeedRecord): void {
    try {
      this.#records.write(feed, record);
    } catch (error) {
      // What is in use does not depend on it; the feed is asked again sooner than need be.
      this.#parts.log.error("update-not-noted", { feed, cause: describeError(error) });
    }
  }
}

/** Why a set can't be used. */
type Refusal = Exclude<Prepared, ReadySet>;

function chosenFeeds(
  all: readonly FeedSettings[],
  names: readonly string[] | undefined,
): readonly FeedSettings[] {
  if (names === undefined) return all.filter(({ enabled }) => enabled);
  return names.map((name) => {
    const feed = all.find((each) => each.name === name);
    if (feed === undefined) throw new UpdateError("invalid", `no [[feed]] has the name "${name}"`);
    return feed;
  });
}

const isOfOtherGw = ({ withheld }: FeedRecord) => withheld.some(({ by }) => by !== VERSION);

function asUpdateError(error: unknown): UpdateError {
  if (error instanceof UpdateError) return error;
  const { code = "" } = error as NodeJS.ErrnoException;
  // Whatever else the disk says is its trouble; the rest is ours, and the set in use stays.
  const kind = code === "" ? "invalid" : "full";
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  const message = `${isFull ? "the disk takes no more: " : ""}${describeError(error)}`;
  return new UpdateError(kind, message, { cause: error });
}

/** Nothing to install: it is as before, or as something that is not to be taken. */
function settled(
  { old, now: record }: { readonly old: FeedRecord; readonly now: FeedRecord },
  about: Omit<FeedOutcome, "kind" | "reason">,
  inUse: string | undefined,
): Fetch {
  const refused = record.withheld.find(({ id }) => id === record.offeredId && id !== inUse);
  const kind = refused === undefined ? "current" : "rejected";
  const reason = refused === undefined ? "" : `${refused.version} is withheld: ${refused.reason}`;
  const { feed, transferred } = about;
  const currentAt = refused === undefined ? record.currentAt : old.currentAt;
  return {
    ...{ feed, before: old },
    record: { ...record, currentAt, result: { kind, reason, transferred } },
    outcome: { ...about, kind, reason },
  };
}

function withhold(record: FeedRecord, { id, version }: FeedVersion, reason: string): FeedRecord {
  const others = record.withheld.filter((each) => each.id !== id);
  return { ...record, withheld: [...others, { id, version, reason, by: VERSION }] };
}

function accepted(fetch: Fetch, ready: ReadySet): Fetch {
  const load = ready.loads.find(({ feed }) => feed === fetch.feed);
  const { transferred } = fetch.outcome;
  const result = { kind: "updated", reason: "", transferred } as const;
  return {
    ...fetch,
    record: { ...fetch.record, result },
    outcome: { ...fetch.outcome, ...(load !== undefined && { load }) },
  };
}

function refused(fetch: Fetch, { kind, reason }: Refusal): Fetch {
  const { feed, before: old, outcome, fresh } = fetch;
  const { version, before, transferred } = outcome;
  if (kind === "failed") {
    // It says nothing about the files: what was fetched is fetched again the next time.
    const result = { kind: "invalid", reason, transferred } as const;
    const record = { ...old, triedAt: fetch.record.triedAt, result };
    return { ...fetch, record, outcome: { ...outcome, version: before, kind: "invalid", reason } };
  }
  const result = { kind, reason, transferred } as const;
  const noted = fresh === undefined ? fetch.record : withhold(fetch.record, fresh, reason);
  const said = `${version} did not pass the trial: ${reason}`;
  const told = { ...outcome, version: before, kind, reason: said };
  const record = { ...noted, currentAt: old.currentAt, result };
  return { feed, before: old, record, outcome: told };
}

/** A feed whose files hold nothing that can be used; "" if there is none. */
function emptyOf({ loads }: ReadySet, fetches: readonly Fetch[]): string {
  for (const { feed } of fetches) {
    const load = loads.find((each) => each.feed === feed);
    if (load === undefined || load.loaded > 0) continue;
    return `none of its ${load.files} files gave a signature (${load.malformed} lines are malformed, ${load.skipped} of a kind that gw can't use)`;
  }
  return "";
}
