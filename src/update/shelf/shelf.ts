// The files of feeds on disk, below DATA/feeds. What was fetched is put there once and never changed;
// which of it is in use says one small file, which is replaced in one stroke. A crash therefore leaves
// the old signatures or the new ones, whole.
//
//   current                 number of the set in use
//   sets/NUMBER.json        a set: of each feed one version
//   NAME/versions/ID/       files of a version, as they came
//   NAME/versions/ID.json   their sizes and SHA-256
//   NAME/staging-…/         a fetch under way
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeAtomically } from "../../base/file/atomic-file.ts";
import { listOf, type Manifest, manifestOf, movedInto, readWhole, ShelfError } from "./version.ts";

/** A version of a feed that lies on the shelf. */
export interface FeedVersion {
  /** Name of its folder, made of its content: what is the same has the same. */
  readonly id: string;
  /** As the feed itself counts. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number;
  readonly files: number;
  readonly size: number;
}

/** What signatures consist of beside those that ship with gw and the site's own. */
export interface FeedSet {
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Why it came to be; `watch` is a rollback that gw decided by itself. */
  readonly cause: "update" | "rollback" | "watch";
  /** Number of the earlier set that a rollback restored. */
  readonly restores?: number;
  readonly feeds: Readonly<Record<string, FeedVersion>>;
  /** How many signatures they came to, all together. */
  readonly signatures: number;
  readonly identity: string;
}

/** A file of a feed, to be compiled. Its path is the same on every machine. */
export interface FeedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const FOLDER = "feeds";
const POINTER = "current";
const SETS = "sets";
const VERSIONS = "versions";
const STAGING = "staging-";
const NUMBER_LENGTH_MAX = 12;

/** What there was before the first update. */
export const NOTHING: FeedSet = {
  ...{ number: 0, at: 0, cause: "update", feeds: {} },
  ...{ signatures: 0, identity: "" },
};

/** What stands before the paths of feeds' files where they are spoken of. */
export const FEED_PATH = "feed/";

/** The shelf of one data folder. */
export class Shelf {
  readonly folder: string;

  constructor(dataDir: string) {
    this.folder = join(dataDir, FOLDER);
  }

  /** The set in use; undefined before the first update. Throws ShelfError if it can't be read. */
  get current(): FeedSet | undefined {
    const pointer = join(this.folder, POINTER);
    if (!existsSync(pointer)) return undefined;
    const text = readFileSync(pointer, "utf8").trim();
    const set =
      /^\d+$/.test(text) && text.length <= NUMBER_LENGTH_MAX ? this.#set(Number(text)) : undefined;
    if (set === undefined) throw new ShelfError(`${pointer} names no set`);
    return set;
  }

  /** All sets that are kept, newest first; those that can't be read are left out. */
  get sets(): readonly FeedSet[] {
    const folder = join(this.folder, SETS);
    if (!existsSync(folder)) return [];
    const numbers = readdirSync(folder)
      .map((name) => /^(\d{1,12})\.json$/.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number);
    return numbers
      .sort((a, b) => b - a)
      .map((number) => this.#set(number))
      .filter((set) => set !== undefined);
  }

  /** Sets that can be gone back to, the last one first; at the end of all, no feeds. */
  get earlier(): readonly FeedSet[] {
    const inUse = this.current;
    if (inUse === undefined) return [];
    // After a rollback one stands where the restored set stood.
    const position = inUse.restores ?? inUse.number;
    const before = this.sets.filter((set) => set.number < position && set.cause === "update");
    return position === 0 ? [] : [...before, NOTHING];
  }

  #set(number: number): FeedSet | undefined {
    try {
      const text = readFileSync(join(this.folder, SETS, `${number}.json`), "utf8");
      const set = JSON.parse(text) as FeedSet;
      return set.number === number && typeof set.feeds === "object" ? set : undefined;
    } catch {
      // Not written by us, or damaged: as good as not there.
      return undefined;
    }
  }

  /** Folder with the files of a version, which must not be changed. */
  versionFolder(feed: string, id: string): string {
    return join(this.folder, feed, VERSIONS, id);
  }

  /** A new empty folder for a fetch. */
  stage(feed: string): string {
    const path = join(this.folder, feed, `${STAGING}${randomBytes(6).toString("hex")}`);
    makeFolder(path);
    return path;
  }

  /**
   * Puts what was fetched on the shelf, durably; it is not in use yet. Throws UpdateError for names
   * and links that have no place there.
   */
  async keep(
    feed: string,
    staging: string,
    fetched: { readonly version: string; readonly files: readonly string[]; readonly at: number },
  ): Promise<FeedVersion> {
    const manifest = await manifestOf(staging, fetched.files);
    const { id, files } = manifest;
    const folder = this.versionFolder(feed, id);
    makeFolder(join(this.folder, feed, VERSIONS));
    await movedInto(staging, folder, manifest);
    const size = files.reduce((sum, file) => sum + file.size, 0);
    const { version, at: fetchedAt } = fetched;
    return { id, version, fetchedAt, files: files.length, size };
  }

  /** Puts a set into use, in one stroke, and gives it with its number. */
  commit(set: Omit<FeedSet, "number">): FeedSet {
    makeFolder(join(this.folder, SETS));
    const number = Math.max(0, ...this.sets.map((each) => each.number)) + 1;
    const whole: FeedSet = { number, ...set };
    writeAtomically(join(this.folder, SETS, `${number}.json`), `${JSON.stringify(whole)}\n`);
    writeAtomically(join(this.folder, POINTER), `${number}\n`);
    return whole;
  }

  /** The files of a set. Throws ShelfError, with the file's path, if one is not as it was. */
  readFiles(set: FeedSet): FeedFile[] {
    return Object.entries(set.feeds).flatMap(([feed, { id }]) =>
      readWhole(this.versionFolder(feed, id)).map(({ name, bytes }) => ({
        path: `${FEED_PATH}${feed}/${name}`,
        bytes,
      })),
    );
  }

  /** Names and sizes of the files of a version. */
  listFiles(feed: string, id: string): Manifest["files"] {
    return listOf(this.versionFolder(feed, id)).files;
  }

  /**
   * Throws away what nobody can go back to: all but the set in use and the last `keep` before it,
   * their versions, and what was left of fetches. Nobody else may be updating.
   */
  prune(keep: number): void {
    const inUse = this.current;
    const kept = inUse === undefined ? [] : [inUse, ...this.earlier.slice(0, keep)];
    for (const set of this.sets) {
      if (!kept.some(({ number }) => number === set.number)) {
        rmSync(join(this.folder, SETS, `${set.number}.json`), { force: true });
      }
    }
    for (const entry of readdirSync(this.folder, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== SETS) this.#pruneFeed(entry.name, kept);
    }
  }

  #pruneFeed(feed: string, kept: readonly FeedSet[]): void {
    const folder = join(this.folder, feed);
    for (const name of readdirSync(folder)) {
      if (name.startsWith(STAGING)) rmSync(join(folder, name), { recursive: true, force: true });
    }
    const versions = join(folder, VERSIONS);
    if (!existsSync(versions)) return;
    const ids = new Set(kept.map(({ feeds }) => feeds[feed]?.id));
    for (const name of readdirSync(versions)) {
      if (ids.has(name.replace(/\.json$/, ""))) continue;
      rmSync(join(versions, name), { recursive: true, force: true });
    }
  }
}
