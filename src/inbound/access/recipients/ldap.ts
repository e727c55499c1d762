// Asks a directory service whether an address belongs to somebody. RFC 4511.
import {
  closeLdap,
  escapeFilter,
  type LdapPlace,
  type LdapSession,
  openLdap,
} from "../../ldap/ldap.ts";
import type { Finding, RecipientSource } from "./directory.ts";

/** Where the directory is and what is asked. */
export interface LdapSettings extends LdapPlace {
  /** With `{address}` where the address goes: `(mail={address})`. */
  readonly filter: string;
}

const SIZE_LIMIT_EXCEEDED = 4;

/** Asks a directory over one connection, which is made anew when it is lost. */
export class LdapSource implements RecipientSource {
  readonly name = "directory";
  readonly isQuick = false;
  readonly #settings: LdapSettings;
  #client: Promise<LdapSession> | undefined;

  constructor(settings: LdapSettings) {
    this.#settings = settings;
  }

  async find(address: string): Promise<Finding> {
    const { base, filter, url } = this.#settings;
    this.#client ??= openLdap(this.#settings);
    const current = this.#client;
    try {
      const client = await current;
      const { searchEntries } = await client.search(base, {
        scope: "sub",
        filter: filter.replaceAll("{address}", () => escapeFilter(address)),
        // RFC 4511 §4.5.1.8: no attributes at all.
        attributes: ["1.1"],
        sizeLimit: 1,
      });
      const isKnown = searchEntries.length > 0;
      return isKnown ? known(url) : { kind: "unknown", why: `${url} does not have it` };
    } catch (error) {
      // There are even several.
      if ((error as { code?: unknown }).code === SIZE_LIMIT_EXCEEDED) return known(url);
      this.#drop(current);
      throw error;
    }
  }

  close(): void {
    if (this.#client !== undefined) this.#drop(this.#client);
  }

  #drop(current: Promise<LdapSession>): void {
    if (this.#client === current) this.#client = undefined;
    // It is lost, or never came about: there is nobody left to be told.
    void current.then(closeLdap, () => {});
  }
}

function known(url: string): Finding {
  return { kind: "known", why: `${url} has it` };
}
