// The private keys of a feed: files `ROLE-ID.key` in its `keys` folder, or in any other, on this
// host or another.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeAtomically } from "../../base/file/atomic-file.ts";
import {
  generateKey,
  KeyError,
  readKey,
  readKeyLabel,
  type SigningKey,
  writeKey,
} from "../../base/key/signing-key.ts";
import { type KeyAtHand, type KeyRing, type Role, tufKey } from "../roles.ts";
import { readBounded } from "./document.ts";
import { FeedError } from "./settings.ts";

const EXTENSION = ".key";
const KEY_SIZE_MAX = 16 * 1024;
const ID_SHOWN = 8;

/** The first digits of a key's id, by which people tell keys apart. */
export function shortId(id: string): string {
  return id.slice(0, ID_SHOWN);
}

/** A key that was made. */
export interface NewKey {
  readonly id: string;
  readonly signingKey: SigningKey;
  readonly path: string;
}

/** Makes a key and writes it into a folder; sealed if there is a passphrase. */
export function makeKey(folder: string, role: Role, passphrase: string | undefined): NewKey {
  const signingKey = generateKey();
  const { id } = tufKey(signingKey.publicHex);
  makeFolder(folder);
  const path = join(folder, `${role}-${shortId(id)}${EXTENSION}`);
  writeAtomically(path, writeKey(signingKey, passphrase));
  return { id, signingKey, path };
}

function keyFilesIn(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => name.endsWith(EXTENSION));
    return names.sort().map((name) => join(path, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new FeedError(`${path}: there is no such key file or folder`, { cause: error });
  }
}

/** Keys that can be used, and the files of those that are sealed while no passphrase is given. */
export interface FoundKeys {
  readonly ring: KeyRing;
  readonly sealed: readonly string[];
}

/**
 * The keys in files and folders. Throws FeedError for a file that is none; a wrong passphrase is told
 * when a key is opened.
 */
export function findKeys(paths: readonly string[], passphrase: string | undefined): FoundKeys {
  const ring = new Map<string, KeyAtHand>();
  const sealed: string[] = [];
  for (const path of paths.flatMap(keyFilesIn)) {
    const text = Buffer.from(readBounded(path, KEY_SIZE_MAX) ?? []).toString("utf8");
    const { publicHex, isSealed } = named(path, () => readKeyLabel(text));
    if (isSealed && passphrase === undefined) {
      sealed.push(path);
      continue;
    }
    let opened: SigningKey | undefined;
    const open = () => {
      opened ??= named(path, () => readKey(text, () => passphrase));
      return opened;
    };
    ring.set(tufKey(publicHex).id, { open });
  }
  return { ring, sealed };
}

function named<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw new FeedError(`${path}: ${error.message}`, { cause: error });
  }
}
