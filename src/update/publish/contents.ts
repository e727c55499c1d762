// What the next release of a feed consists of: the files that are to be offered, and deltas to them
// from what earlier releases had under the same names.
import { existsSync, readFileSync, statSync } from "node:fs";
import { DELTA_FILE_SIZE_MAX } from "../delta/format.ts";
import { makeDelta } from "../delta/make.ts";
import {
  deltaName,
  hashBytes,
  hashFile,
  locationOf,
  type Release,
  type ReleaseDelta,
  type ReleaseFile,
  releaseOf,
} from "../release.ts";
import type { Feed } from "./feed.ts";

/** A delta is offered if it is at most this part of the file itself. */
const DELTA_SHARE_MAX = 0.5;
/** Below this many bytes one more request costs as much as the file. */
const DELTA_WORTH_MIN = 4096;

/** The files of the feed's folder, hashed. */
export async function currentFiles(feed: Feed): Promise<ReleaseFile[]> {
  const files: ReleaseFile[] = [];
  for (const name of feed.fileNames()) {
    const path = feed.pathOf(name);
    const sha256 = await hashFile(path);
    const { size } = statSync(path);
    files.push({ name, length: size, sha256, location: locationOf(name, sha256, true) });
  }
  return files;
}

/** Whether two lists name the same files with the same content. */
export function isSameFiles(one: readonly ReleaseFile[], other: readonly ReleaseFile[]): boolean {
  const key = (files: readonly ReleaseFile[]) =>
    files
      .map(({ name, sha256 }) => `${sha256} ${name}`)
      .sort()
      .join("\n");
  return key(one) === key(other);
}

/** The newest releases that were published, the newest first. */
export function pastReleases(feed: Feed, count: number): Release[] {
  const versions = feed.repository.versionsOf("targets").toReversed().slice(0, count);
  return versions.map((version) => releaseOf(feed.repository.read("targets", version).signed));
}

/** Earlier contents of a file by hash, of which there is still a copy. */
function earlier(feed: Feed, file: ReleaseFile, past: readonly Release[]): ReleaseFile[] {
  const byHash = new Map<string, ReleaseFile>();
  for (const { files } of past) {
    const old = files.find(({ name }) => name === file.name);
    if (old === undefined || old.sha256 === file.sha256) continue;
    if (old.length <= DELTA_FILE_SIZE_MAX && existsSync(feed.repository.pathOf(old))) {
      byHash.set(old.sha256, old);
    }
  }
  return [...byHash.values()];
}

/** Makes the deltas to the files of a release, and puts them among the targets. */
export function addDeltas(
  feed: Feed,
  files: readonly ReleaseFile[],
  onDelta: (file: ReleaseFile) => void,
): ReleaseDelta[] {
  const past = pastReleases(feed, feed.settings.deltas);
  const deltas: ReleaseDelta[] = [];
  for (const file of files) {
    if (file.length < DELTA_WORTH_MIN || file.length > DELTA_FILE_SIZE_MAX) continue;
    const olds = earlier(feed, file, past);
    if (olds.length === 0) continue;
    onDelta(file);
    const bytes = readFileSync(feed.repository.pathOf(file));
    for (const old of olds) {
      const delta = makeDelta(readFileSync(feed.repository.pathOf(old)), bytes);
      if (delta.length > file.length * DELTA_SHARE_MAX) continue;
      const name = deltaName(old.sha256, file.sha256);
      const sha256 = hashBytes(delta);
      const location = locationOf(name, sha256, true);
      const about = { name, length: delta.length, sha256, location };
      feed.repository.putTarget(about, delta);
      deltas.push({ ...about, file: file.name, from: old.sha256 });
    }
  }
  return deltas;
}
