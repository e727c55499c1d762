// The client of one feed (TUF 1.0.34 §5): brings the trusted documents up to date from the first
// mirror that gives good ones, and says what the feed offers. tuf-js does the checks; what it lacks
// is done here: a clock that is passed in, recovery after stolen keys, and a clock that runs wrong.
import { Updater } from "tuf-js";
import type { Clock } from "../../base/clock.ts";
import type { Mark } from "../http/request.ts";
import type { HttpGetter } from "../http.ts";
import { fromAny } from "../mirrors.ts";
import { fileOf, type Release, releaseOf } from "../release.ts";
import { OWN_FIELDS, ROLE_SIZE_MAX, type Signed } from "../roles.ts";
import { UpdateError } from "../source.ts";
import { DOCUMENTS_URL, DocumentFetcher } from "./fetcher.ts";
import { type Anchor, Trust } from "./trust.ts";

/** What a client needs to know of its feed. */
export interface ClientSettings {
  /** Base URLs of the same repository, the preferred one first. */
  readonly mirrors: readonly string[];
  readonly anchor: Anchor;
  /** Folder of what is trusted, kept between updates. */
  readonly trustFolder: string;
  /** The files that are wanted, if not all: the only way to those of delegated roles. */
  readonly targets?: readonly string[];
  /** Milliseconds for which documents still count after they have expired: not for daily use. */
  readonly lateness: number;
  readonly getter: HttpGetter;
  readonly clock: Clock;
}

/** What a client remembers between updates. */
export interface ClientMemory {
  /** Time of the last update whose documents were all in force. */
  lastTime?: number;
  /** The mirror that gave the timestamp, and what it said of it. */
  timestamp?: { readonly mirror: string; readonly mark: Mark };
}

/** What a feed offers, and where it came from. */
export interface Offer {
  readonly release: Release;
  /** Mirrors for the files, the one first that gave the documents. */
  readonly mirrors: readonly string[];
  /** When the timestamp ends, milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly transferred: number;
  /** The documents that the mirror gave, by name, and the root that was trusted before. */
  readonly documents: ReadonlyMap<string, Uint8Array>;
}

/** Clocks of two hosts may differ so much. */
const CLOCK_TOLERANCE_MS = 24 * 3_600_000;
const ROOTS_MAX = 256;
const DELEGATIONS_MAX = 32;

