// Feeds that are carried: out of here as a bundle, or in as one. A bundle that comes in is one more
// mirror, in a folder of ours: an update from it has the checks of any other.
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Clock } from "../../base/clock.ts";
import { makeFolder } from "../../base/file/atomic-file.ts";
import type { Config } from "../../config/schema.ts";
import type { FeedSettings } from "../../config/tables.ts";
import { BundleError } from "../../update/bundle/format.ts";
import { Bundle } from "../../update/bundle/read.ts";
import { writeBundle } from "../../update/bundle/write.ts";
import { Shelf } from "../../update/shelf/shelf.ts";
import { type Progress, type Source, UpdateError } from "../../update/source.ts";
import { type Mirrored, mirrorFeed } from "../../update/tuf/mirror.ts";
import { TufSource } from "../../update/tuf/tuf-source.ts";
import { tufSettingsOf } from "./feeds.ts";

const FOLDER = "bundle-";
/** No import takes longer. */
const IMPORT_TIME_MAX_MS = 24 * 3_600_000;
/** Below the shelf: by whose word documents counted after their end. */
const ACCEPTED_FILE = "accepted-expired.log";

/** What carrying needs to know. */
export interface CarryParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  progress(feed: string, step: Progress): void;
}

/** The feeds of type gw that are named, or all. Throws UpdateError for others. */
export function gwFeeds(config: Config, names: readonly string[]): FeedSettings[] {
  for (const name of names) {
    const feed = config.feed.find((each) => each.name === name);
    if (feed === undefined) throw new UpdateError("invalid", `no [[feed]] has the name "${name}"`);
    if (feed.type !== "gw") {
      throw new UpdateError(
        "invalid",
        `feed "${name}" is not of type gw: only those can be carried`,
      );
    }
  }
  const all = config.feed.filter(({ type }) => type === "gw");
  const chosen = names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
  if (chosen.length > 0) return chosen;
  throw new UpdateError("invalid", "no [[feed]] of type gw is configured");
}

/** Copies one feed into a folder. Throws UpdateError. */
export async function mirrorInto(
  folder: string,
  feed: FeedSettings,
  parts: CarryParts & { readonly hasDeltas: boolean },
): Promise<Mirrored> {
  const { config, clock, signal, hasDeltas } = parts;
  const settings = tufSettingsOf(feed, { dataDir: config["server.data_dir"], clock });
  const progress = (step: Progress) => parts.progress(feed.name, step);
  return await mirrorFeed(settings, { folder, hasDeltas, signal, progress });
}

/** A feed that was packed. */
export interface Exported extends Mirrored {
  readonly feed: string;
}

/** Fetches feeds and packs them into a bundle at `path`. Throws UpdateError. */
export async function exportFeeds(
  path: string,
  feeds: readonly FeedSettings[],
  parts: CarryParts,
): Promise<{ readonly size: number; readonly feeds: readonly Exported[] }> {
  // Beside the bundle: there is room for it there, or there is none for the bundle either.
  const work = `${path}.${randomBytes(4).toString("hex")}.work`;
  try {
    const exported: Exported[] = [];
    for (const feed of feeds) {
      const folder = join(work, feed.name);
      const mirrored = await mirrorInto(folder, feed, { ...parts, hasDeltas: false });
      exported.push({ feed: feed.name, ...mirrored });
    }
    const packed = feeds.map(({ name }) => ({ name, folder: join(work, name) }));
    return { size: await writeBundle(path, packed, parts.clock.now()), feeds: exported };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** How the feeds of a bundle are taken. */
export interface ImportOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Names of feeds; none for all that are in the bundle and configured. */
  readonly feeds: readonly string[];
  /** Documents count for so long after they have expired, milliseconds, and why; undefined: never. */
  readonly expired?: { readonly lateness: number; readonly reason: string } | undefined;
}

/** Feeds of a bundle, to be updated from it. */
export interface CarriedFeeds {
  readonly feeds: readonly string[];
  sourceOf(feed: FeedSettings): Source;
}

/**
 * Unpacks a bundle for as long as `work` updates from it. Throws UpdateError for a bundle that is
 * damaged, or none.
 */
export async function withBundle<T>(
  path: string,
  options: ImportOptions,
  work: (carried: CarriedFeeds) => Promise<T>,
): Promise<T> {
  const { config, clock, expired } = options;
  const dataDir = config["server.data_dir"];
  const shelf = new Shelf(dataDir).folder;
  const place = join(shelf, `${FOLDER}${randomBytes(6).toString("hex")}`);
  const bundle = await named(path, () => Bundle.open(path));
  try {
    const chosen = chosenFeeds(bundle, options);
    makeFolder(shelf);
    removeOld(shelf, clock.now());
    for (const { name } of chosen) {
      mkdirSync(join(place, name), { recursive: true, mode: 0o700 });
      await named(path, () => bundle.extract(name, join(place, name)));
    }
    if (expired !== undefined) noteExpired(shelf, { path, chosen, expired, at: clock.now() });
    const sourceOf = (feed: FeedSettings) =>
      new TufSource({
        ...tufSettingsOf(feed, { dataDir, clock }),
        urls: [pathToFileURL(join(place, feed.name)).href],
        lateness: expired?.lateness ?? 0,
      });
    return await work({ feeds: chosen.map(({ name }) => name), sourceOf });
  } finally {
    await bundle.close();
    rmSync(place, { recursive: true, force: true });
  }
}

function chosenFeeds(bundle: Bundle, { config, feeds }: ImportOptions): FeedSettings[] {
  const configured = gwFeeds(config, feeds);
  const missing = feeds.find((name) => bundle.feed(name) === undefined);
  const there = bundle.index.feeds.map(({ name }) => name).join(", ");
  if (missing !== undefined) {
    throw new UpdateError("invalid", `the bundle has no feed "${missing}", only: ${there}`);
  }
  const chosen = configured.filter(({ name }) => bundle.feed(name) !== undefined);
  if (chosen.length > 0) return chosen;
  throw new UpdateError("invalid", `none of the bundle's feeds (${there}) is configured`);
}

/** What a crash left of earlier imports; a younger one may be at work. */
function removeOld(shelf: string, now: number): void {
  for (const name of readdirSync(shelf).filter((each) => each.startsWith(FOLDER))) {
    const path = join(shelf, name);
    const { mtimeMs = now } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs < now - IMPORT_TIME_MAX_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Somebody set a check aside: who looks for the reason later will find it. */
function noteExpired(
  shelf: string,
  about: {
    readonly path: string;
    readonly chosen: readonly FeedSettings[];
    readonly expired: NonNullable<ImportOptions["expired"]>;
    readonly at: number;
  },
): void {
  const { path, chosen, expired, at } = about;
  const feeds = chosen.map(({ name }) => name);
  const line = { at: new Date(at).toISOString(), bundle: path, feeds, ...expired };
  appendFileSync(join(shelf, ACCEPTED_FILE), `${JSON.stringify(line)}\n`, { mode: 0o600 });
}

async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UpdateError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof BundleError) && code === undefined) throw error;
    throw new UpdateError("invalid", `${path}: ${message}`, { cause: error });
  }
}
