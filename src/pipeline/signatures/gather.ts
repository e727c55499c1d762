// All files that the signatures in use are compiled from: those that ship with gw, the site's own,
// and those of the feeds.
import type { Config } from "../../config/schema.ts";
import { embeddedSource } from "../../scan/embedded.ts";
import type { FileReport } from "../../signature/clamav/report.ts";
import { CompileError } from "../../signature/compile.ts";
import { readSignatureFiles } from "../../signature/import/load.ts";
import { FEED_PATH, type FeedSet, Shelf } from "../../update/shelf/shelf.ts";
import { ShelfError } from "../../update/shelf/version.ts";
import type { SignatureFile } from "./compile.ts";

/** Where files are looked for. */
export interface GatherOptions {
  readonly dataDir: string;
  /** The site's own, "" for none. */
  readonly signaturesDir: string;
  /** Names of the feeds that are configured: what was fetched of others is not used. */
  readonly feeds: readonly string[];
  /** Taken instead of the set in use. */
  readonly candidate?: FeedSet;
}

/** Files to compile together. */
export interface Gathered {
  readonly files: readonly SignatureFile[];
  /** What is not as it should be, in words for the administrator. */
  readonly problems: readonly string[];
  /** Nothing but what ships with gw. */
  readonly isPlain: boolean;
}

/** Where a configuration has its signatures. */
export function placesOf(config: Config): GatherOptions {
  return {
    dataDir: config["server.data_dir"],
    signaturesDir: config["scan.signatures_dir"],
    feeds: config.feed.map(({ name }) => name),
  };
}

// A damaged disk must not keep mail from being scanned: then the newest set that is whole is taken.
function feedFiles({ dataDir, feeds, candidate }: GatherOptions): {
  readonly files: SignatureFile[];
  readonly problems: readonly string[];
} {
  const shelf = new Shelf(dataDir);
  const only = (set: FeedSet): FeedSet => {
    const wanted = Object.entries(set.feeds).filter(([name]) => feeds.includes(name));
    return { ...set, feeds: Object.fromEntries(wanted) };
  };
  if (candidate !== undefined) return { files: shelf.readFiles(only(candidate)), problems: [] };
  const problems: string[] = [];
  const attempts = [() => shelf.current, ...shelf.sets.map((set) => () => set)];
  for (const attempt of attempts) {
    try {
      const set = attempt();
      return { files: set === undefined ? [] : shelf.readFiles(only(set)), problems };
    } catch (error) {
      if (!(error instanceof ShelfError)) throw error;
      problems.push(error.message);
    }
  }
  problems.push("no set of the feeds' signatures is whole: gw update fetches them again");
  return { files: [], problems };
}

/** Reads all signature files. Throws what the file system says of the site's own. */
export function gatherSignatures(options: GatherOptions): Gathered {
  const { path, text } = embeddedSource();
  const { signaturesDir } = options;
  const site = signaturesDir === "" ? [] : readSignatureFiles([signaturesDir]);
  const { files, problems } = feedFiles(options);
  return {
    files: [{ path, bytes: Buffer.from(text) }, ...site, ...files],
    problems,
    isPlain: signaturesDir === "" && files.length === 0,
  };
}

/**
 * Throws CompileError for mistakes in gw's own format: one's own are for oneself to mend; other
 * people's files can't wait for that.
 */
export function throwOwnMistakes(reports: readonly FileReport[]): void {
  const own = reports
    .filter(({ file }) => file.endsWith(".gws") && !file.startsWith(FEED_PATH))
    .flatMap((each) => each.diagnostics);
  if (own.length > 0) throw new CompileError(own);
}

/** The feed that a file is of. */
export function feedOf(path: string): string {
  return path.slice(FEED_PATH.length).split("/")[0] ?? "";
}
