// A feed's own settings, `feed.json` in its folder, and what can be wrong with a feed at home.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS } from "../../base/clock.ts";
import { writeAtomically } from "../../base/file/atomic-file.ts";
import { formatDuration, parseDuration } from "../../text/units.ts";
import { FEED_NAME } from "../release.ts";
import { ROLES, type Role } from "../roles.ts";

/** What somebody who runs a feed did or met; the message says what to do. */
export class FeedError extends Error {
  override readonly name = "FeedError";
}

/** Settings of a feed. */
export interface FeedSettings {
  readonly name: string;
  /** Milliseconds that a newly signed document is good for. */
  readonly lifetimes: Readonly<Record<Role, number>>;
  /** From how many past releases there are deltas to the newest. */
  readonly deltas: number;
}

const LIFETIME_MAX_MS = 3650 * DAY_MS;
const DELTAS_MAX = 100;
const SETTINGS_FILE = "feed.json";
const SETTINGS_SIZE_MAX = 64 * 1024;

/**
 * What is set if nothing is said: the documents whose keys may be offline live long; the timestamp,
 * which is signed daily, so short that clients notice soon when they are kept from news.
 */
export const DEFAULTS = {
  lifetimes: {
    root: 365 * DAY_MS,
    targets: 90 * DAY_MS,
    snapshot: 14 * DAY_MS,
    timestamp: 7 * DAY_MS,
  },
  deltas: 10,
} as const;

/** A name for a feed, or a FeedError. */
export function checkName(name: string): string {
  if (FEED_NAME.test(name)) return name;
  throw new FeedError(
    `"${name}" is no name for a feed: use up to 32 of a-z, 0-9, inner "-" and "_"`,
  );
}

/** Lifetimes from `root=365d,timestamp=2d`; roles that are not named as in `base`. */
export function parseLifetimes(
  text: string,
  base: FeedSettings["lifetimes"] = DEFAULTS.lifetimes,
): FeedSettings["lifetimes"] {
  const lifetimes: Record<Role, number> = { ...base };
  for (const word of text.split(",").filter((each) => each !== "")) {
    const [role = "", time = ""] = word.split("=");
    if (!isRole(role)) throw new FeedError(`"${role}" is no role: use ${ROLES.join(", ")}`);
    lifetimes[role] = checkLifetime(role, time);
  }
  return lifetimes;
}

/** Whether a word is one of the roles. */
export function isRole(word: string): word is Role {
  return (ROLES as readonly string[]).includes(word);
}

function checkLifetime(role: Role, text: unknown): number {
  const ms = typeof text === "string" ? parseDuration(text) : undefined;
  if (ms !== undefined && ms >= 60_000 && ms <= LIFETIME_MAX_MS) return ms;
  throw new FeedError(`${role}: a lifetime is a time from 1m to 3650d, such as "90d"`);
}

function checkDeltas(value: unknown): number {
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= DELTAS_MAX) {
    return Number(value);
  }
  throw new FeedError(`"deltas" is a whole number from 0 to ${DELTAS_MAX}`);
}

/** Writes the settings into a feed's folder. */
export function writeSettings(folder: string, settings: FeedSettings): void {
  const { name, deltas } = settings;
  const lifetimes = Object.fromEntries(
    ROLES.map((role) => [role, formatDuration(settings.lifetimes[role])]),
  );
  const text = `${JSON.stringify({ name, lifetimes, deltas }, null, 2)}\n`;
  writeAtomically(join(folder, SETTINGS_FILE), text, 0o644);
}

/** The settings of the feed in a folder. Throws FeedError with file and field. */
export function readSettings(folder: string): FeedSettings {
  const path = join(folder, SETTINGS_FILE);
  try {
    return parseSettings(readText(path, folder));
  } catch (error) {
    if (!(error instanceof FeedError)) throw error;
    throw new FeedError(`${path}: ${error.message}`, { cause: error });
  }
}

function readText(path: string, folder: string): string {
  try {
    const text = readFileSync(path, "utf8");
    if (text.length > SETTINGS_SIZE_MAX) throw new FeedError("too large");
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const hint = `\`gw feed init ${folder}\` makes one`;
    throw new FeedError(`there is no feed in this folder; ${hint}`, { cause: error });
  }
}

function parseSettings(text: string): FeedSettings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FeedError(`not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== "object" || value === null) throw new FeedError("no settings of a feed");
  const { name, lifetimes, deltas } = value as Readonly<Record<string, unknown>>;
  const times = (lifetimes ?? {}) as Readonly<Partial<Record<Role, unknown>>>;
  return {
    name: checkName(typeof name === "string" ? name : ""),
    lifetimes: {
      root: checkLifetime("root", times.root),
      targets: checkLifetime("targets", times.targets),
      snapshot: checkLifetime("snapshot", times.snapshot),
      timestamp: checkLifetime("timestamp", times.timestamp),
    },
    deltas: checkDeltas(deltas),
  };
}
