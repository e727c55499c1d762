// A new feed: its folder, its keys, and the first root document, which clients are given by its hash.
import { existsSync, readdirSync } from "node:fs";
import { makeFolder } from "../../base/file/atomic-file.ts";
import { hashBytes } from "../release.ts";
import { newRole, ROLES, type Role, roleBytes, signRole, tufKey } from "../roles.ts";
import { Feed } from "./feed.ts";
import { makeKey, type NewKey } from "./keys.ts";
import { checkName, FeedError, type FeedSettings, writeSettings } from "./settings.ts";

/** How many keys a role has, and how many of them must sign. */
export interface Quorum {
  readonly keys: number;
  readonly threshold: number;
}

const KEYS_PER_ROLE_MAX = 20;

/** What a new feed is made with. */
export interface InitOptions {
  readonly settings: FeedSettings;
  readonly quorums: Readonly<Record<Role, Quorum>>;
  readonly passphrase: string | undefined;
  readonly now: number;
}

/** A feed that was made. */
export interface NewFeed {
  readonly feed: Feed;
  readonly keys: readonly (NewKey & { readonly role: Role })[];
  /** SHA-256 of the first root document. */
  readonly rootHash: string;
}

/** A quorum from `2/3`: two of three keys. Throws FeedError. */
export function parseQuorum(text: string): Quorum {
  const [, threshold, keys] = /^([1-9]\d?)\/([1-9]\d?)$/.exec(text) ?? [];
  const quorum = { threshold: Number(threshold), keys: Number(keys) };
  if (quorum.keys <= KEYS_PER_ROLE_MAX && quorum.threshold <= quorum.keys) return quorum;
  const max = KEYS_PER_ROLE_MAX;
  throw new FeedError(`"${text}": write 2/3 for any two of three keys; at most ${max} keys`);
}

function rootFields(
  keys: NewFeed["keys"],
  quorums: InitOptions["quorums"],
): Record<string, unknown> {
  const json = keys.map(({ id, signingKey }) => [id, tufKey(signingKey.publicHex).key.toJSON()]);
  const roles = ROLES.map((role) => {
    const keyids = keys.filter((key) => key.role === role).map(({ id }) => id);
    return [role, { keyids, threshold: quorums[role].threshold }];
  });
  return {
    consistent_snapshot: true,
    keys: Object.fromEntries(json),
    roles: Object.fromEntries(roles),
  };
}

/** Makes a feed in a folder that is empty or not there. Throws FeedError. */
export function initFeed(folder: string, options: InitOptions): NewFeed {
  const { settings, quorums, passphrase, now } = options;
  checkName(settings.name);
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new FeedError(`${folder}: not empty; a feed is made in a folder of its own`);
  }
  makeFolder(folder, 0o755);
  writeSettings(folder, settings);
  const feed = new Feed(folder);
  feed.repository.make();
  const keys = ROLES.flatMap((role) =>
    Array.from({ length: quorums[role].keys }, () => ({
      role,
      ...makeKey(feed.keysFolder, role, passphrase),
    })),
  );
  const expires = now + settings.lifetimes.root;
  const root = newRole("root", { version: 1, expires }, rootFields(keys, quorums));
  const ring = new Map(keys.map(({ id, signingKey }) => [id, { open: () => signingKey }]));
  signRole(root, "root", { root: root.signed, ring });
  feed.repository.put("root", root);
  return { feed, keys, rootHash: hashBytes(roleBytes(root)) };
}
