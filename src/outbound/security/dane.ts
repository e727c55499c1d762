// DANE: a domain that is signed with DNSSEC says by TLSA records which certificates its mail hosts
// have. Where it does, mail goes to such a host or not at all. RFC 7672, RFC 6698.
import { createHash, X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { TlsAssociation } from "../../dns/records.ts";
import type { Resolver } from "../../dns/resolver.ts";
import type { Target } from "../mail-hosts.ts";

/** What DANE wants of a session with one host. */
export type DanePlan =
  /** Nothing: the host has no such records, or DNS is not signed. */
  | { readonly kind: "none" }
  /** Encryption, without a check: there are records, and none that can be used. RFC 7672 §2.2. */
  | { readonly kind: "encrypted" }
  | { readonly kind: "checked"; readonly records: readonly TlsAssociation[] }
  /** Not to be used now: the records are there or not, nobody knows. */
  | { readonly kind: "trouble"; readonly reason: string };

const DANE_TA = 2;
const DANE_EE = 3;
const CHAIN_MAX = 10;

/** Asks for the records of a host; its addresses must have come from signed zones. */
export async function danePlan(resolver: Resolver, target: Target): Promise<DanePlan> {
  if (target.isAuthentic !== true) return { kind: "none" };
  const lookup = await resolver.associations(`_${target.port}._tcp.${target.host}`);
  switch (lookup.kind) {
    case "trouble":
      // RFC 7672 §2.1.2: someone may be keeping the records from us.
      return { kind: "trouble", reason: lookup.reason };
    case "empty":
    case "noName":
      return { kind: "none" };
    case "found": {
      if (lookup.isAuthentic !== true) return { kind: "none" };
      const records = lookup.values.filter(isUsable);
      return records.length === 0 ? { kind: "encrypted" } : { kind: "checked", records };
    }
    default:
      return lookup satisfies never;
  }
}

// RFC 7672 §3.1.3: usages 0 and 1 mean nothing for mail.
function isUsable({ usage, selector, matchingType, data }: TlsAssociation): boolean {
  const isKnown = (usage === DANE_TA || usage === DANE_EE) && selector <= 1 && matchingType <= 2;
  const length = [undefined, 32, 64][matchingType];
  return isKnown && data.length > 0 && (length === undefined || data.length === length);
}

/** The certificates that the far side showed, its own first. */
export function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < CHAIN_MAX) {
    chain.push(new X509Certificate(next.raw));
    // A certificate that signs itself is its own issuer.
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

/** Whether a chain is one that the records name; `names` are what the host may be called. */
export function matchesDane(
  records: readonly TlsAssociation[],
  chain: readonly X509Certificate[],
  names: readonly string[],
  now: number,
): boolean {
  const [leaf] = chain;
  if (leaf === undefined) return false;
  return records.some((record) => {
    // RFC 7672 §3.1.1: neither names nor dates count, the record is all there is.
    if (record.usage === DANE_EE) return isNamed(leaf, record);
    // RFC 7672 §3.1.2: an issuer of the record's, and all that a certificate else must be.
    const anchor = chain.findIndex((one, index) => index > 0 && isNamed(one, record));
    return (
      anchor > 0 &&
      names.some((name) => leaf.checkHost(name) !== undefined) &&
      chain.slice(0, anchor + 1).every((one) => isInTime(one, now)) &&
      chain.slice(0, anchor).every((one, index) => isIssuedBy(one, chain[index + 1]))
    );
  });
}

function isNamed(certificate: X509Certificate, record: TlsAssociation): boolean {
  const { selector, matchingType, data } = record;
  const bytes =
    selector === 0
      ? certificate.raw
      : certificate.publicKey.export({ type: "spki", format: "der" });
  const algorithm = [undefined, "sha256", "sha512"][matchingType];
  const shown = algorithm === undefined ? bytes : createHash(algorithm).update(bytes).digest();
  return Buffer.from(data).equals(shown);
}

function isInTime({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate | undefined): boolean {
  return (
    issuer !== undefined && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  );
}
