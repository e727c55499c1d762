// Users in an LDAP directory: the user's entry is searched for, and the password is right if the
// directory lets the entry in with it (RFC 4513 §5.1). Nothing is kept between two logins.
import { Client, InvalidCredentialsError, NoSuchObjectError } from "ldapts";
import type { Directory, Identity } from "./users.ts";

/** Where the directory is and how users are found in it. */
export interface LdapSettings {
  /** `ldaps://ldap.example.org`, `ldap://127.0.0.1:3389`. */
  readonly url: string;
  readonly isStartTls: boolean;
  /** The entry that gw searches as; "" searches without a name. */
  readonly bindDn: string;
  readonly bindPassword: string;
  /** Where the users' entries are. */
  readonly base: string;
  /** With `{user}` where the name goes. */
  readonly filter: string;
  /** The attribute with a user's addresses. */
  readonly addressAttribute: string;
  readonly timeoutMs: number;
}

const ADDRESSES_MAX = 100;

/** A name as it may stand in a filter. RFC 4515 §3. */
export function escapeFilter(text: string): string {
  return text.replace(
    /[\\*()\0\u0080-\u{10ffff}]/gu,
    (character) => `${[...Buffer.from(character)].map(hexOf).join("")}`,
  );
}

function hexOf(byte: number): string {
  return `\\${byte.toString(16).padStart(2, "0")}`;
}

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
    const entry = await this.#connected((client) => this.#find(client, name));
    if (entry === undefined) return undefined;
    try {
      await this.#connected((client) => client.bind(entry.dn, password));
    } catch (error) {
      const isWrong =
        error instanceof InvalidCredentialsError || error instanceof NoSuchObjectError;
      if (isWrong) return undefined;
      throw error;
    }
    return { name, addresses: entry.addresses };
  }

  async #find(client: Client, name: string) {
    const { bindDn, bindPassword, base, filter, addressAttribute, timeoutMs } = this.#settings;
    if (bindDn !== "") await client.bind(bindDn, bindPassword);
    const { searchEntries } = await client.search(base, {
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

  async #connected<Answer>(work: (client: Client) => Promise<Answer>): Promise<Answer> {
    const { url, timeoutMs, isStartTls } = this.#settings;
    const client = new Client({ url, timeout: timeoutMs, connectTimeout: timeoutMs });
    try {
      if (isStartTls) await client.startTLS();
      return await work(client);
    } finally {
      // The answer is there; how the server takes the good-bye does not matter.
      await client.unbind().catch(() => undefined);
    }
  }
}
