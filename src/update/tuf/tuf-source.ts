// A gw feed as a source of signatures: a repository of The Update Framework, on web servers, in a
// folder, or in a bundle that was carried here.
import { createHash } from "node:crypto";
import { type Clock, systemClock } from "../../base/clock.ts";
import { HttpGetter } from "../http.ts";
import type { Release } from "../release.ts";
import { type Fetched, type FetchJob, type Source, UpdateError } from "../source.ts";
import { Client, type ClientMemory, type ClientSettings } from "./client.ts";
import { Download } from "./download.ts";
import { type Anchor, parseAnchor } from "./trust.ts";

/** What a gw feed is described by. */
export interface TufSettings {
  readonly name: string;
  /** Base URLs (http:, https:, file:) of one repository, the preferred one first. */
  readonly urls: readonly string[];
  /** `sha256:HEX` of the feed's first root document, or a path to one of its root documents. */
  readonly root: string;
  /** Folder of what is trusted of this feed, kept between updates. */
  readonly trustFolder: string;
  /** Most bytes that all files may have together; default: what any release may have. */
  readonly sizeMax?: number;
  /** Files that are wanted, if not all. */
  readonly targets?: readonly string[];
  /**
   * Milliseconds for which documents count after their end. For bundles that are carried to sites
   * which are months behind, by an administrator's word; 0 else.
   */
  readonly lateness?: number;
  readonly getter?: HttpGetter;
  readonly clock?: Clock;
}

/** The client settings of a feed. Throws UpdateError for an anchor that is none. */
export function clientSettings(settings: TufSettings): ClientSettings {
  const { urls: mirrors, trustFolder, targets, lateness = 0, clock = systemClock } = settings;
  return {
    mirrors,
    anchor: anchorOf(settings),
    trustFolder,
    ...(targets !== undefined && targets.length > 0 && { targets }),
    lateness,
    getter: settings.getter ?? new HttpGetter({ clock }),
    clock,
  };
}

function anchorOf({ name, root }: TufSettings): Anchor {
  const anchor = parseAnchor(root);
  if (anchor !== undefined) return anchor;
  const wanted = "64 hexadecimal digits behind sha256:, or the path of a root document";
  throw new UpdateError("invalid", `feed ${name}: "root" needs ${wanted}`);
}

/** One gw feed. */
export class TufSource implements Source {
  readonly name: string;
  readonly #settings: TufSettings;

  constructor(settings: TufSettings) {
    this.name = settings.name;
    this.#settings = settings;
  }

  /** Brings the newest release. */
  async fetch(job: FetchJob): Promise<Fetched> {
    const { staging, previous, state, signal } = job;
    const settings = clientSettings(this.#settings);
    const offer = await new Client(settings).refresh(memoryOf(state.kept), signal);
    const { release, mirrors, transferred } = offer;
    checkSize(release, this.#settings.sizeMax);
    // Not the version: a document that was only signed anew offers what is here already.
    const digest = digestOf(release);
    const { release: known } = state.offered;
    if (known === digest) return { kind: "unchanged", transferred };
    const progress = (step: Parameters<FetchJob["progress"]>[0]) => job.progress(step);
    const { getter } = settings;
    const about = { release, mirrors, getter, folder: staging, previous, signal, progress };
    const download = new Download(about);
    await download.run();
    Object.assign(state.offered, { release: digest });
    return {
      kind: "fetched",
      version: String(release.version),
      files: release.files.map(({ name }) => name),
      transferred: transferred + download.transferred,
    };
  }
}

/** Throws UpdateError for a release that is larger than the administrator allows. */
export function checkSize({ files }: Release, sizeMax: number | undefined): void {
  const size = files.reduce((sum, { length }) => sum + length, 0);
  if (sizeMax === undefined || size <= sizeMax) return;
  throw new UpdateError("invalid", `${size} bytes in all, more than the ${sizeMax} of size_max`);
}

/** The client's part of what is kept of a feed: whatever stands there, it is either good or new. */
function memoryOf(kept: Record<string, unknown>): ClientMemory {
  const { tuf } = kept;
  if (typeof tuf === "object" && tuf !== null) return tuf as ClientMemory;
  const memory: ClientMemory = {};
  Object.assign(kept, { tuf: memory });
  return memory;
}

function digestOf({ files }: Release): string {
  const lines = files.map(({ name, sha256 }) => `${sha256} ${name}\n`);
  return createHash("sha256").update(lines.sort().join("")).digest("hex");
}
