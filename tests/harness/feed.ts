// A feed of its own for a test: made, filled and published under a clock that the test holds, and a
// client of it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Clock } from "../../src/base/clock.ts";
import { HttpGetter } from "../../src/update/http.ts";
import type { Feed } from "../../src/update/publish/feed.ts";
import { initFeed, type NewFeed, type Quorum } from "../../src/update/publish/init.ts";
import { findKeys } from "../../src/update/publish/keys.ts";
import { type Published, publishFeed } from "../../src/update/publish/publish.ts";
import { DEFAULTS, type FeedSettings } from "../../src/update/publish/settings.ts";
import type { Role } from "../../src/update/roles.ts";
import type { Fetched, SourceState } from "../../src/update/source.ts";
import { type TufSettings, TufSource } from "../../src/update/tuf/tuf-source.ts";

export const DAY = 86_400_000;
export const START = Date.UTC(2026, 0, 1);

/** A clock that stands until it is set. */
export class HeldClock implements Clock {
  time = START;
  now(): number {
    return this.time;
  }
  steady(): number {
    return this.time;
  }
}

const ONE: Quorum = { keys: 1, threshold: 1 };

/** A folder for one test. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "gw-feed-"));
}

/** A feed and its publisher. */
export class TestFeed {
  readonly feed: Feed;
  readonly made: NewFeed;
  readonly clock: Clock;
  readonly folder: string;

  constructor(
    folder: string,
    clock: Clock,
    more: {
      readonly quorums?: Partial<Record<Role, Quorum>>;
      readonly settings?: Partial<FeedSettings>;
    } = {},
  ) {
    this.folder = folder;
    this.clock = clock;
    this.made = initFeed(join(folder, "feed"), {
      settings: { name: "site", ...DEFAULTS, ...more.settings },
      quorums: { root: ONE, targets: ONE, snapshot: ONE, timestamp: ONE, ...more.quorums },
      passphrase: undefined,
      now: clock.now(),
    });
    this.feed = this.made.feed;
  }

  get url(): string {
    return pathToFileURL(this.feed.publicFolder).href;
  }

  get root(): string {
    return `sha256:${this.made.rootHash}`;
  }

  add(name: string, content: string | Uint8Array): void {
    const path = join(this.folder, "to-add");
    writeFileSync(path, content);
    this.feed.addFile(path, name);
  }

  async publish(keys: readonly string[] = [this.feed.keysFolder]): Promise<Published> {
    const { ring } = findKeys(keys, undefined);
    return await publishFeed(this.feed, { ring, now: this.clock.now() });
  }

  /** Adds one file and publishes. */
  async release(name: string, content: string | Uint8Array): Promise<Published> {
    this.add(name, content);
    return await this.publish();
  }
}

/** A client with a data folder of its own, as an installation would drive it. */
export class TestClient {
  readonly folder: string;
  readonly state: SourceState = { kept: {}, offered: {} };
  readonly #settings: Omit<TufSettings, "trustFolder" | "name">;
  #count = 0;
  /** The folder of the release in use. */
  previous: string | undefined;

  constructor(
    folder: string,
    settings: Omit<TufSettings, "trustFolder" | "name" | "clock"> & { readonly clock: Clock },
  ) {
    this.folder = folder;
    const pace = { silenceMs: 1000, rateMin: 1024, clock: settings.clock };
    this.#settings = { getter: new HttpGetter(pace), ...settings };
    mkdirSync(folder, { recursive: true });
  }

  get trustFolder(): string {
    return join(this.folder, "trust");
  }

  /** One update; what came is in use afterwards. */
  async update(
    more: Partial<TufSettings> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Fetched> {
    const { trustFolder } = this;
    const source = new TufSource({ name: "site", trustFolder, ...this.#settings, ...more });
    const staging = join(this.folder, `release-${this.#count++}`);
    mkdirSync(staging);
    const { state, previous } = this;
    try {
      const job = { staging, previous, state, signal, progress: () => undefined };
      const fetched = await source.fetch(job);
      if (fetched.kind === "fetched") this.previous = staging;
      return fetched;
    } catch (error) {
      rmSync(staging, { recursive: true });
      throw error;
    }
  }

  /** The content of a file in use. */
  async text(name: string): Promise<string | undefined> {
    if (this.previous === undefined) return undefined;
    const file = Bun.file(join(this.previous, name));
    return (await file.exists()) ? await file.text() : undefined;
  }
}
