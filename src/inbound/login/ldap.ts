// Users in an LDAP directory: the user's entry is searched for, and the password is right if the
// directory lets the entry in with it (RFC 4513 §5.1). Nothing is kept between two logins.
import {
  closeLdap,
  connectLdap,
  escapeFilter,
  isWrongLogin,
  type LdapPlace,
  type LdapSession,
  openLdap,
} from "../ldap/ldap.ts";
import type { Directory, Identity } from "./users.ts";

/** Where the directory is and how users are found in it. */
export interface LdapSettings extends LdapPlace {
  /** With `{user}` where the name goes. */
  readonly filter: string;
  /** The attribute with a user's addresses. */
  readonly addressAttribute: string;
}

const ADDRESSES_MAX = 100;

function textsOf(value: unknown): readonly string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((each) => typeof each === "string").slice(0, ADDRESSES_MAX);
}

/** A directory server. */
export class LdapDirectory implements Directory {
  readonly #settings: LdapSettings;

  constructor(settings: LdapSettings) {
    this.#settings = settings;
  }

  async check(name: string, password: string): Promise<Identity | undefined> {
    // RFC 4513 §5.1.2: a bind without a password proves nothing, and succeeds.
    if (password === "") return undefined;
    const entry = await ended(await openLdap(this.#settings), (session) =>
      this.#find(session, name),
    );
    if (entry === undefined) return undefined;
    try {
      await ended(await connectLdap(this.#settings), (session) => session.bind(entry.dn, password));
    } catch (error) {
      if (isWrongLogin(error)) return undefined;
      throw error;
    }
    return { name, addresses: entry.addresses };
  }

  async #find(session: LdapSession, name: string) {
    const { base, filter, addressAttribute, timeoutMs } = this.#settings;
    const { searchEntries } = await session.search(base, {
      scope: "sub",
      filter: filter.replaceAll("{user}", () => escapeFilter(name)),
      attributes: [addressAttribute],
      sizeLimit: 2,
      timeLimit: Math.ceil(timeoutMs / 1000),
    });
    const [entry, ...others] = searchEntries;
    // Two entries: which of them is meant nobody can tell.
    if (entry === undefined || others.length > 0) return undefined;
    return { dn: entry.dn, addresses: textsOf(entry[addressAttribute]) };
  }
}

async function ended<Answer>(
  session: LdapSession,
  work: (session: LdapSession) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await work(session);
  } finally {
    await closeLdap(session);
  }
}
