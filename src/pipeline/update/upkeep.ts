// What keeps the signatures of a running gateway new: fetches feeds when they are due, and turns the
// threads that scan to what was installed, by itself or by a command, while mail flows.
import type { Clock } from "../../base/clock.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { Config } from "../../config/schema.ts";
import type { FeedSettings } from "../../config/tables.ts";
import { listFolder } from "../../update/files/folder.ts";
import { FeedRecords } from "../../update/shelf/record.ts";
import { type FeedSet, Shelf } from "../../update/shelf/shelf.ts";
import { ShelfError } from "../../update/shelf/version.ts";
import { UpdateError } from "../../update/source.ts";
import type { Inspector } from "../inspection/inspector.ts";
import { limitsOf } from "../scanning.ts";
import { placesOf } from "../signatures/gather.ts";
import { updateApart } from "./apart/apart.ts";
import { sourceOf } from "./feeds.ts";
import { Licensing } from "./licensing.ts";
import { prepareSet } from "./prepare.ts";
import { Rescan, type RescanParts } from "./rescan/rescan.ts";
import { Freshness } from "./state/freshness.ts";
import { dueAt } from "./state/status.ts";
import { type ReadySet, Updater } from "./updater.ts";
import { type ScanCounts, ScanWatch, type WatchLimits } from "./watch.ts";

/** What the upkeep works with. */
export interface UpkeepParts {
  readonly config: () => Config;
  readonly inspector: Inspector;
  readonly log: Log;
  readonly clock: Clock;
  /** Counters since the start: what was received, and what scanning gave. */
  readonly counts: () => MailCounts;
  /** Tells the administrator. */
  readonly tell: (event: string, lines: readonly string[]) => Promise<void>;
  /** Kept mail, and how it is released. */
  readonly kept: Pick<RescanParts, "vault" | "release">;
}

/** Counters, under the names that statistics give them. */
export interface MailCounts {
  readonly mta_received_messages: number;
  readonly mta_received_bytes: number;
  readonly av_messages_clean: number;
  readonly av_messages_infected: number;
  readonly av_messages_suspicious: number;
  readonly av_messages_unscanned: number;
  readonly [other: `av_messages_${string}`]: number;
}

/** How often it is looked whether a feed is due, or a watched folder has changed. */
const LOOK_EVERY_MS = 60_000;
const FIRST_LOOK_MS = 1_000;
/** How often results are compared and traffic is written down. */
const TICK_EVERY_MS = 10_000;
const LICENCES_EVERY_MS = 3_600_000;

