// Records as the rest of gw sees them: what a server sent is checked for its shape first, and a
// record that has another one is left out as if it had never come.
import { isIP } from "node:net";
import type { Answer as DnsRecord } from "dns-packet";

/** One MX record. RFC 1035 §3.3.9. */
export interface Exchange {
  readonly preference: number;
  /** Host name in lower case; "" is the root, which is how RFC 7505 says "no mail". */
  readonly host: string;
}

/** One TLSA record. RFC 6698 §2.1. */
export interface TlsAssociation {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly data: Uint8Array;
}

// No text that mail needs is nearly as long: four DKIM keys of 4096 bits.
const TEXT_LENGTH_MAX = 4096;

/** A host name in lower case, without the dot at its end. */
export function hostOf(data: unknown): string {
  return String(data).toLowerCase().replace(/\.$/, "");
}

/** The address of an A or AAAA record. */
export function addressOf({ data }: DnsRecord): string | undefined {
  return isIP(String(data)) === 0 ? undefined : String(data);
}

/** The name of a PTR record. */
export function nameOf({ data }: DnsRecord): string | undefined {
  return typeof data === "string" && data.length <= 255 ? hostOf(data) : undefined;
}

/** An MX record's contents. */
export function exchangeOf({ data }: DnsRecord): Exchange | undefined {
  const { preference, exchange } = (data ?? {}) as { preference?: unknown; exchange?: unknown };
  if (typeof exchange !== "string") return undefined;
  return { preference: typeof preference === "number" ? preference : 0, host: hostOf(exchange) };
}

/** The text of a TXT record, one character per byte: its strings belong together without a gap. */
export function textOf({ data }: DnsRecord): string | undefined {
  if (!Array.isArray(data) || !data.every((each) => Buffer.isBuffer(each))) return undefined;
  const text = Buffer.concat(data).toString("latin1");
  return text.length > TEXT_LENGTH_MAX ? undefined : text;
}

/** A TLSA record's contents. */
export function associationOf({ data }: DnsRecord): TlsAssociation | undefined {
  const { usage, selector, matchingType, certificate } = (data ?? {}) as Record<string, unknown>;
  if (typeof usage !== "number" || typeof selector !== "number") return undefined;
  if (typeof matchingType !== "number" || !Buffer.isBuffer(certificate)) return undefined;
  return { usage, selector, matchingType, data: Uint8Array.from(certificate) };
}
