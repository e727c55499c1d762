// Sessions with a directory service: connected, encrypted where that is wanted, and logged in. Users who
// log in and recipients that are verified are both looked for through them. RFC 4511, RFC 4513.
import { Client, InvalidCredentialsError, NoSuchObjectError } from "ldapts";
import { readCertificates } from "../../outbound/routes.ts";

export type { Client as LdapSession } from "ldapts";

/** Where a directory is, and how gw comes to it. */
export interface LdapPlace {
  /** `ldaps://ldap.example.org`, `ldap://127.0.0.1:3389`. */
  readonly url: string;
  /** Begins TLS on an `ldap://` connection, before anything else is said. RFC 4511 §4.14. */
  readonly isStartTls: boolean;
  /** Certificates that are trusted, PEM; left out: the well-known ones. */
  readonly ca?: string;
  /** The entry that gw searches as; "" searches without a name. */
  readonly bindDn: string;
  readonly bindPassword: string;
  /** The entry below which is searched. */
  readonly base: string;
  readonly timeoutMs: number;
}

/** The certificates of a setting; nothing where it names no file. Throws for a file without any. */
export function trustedBy(setting: string, file: string): { readonly ca?: string } {
  return file === "" ? {} : { ca: readCertificates(file, setting) };
}

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

/** A session in which nobody has logged in yet. Whoever asked for it must end it with `unbind()`. */
export async function connectLdap(place: LdapPlace): Promise<Client> {
  const { url, isStartTls, ca, timeoutMs } = place;
  const tls = { minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) } as const;
  const isTls = /^ldaps:/i.test(url);
  // For ldapts such options mean TLS from the first byte on.
  const options = isTls ? { tlsOptions: tls } : {};
  const client = new Client({ url, timeout: timeoutMs, connectTimeout: timeoutMs, ...options });
  try {
    if (isStartTls && !isTls) await client.startTLS(tls);
  } catch (error) {
    await closeLdap(client);
    throw error;
  }
  return client;
}

/** A session in which gw has logged in, if it has a name there. */
export async function openLdap(place: LdapPlace): Promise<Client> {
  const client = await connectLdap(place);
  try {
    if (place.bindDn !== "") await client.bind(place.bindDn, place.bindPassword);
  } catch (error) {
    await closeLdap(client);
    throw error;
  }
  return client;
}

/** Ends a session; how the server takes the good-bye does not matter. */
export async function closeLdap(client: Client): Promise<void> {
  await client.unbind().catch(() => undefined);
}

/** True of the error that says that name or password are wrong. */
export function isWrongLogin(error: unknown): boolean {
  return error instanceof InvalidCredentialsError || error instanceof NoSuchObjectError;
}