/** Keeps the signatures of one gateway. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #stopping = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working: Promise<unknown> = Promise.resolve();
  #isLooking = false;
  /** How old the signatures are, and what is wrong with feeds and licences. */
  readonly freshness: Freshness;
  readonly #watch = new ScanWatch();
  readonly #licensing: Licensing;
  readonly #rescan: Rescan;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #counted = { messages: 0, bytes: 0 };
  #licencesAt = Number.NEGATIVE_INFINITY;
  /** How the folders of feeds looked when they were last updated. */
  readonly #folders = new Map<string, string>();

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#licensing = new Licensing(parts.config, parts.log);
    this.freshness = new Freshness({
      ...parts,
      licences: (now) => this.#licensing.warnings(now),
    });
    this.#rescan = new Rescan({ ...parts, ...parts.kept });
  }

  /** Begins to fetch feeds when they are due. */
  start(): void {
    this.#timer = setTimeout(() => void this.#look(), FIRST_LOOK_MS);
    this.#timer.unref?.();
    this.#ticker = setInterval(() => void this.tick(), TICK_EVERY_MS);
    this.#ticker.unref?.();
  }

  /** Ends a fetch that is under way; what is installed stays. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    this.#stopping.abort();
    this.#countTraffic(this.#parts.clock.now());
    await this.#working;
    await this.#rescan.stop();
  }

  /**
   * Turns to the signatures as they are on disk now: the site's own, and the set of the feeds that is
   * in use. Throws what is wrong with them; then all goes on as it was.
   */
  async refresh(config = this.#parts.config()): Promise<void> {
    const { inspector, log } = this.#parts;
    this.freshness.forget();
    const prepared = await prepareSet({
      places: placesOf(config),
      ...{ arenas: inspector.workers, arenaSize: limitsOf(config).objectSizeMax },
      core: inspector.core,
    });
    if (prepared.kind !== "ready") throw new Error(prepared.reason);
    for (const cause of prepared.problems) log.error("signatures-damaged", { cause });
    const isChanged = prepared.set.identity !== inspector.identity;
    await inspector.replaceSet(prepared.set);
    if (isChanged) this.#changed(causeOf(config) === "update");
    log.info("signatures-taken", { identity: inspector.identity, count: inspector.signatureCount });
  }

  /** Looks whether the last update did harm, counts traffic, and tells of licences that end. */
  async tick(): Promise<void> {
    const { clock, config, tell } = this.#parts;
    const now = clock.now();
    this.#countTraffic(now);
    const counts = this.#scanCounts();
    this.#watch.sample(now, counts);
    const reason = this.#watch.decide(now, counts, limitsOfWatch(config()));
    if (reason !== "") await this.#goBack(reason);
    if (now - this.#licencesAt < LICENCES_EVERY_MS) return;
    this.#licencesAt = now;
    const news = this.#licensing.news(now);
    if (news.length > 0) await tell(news[0] ?? "", news);
  }

  async #goBack(reason: string): Promise<void> {
    const { log, tell } = this.#parts;
    // Decided once: what comes meanwhile changes nothing.
    this.#watch.changed(this.#parts.clock.now(), this.#scanCounts(), false);
    try {
      const set = await this.#updater(this.#parts.config()).rollback(1, "watch", reason);
      log.error("signatures-gone-back", { set: set.number, cause: reason });
      const feeds = Object.entries(set.feeds).map(([name, { version }]) => `${name} ${version}`);
      const inUse = `In use are now: ${feeds.join(", ") || "only the signatures that ship with gw"}.`;
      const next = "What was left is not taken again; a newer version is. See gw update status.";
      await tell("signatures: gw went back to the earlier ones", [`${reason}.`, inUse, next]);
    } catch (error) {
      log.error("signatures-not-gone-back", { cause: describeError(error), reason });
    }
  }

  #countTraffic(now: number): void {
    const { mta_received_messages: messages, mta_received_bytes: bytes } = this.#parts.counts();
    this.#licensing.count(now, messages - this.#counted.messages, bytes - this.#counted.bytes);
    this.#counted = { messages, bytes };
  }

  #scanCounts(): ScanCounts {
    const counts = this.#parts.counts();
    const all = Object.entries(counts).filter(
      ([name]) => name.startsWith("av_messages_") && name !== "av_messages_bypassed",
    );
    return {
      scanned: all.reduce((sum, [, count]) => sum + count, 0),
      found: counts.av_messages_infected + counts.av_messages_suspicious,
      failed: counts.av_messages_unscanned,
    };
  }

  #changed(isWatched: boolean): void {
    this.#watch.changed(this.#parts.clock.now(), this.#scanCounts(), isWatched);
    this.#rescan.begin();
  }

  #updater(config: Config): Updater {
    const { log, clock, inspector } = this.#parts;
    return new Updater({
      ...{ config, log, clock, arenas: inspector.workers },
      sourceOf: (feed) => sourceOf(feed, { dataDir: config["server.data_dir"], clock }),
      core: inspector.core,
      onSet: (set, ready) => this.#take(set, ready),
    });
  }

  async #take({ cause }: FeedSet, { set }: ReadySet): Promise<void> {
    await this.#parts.inspector.replaceSet(set);
    this.freshness.forget();
    this.#changed(cause === "update");
  }

  async #look(): Promise<void> {
    if (!this.#isLooking && !this.#stopping.signal.aborted) {
      this.#isLooking = true;
      this.#working = this.#updateDue();
      await this.#working;
      this.#isLooking = false;
    }
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#look(), LOOK_EVERY_MS);
    this.#timer.unref?.();
  }

  async #updateDue(): Promise<void> {
    const { log, inspector } = this.#parts;
    const config = this.#parts.config();
    const { signal } = this.#stopping;
    try {
      const feeds = await this.#due(config);
      if (feeds.length === 0) return;
      const order = { config, feeds, arenas: inspector.workers, core: inspector.core };
      await updateApart(order, { log, onSet: (set, ready) => this.#take(set, ready), signal });
    } catch (error) {
      this.#folders.clear();
      // A command updates at this moment: its set comes by `refresh`.
      const isBusy = error instanceof UpdateError && error.kind === "refused";
      const cause = describeError(error);
      if (isBusy) log.info("update-postponed", { cause });
      else log.error("update-failed", { cause });
    } finally {
      this.freshness.forget();
    }
  }

  // Whoever fills a folder expects that to be enough; it is cheap to see that nothing has changed.
  async #due(config: Config): Promise<string[]> {
    if (!config["update.automatic"]) return [];
    const now = this.#parts.clock.now();
    const records = new FeedRecords(new Shelf(config["server.data_dir"]).folder);
    const due: string[] = [];
    for (const feed of config.feed.filter(({ enabled }) => enabled)) {
      const isChanged = feed.folder !== "" && (await this.#hasChanged(feed));
      if (isChanged || dueAt(feed, records.read(feed.name)) <= now) due.push(feed.name);
    }
    return due;
  }

  async #hasChanged({ name, folder }: FeedSettings): Promise<boolean> {
    // A folder that can't be read has to be told of, by an update.
    const files = await listFolder(folder, () => true).catch(() => undefined);
    const stamp = files === undefined ? "" : JSON.stringify(files);
    if (this.#folders.get(name) === stamp) return false;
    this.#folders.set(name, stamp);
    return true;
  }
}

function limitsOfWatch(config: Config): WatchLimits {
  return {
    timeMs: config["update.watch_time"],
    messages: config["update.watch_messages"],
    foundRise: config["update.watch_found_rise"],
    failedRise: config["update.watch_failed_rise"],
  };
}

// A set to which somebody went back is not judged by what it finds.
function causeOf(config: Config): FeedSet["cause"] | undefined {
  try {
    return new Shelf(config["server.data_dir"]).current?.cause;
  } catch (error) {
    if (error instanceof ShelfError) return undefined;
    throw error;
  }
}
