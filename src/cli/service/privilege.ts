// From root to the user that gw runs as. Until the ports are open gw works as that user with root in
// reserve (the saved user id); what it makes on disk is the user's from the first file on. Then root
// is given up for good.
import { chownSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CliError } from "../command.ts";
import { type Account, findAccount } from "./accounts.ts";

/** What a start as root, or as anybody else, may still do. */
export interface Privilege {
  /** Works as root, if gw was started as root: to open a port below 1024, to read a key. */
  asRoot<T>(work: () => Promise<T>): Promise<T>;
  /** Gives up root for good; sockets that were made as root go to the user. */
  drop(sockets: readonly string[]): void;
}

const NONE: Privilege = { asRoot: (work) => work(), drop: () => {} };
const ROOT = 0;

/** Calls of the system; tests have their own. */
export interface Identity {
  geteuid(): number;
  seteuid(id: number): void;
  setegid(id: number): void;
  setuid(id: number): void;
  setgid(id: number): void;
  setgroups(ids: readonly number[]): void;
}

/** The identity of this process. Users exist on every system that gw runs on. */
export function ownIdentity(): Identity {
  const own = process as Required<typeof process>;
  return {
    geteuid: () => own.geteuid(),
    seteuid: (id) => own.seteuid(id),
    setegid: (id) => own.setegid(id),
    setuid: (id) => own.setuid(id),
    setgid: (id) => own.setgid(id),
    setgroups: (ids) => own.setgroups([...ids]),
  };
}

function accountOf(user: string): Account {
  const account = findAccount(user);
  if (account !== undefined) return account;
  throw new CliError(
    `there is no user ${user} on this host (server.user): make it, or name another`,
  );
}

/** Makes a folder and those above it for that user; what is there stays as it is. */
export function giveFolder(folder: string, { uid, gid }: Pick<Account, "uid" | "gid">): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let each = folder; each.length >= first.length; each = dirname(each)) {
    chownSync(each, uid, gid);
  }
}

/**
 * Becomes `user` ("" for whoever started gw) with root in reserve; `folders` are made for that user if
 * they are missing. Throws CliError if there is no such user, or if gw is somebody else already.
 */
export function assume(
  user: string,
  folders: readonly string[],
  identity: Identity = ownIdentity(),
): Privilege {
  if (user === "") return NONE;
  const account = accountOf(user);
  const now = identity.geteuid();
  if (now === account.uid) return NONE;
  if (now !== ROOT) {
    throw new CliError(`only root can become ${user} (server.user); this is user ${now}`);
  }
  for (const folder of folders) giveFolder(resolve(folder), account);
  identity.setgroups(account.groups);
  identity.setegid(account.gid);
  identity.seteuid(account.uid);
  return {
    async asRoot(work) {
      identity.seteuid(ROOT);
      try {
        return await work();
      } finally {
        identity.seteuid(account.uid);
      }
    },
    drop(sockets) {
      identity.seteuid(ROOT);
      for (const path of sockets) chownSync(path, account.uid, account.gid);
      identity.setgid(account.gid);
      identity.setuid(account.uid);
    },
  };
}

/**
 * Has a command that root runs work as the user that a data folder belongs to, for good: what it
 * writes there must not be root's, or a gateway could neither read nor replace it. A folder that is
 * missing is made for `user`, if one is named. Anybody but root stays who they are.
 */
export function becomeOwner(
  folder: string,
  user: string,
  identity: Identity = ownIdentity(),
): void {
  if (identity.geteuid() !== ROOT) return;
  const named = user === "" ? undefined : findAccount(user);
  const stat = statSync(folder, { throwIfNoEntry: false });
  const owner = stat && { uid: stat.uid, gid: stat.gid, groups: [stat.gid] };
  const account: Omit<Account, "name"> | undefined =
    owner === undefined || owner.uid === named?.uid ? named : owner;
  if (account === undefined || account.uid === ROOT) return;
  if (owner === undefined) giveFolder(resolve(folder), account);
  identity.setgroups(account.groups);
  identity.setgid(account.gid);
  identity.setuid(account.uid);
}
