// The files of a release, into a folder: those that are there already are copied, those that changed
// a little are made by a delta, the rest is fetched. None is left there whose hash is not the one
// that was signed for it.
import { constants } from "node:fs";
import { copyFile, mkdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { applyDelta } from "../delta/apply.ts";
import { DELTA_FILE_SIZE_MAX } from "../delta/format.ts";
import { onDisk } from "../http/sink.ts";
import type { HttpGetter } from "../http.ts";
import { below, fromAny } from "../mirrors.ts";
import {
  hashBytes,
  hashFile,
  type Release,
  type ReleaseDelta,
  type ReleaseFile,
} from "../release.ts";
import { type Progress, UpdateError } from "../source.ts";

/** Where files come from and go to. */
export interface DownloadJob {
  readonly release: Release;
  /** Base URLs, the preferred one first. */
  readonly mirrors: readonly string[];
  readonly getter: HttpGetter;
  /** Folder for the files. */
  readonly folder: string;
  /** Folder with an earlier release. */
  readonly previous: string | undefined;
  readonly signal: AbortSignal;
  progress(step: Progress): void;
}

/** Brings the files of a release into a folder. */
export class Download {
  readonly #job: DownloadJob;
  /** Bytes that came from mirrors. */
  transferred = 0;

  constructor(job: DownloadJob) {
    this.#job = job;
  }

  /** Brings all files. Throws UpdateError. */
  async run(): Promise<void> {
    for (const file of this.#job.release.files) {
      this.#job.signal.throwIfAborted();
      const target = join(this.#job.folder, file.name);
      await onDisk(mkdir(dirname(target), { recursive: true, mode: 0o700 }));
      if (await this.#reuse(file, target)) continue;
      if (await this.#patch(file, target)) continue;
      this.transferred += await fetchFile(file, target, this.#job);
    }
  }

  #previous({ name }: ReleaseFile): string | undefined {
    const { previous } = this.#job;
    return previous === undefined ? undefined : join(previous, name);
  }

  async #reuse(file: ReleaseFile, target: string): Promise<boolean> {
    const old = this.#previous(file);
    if (old === undefined || (await sizeOf(old)) !== file.length) return false;
    if ((await hashFile(old)) !== file.sha256) return false;
    await onDisk(copyFile(old, target, constants.COPYFILE_FICLONE));
    // What is used is what was hashed, also if somebody changed it in between.
    if ((await hashFile(target)) === file.sha256) return true;
    await rm(target);
    return false;
  }

  async #patch(file: ReleaseFile, target: string): Promise<boolean> {
    const old = this.#previous(file);
    const deltas = this.#job.release.deltas.filter((each) => each.file === file.name);
    const size = old === undefined ? undefined : await sizeOf(old);
    if (old === undefined || size === undefined || deltas.length === 0) return false;
    if (Math.max(size, file.length) > DELTA_FILE_SIZE_MAX) return false;
    const bytes = await readFile(old);
    const from = hashBytes(bytes);
    const delta = deltas.find((each) => each.from === from && each.length < file.length);
    if (delta === undefined) return false;
    const made = await this.#applied(bytes, delta, file);
    if (made === undefined || hashBytes(made) !== file.sha256) return false;
    await onDisk(Bun.write(target, made));
    return true;
  }

  // A delta that does not come or does not fit is no fault: the file itself is fetched.
  async #applied(
    old: Uint8Array,
    delta: ReleaseDelta,
    file: ReleaseFile,
  ): Promise<Uint8Array | undefined> {
    const { getter, signal, mirrors, progress } = this.#job;
    try {
      const bytes = await fromAny(mirrors, signal, async (mirror) => {
        const url = below(mirror, `targets/${delta.location}`);
        const got = await getter.bytes(url, { sizeMax: delta.length, signal, progress });
        if (got.kind !== "got") throw new UpdateError("unreachable", `${url}: not there`);
        this.transferred += got.transferred;
        if (hashBytes(got.bytes) === delta.sha256) return got.bytes;
        throw new UpdateError("invalid", `${url}: not what was signed`);
      });
      return applyDelta(old, bytes, file.length);
    } catch (error) {
      if (!(error instanceof UpdateError) || signal.aborted) throw error;
      return undefined;
    }
  }
}

/** Where a single file comes from. */
export type FetchParts = Pick<DownloadJob, "mirrors" | "getter" | "signal" | "progress">;

/**
 * Fetches one file to `target`, where nothing is, and gives the bytes that came for it. Throws
 * UpdateError if no mirror has what was signed.
 */
export async function fetchFile(
  file: ReleaseFile,
  target: string,
  { mirrors, getter, signal, progress }: FetchParts,
): Promise<number> {
  let transferred = 0;
  await fromAny(mirrors, signal, async (mirror) => {
    const url = below(mirror, `targets/${file.location}`);
    // What a mirror before this one has left.
    await rm(target, { force: true });
    const got = await getter.file(url, target, { sizeMax: file.length, signal, progress });
    if (got.kind !== "got") throw new UpdateError("unreachable", `${url}: there is no such file`);
    transferred += got.transferred;
    if (got.size === file.length && (await hashFile(target)) === file.sha256) return;
    await rm(target);
    const reason = `${url}: not the file that was signed (${got.size} of ${file.length} bytes)`;
    throw new UpdateError("invalid", reason);
  });
  return transferred;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch {
    // It was not in the release before, or its folder is gone: nothing to be had from it.
    return undefined;
  }
}
