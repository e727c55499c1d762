// Brings a feed's next state out: the documents that have enough signatures are published, the
// others wait as drafts until somebody has signed them, here or on a host without a network.
//
// A root that replaces keys goes first; then targets, if the files have changed, or the document is
// old, or its keys are no longer the root's; then snapshot and timestamp, which are always new.
import { existsSync, rmSync, statSync } from "node:fs";
import { makeFolder, writeAtomically } from "../../base/file/atomic-file.ts";
import { type ReleaseFile, releaseOf, targetsField } from "../release.ts";
import {
  countSignatures,
  type KeyRing,
  newRole,
  OWN_FIELDS,
  type Role,
  roleBytes,
  type Signed,
  signRole,
} from "../roles.ts";
import { addDeltas, currentFiles, isSameFiles, pastReleases } from "./contents.ts";
import { readDocument } from "./document.ts";
import type { Feed } from "./feed.ts";
import { shortId } from "./keys.ts";
import { dropForeign, nextRoot } from "./root.ts";
import { FeedError } from "./settings.ts";

/** A document that lacks signatures. */
export interface Waiting {
  readonly role: Role;
  /** The draft's file. */
  readonly path: string;
  /** How many signatures are still to come. */
  readonly missing: number;
  /** Ids of the keys that can give them. */
  readonly keys: readonly string[];
}

/** What came of publishing. */
export interface Published {
  /** Version of each document that is the newest now; undefined: there is none yet. */
  readonly versions: Readonly<Record<Role, number | undefined>>;
  /** The files have changed with this run. */
  readonly isNewRelease: boolean;
  readonly files: number;
  readonly deltas: number;
  readonly waiting: readonly Waiting[];
}

/** How it is published. */
export interface PublishOptions {
  readonly ring: KeyRing;
  readonly now: number;
  /** Told what is at work. */
  readonly step?: (what: string) => void;
}

/** A document is renewed when less than this part of its life is left. */
const RENEWAL_SHARE = 1 / 3;

/** Publishes what can be published. Throws FeedError if snapshot or timestamp can't be signed. */
export async function publishFeed(feed: Feed, options: PublishOptions): Promise<Published> {
  return await feed.locked(() => new Publication(feed, options).run());
}

class Publication {
  readonly #feed: Feed;
  readonly #options: PublishOptions;
  readonly #waiting: Waiting[] = [];
  #root: Signed<"root">;

  constructor(feed: Feed, options: PublishOptions) {
    this.#feed = feed;
    this.#options = options;
    this.#root = feed.root();
  }

  async run(): Promise<Published> {
    const { repository } = this.#feed;
    const before = repository.newest("targets")?.signed.version;
    await this.#publishRootAndTargets();
    const targets = repository.newest("targets");
    if (targets !== undefined) {
      this.#publishSnapshot(targets);
      this.#publishTimestamp();
      this.#prune();
    }
    const newest = <R extends Role>(role: R) => repository.newest(role)?.signed.version;
    const release = targets === undefined ? undefined : releaseOf(targets.signed);
    return {
      versions: {
        root: newest("root"),
        targets: newest("targets"),
        snapshot: newest("snapshot"),
        timestamp: newest("timestamp"),
      },
      isNewRelease: before !== release?.version,
      files: release?.files.length ?? 0,
      deltas: release?.deltas.length ?? 0,
      waiting: this.#waiting,
    };
  }

  #about(role: Role, previous: number | undefined) {
    const { now } = this.#options;
    return { version: (previous ?? 0) + 1, expires: now + this.#feed.settings.lifetimes[role] };
  }

