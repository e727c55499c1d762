// What keeps the signatures of a running gateway new: fetches feeds when they are due, and turns the
// threads that scan to what was installed, by itself or by a command, while mail flows.
import type { Clock } from "../../base/clock.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { Config } from "../../config/schema.ts";
import { FeedRecords } from "../../update/shelf/record.ts";
import { Shelf } from "../../update/shelf/shelf.ts";
import { UpdateError } from "../../update/source.ts";
import type { Inspector } from "../inspector.ts";
import { limitsOf } from "../scanning.ts";
import { placesOf } from "../signatures/gather.ts";
import { sourceOf } from "./feeds.ts";
import { prepareSet } from "./prepare.ts";
import { dueAt, updateStatus } from "./status.ts";
import { Updater } from "./updater.ts";

/** What the upkeep works with. */
export interface UpkeepParts {
  readonly config: () => Config;
  readonly inspector: Inspector;
  readonly log: Log;
  readonly clock: Clock;
}

/** How often it is looked whether a feed is due, or a watched folder has changed. */
const LOOK_EVERY_MS = 60_000;
const FIRST_LOOK_MS = 1_000;

/** Keeps the signatures of one gateway. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #stopping = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working: Promise<unknown> = Promise.resolve();
  #isLooking = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** Begins to fetch feeds when they are due. */
  start(): void {
    this.#timer = setTimeout(() => void this.#look(), FIRST_LOOK_MS);
    this.#timer.unref?.();
  }

  /** Ends a fetch that is under way; what is installed stays. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort();
    await this.#working;
  }

  /**
   * Turns to the signatures as they are on disk now: the site's own, and the set of the feeds that is
   * in use. Throws what is wrong with them; then all goes on as it was.
   */
  async refresh(config = this.#parts.config()): Promise<void> {
    const { inspector, log } = this.#parts;
    const prepared = await prepareSet({
      places: placesOf(config),
      ...{ arenas: inspector.workers, arenaSize: limitsOf(config).objectSizeMax },
    });
    if (prepared.kind !== "ready") throw new Error(prepared.reason);
    for (const cause of prepared.problems) log.error("signatures-damaged", { cause });
    await inspector.replaceSet(prepared.set);
    log.info("signatures-taken", { identity: inspector.identity, count: inspector.signatureCount });
  }

  /** What is wrong with the feeds, in sentences. */
  warnings(): readonly string[] {
    const { config, clock } = this.#parts;
    const { feeds } = updateStatus(config(), clock.now());
    return feeds.map(({ warning }) => warning).filter((warning) => warning !== "");
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
    const { log, clock, inspector } = this.#parts;
    const config = this.#parts.config();
    try {
      const feeds = this.#due(config);
      if (feeds.length === 0) return;
      const updater = new Updater({
        ...{ config, log, clock, arenas: inspector.workers },
        sourceOf: (feed) => sourceOf(feed, { dataDir: config["server.data_dir"], clock }),
        onSet: async (_, { set }) => await inspector.replaceSet(set),
      });
      await updater.update({ feeds, signal: this.#stopping.signal });
    } catch (error) {
      // A command updates at this moment: its set comes by `refresh`.
      const isBusy = error instanceof UpdateError && error.kind === "refused";
      const cause = describeError(error);
      if (isBusy) log.info("update-postponed", { cause });
      else log.error("update-failed", { cause });
    }
  }

  // A folder costs nothing to look at, and whoever fills it expects that to be enough.
  #due(config: Config): string[] {
    if (!config["update.automatic"]) return [];
    const now = this.#parts.clock.now();
    const records = new FeedRecords(new Shelf(config["server.data_dir"]).folder);
    return config.feed
      .filter((feed) => feed.enabled)
      .filter((feed) => feed.folder !== "" || dueAt(feed, records.read(feed.name)) <= now)
      .map(({ name }) => name);
  }
}
