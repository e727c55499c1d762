// A feed of plain signature files: YARA rules, ClamAV's loose files, lists of hashes, from a folder or
// from URLs. Nobody has signed them: whoever names the place vouches for it, and for how it is reached.
import { link, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Mark } from "../http/request.ts";
import { onDisk } from "../http/sink.ts";
import type { HttpGetter } from "../http.ts";
import { hashBytes } from "../release.ts";
import { type Fetched, type FetchJob, type Source, UpdateError } from "../source.ts";
import { copyFiles, listFolder } from "./folder.ts";

/** A feed of files, as it is configured. */
export interface FilesOptions {
  readonly name: string;
  /** Folder, or "" for `urls`. */
  readonly folder: string;
  readonly urls: readonly string[];
  /** All files together, bytes. */
  readonly sizeMax: number;
  readonly getter: HttpGetter;
  readonly clock: Clock;
  /** Whether a file of a folder holds signatures, by its name; what a URL names does. */
  readonly isWanted: (name: string) => boolean;
}

/** What is remembered of a URL's file. */
interface Known {
  readonly mark: Mark;
  readonly sha256: string;
}

const NAME_LENGTH_MAX = 100;

/** The name of the file that a URL gives, which no other of the feed has. */
function nameOf(url: string, taken: ReadonlySet<string>): string {
  const last = new URL(url).pathname.split("/").at(-1) ?? "";
  const plain = last
    .replace(/[^\w.+-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(-NAME_LENGTH_MAX);
  const name = plain === "" ? "list.txt" : plain;
  let unique = name;
  for (let number = 2; taken.has(unique); number++) unique = `${number}-${name}`;
  return unique;
}

/** A feed of files. */
export class FilesSource implements Source {
  readonly name: string;
  readonly #options: FilesOptions;

  constructor(options: FilesOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async fetch(job: FetchJob): Promise<Fetched> {
    return this.#options.folder === "" ? await this.#fromUrls(job) : await this.#fromFolder(job);
  }

  async #fromFolder(job: FetchJob): Promise<Fetched> {
    const { folder, sizeMax, isWanted } = this.#options;
    const files = await listFolder(folder, isWanted);
    if (files.length === 0) {
      throw new UpdateError("unreachable", `${folder} holds no signature files`);
    }
    this.#checkSize(
      files.reduce((sum, { size }) => sum + size, 0),
      sizeMax,
    );
    const { offered } = job.state;
    const stamps = hashBytes(Buffer.from(JSON.stringify(files)));
    if (offered["stamps"] === stamps && job.previous !== undefined) {
      return { kind: "unchanged", transferred: 0 };
    }
    await copyFiles(folder, files, job);
    offered["stamps"] = stamps;
    return { ...this.#fetched(files.map(({ name }) => name)), transferred: 0 };
  }

  async #fromUrls(job: FetchJob): Promise<Fetched> {
    const { urls, sizeMax } = this.#options;
    const names = new Set<string>();
    let transferred = 0;
    let size = 0;
    let isChanged = job.previous === undefined;
    for (const url of urls) {
      const name = nameOf(url, names);
      names.add(name);
      const got = await this.#one(url, name, job);
      size += got.size;
      transferred += got.transferred;
      isChanged ||= got.isNew;
      this.#checkSize(size, sizeMax);
    }
    // One that is no longer configured goes as well.
    const { offered } = job.state;
    const gone = Object.keys(offered).filter((url) => !urls.includes(url));
    for (const url of gone) delete offered[url];
    if (!isChanged && gone.length === 0) return { kind: "unchanged", transferred };
    return { ...this.#fetched([...names]), transferred };
  }

  async #one(url: string, name: string, job: FetchJob) {
    const { getter, sizeMax } = this.#options;
    const known = job.state.offered[url] as Known | undefined;
    const old = await this.#oldBytes(name, known, job);
    const { signal, progress } = job;
    const options = { sizeMax, signal, progress, known: old && known?.mark };
    const got = await getter.bytes(url, options);
    if (got.kind === "missing")
      throw new UpdateError("unreachable", `${url}: there is no such file`);
    const target = join(job.staging, name);
    if (got.kind === "same") {
      if (old === undefined || job.previous === undefined) {
        throw new UpdateError("unreachable", `${url}: the server says "not changed" unasked`);
      }
      // The same file on disk: versions are never written to.
      await onDisk(link(join(job.previous, name), target));
      return { size: old.length, transferred: 0, isNew: false };
    }
    const sha256 = hashBytes(got.bytes);
    await onDisk(writeFile(target, got.bytes, { flag: "wx", mode: 0o600 }));
    job.state.offered[url] = { mark: got.mark, sha256 } satisfies Known;
    const isNew = sha256 !== known?.sha256 || old === undefined;
    return { size: got.bytes.length, transferred: got.transferred, isNew };
  }

  /** The file in use, if it is the one that the mark is of: after a rollback it is not. */
  async #oldBytes(name: string, known: Known | undefined, job: FetchJob) {
    if (known === undefined || job.previous === undefined) return undefined;
    try {
      const bytes = await readFile(join(job.previous, name));
      return hashBytes(bytes) === known.sha256 ? bytes : undefined;
    } catch {
      // Not among the files in use: it is fetched.
      return undefined;
    }
  }

  #checkSize(size: number, max: number): void {
    if (size <= max) return;
    throw new UpdateError("invalid", `the feed's files have more than ${max} bytes (size_max)`);
  }

  #fetched(files: readonly string[]) {
    const version = new Date(this.#options.clock.now()).toISOString().slice(0, 19);
    return { kind: "fetched", version: `${version}Z`, files } as const;
  }
}
