// What documents and whole feeds consist of, for people who look into them. Nothing is verified that
// would need an anchor; signatures are counted by the root that lies beside.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ReleaseDelta, type ReleaseFile, releaseOf } from "../release.ts";
import {
  countSignatures,
  keysByRole,
  ROLES,
  type Role,
  RoleError,
  type RoleKeys,
  type Signed,
} from "../roles.ts";
import { readDocument, roleOfFile } from "./document.ts";
import { METADATA_FOLDER, REPOSITORY_FOLDER, Repository } from "./repository.ts";
import { FeedError } from "./settings.ts";

/** What one document says. */
export interface DocumentView {
  readonly role: Role;
  readonly version: number;
  readonly expires: string;
  /** Ids of keys whose signatures it has; good or not, where there is no root to count by. */
  readonly signedBy: readonly string[];
  /** Whether the root that lies beside is content with them; undefined without one. */
  readonly isEnough?: boolean;
  readonly keys?: readonly RoleKeys[];
  readonly files?: readonly ReleaseFile[];
  readonly deltas?: readonly ReleaseDelta[];
}

function viewOf(role: Role, document: Signed<Role>, root?: Signed<"root">): DocumentView {
  const { version, expires } = document.signed;
  const counted = root === undefined ? undefined : countSignatures(document, role, root.signed);
  const signedBy = counted?.signedBy ?? Object.keys(document.signatures);
  const isEnough = counted === undefined ? {} : { isEnough: counted.isEnough };
  return { role, version, expires, signedBy, ...isEnough, ...partsOf(role, document) };
}

function partsOf(role: Role, document: Signed<Role>): Partial<DocumentView> {
  if (role === "root") return { keys: keysByRole(document as Signed<"root">) };
  if (role !== "targets") return {};
  const { files, deltas } = releaseOf((document as Signed<"targets">).signed);
  return { files, deltas };
}

/** The document in a file. Throws FeedError. */
export function viewFile(path: string): DocumentView {
  const role = roleOfFile(path);
  return named(path, () => viewOf(role, readDocument(role, path)));
}

/** The newest documents of a feed: of its folder, its public half, or a mirror. Throws FeedError. */
export function viewFeed(folder: string): DocumentView[] {
  const places = [join(folder, REPOSITORY_FOLDER), folder];
  const place = places.find((each) => existsSync(join(each, METADATA_FOLDER)));
  if (place === undefined) throw new FeedError(`${folder}: there is no feed in this folder`);
  const repository = new Repository(place);
  const root = repository.newest("root");
  return named(place, () =>
    ROLES.flatMap((role) => {
      const document = repository.newest(role);
      return document === undefined ? [] : [viewOf(role, document, root)];
    }),
  );
}

function named<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RoleError)) throw error;
    throw new FeedError(`${path}: ${error.message}`, { cause: error });
  }
}
