// Users in a file, one on a line: `name:hash` or `name:hash:address,address`. The hash is argon2id or
// bcrypt, as `gw user add` writes it; the addresses are those the user may send as.
import { readFileSync, statSync } from "node:fs";
import { fileStamp } from "../../base/file/file-stamp.ts";
import { matchesWildcard } from "../../text/wildcard.ts";

/** One user of a file. */
export interface User {
  readonly name: string;
  readonly hash: string;
  /** Addresses and masks with `*` and `?`. */
  readonly addresses: readonly string[];
}

/** A user whose password was right. */
export type Identity = Omit<User, "hash">;

/** Where users are known. Rejects if it cannot tell. */
export interface Directory {
  /** The user, or undefined: no such user, or another password. */
  check(name: string, password: string): Promise<Identity | undefined>;
}

/** A file of users that cannot be read; the message names file and line. */
export class UsersError extends Error {
  override readonly name = "UsersError";
}

const FILE_SIZE_MAX = 16 * 2 ** 20;
const USER_NAME = /^[^\s:,\p{Cc}]{1,255}$/u;
// PHC strings of argon2id; crypt(3) strings of bcrypt. Weaker hashes are not taken.
const HASH = /^\$argon2id\$v=19\$[\w=,]+\$[\w+/.-]+\$[\w+/.-]+$|^\$2[aby]\$\d\d\$[\w./]{53}$/;
const ADDRESS = /^[^\s:,<>\p{Cc}]{1,320}$/u;

/** True of what may be a user's name. */
export function isUserName(name: string): boolean {
  return USER_NAME.test(name);
}

/** True of what may be an address, or a mask of addresses, of a user. */
export function isUserAddress(text: string): boolean {
  return ADDRESS.test(text) && text.includes("@");
}

function parseLine(line: string): User | string {
  const [name = "", hash = "", list = "", ...more] = line.split(":");
  if (!isUserName(name) || more.length > 0) return "expected name:hash or name:hash:address,…";
  if (!HASH.test(hash)) return "the hash must be argon2id or bcrypt; gw user add makes one";
  const addresses = list.split(",").filter((each) => each !== "");
  const wrong = addresses.find((each) => !isUserAddress(each));
  return wrong === undefined ? { name, hash, addresses } : "a user's addresses look like a@b,*@c";
}

/** The users of a text, by name in lower case; throws `UsersError` for the first line that is wrong. */
export function parseUsers(text: string, file: string): ReadonlyMap<string, User> {
  const users = new Map<string, User>();
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const user = parseLine(line);
    const wrong = typeof user === "string" ? user : undefined;
    if (typeof user === "string") throw new UsersError(`${file}:${at + 1}: ${wrong}`);
    const key = user.name.toLowerCase();
    if (users.has(key)) throw new UsersError(`${file}:${at + 1}: a second ${user.name}`);
    users.set(key, user);
  }
  return users;
}

/** Reads a file of users; throws `UsersError`. */
export function readUsers(file: string): ReadonlyMap<string, User> {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > FILE_SIZE_MAX) throw new UsersError(`${file}: larger than ${FILE_SIZE_MAX} bytes`);
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof UsersError) throw error;
    throw new UsersError(`cannot read the users in ${file}`, { cause: error });
  }
  return parseUsers(text, file);
}

function formatUser({ name, hash, addresses }: User): string {
  return [name, hash, ...(addresses.length === 0 ? [] : [addresses.join(",")])].join(":");
}

/** A file's text with a user changed, added at its end or, if left out, removed; all else stays. */
export function withUser(text: string, name: string, user: User | undefined): string {
  const lines = text.replace(/\n$/, "").split("\n");
  const isOf = (line: string) => {
    const trimmed = line.trim();
    const own = trimmed.slice(0, Math.max(0, trimmed.indexOf(":"))).toLowerCase();
    return !trimmed.startsWith("#") && own === name.toLowerCase();
  };
  const at = lines.findIndex(isOf);
  const changed = user === undefined ? [] : [formatUser(user)];
  if (at >= 0) lines.splice(at, 1, ...changed);
  else lines.push(...changed);
  return `${lines.filter((line, index) => line !== "" || index > 0).join("\n")}\n`;
}

/** Hashes a password, in another thread. */
export function hashPassword(password: string): Promise<string> {
  return Bun.password.hash(password, { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 });
}

/** True if the sender is one of the user's: an address of its own, or the name itself. */
export function ownsAddress({ name, addresses }: Identity, sender: string): boolean {
  const wanted = sender.toLowerCase();
  return [name, ...addresses].some((mask) => matchesWildcard(mask.toLowerCase(), wanted));
}

/** A file of users that is read again when it changes. */
export class UsersFile implements Directory {
  readonly #file: string;
  readonly #onError: (error: unknown) => void;
  #users: ReadonlyMap<string, User>;
  #stamp: string;
  // Verified in place of a user who is not there, so that the time tells nothing.
  #nobody: Promise<string> | undefined;

  /** Throws `UsersError`; later mistakes go to `onError`, and the users stay as they were. */
  constructor(file: string, onError: (error: unknown) => void) {
    this.#file = file;
    this.#onError = onError;
    this.#stamp = fileStamp(file);
    this.#users = readUsers(file);
  }

  async check(name: string, password: string): Promise<Identity | undefined> {
    this.#refresh();
    const user = this.#users.get(name.toLowerCase());
    this.#nobody ??= hashPassword(crypto.randomUUID());
    const isRight = await Bun.password.verify(password, user?.hash ?? (await this.#nobody));
    return isRight && user ? { name: user.name, addresses: user.addresses } : undefined;
  }

  #refresh(): void {
    const stamp = fileStamp(this.#file);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      this.#users = readUsers(this.#file);
    } catch (error) {
      this.#onError(error);
    }
  }
}
