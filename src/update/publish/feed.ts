// A feed at home: its folder with settings, private keys, the files that are to be offered, drafts
// that wait for signatures, and the public half. Making one, and changing what it is to offer.
import { copyFileSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { makeFolder, settleFile, syncFolder } from "../../base/file/atomic-file.ts";
import { FILE_SIZE_MAX, FILES_MAX, nameFault } from "../release.ts";
import type { Role, Signed } from "../roles.ts";
import { lockShelf } from "../shelf/lock.ts";
import { REPOSITORY_FOLDER, Repository } from "./repository.ts";
import { FeedError, type FeedSettings, readSettings } from "./settings.ts";

const FILES_FOLDER = "files";
const DRAFT_FOLDER = "draft";
const KEYS_FOLDER = "keys";

/** The folder of a feed. */
export class Feed {
  readonly folder: string;
  readonly settings: FeedSettings;
  readonly repository: Repository;

  /** Opens the feed in a folder. Throws FeedError if there is none. */
  constructor(folder: string) {
    this.folder = folder;
    this.settings = readSettings(folder);
    this.repository = new Repository(join(folder, REPOSITORY_FOLDER));
  }

  get keysFolder(): string {
    return join(this.folder, KEYS_FOLDER);
  }

  /** Whether there is a folder of keys here: they may all be elsewhere. */
  get hasKeysFolder(): boolean {
    return existsSync(this.keysFolder);
  }

  /** The public half, for web servers and `file:` URLs. */
  get publicFolder(): string {
    return join(this.folder, REPOSITORY_FOLDER);
  }

  get draftFolder(): string {
    return join(this.folder, DRAFT_FOLDER);
  }

  /** The file of a role's draft. */
  draftOf(role: Role): string {
    return join(this.draftFolder, `${role}.json`);
  }

  /** The newest root, by which all is checked. */
  root(): Signed<"root"> {
    const root = this.repository.newest("root");
    if (root !== undefined) return root;
    throw new FeedError(`${this.publicFolder}: the root document is missing`);
  }

  /** Names of the files that are to be offered, sorted. */
  fileNames(): string[] {
    const folder = join(this.folder, FILES_FOLDER);
    if (!existsSync(folder)) return [];
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
    if (names.length > FILES_MAX) throw new FeedError(`a feed has at most ${FILES_MAX} files`);
    for (const name of names) checkFile(name, this.pathOf(name));
    return names.sort();
  }

  /** The path of a file that is to be offered. */
  pathOf(name: string): string {
    return join(this.folder, FILES_FOLDER, name);
  }

  /** Takes a file in under a name, in place of one that has it. */
  addFile(path: string, name = basename(path)): void {
    checkFile(name, path);
    const target = this.pathOf(name);
    makeFolder(dirname(target), 0o755);
    // Whole at once: somebody may be publishing.
    const draft = join(dirname(target), `.${basename(target)}.new`);
    copyFileSync(path, draft);
    settleFile(draft, target);
  }

  /** Takes a file out of what is to be offered. Throws FeedError if there is none of that name. */
  removeFile(name: string): void {
    if (nameFault(name) !== undefined || !existsSync(this.pathOf(name))) {
      throw new FeedError(`the feed has no file "${name}"`);
    }
    rmSync(this.pathOf(name));
    syncFolder(dirname(this.pathOf(name)));
  }

  /** Does the work while nobody else changes the feed. Throws UpdateError if somebody does. */
  async locked<T>(work: () => T | Promise<T>): Promise<T> {
    const busy = `${this.folder}: another gw is changing this feed; try again when it is done`;
    const lock = lockShelf(this.folder, busy);
    try {
      return await work();
    } finally {
      lock.release();
    }
  }
}

function checkFile(name: string, path: string): void {
  const fault = nameFault(name);
  if (fault !== undefined) throw new FeedError(`"${name}" can't be a file of a feed: ${fault}`);
  const stat = statSync(path);
  if (!stat.isFile()) throw new FeedError(`${path}: not a file`);
  if (stat.size > FILE_SIZE_MAX) {
    throw new FeedError(`${path}: larger than the ${FILE_SIZE_MAX} bytes a file may have`);
  }
}
