// Where mail goes: the administrator's routes, and MX of the recipient's domain for all else. Only
// text is looked at here; names are looked up when the message is sent.
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { isDomain, isDomainMask, parsePort } from "../base/endpoint.ts";

/** RFC 5321 §4.5.4.2: the port of SMTP between servers. */
const SMTP_PORT = 25;

/** A next hop: one exact host, or whoever the MX records of a domain name. RFC 5321 §5.1. */
export type NextHop =
  | { readonly kind: "host"; readonly host: string; readonly port: number }
  | { readonly kind: "mx"; readonly domain: string };

/** Text that is the same for the same next hop, and no other. */
export function hopKey(hop: NextHop): string {
  return hop.kind === "mx" ? hop.domain : `[${hop.host}]:${hop.port}`;
}

interface Route {
  /** Place in the list; the lowest one that matches wins. */
  readonly rank: number;
  readonly hop: NextHop;
}

// RFC 5890 §2.3.2.1: domains are compared as A-labels, in lower case, without the root's dot.
function comparable(domain: string): string {
  const lower = domain.toLowerCase().replace(/\.$/, "");
  return lower.startsWith("[") ? lower : domainToASCII(lower) || lower;
}

/** Local part and domain; the domain is "" if there is none (`postmaster`, RFC 5321 §4.1.1.3). */
function splitAddress(address: string): { local: string; domain: string } {
  const at = address.lastIndexOf("@");
  if (at < 0) return { local: address, domain: "" };
  return { local: address.slice(0, at), domain: comparable(address.slice(at + 1)) };
}

/** The address in a domain literal: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. RFC 5321 §4.1.3. */
function literalAddress(domain: string): string | undefined {
  const inner = /^\[(?:ipv6:)?([^\]]+)\]$/i.exec(domain)?.[1] ?? "";
  return isIP(inner) === 0 ? undefined : inner;
}

// `[host]`, `[host]:port`, `host:port` are that very host; a bare name is looked up by its MX.
function parseTarget(target: string): NextHop | undefined {
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(target) ?? [];
  const name = (bracketed ?? plain ?? "").replace(/^ipv6:/i, "");
  const port = digits === undefined ? SMTP_PORT : parsePort(digits);
  if (port === undefined || port === 0) return undefined;
  if (isIP(name) !== 0) return { kind: "host", host: name, port };
  if (!isDomain(name)) return undefined;
  const host = comparable(name);
  return bracketed === undefined && digits === undefined
    ? { kind: "mx", domain: host }
    : { kind: "host", host, port };
}

function parseMask(mask: string): string | undefined {
  const { local, domain } = splitAddress(mask);
  if (mask.includes("@")) {
    const isKnown = isDomain(domain) || literalAddress(domain) !== undefined;
    // `*@example.org` is how some write `example.org`.
    if (local === "*" && isDomain(domain)) return domain;
    return local !== "" && !local.includes("*") && isKnown
      ? `${local.toLowerCase()}@${domain}`
      : undefined;
  }
  if (!isDomainMask(mask)) return undefined;
  return mask.startsWith("*") ? mask : comparable(mask);
}

/**
 * An ordered list of routes. Kept as an index, so that thousands of routes cost no more per
 * recipient than a few: a key is an address, a domain, `*.domain` or `*`.
 */
export class Routes {
  readonly #index: ReadonlyMap<string, Route>;

  private constructor(index: ReadonlyMap<string, Route>) {
    this.#index = index;
  }

  /** Reads lines of `MASK TARGET`. Throws an Error that names the first entry that is wrong. */
  static parse(lines: readonly string[]): Routes {
    const index = new Map<string, Route>();
    for (const [rank, line] of lines.entries()) {
      const [mask = "", target = "", ...rest] = line.trim().split(/\s+/);
      const fail = (why: string) =>
        new Error(`route ${rank + 1} (${JSON.stringify(line)}): ${why}`);
      if (target === "" || rest.length > 0) throw fail("expected a mask and a next hop");
      const key = parseMask(mask);
      if (key === undefined) {
        throw fail(`${JSON.stringify(mask)} is no mask such as example.org, *.example.org or *`);
      }
      const hop = parseTarget(target);
      if (hop === undefined) {
        throw fail(`${JSON.stringify(target)} is no next hop such as [192.0.2.1]:25 or a host`);
      }
      // First match wins, so a later line with the same mask can never count.
      const folded = key.startsWith("*.") ? `*.${comparable(key.slice(2))}` : key;
      if (!index.has(folded)) index.set(folded, { rank, hop });
    }
    return new Routes(index);
  }

  /** Where mail for this recipient goes. */
  nextHop(recipientAddress: string): NextHop {
    const { local, domain } = splitAddress(recipientAddress);
    let best: Route | undefined;
    const consider = (key: string) => {
      const route = this.#index.get(key);
      if (route !== undefined && (best === undefined || route.rank < best.rank)) best = route;
    };
    if (this.#index.size > 0) {
      consider(`${local.toLowerCase()}@${domain}`);
      consider(domain);
      for (let dot = domain.indexOf("."); dot >= 0; dot = domain.indexOf(".", dot + 1)) {
        consider(`*.${domain.slice(dot + 1)}`);
      }
      consider("*");
    }
    if (best !== undefined) return best.hop;
    const host = literalAddress(domain);
    return host === undefined ? { kind: "mx", domain } : { kind: "host", host, port: SMTP_PORT };
  }
}