  #isOld(document: Signed<Role>, role: Role): boolean {
    const left = Date.parse(document.signed.expires) - this.#options.now;
    return left < this.#feed.settings.lifetimes[role] * RENEWAL_SHARE;
  }

  #draft<R extends Role>(role: R): Signed<R> | undefined {
    const path = this.#feed.draftOf(role);
    return existsSync(path) ? readDocument(role, path) : undefined;
  }

  /** Signs a draft with what is at hand. If that is not enough, it is left waiting. */
  #complete(role: Role, draft: Signed<Role>, roots: readonly Signed<"root">[]): boolean {
    const { ring } = this.#options;
    const path = this.#feed.draftOf(role);
    for (const { signed: root } of roots) signRole(draft, role, { root, ring });
    dropForeign(draft, role, roots);
    makeFolder(this.#feed.draftFolder, 0o755);
    writeAtomically(path, roleBytes(draft), 0o644);
    const counts = roots.map(({ signed: root }) => countSignatures(draft, role, root));
    const short = counts.filter(({ isEnough }) => !isEnough);
    if (short.length === 0) return true;
    const missing = short.map(({ threshold, signedBy }) => threshold - signedBy.length);
    const keys = [...new Set(short.flatMap(({ open }) => open))];
    this.#waiting.push({ role, path, missing: Math.max(...missing), keys });
    return false;
  }

  #put(role: Role, draft: Signed<Role>): void {
    this.#feed.repository.put(role, draft);
    rmSync(this.#feed.draftOf(role), { force: true });
  }

  // A root by whose keys the newest targets are not signed would shut clients out: it waits until
  // there are others.
  async #publishRootAndTargets(): Promise<void> {
    const next = this.#nextRoot();
    const current = this.#root;
    this.#root = next ?? current;
    const targets = await this.#nextTargets();
    if (targets !== undefined) {
      if (next !== undefined) this.#put("root", next);
      this.#put("targets", targets);
      return;
    }
    if (next === undefined) return;
    const newest = this.#feed.repository.newest("targets");
    if (newest === undefined || this.#isGood("targets", newest)) this.#put("root", next);
    else this.#root = current;
  }

  // TUF 1.0.34 §5.3.4: a new root is signed by the old one's keys and by its own.
  #nextRoot(): Signed<"root"> | undefined {
    const current = this.#root;
    let draft = this.#draft("root");
    if (draft === undefined && this.#isOld(current, "root")) {
      draft = nextRoot(current, this.#about("root", current.signed.version).expires);
    }
    if (draft === undefined) return undefined;
    if (draft.signed.version !== current.signed.version + 1) {
      const path = this.#feed.draftOf("root");
      const wanted = current.signed.version + 1;
      throw new FeedError(`${path}: root version ${wanted} is expected; remove this draft`);
    }
    return this.#complete("root", draft, [current, draft]) ? draft : undefined;
  }

  /** The next targets document if one is due and has its signatures. */
  async #nextTargets(): Promise<Signed<"targets"> | undefined> {
    const { repository } = this.#feed;
    const files = await currentFiles(this.#feed);
    const current = repository.newest("targets");
    const draft = this.#draft("targets");
    const isFresh = (each: Signed<"targets"> | undefined) =>
      each !== undefined && !this.#isOld(each, "targets");
    if (current !== undefined && isFresh(current) && this.#isGood("targets", current)) {
      if (isSameFiles(releaseOf(current.signed).files, files)) {
        rmSync(this.#feed.draftOf("targets"), { force: true });
        return undefined;
      }
    }
    // A draft that says what would be said now keeps the signatures it has.
    const isCurrent = draft?.signed.version === (current?.signed.version ?? 0) + 1;
    const isUsable =
      draft !== undefined &&
      isCurrent &&
      isFresh(draft) &&
      isSameFiles(releaseOf(draft.signed).files, files);
    const next = isUsable ? draft : this.#newTargets(files, current?.signed.version);
    return this.#complete("targets", next, [this.#root]) ? next : undefined;
  }

  #newTargets(files: readonly ReleaseFile[], previous: number | undefined): Signed<"targets"> {
    const { repository } = this.#feed;
    for (const file of files) repository.putTarget(file, this.#feed.pathOf(file.name));
    const deltas = addDeltas(this.#feed, files, ({ name }) => {
      this.#options.step?.(`delta: ${name}`);
    });
    const targets = targetsField({ files, deltas });
    return newRole("targets", this.#about("targets", previous), { targets });
  }

  #isGood(role: Role, document: Signed<Role>): boolean {
    return countSignatures(document, role, this.#root.signed).isEnough;
  }

  #publishSnapshot(targets: Signed<"targets">): void {
    const { repository } = this.#feed;
    const current = repository.newest("snapshot");
    const { version } = targets.signed;
    const isSame = current?.signed.meta["targets.json"]?.version === version;
    if (current !== undefined && isSame && !this.#isOld(current, "snapshot")) {
      if (this.#isGood("snapshot", current)) return;
    }
    const about = this.#about("snapshot", current?.signed.version);
    const { size: length } = statSync(repository.fileOf("targets", version));
    const meta = { "targets.json": { version, length } };
    this.#signOnline("snapshot", newRole("snapshot", about, { meta }));
  }

  #publishTimestamp(): void {
    const { repository } = this.#feed;
    const snapshot = repository.newest("snapshot");
    if (snapshot === undefined) throw new FeedError("the snapshot document is missing");
    const about = this.#about("timestamp", repository.newest("timestamp")?.signed.version);
    const { version } = snapshot.signed;
    const { size: length } = statSync(repository.fileOf("snapshot", version));
    const meta = { "snapshot.json": { version, length } };
    // When it was signed: a client whose clock is far behind would take outdated ones for good.
    const own = { signed: new Date(this.#options.now).toISOString() };
    this.#signOnline("timestamp", newRole("timestamp", about, { meta, [OWN_FIELDS]: own }));
  }

  // Their keys are needed daily, so that a draft of them would be of no use to anybody.
  #signOnline(role: "snapshot" | "timestamp", document: Signed<Role>): void {
    const root = this.#root.signed;
    signRole(document, role, { root, ring: this.#options.ring });
    const { isEnough, threshold, signedBy, open } = countSignatures(document, role, root);
    if (isEnough) {
      this.#feed.repository.put(role, document);
      return;
    }
    const ids = open.map(shortId).join(", ");
    const more = threshold - signedBy.length;
    throw new FeedError(
      `the ${role} document needs ${more} more of the keys ${ids}: name their folder with --keys, ` +
        "and give --passphrase-file if they are sealed",
    );
  }

  /** Keeps what deltas are made from, and what clients may be fetching now. */
  #prune(): void {
    const kept = pastReleases(this.#feed, Math.max(this.#feed.settings.deltas, 1) + 1);
    const draft = this.#draft("targets");
    const waiting = draft === undefined ? [] : [releaseOf(draft.signed)];
    const [newest, before] = kept;
    const recent = [newest, before, ...waiting].flatMap((each) => each?.deltas ?? []);
    const files = [...kept, ...waiting].flatMap((release) => release.files);
    this.#feed.repository.prune([...files, ...recent], kept.at(-1)?.version ?? 0);
  }
}
