// The four roles of a feed (TUF 1.0.34 §2.1) and their signed documents: read within bounds, signed,
// and their signatures counted. Used by whoever publishes and to look into feeds; what a client
// trusts is decided in tuf/.

import { createHash } from "node:crypto";
import { canonicalize } from "@tufjs/canonical-json";
import {
  Key,
  Metadata,
  type MetadataKind,
  type Root,
  Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "@tufjs/models";
import { type SigningKey, signHex } from "../base/key/signing-key.ts";

/** The roles, in the order in which they vouch for each other. */
export const ROLES = ["root", "targets", "snapshot", "timestamp"] as const;

/** What a key may sign. */
export type Role = (typeof ROLES)[number];

/** Largest documents that are read, bytes. */
export const ROLE_SIZE_MAX = {
  root: 512 * 1024,
  targets: 16 * 2 ** 20,
  snapshot: 2 * 2 ** 20,
  timestamp: 16 * 1024,
} as const satisfies Record<Role, number>;

/** Documents by role. */
export interface Documents {
  readonly root: Root;
  readonly targets: Targets;
  readonly snapshot: Snapshot;
  readonly timestamp: Timestamp;
}

/** A document with its signatures. */
export type Signed<R extends Role> = Metadata<Documents[R]>;

/** A document that is none: the message says why, not where. */
export class RoleError extends Error {
  override readonly name = "RoleError";
}

/** The version of the specification that documents name. */
export const SPEC_VERSION = "1.0.34";

/** Below this key of a document or a target stands what is gw's own and no part of TUF. */
export const OWN_FIELDS = "x-gw";

/** A document from bytes; nothing is checked but its form. Throws RoleError. */
export function readRole<R extends Role>(role: R, bytes: Uint8Array): Signed<R> {
  if (bytes.length > ROLE_SIZE_MAX[role]) {
    throw new RoleError(`larger than the ${ROLE_SIZE_MAX[role]} bytes of a ${role} document`);
  }
  try {
    return fromJson(role, JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RoleError(`no ${role} document: ${reason}`, { cause: error });
  }
}

// The models tell their documents apart by an enum, which has no name here.
function fromJson<R extends Role>(role: R, json: unknown): Signed<R> {
  type Json = Parameters<typeof Metadata.fromJSON>[1];
  const made: unknown = Metadata.fromJSON(role as MetadataKind.Root, json as Json);
  return made as Signed<R>;
}

/** A new document without signatures; `fields` are those of its role. */
export function newRole<R extends Role>(
  role: R,
  about: { readonly version: number; readonly expires: number },
  fields: Readonly<Record<string, unknown>>,
): Signed<R> {
  // The specification has seconds, no fractions.
  const expires = new Date(about.expires).toISOString().replace(/\.\d+/, "");
  const { version } = about;
  const signed = { _type: role, spec_version: SPEC_VERSION, version, expires, ...fields };
  return fromJson(role, { signed, signatures: [] });
}

/** The bytes that are published. */
export function roleBytes(document: Signed<Role>): Buffer {
  return Buffer.from(`${JSON.stringify(document.toJSON())}\n`);
}

/** How TUF describes an Ed25519 key, and the id that follows from it (§4.2). */
export function tufKey(publicHex: string): { readonly id: string; readonly key: Key } {
  const fields = { keytype: "ed25519", scheme: "ed25519", keyval: { public: publicHex } };
  const id = createHash("sha256").update(canonicalize(fields)).digest("hex");
  return { id, key: Key.fromJSON(id, fields) };
}

/** A key that may have to be unsealed, which takes a while: only what signs is opened. */
export interface KeyAtHand {
  open(): SigningKey;
}

/** Keys at hand, by the id that TUF gives them. */
export type KeyRing = ReadonlyMap<string, KeyAtHand>;

/** Signs with those keys of the role in `root` that are at hand and have not signed; how many did. */
export function signRole(
  document: Signed<Role>,
  role: Role,
  { root, ring }: { readonly root: Root; readonly ring: KeyRing },
): number {
  let count = 0;
  for (const keyID of root.roles[role]?.keyIDs ?? []) {
    const key = ring.get(keyID);
    if (key === undefined || isSignedWith(document, keyID, root)) continue;
    addSignature(document, keyID, key);
    count++;
  }
  return count;
}

/** Signs with one key, whosever it is. */
export function addSignature(document: Signed<Role>, keyID: string, key: KeyAtHand): void {
  const opened = key.open();
  document.sign((bytes) => new Signature({ keyID, sig: signHex(bytes, opened) }));
}

function isSignedWith(document: Signed<Role>, keyID: string, root: Root): boolean {
  try {
    root.keys[keyID]?.verifySignature(document);
    return root.keys[keyID] !== undefined;
  } catch {
    // The models throw for a signature that is missing or wrong alike.
    return false;
  }
}

/** What a document has and needs of the signatures that `root` asks for. */
export interface Signatures {
  readonly threshold: number;
  readonly signedBy: readonly string[];
  /** Ids of keys that could sign and have not. */
  readonly open: readonly string[];
  readonly isEnough: boolean;
}

/** Counts the good signatures of a document, each key once. */
export function countSignatures(document: Signed<Role>, role: Role, root: Root): Signatures {
  const { keyIDs = [], threshold = 1 } = root.roles[role] ?? {};
  const signedBy = keyIDs.filter((keyID) => isSignedWith(document, keyID, root));
  const open = keyIDs.filter((keyID) => !signedBy.includes(keyID));
  return { threshold, signedBy, open, isEnough: signedBy.length >= threshold };
}

/** The keys of a role, and how many of them must sign. */
export interface RoleKeys {
  readonly role: Role;
  readonly threshold: number;
  readonly ids: readonly string[];
}

/** The keys of all roles, as a root document names them. */
export function keysByRole({ signed }: Signed<"root">): RoleKeys[] {
  return ROLES.map((role) => {
    const { keyIDs = [], threshold = 1 } = signed.roles[role] ?? {};
    return { role, threshold, ids: keyIDs };
  });
}
