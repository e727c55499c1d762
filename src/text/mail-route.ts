// Routes as settings name them: which recipients a route is for, and the places that their mail
// goes to. One grammar, for the check of a configuration and for the side that sends.

import { isIP } from "node:net";
import { isAbsolute } from "node:path";
import { domainToASCII } from "node:url";
import { isDomain, isDomainMask, parsePort } from "../base/endpoint.ts";

/** RFC 5321 §4.5.4.2: the port of SMTP between servers. */
export const SMTP_PORT = 25;

/** Longest path of a unix socket that systems take. */
const SOCKET_PATH_MAX = 100;

/** Where mail is handed over: one host, whoever the MX records of a domain name, a unix socket. */
export type Place =
  | { readonly kind: "host"; readonly host: string; readonly port: number }
  | { readonly kind: "mx"; readonly domain: string }
  | { readonly kind: "socket"; readonly path: string };

/** A domain as it is compared: A-labels, lower case, without the root's dot. RFC 5890 §2.3.2.1. */
export function comparableDomain(domain: string): string {
  const lower = domain.toLowerCase().replace(/\.$/, "");
  return lower.startsWith("[") ? lower : domainToASCII(lower) || lower;
}

/** The address in a domain literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. RFC 5321 §4.1.3. */
export function literalAddress(domain: string): string | undefined {
  const inner = /^\[(?:ipv6:)?([^\]]+)\]$/i.exec(domain)?.[1] ?? "";
  return isIP(inner) === 0 ? undefined : inner;
}

/** Local part and domain; the domain is "" if there is none (`postmaster`, RFC 5321 §4.1.1.3). */
export function splitAddress(address: string): { local: string; domain: string } {
  const at = address.lastIndexOf("@");
  if (at < 0) return { local: address, domain: "" };
  return { local: address.slice(0, at), domain: comparableDomain(address.slice(at + 1)) };
}

/**
 * A place of its text: `[host]`, `[host]:port` and `host:port` are that very host, a bare name is
 * looked up by its MX records, `unix:/path` is a socket. Undefined if it is none of these.
 */
export function parsePlace(text: string): Place | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return isAbsolute(path) && path.length <= SOCKET_PATH_MAX
      ? { kind: "socket", path }
      : undefined;
  }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text) ?? [];
  const name = (bracketed ?? plain ?? "").replace(/^ipv6:/i, "");
  const port = digits === undefined ? SMTP_PORT : parsePort(digits);
  if (port === undefined || port === 0) return undefined;
  if (isIP(name) !== 0) return { kind: "host", host: name, port };
  if (!isDomain(name)) return undefined;
  const host = comparableDomain(name);
  return bracketed === undefined && digits === undefined
    ? { kind: "mx", domain: host }
    : { kind: "host", host, port };
}

/**
 * A mask of recipients in the form in which masks are compared: an address, a domain, `*.domain` or
 * `*`; `*@example.org` is how some write `example.org`. Undefined if it is none.
 */
export function parseRouteMask(mask: string): string | undefined {
  if (mask.includes("@")) {
    const { local, domain } = splitAddress(mask);
    const isKnown = isDomain(domain) || literalAddress(domain) !== undefined;
    if (local === "*" && isDomain(domain)) return domain;
    return local !== "" && !local.includes("*") && isKnown
      ? `${local.toLowerCase()}@${domain}`
      : undefined;
  }
  if (!isDomainMask(mask)) return undefined;
  if (mask === "*") return mask;
  return mask.startsWith("*.") ? `*.${comparableDomain(mask.slice(2))}` : comparableDomain(mask);
}
