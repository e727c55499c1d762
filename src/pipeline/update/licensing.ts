// What licences have to do with updates: a feed may need one to be fetched. Nothing else does; what is
// on disk is used, and mail is scanned, with a licence or without.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../../base/file/atomic-file.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { Config } from "../../config/schema.ts";
import type { FeedSettings } from "../../config/tables.ts";
import {
  daysLeft,
  endOf,
  LicenseError,
  type SignedEntitlement,
} from "../../license/entitlement.ts";
import { type LicensedFeed, Licenses } from "../../license/licenses.ts";
import { Traffic } from "../../license/traffic.ts";
import { roundSize } from "../../text/units.ts";
import { UpdateError } from "../../update/source.ts";

/** Days before the end on which the administrator is told, once each. */
const TELL_DAYS = [0, 3, 7, 30] as const;
const TOLD_FILE = "licenses/told.json";

/** Feeds that need a licence. */
export function licensedFeeds(config: Config): LicensedFeed[] {
  return config.feed
    .filter(({ licence_key: key }) => key !== "")
    .map(({ name, licence_key: key }) => ({ name, key }));
}

/** Throws UpdateError if a feed needs a licence and no entitlement opens it now. */
export function checkLicence(config: Config, feed: FeedSettings, now: number): void {
  if (feed.licence_key === "") return;
  try {
    const licenses = new Licenses(config["server.data_dir"]);
    licenses.activeFor({ name: feed.name, key: feed.licence_key }, now);
  } catch (error) {
    if (!(error instanceof LicenseError)) throw error;
    throw new UpdateError("licence", error.message, { cause: error });
  }
}

/** What is said of the licence of one feed. */
interface Advice {
  readonly id: string;
  /** The day mark that was reached, undefined before the first. */
  readonly mark: number | undefined;
  readonly text: string;
}

function adviceOn(feed: string, { entitlement }: SignedEntitlement, now: number): Advice {
  const { id, until } = entitlement;
  const left = daysLeft(entitlement, now);
  const when = left === 0 ? "today" : left === 1 ? "tomorrow" : `in ${left} days`;
  const mark = TELL_DAYS.find((days) => left <= days);
  const text = `licence ${id} of feed ${feed} ends ${when} (${until}); scanning goes on, updates of the feed do not`;
  return { id, mark, text };
}

/** Watches the licences of a running gateway: their ends, and the traffic that they are for. */
export class Licensing {
  readonly #config: () => Config;
  readonly #log: Log;
  readonly #traffic: Traffic;

  constructor(config: () => Config, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#traffic = new Traffic(config()["server.data_dir"]);
  }

  /** Notes mail that came in since the last call, and writes it down. */
  count(now: number, messages: number, bytes: number): void {
    this.#traffic.add(now, messages, bytes);
    try {
      this.#traffic.save();
    } catch (error) {
      // A full disk: it is written with the next mail.
      this.#log.error("traffic-not-noted", { cause: describeError(error) });
    }
  }

  /** What is wrong with licences now, in sentences. */
  warnings(now: number): string[] {
    return this.#each(now, (feed, license) => {
      const { mark, text } = adviceOn(feed.name, license, now);
      const { id, trafficPerDay } = license.entitlement;
      const bytes = this.#traffic.bytesOn(now);
      const isOver = trafficPerDay > 0 && bytes > trafficPerDay;
      const sizes = `${roundSize(bytes)} came in today, of ${roundSize(trafficPerDay)} a day`;
      return [
        ...(mark === undefined || this.#hasReserve(feed, license, now) ? [] : [text]),
        ...(isOver ? [`licence ${id} of feed ${feed.name}: ${sizes}`] : []),
      ];
    });
  }

  /** What the administrator is to be told now, and was not told before. */
  news(now: number): string[] {
    const path = join(this.#config()["server.data_dir"], TOLD_FILE);
    const told = toldMarks(path);
    const news = this.#each(
      now,
      (feed, license) => {
        const { id, mark, text } = adviceOn(feed.name, license, now);
        const key = `${id} ${feed.name}`;
        const last = told[key];
        if (mark === undefined || (last !== undefined && last <= mark)) return [];
        told[key] = mark;
        return this.#hasReserve(feed, license, now) ? [] : [text];
      },
      true,
    );
    if (news.length === 0) return [];
    try {
      writeAtomically(path, `${JSON.stringify(told)}\n`);
    } catch (error) {
      this.#log.error("licence-notice-not-noted", { cause: describeError(error) });
    }
    return news;
  }

  // Another entitlement opens the feed when this one no longer does.
  #hasReserve(feed: LicensedFeed, license: SignedEntitlement, now: number): boolean {
    try {
      const licenses = new Licenses(this.#config()["server.data_dir"]);
      const after = Math.max(now, endOf(license.entitlement));
      return licenses.activeFor(feed, after).text !== license.text;
    } catch {
      // None: that is what the advice is about.
      return false;
    }
  }

  #each(
    now: number,
    say: (feed: LicensedFeed, license: SignedEntitlement) => readonly string[],
    isQuiet = false,
  ): string[] {
    const config = this.#config();
    const licenses = new Licenses(config["server.data_dir"]);
    return licensedFeeds(config).flatMap((feed) => {
      try {
        return [...say(feed, licenses.activeFor(feed, now))];
      } catch (error) {
        if (!(error instanceof LicenseError)) throw error;
        const text = `feed ${feed.name} is not fetched: ${error.message}`;
        return isQuiet ? [] : [text];
      }
    });
  }
}

function toldMarks(path: string): Record<string, number> {
  try {
    if (!existsSync(path)) return {};
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, number>;
  } catch {
    // Damaged: to be told twice is better than not at all.
    return {};
  }
}
