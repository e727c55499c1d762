// What is trusted of a feed: its documents as they were last verified, in a folder of their own. The
// root in it began with the anchor that the administrator named; whoever names another one begins
// anew. tuf-js writes documents in place, so it works on a copy, from which what it verified is
// taken over file by file, whole or not at all.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeAtomically } from "../../base/file/atomic-file.ts";
import { hashBytes } from "../release.ts";
import { ROLE_SIZE_MAX, type Role, RoleError, readRole, type Signed } from "../roles.ts";
import { UpdateError } from "../source.ts";

const ANCHOR_FILE = "anchor";
const WORK_FOLDER = "work";
const EXTENSION = ".json";
/** The order in which documents are taken over: none may vouch for one that is not there. */
const ORDER: readonly string[] = ["root", "timestamp", "snapshot", "targets"].map(
  (role) => role + EXTENSION,
);

/** The first root of a feed: by its hash, or in a file. */
export type Anchor =
  | { readonly kind: "hash"; readonly sha256: string }
  | { readonly kind: "file"; readonly path: string };

/** An anchor from `sha256:HEX` or a path; undefined if a hash is none. */
export function parseAnchor(text: string): Anchor | undefined {
  const [, digits] = /^sha256:(.*)$/s.exec(text) ?? [];
  if (digits === undefined) return { kind: "file", path: text };
  const sha256 = digits.trim().toLowerCase();
  return /^[0-9a-f]{64}$/.test(sha256) ? { kind: "hash", sha256 } : undefined;
}

/** The trusted documents of a feed. */
export class Trust {
  readonly #folder: string;
  readonly #work: string;

  /** `folder` is made when there is something to keep. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#work = join(folder, WORK_FOLDER);
  }

  /** Where tuf-js works, after `checkOut`. */
  get work(): string {
    return this.#work;
  }

  /**
   * Makes the working copy. Where nothing is trusted yet, or another anchor was named meanwhile, it
   * has the anchor's root alone; `fetchRoot` gets the first root of a feed.
   */
  async checkOut(anchor: Anchor, fetchRoot: () => Promise<Uint8Array>): Promise<void> {
    const identity = anchor.kind === "hash" ? anchor.sha256 : hashBytes(readAnchor(anchor.path));
    const isKnown = this.#readAnchorFile() === identity;
    const root =
      isKnown && this.#isRootGood() ? undefined : await this.#firstRoot(anchor, fetchRoot);
    rmSync(this.#work, { recursive: true, force: true });
    makeFolder(this.#work);
    if (!isKnown) {
      for (const name of this.#names()) rmSync(join(this.#folder, name));
      writeAtomically(join(this.#folder, ANCHOR_FILE), identity);
    }
    for (const name of this.#names()) {
      writeFileSync(join(this.#work, name), readFileSync(join(this.#folder, name)));
    }
    if (root !== undefined) writeFileSync(join(this.#work, `root${EXTENSION}`), root);
  }

  // One that the disk damaged is begun anew, from the anchor; the other documents are fetched again
  // if they are damaged, and else still tell of going back.
  #isRootGood(): boolean {
    try {
      return readRole("root", this.bytes("root") ?? new Uint8Array()).signed.version > 0;
    } catch (error) {
      if (error instanceof RoleError) return false;
      throw error;
    }
  }

  async #firstRoot(anchor: Anchor, fetchRoot: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (anchor.kind === "file") return readAnchor(anchor.path);
    const root = await fetchRoot();
    if (hashBytes(root) === anchor.sha256) return root;
    throw new UpdateError(
      "invalid",
      `the feed's first root document has the hash sha256:${hashBytes(root)}, not the one that is ` +
        "configured: this is another feed, or somebody else's",
    );
  }

  /** Takes over what was verified, and removes the working copy. */
  checkIn(): void {
    const names = existsSync(this.#work) ? namesIn(this.#work) : [];
    for (const name of names.sort((a, b) => rank(a) - rank(b))) {
      const bytes = readFileSync(join(this.#work, name));
      const path = join(this.#folder, name);
      if (!existsSync(path) || !readFileSync(path).equals(bytes)) writeAtomically(path, bytes);
    }
    for (const name of this.#names()) {
      if (!names.includes(name)) rmSync(join(this.#folder, name));
    }
    rmSync(this.#work, { recursive: true, force: true });
  }

  /** Forgets timestamp and snapshot in the working copy. */
  forgetOnline(): void {
    for (const role of ["timestamp", "snapshot"]) {
      rmSync(join(this.#work, role + EXTENSION), { force: true });
    }
  }

  /** Whether a document of the role is trusted. */
  has(role: Role): boolean {
    return existsSync(join(this.#folder, role + EXTENSION));
  }

  /** The bytes of a trusted document. */
  bytes(role: Role): Uint8Array | undefined {
    return this.has(role) ? readFileSync(join(this.#folder, role + EXTENSION)) : undefined;
  }

  /** A document of the working copy. Throws RoleError. */
  working<R extends Role>(role: R): Signed<R> {
    return readRole(role, this.workingBytes(role));
  }

  /** The bytes of a document of the working copy. Throws RoleError. */
  workingBytes(role: Role): Uint8Array {
    const path = join(this.#work, role + EXTENSION);
    if (!existsSync(path)) throw new RoleError(`the ${role} document is missing`);
    return readFileSync(path);
  }

  #names(): string[] {
    return existsSync(this.#folder) ? namesIn(this.#folder) : [];
  }

  #readAnchorFile(): string | undefined {
    const path = join(this.#folder, ANCHOR_FILE);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  }
}

function namesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(EXTENSION));
}

function rank(name: string): number {
  const at = ORDER.indexOf(name);
  return at < 0 ? ORDER.length : at;
}

function readAnchor(path: string): Uint8Array {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= ROLE_SIZE_MAX.root) return bytes;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new UpdateError("invalid", `${path}: the feed's root document can't be read (${code})`, {
      cause: error,
    });
  }
  throw new UpdateError("invalid", `${path}: too large for a root document`);
}