/** One feed's client. */
export class Client {
  readonly #settings: ClientSettings;
  readonly #trust: Trust;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#trust = new Trust(settings.trustFolder);
  }

  /** Brings the documents up to date. Throws UpdateError; what was verified until then is kept. */
  async refresh(memory: ClientMemory, signal: AbortSignal): Promise<Offer> {
    this.#checkClock(memory);
    const { mirrors } = this.#settings;
    return await fromAny(mirrors, signal, async (mirror) => {
      const fetcher = this.#fetcher(mirror, memory, signal);
      try {
        const verified = await this.#refreshFrom(mirror, fetcher, memory);
        const { documents } = fetcher;
        const ordered = [mirror, ...mirrors.filter((each) => each !== mirror)];
        return { ...verified, mirrors: ordered, transferred: fetcher.transferred, documents };
      } catch (error) {
        throw this.#explain(mirror, fetcher, error);
      }
    });
  }

  #fetcher(mirror: string, memory: ClientMemory, signal: AbortSignal): DocumentFetcher {
    const { getter } = this.#settings;
    const timestamp = () => {
      const bytes = this.#trust.bytes("timestamp");
      if (bytes === undefined || memory.timestamp?.mirror !== mirror) return undefined;
      return { bytes, mark: memory.timestamp.mark };
    };
    return new DocumentFetcher({ getter, mirror, signal, timestamp });
  }

  async #refreshFrom(
    mirror: string,
    fetcher: DocumentFetcher,
    memory: ClientMemory,
  ): Promise<Pick<Offer, "release" | "expiresAt">> {
    await this.#trust.checkOut(this.#settings.anchor, () =>
      fetcher.downloadBytes(`${DOCUMENTS_URL}1.root.json`, ROLE_SIZE_MAX.root),
    );
    try {
      const updater = await this.#refreshed(fetcher);
      this.#checkSigningTime();
      const release = await this.#release(mirror, updater);
      return { release, expiresAt: this.#remember(mirror, fetcher, memory) };
    } finally {
      this.#trust.checkIn();
    }
  }

  async #refreshed(fetcher: DocumentFetcher): Promise<Updater> {
    const before = this.#trust.working("root");
    fetcher.documents.set(`${before.signed.version}.root.json`, this.#trust.workingBytes("root"));
    try {
      const updater = this.#updater(fetcher);
      await updater.refresh();
      return updater;
    } catch (error) {
      // §5.3.11: whoever stole these keys may have signed versions that no honest one will reach.
      // Only if it fails: with the old ones at hand, going back is noticed.
      if (!hasOtherOnlineKeys(before, this.#trust.working("root"))) throw error;
      this.#trust.forgetOnline();
      fetcher.failure = undefined;
      const updater = this.#updater(fetcher);
      await updater.refresh();
      return updater;
    }
  }

  #updater(fetcher: DocumentFetcher): Updater {
    const updater = new Updater({
      metadataDir: this.#trust.work,
      metadataBaseUrl: DOCUMENTS_URL,
      fetcher,
      config: {
        maxRootRotations: ROOTS_MAX,
        maxDelegations: DELEGATIONS_MAX,
        rootMaxLength: ROLE_SIZE_MAX.root,
        timestampMaxLength: ROLE_SIZE_MAX.timestamp,
        snapshotMaxLength: ROLE_SIZE_MAX.snapshot,
        targetsMaxLength: ROLE_SIZE_MAX.targets,
      },
    });
    // §5.1: one time for the whole update. The library would ask the system; a test of ours notices
    // when it no longer keeps it under this name.
    const { clock, lateness } = this.#settings;
    const store: unknown = Reflect.get(updater, "trustedSet");
    if (typeof store !== "object" || store === null || !("referenceTime" in store)) {
      throw new Error("tuf-js keeps its time elsewhere");
    }
    store.referenceTime = new Date(clock.now() - lateness);
    return updater;
  }

  async #release(mirror: string, updater: Updater): Promise<Release> {
    const isConsistent = this.#trust.working("root").signed.consistentSnapshot;
    const targets = this.#trust.working("targets").signed;
    const { targets: wanted } = this.#settings;
    if (wanted === undefined) return releaseOf(targets, isConsistent);
    const files: Release["files"][number][] = [];
    for (const name of wanted) {
      const target = await updater.getTargetInfo(name);
      if (target === undefined) {
        throw new UpdateError("invalid", `${mirror}: the feed does not offer "${name}"`);
      }
      files.push(fileOf(target, isConsistent));
    }
    return { version: targets.version, files, deltas: [] };
  }

  // Documents that are long outdated look good to a clock that is behind.
  #checkClock({ lastTime }: ClientMemory): void {
    const now = this.#settings.clock.now();
    if (lastTime === undefined || now >= lastTime - CLOCK_TOLERANCE_MS) return;
    throw new UpdateError("invalid", wrongClock(now, `an update ran at ${timeOf(lastTime)}`));
  }

  #checkSigningTime(): void {
    const now = this.#settings.clock.now();
    const own = this.#trust.working("timestamp").signed.unrecognizedFields[OWN_FIELDS];
    const signed = (own as { readonly signed?: unknown } | undefined)?.signed;
    const time = typeof signed === "string" ? Date.parse(signed) : Number.NaN;
    // Feeds that other tools made don't say.
    if (Number.isNaN(time) || now >= time - CLOCK_TOLERANCE_MS) return;
    throw new UpdateError("invalid", wrongClock(now, `the feed was signed at ${timeOf(time)}`));
  }

  #remember(mirror: string, fetcher: DocumentFetcher, memory: ClientMemory): number {
    const { timestampMark: mark } = fetcher;
    if (mark !== undefined) memory.timestamp = { mirror, mark };
    const now = this.#settings.clock.now();
    const expiresAt = Date.parse(this.#trust.working("timestamp").signed.expires);
    // While the timestamp was in force it was no later than its end, so that a clock that runs ahead
    // for once does not stop updates for longer than that.
    if (now < expiresAt) memory.lastTime = now;
    return expiresAt;
  }

  #explain(mirror: string, fetcher: DocumentFetcher, error: unknown): UpdateError {
    if (error instanceof UpdateError) return error;
    if (fetcher.failure !== undefined) return fetcher.failure;
    const { syscall, message } = error as NodeJS.ErrnoException;
    // What the library can't write down it tells by text alone.
    if (syscall !== undefined || message.startsWith("Failed to persist")) {
      return new UpdateError("full", `nothing can be written: ${message}`, { cause: error });
    }
    const reason = `${mirror}: ${plain(message)}${this.#hint(message)}`;
    return new UpdateError("invalid", reason, { cause: error });
  }

  #hint(message: string): string {
    if (!message.includes("expired")) return "";
    const now = timeOf(this.#settings.clock.now());
    return `: its operator does not renew it, or newer ones are kept from us (now is ${now})`;
  }
}

// The library nests its errors as text.
function plain(message: string): string {
  return message.replace(/^Unable to load \w+( metadata)? error (\w*Error: )?/, "");
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).concat("Z");
}

function wrongClock(now: number, reason: string): string {
  return `the clock of this host is wrong: it says ${timeOf(now)}, but ${reason}`;
}

function hasOtherOnlineKeys(before: Signed<"root">, after: Signed<"root">): boolean {
  const ids = (root: Signed<"root">) =>
    ["timestamp", "snapshot"].map((role) => root.signed.roles[role]?.keyIDs.toSorted().join(" "));
  return ids(before).join() !== ids(after).join();
}
