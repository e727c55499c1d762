// What a bundle holds, for people who look into it before they import it, or on a host that knows none
// of its feeds. Nothing is verified but that it is whole.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DocumentView, viewFeed } from "../publish/inspect.ts";
import { Bundle } from "./read.ts";

/** A feed in a bundle, as its documents tell. */
export interface FeedView {
  readonly name: string;
  readonly files: number;
  readonly size: number;
  readonly documents: readonly DocumentView[];
}

/** What a bundle holds. */
export interface BundleView {
  readonly made: string;
  readonly size: number;
  readonly feeds: readonly FeedView[];
}

/** Looks into the bundle at `path`. Throws BundleError, and FeedError for documents that are none. */
export async function viewBundle(path: string): Promise<BundleView> {
  const bundle = await Bundle.open(path);
  const place = mkdtempSync(join(tmpdir(), "gw-bundle-"));
  try {
    const feeds: FeedView[] = [];
    for (const { name, files } of bundle.index.feeds) {
      const folder = join(place, name);
      mkdirSync(folder);
      await bundle.extract(name, folder, "metadata/");
      const size = files.reduce((sum, file) => sum + file.size, 0);
      feeds.push({ name, files: files.length, size, documents: viewFeed(folder) });
    }
    return { made: bundle.index.made, size: bundle.size, feeds };
  } finally {
    await bundle.close();
    rmSync(place, { recursive: true, force: true });
  }
}
