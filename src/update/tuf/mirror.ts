// A copy of a feed that others can fetch from: every document verified, every file that of the
// newest release. The timestamp is put last, so that who reads meanwhile sees one release or the
// other; what is fetched before a crash need not be fetched again.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder, settleFile, writeAtomically } from "../../base/file/atomic-file.ts";
import { METADATA_FOLDER, Repository, TARGETS_FOLDER } from "../publish/repository.ts";
import { hashFile, type Release, type ReleaseFile, releaseOf } from "../release.ts";
import { readRole } from "../roles.ts";
import { lockShelf } from "../shelf/lock.ts";
import { type Progress, UpdateError } from "../source.ts";
import { Client } from "./client.ts";
import { type FetchParts, fetchFile } from "./download.ts";
import { Trust } from "./trust.ts";
import { checkSize, clientSettings, type TufSettings } from "./tuf-source.ts";

/** A copy to be made or brought up to date. */
export interface MirrorJob {
  /** Folder of the copy: `metadata` and `targets` come below it. */
  readonly folder: string;
  /** Whether deltas are copied as well: they are of use to those who fetch again and again. */
  readonly hasDeltas: boolean;
  readonly signal: AbortSignal;
  progress(step: Progress): void;
}

/** A copy that is up to date. */
export interface Mirrored {
  readonly version: number;
  readonly files: number;
  readonly transferred: number;
  /** When the timestamp ends, milliseconds since the epoch. */
  readonly expiresAt: number;
}

const PUBLIC = 0o644;
const PUBLIC_FOLDER = 0o755;
const TRUST_FOLDER = ".trust";

/** Brings a copy of a feed up to date. Throws UpdateError, also if somebody else is doing so. */
export async function mirrorFeed(settings: TufSettings, job: MirrorJob): Promise<Mirrored> {
  // A web server may be somebody else.
  makeFolder(job.folder, PUBLIC_FOLDER);
  const lock = lockShelf(job.folder, `${job.folder}: another gw is copying a feed here`);
  try {
    return await bringUpToDate(settings, job);
  } finally {
    lock.release();
  }
}

async function bringUpToDate(settings: TufSettings, job: MirrorJob): Promise<Mirrored> {
  const trustFolder = join(job.folder, TRUST_FOLDER);
  const metadata = join(job.folder, METADATA_FOLDER);
  for (const folder of [metadata, join(job.folder, TARGETS_FOLDER)]) {
    makeFolder(folder, PUBLIC_FOLDER);
  }
  // Without the roots that lead to the newest one nobody could follow: all is asked for again.
  if (!hasRoot(metadata)) rmSync(trustFolder, { recursive: true, force: true });
  const client = clientSettings({ ...settings, trustFolder });
  const offer = await new Client(client).refresh({}, job.signal);
  const { release, mirrors, documents, expiresAt } = offer;
  checkSize(release, settings.sizeMax);
  const { getter } = client;
  const { signal } = job;
  const progress = (step: Progress) => job.progress(step);
  const repository = new Repository(job.folder);
  const parts = { mirrors, getter, signal, progress };
  const wanted = [...release.files, ...(job.hasDeltas ? release.deltas : [])];
  let transferred = offer.transferred;
  for (const file of wanted) transferred += await bring(file, repository.pathOf(file), parts);
  putDocuments(repository, { documents, trust: new Trust(trustFolder) });
  prune(repository, release);
  return { version: release.version, files: release.files.length, transferred, expiresAt };
}

function hasRoot(metadata: string): boolean {
  return readdirSync(metadata).some((name) => name.endsWith(".root.json"));
}

async function bring(file: ReleaseFile, path: string, parts: FetchParts): Promise<number> {
  parts.signal.throwIfAborted();
  if (existsSync(path) && statSync(path).size === file.length) {
    if ((await hashFile(path)) === file.sha256) return 0;
  }
  mkdirSync(dirname(path), { recursive: true, mode: PUBLIC_FOLDER });
  const draft = `${path}.new`;
  const transferred = await fetchFile(file, draft, parts);
  settleFile(draft, path);
  return transferred;
}

/** Documents as they came, byte for byte: the sizes that are signed are of these. */
function putDocuments(
  repository: Repository,
  { documents, trust }: { readonly documents: ReadonlyMap<string, Uint8Array>; trust: Trust },
): void {
  for (const [name, bytes] of documents) {
    const version = /^(\d{1,9})\.root\.json$/.exec(name)?.[1];
    if (version === undefined) continue;
    writeAtomically(repository.fileOf("root", Number(version)), bytes, PUBLIC);
  }
  for (const role of ["targets", "snapshot", "timestamp"] as const) {
    const bytes = trust.bytes(role);
    if (bytes === undefined) throw new UpdateError("invalid", `the ${role} document is missing`);
    const { version } = readRole(role, bytes).signed;
    writeAtomically(repository.fileOf(role, version), bytes, PUBLIC);
  }
}

// The release before stays for those who are fetching it now.
function prune(repository: Repository, release: Release): void {
  const versions = repository.versionsOf("targets");
  const before = versions.filter((version) => version < release.version).at(-1);
  const old =
    before === undefined ? undefined : releaseOf(repository.read("targets", before).signed);
  const kept = [release, ...(old === undefined ? [] : [old])];
  const files = kept.flatMap((each) => [...each.files, ...each.deltas]);
  repository.prune(files, before ?? release.version);
}
