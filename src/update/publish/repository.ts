// The public half of a feed on disk: what any web server can hand out. Documents and targets are
// added beside the old ones; the timestamp, put last, is what makes them the newest, so that a
// client that reads meanwhile sees one release or the other.
import { copyFileSync, existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder, settleFile, writeAtomically } from "../../base/file/atomic-file.ts";
import type { ReleaseFile } from "../release.ts";
import { type Role, roleBytes, type Signed } from "../roles.ts";
import { readDocument } from "./document.ts";

/** Where the public half stands in a feed's folder, and its parts in it. */
export const REPOSITORY_FOLDER = "repository";
export const METADATA_FOLDER = "metadata";
export const TARGETS_FOLDER = "targets";

/** Newest snapshots that are kept: clients may hold a timestamp that is being replaced. */
const SNAPSHOTS_KEPT = 3;
const PUBLIC = 0o644;
const PUBLIC_FOLDER = 0o755;

/** The documents and targets of a feed. */
export class Repository {
  readonly #metadata: string;
  readonly #targets: string;

  constructor(folder: string) {
    this.#metadata = join(folder, METADATA_FOLDER);
    this.#targets = join(folder, TARGETS_FOLDER);
  }

  /** Makes the folders. */
  make(): void {
    for (const folder of [this.#metadata, this.#targets]) makeFolder(folder, PUBLIC_FOLDER);
  }

  /** The file of a document. */
  fileOf(role: Role, version: number): string {
    return join(
      this.#metadata,
      role === "timestamp" ? "timestamp.json" : `${version}.${role}.json`,
    );
  }

  /** Versions of a role that are there, the newest last. */
  versionsOf(role: Exclude<Role, "timestamp">): number[] {
    const name = new RegExp(`^([1-9]\\d{0,8})\\.${role}\\.json$`);
    const versions = readdirSync(this.#metadata).flatMap((each) => name.exec(each)?.[1] ?? []);
    return versions.map(Number).sort((a, b) => a - b);
  }

  /** The newest document of a role. Throws FeedError for one that is damaged. */
  newest<R extends Role>(role: R): Signed<R> | undefined {
    if (role !== "timestamp") {
      const version = this.versionsOf(role as Exclude<Role, "timestamp">).at(-1);
      return version === undefined ? undefined : this.read(role, version);
    }
    return existsSync(this.fileOf(role, 0)) ? this.read(role, 0) : undefined;
  }

  /** One document. */
  read<R extends Role>(role: R, version: number): Signed<R> {
    return readDocument(role, this.fileOf(role, version));
  }

  /** Adds a document. */
  put(role: Role, document: Signed<Role>): void {
    writeAtomically(this.fileOf(role, document.signed.version), roleBytes(document), PUBLIC);
  }

  /** The path of a target. */
  pathOf({ location }: ReleaseFile): string {
    return join(this.#targets, location);
  }

  /** Adds a target: a file's content, or bytes. One that is there is the same: its name says so. */
  putTarget(target: ReleaseFile, content: string | Uint8Array): void {
    const path = this.pathOf(target);
    if (existsSync(path)) return;
    makeFolder(dirname(path), PUBLIC_FOLDER);
    if (typeof content !== "string") {
      writeAtomically(path, content, PUBLIC);
      return;
    }
    // Too large for memory, perhaps; the rename is what makes it whole, as in writeAtomically.
    const draft = `${path}.new`;
    copyFileSync(content, draft);
    settleFile(draft, path);
  }

  /** Removes targets and documents that no release in `kept` needs. */
  prune(kept: readonly ReleaseFile[], oldest: number): void {
    const needed = new Set(kept.map((file) => this.pathOf(file)));
    for (const entry of readdirSync(this.#targets, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && !needed.has(path)) rmSync(path, { force: true });
    }
    for (const version of this.versionsOf("targets").filter((each) => each < oldest)) {
      rmSync(this.fileOf("targets", version), { force: true });
    }
    for (const version of this.versionsOf("snapshot").slice(0, -SNAPSHOTS_KEPT)) {
      rmSync(this.fileOf("snapshot", version), { force: true });
    }
  }
}
