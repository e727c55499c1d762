// A private mirror of ClamAV's databases, over HTTP. Only what has changed is fetched, as diffs where
// that is possible, and the rules of the ClamAV project's servers are kept: conditional requests, no
// second try where they say no, a long pause after 403.
import { existsSync, readFileSync } from "node:fs";
import { link, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { GetOptions, Mark } from "../http/request.ts";
import { onDisk } from "../http/sink.ts";
import type { HttpGetter } from "../http.ts";
import { below, fromAny } from "../mirrors.ts";
import { type Fetched, type FetchJob, type Source, UpdateError } from "../source.ts";
import { applyDiff, type DatabaseFile, DiffError, openDiff } from "./cdiff.ts";
import { writeCld } from "./cld.ts";
import { HEADER_SIZE, readHeader } from "./header.ts";
import type { ClamavTrust, SeenSigns } from "./trust.ts";

/** A mirror, as it is configured. */
export interface MirrorOptions {
  readonly name: string;
  readonly urls: readonly string[];
  readonly databases: readonly string[];
  readonly trust: ClamavTrust;
  /** All databases together, bytes. */
  readonly sizeMax: number;
  readonly getter: HttpGetter;
  readonly clock: Clock;
}

/** What is remembered of a database's container on the mirror. */
interface Known {
  readonly mark: Mark;
  readonly version: number;
}

interface Local {
  readonly path: string;
  readonly file: string;
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** A database as it will be. */
interface Got {
  readonly file: string;
  readonly version: number;
  readonly size: number;
  readonly isNew: boolean;
}

const DIFFS_MAX = 60;
const DIFF_SIZE_MAX = 64 * 1024 * 1024;
const SIGN_SIZE_MAX = 256 * 1024;
/** The pause that the ClamAV project asks for where its servers refuse. */
const REFUSED_PAUSE_MS = 24 * 3_600_000;
const EXTENSIONS = [".cvd", ".cld"];

/** One fetch, with what it counts. */
class Fetching {
  readonly job: FetchJob;
  readonly mirror: string;
  transferred = 0;
  size = 0;

  constructor(job: FetchJob, mirror: string) {
    this.job = job;
    this.mirror = mirror;
  }
}

/** A mirror of ClamAV's databases. */
export class ClamavMirror implements Source {
  readonly name: string;
  readonly #options: MirrorOptions;

  constructor(options: MirrorOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async fetch(job: FetchJob): Promise<Fetched> {
    const { databases, urls } = this.#options;
    const got: Got[] = [];
    const offered: Record<string, Known> = {};
    let transferred = 0;
    for (const database of databases) {
      got.push(
        await fromAny(urls, job.signal, async (mirror) => {
          const fetching = new Fetching(job, mirror);
          fetching.size = got.reduce((sum, { size }) => sum + size, 0);
          try {
            return await this.#database(database, fetching, offered);
          } finally {
            transferred += fetching.transferred;
          }
        }),
      );
    }
    for (const name of Object.keys(job.state.offered)) delete job.state.offered[name];
    Object.assign(job.state.offered, offered);
    const isSame = got.every(({ isNew }) => !isNew) && job.previous !== undefined;
    if (isSame) return { kind: "unchanged", transferred };
    const version = got.map(({ file, version: n }) => `${file.split(".")[0]} ${n}`).join(", ");
    return { kind: "fetched", version, files: got.map(({ file }) => file), transferred };
  }

  async #database(
    database: string,
    fetching: Fetching,
    offered: Record<string, Known>,
  ): Promise<Got> {
    const { job } = fetching;
    const local = localOf(database, job.previous);
    const known = job.state.offered[database] as Known | undefined;
    const isKnown = known !== undefined && known.version === local?.version;
    const head = await this.#head(database, fetching, isKnown ? known.mark : undefined);
    if (head === "same" && local !== undefined && known !== undefined) {
      offered[database] = known;
      return await this.#kept(local, fetching);
    }
    if (head === "same") throw new UpdateError("unreachable", `${database}: no answer of use`);
    const { version, mark } = head;
    if (local !== undefined && version < local.version) {
      const behind = `has version ${version} of ${database}, which is older than ${local.version}`;
      throw new UpdateError("invalid", `${fetching.mirror} ${behind}`);
    }
    offered[database] = { mark, version };
    if (local?.version === version) return await this.#kept(local, fetching);
    const changed = local && (await this.#byDiffs(database, local, version, fetching));
    return changed ?? (await this.#whole(database, head, fetching));
  }

  /** The header of the mirror's container. */
  async #head(
    database: string,
    fetching: Fetching,
    known: Mark | undefined,
  ): Promise<{ version: number; mark: Mark; extension: string } | "same"> {
    for (const extension of EXTENSIONS) {
      const name = database + extension;
      const got = await this.#get(
        name,
        { sizeMax: HEADER_SIZE, first: HEADER_SIZE, known },
        fetching,
      );
      if (got.kind === "same") return "same";
      if (got.kind === "missing") continue;
      const header = readHeader(got.bytes);
      if (header === undefined) {
        throw new UpdateError("invalid", `${below(fetching.mirror, name)} is no ClamAV container`);
      }
      return { version: header.version, mark: got.mark, extension };
    }
    throw new UpdateError("unreachable", `${fetching.mirror} has no database ${database}`);
  }

  /** The same file on disk: versions are never written to. */
  async #kept(local: Local, { job }: Fetching): Promise<Got> {
    const { file, version, bytes } = local;
    await onDisk(link(local.path, join(job.staging, file)));
    return { file, version, size: bytes.length, isNew: false };
  }

  /** The version before it and all diffs since; undefined if that can't be, and all is fetched. */
  async #byDiffs(
    database: string,
    local: Local,
    version: number,
    fetching: Fetching,
  ): Promise<Got | undefined> {
    const { trust } = this.#options;
    if (version - local.version > DIFFS_MAX) return undefined;
    let files: readonly DatabaseFile[] = trust.open(local.file, local.bytes);
    for (let number = local.version + 1; number <= version; number++) {
      const bytes = await this.#diff(`${database}-${number}.cdiff`, database, fetching);
      if (bytes === undefined) return undefined;
      try {
        const isSigned = trust.reader.isDiffSigned;
        files = applyDiff(files, openDiff(bytes, number, isSigned));
      } catch (error) {
        if (error instanceof DiffError) return undefined;
        throw error;
      }
    }
    const file = `${database}.cld`;
    const bytes = writeCld(files);
    try {
      trust.open(file, bytes);
    } catch (error) {
      // The list that came with the diffs is of other files: so all is fetched.
      if (error instanceof UpdateError) return undefined;
      throw error;
    }
    return await this.#put({ file, version, bytes }, fetching);
  }

  // An empty diff is the project's way to say: take the whole. A wrong .sign is no such thing.
  async #diff(name: string, database: string, fetching: Fetching): Promise<Uint8Array | undefined> {
    const got = await this.#get(name, { sizeMax: DIFF_SIZE_MAX }, fetching);
    if (got.kind !== "got" || got.bytes.length === 0) return undefined;
    const kind = `${database}.cdiff`;
    await this.#checkSign({ name, kind, bytes: got.bytes }, fetching);
    return got.bytes;
  }

  async #whole(
    database: string,
    head: { readonly version: number; readonly extension: string },
    fetching: Fetching,
  ): Promise<Got> {
    const file = database + head.extension;
    const sizeMax = this.#options.sizeMax - fetching.size;
    const got = await this.#get(file, { sizeMax }, fetching);
    if (got.kind !== "got")
      throw new UpdateError("unreachable", `${file} has gone from the mirror`);
    const { bytes } = got;
    const version = readHeader(bytes)?.version ?? 0;
    if (version < head.version) {
      const reason = `${below(fetching.mirror, file)} is version ${version}, not ${head.version}`;
      throw new UpdateError("invalid", reason);
    }
    this.#options.trust.open(file, bytes);
    // Only what was signed as a whole has a .sign file.
    if (head.extension === ".cvd") {
      const name = `${database}-${version}.cvd`;
      await this.#checkSign({ name, kind: file, bytes }, fetching);
    }
    return await this.#put({ file, version, bytes }, fetching);
  }

  async #put(
    { file, version, bytes }: { file: string; version: number; bytes: Uint8Array },
    { job, size }: Fetching,
  ): Promise<Got> {
    if (size + bytes.length > this.#options.sizeMax) {
      const max = this.#options.sizeMax;
      throw new UpdateError("invalid", `the databases have more than ${max} bytes (size_max)`);
    }
    await onDisk(writeFile(join(job.staging, file), bytes, { flag: "wx", mode: 0o600 }));
    return { file, version, size: bytes.length, isNew: true };
  }

  async #checkSign(
    file: { readonly name: string; readonly kind: string; readonly bytes: Uint8Array },
    fetching: Fetching,
  ): Promise<void> {
    const { trust } = this.#options;
    if (!trust.wantsSigns) return;
    const got = await this.#get(`${file.name}.sign`, { sizeMax: SIGN_SIZE_MAX }, fetching);
    const sign = got.kind === "got" ? Buffer.from(got.bytes).toString("latin1") : undefined;
    const { kept } = fetching.job.state;
    kept["signs"] ??= {};
    trust.checkSign(file, sign, kept["signs"] as SeenSigns);
  }

  async #get(name: string, how: Omit<GetOptions, "signal" | "progress">, fetching: Fetching) {
    const { getter, clock } = this.#options;
    const { signal, progress } = fetching.job;
    try {
      const url = below(fetching.mirror, name);
      const got = await getter.bytes(url, { ...how, signal, progress });
      if (got.kind === "got") fetching.transferred += got.transferred;
      return got;
    } catch (error) {
      const isRefused = error instanceof UpdateError && error.kind === "refused";
      if (!isRefused || error.retryAt !== undefined) throw error;
      const retryAt = clock.now() + REFUSED_PAUSE_MS;
      throw new UpdateError("refused", error.message, { cause: error, retryAt });
    }
  }
}

function localOf(database: string, previous: string | undefined): Local | undefined {
  if (previous === undefined) return undefined;
  for (const extension of EXTENSIONS) {
    const file = database + extension;
    const path = join(previous, file);
    if (!existsSync(path)) continue;
    const bytes = readFileSync(path);
    const version = readHeader(bytes)?.version;
    if (version !== undefined) return { path, file, version, bytes };
  }
  return undefined;
}
