// Root documents that follow one another: renewed, or with other keys.
import { existsSync } from "node:fs";
import { makeFolder, writeAtomically } from "../../base/file/atomic-file.ts";
import { newRole, type Role, roleBytes, type Signed, tufKey } from "../roles.ts";
import { readDocument } from "./document.ts";
import type { Feed } from "./feed.ts";
import { makeKey, type NewKey, shortId } from "./keys.ts";
import { FeedError } from "./settings.ts";

/** A root like this one, with the next version and no signatures. */
export function nextRoot(current: Signed<"root">, expires: number): Signed<"root"> {
  const { keys, roles, consistent_snapshot } = current.signed.toJSON();
  const version = current.signed.version + 1;
  return newRole("root", { version, expires }, { keys, roles, consistent_snapshot });
}

/** Takes signatures off a document that are by none of the keys which the roots name for it. */
export function dropForeign(
  document: Signed<Role>,
  role: Role,
  roots: readonly Signed<"root">[],
): void {
  const known = new Set(roots.flatMap(({ signed }) => signed.roles[role]?.keyIDs ?? []));
  const kept = Object.entries(document.signatures).filter(([id]) => known.has(id));
  document.signatures = Object.fromEntries(kept);
}

/** A key that took another's place in a draft of the root. */
export interface Rotated {
  readonly role: Role;
  readonly old: string;
  readonly key: NewKey;
  /** The draft's file. */
  readonly draft: string;
}

/** How a key is replaced. */
export interface RotateOptions {
  readonly role: Role;
  /** First digits of the id of the key that goes; undefined if the role has but one. */
  readonly old: string | undefined;
  readonly passphrase: string | undefined;
  readonly now: number;
}

function keyToReplace(ids: readonly string[], { role, old }: RotateOptions): string {
  const found = ids.filter((id) => old === undefined || id.startsWith(old));
  const [id] = found;
  if (id !== undefined && found.length === 1) return id;
  const known = ids.map(shortId).join(", ");
  if (old === undefined) {
    throw new FeedError(`the ${role} role has several keys: say which goes with --old (${known})`);
  }
  throw new FeedError(`"${old}" is none of the keys of the ${role} role (${known})`);
}

/** Makes a key and puts it in an old one's place, in a draft that the next publishing brings out. */
export async function rotateKey(feed: Feed, options: RotateOptions): Promise<Rotated> {
  const { role, passphrase, now } = options;
  return await feed.locked(() => {
    const current = feed.root();
    const draft = feed.draftOf("root");
    // Several keys may be replaced before anything is published.
    const base = existsSync(draft) ? readDocument("root", draft) : current;
    const old = keyToReplace(base.signed.roles[role]?.keyIDs ?? [], options);
    const key = makeKey(feed.keysFolder, role, passphrase);
    const json = base.signed.toJSON() as unknown as RootJson;
    const replaced = Object.entries(json.roles).map(([name, each]) => {
      const keyids = each.keyids.map((id) => (name === role && id === old ? key.id : id));
      return [name, { ...each, keyids }] as const;
    });
    const used = new Set(replaced.flatMap(([, { keyids }]) => keyids));
    const keys = { ...json.keys, [key.id]: tufKey(key.signingKey.publicHex).key.toJSON() };
    const fields = {
      consistent_snapshot: json.consistent_snapshot,
      keys: Object.fromEntries(Object.entries(keys).filter(([id]) => used.has(id))),
      roles: Object.fromEntries(replaced),
    };
    const expires = now + feed.settings.lifetimes.root;
    const next = newRole("root", { version: current.signed.version + 1, expires }, fields);
    makeFolder(feed.draftFolder, 0o755);
    writeAtomically(draft, roleBytes(next), 0o644);
    return { role, old, key, draft };
  });
}

interface RootJson {
  readonly consistent_snapshot: boolean;
  readonly keys: Readonly<Record<string, unknown>>;
  readonly roles: Readonly<Record<string, { keyids: readonly string[]; threshold: number }>>;
}
