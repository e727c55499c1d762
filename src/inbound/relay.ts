// Who may send to whom. Mail is taken from the site's own networks, and for the site's own domains;
// anything else would make gw an open relay. RFC 5321 §3.6.2, RFC 2505 §2.1.
import { IpRanges } from "../base/ip-range.ts";
import type { Config } from "../config/schema.ts";
import type { Client } from "../message.ts";
import type { Site } from "../pipeline/notice/settings.ts";
import { comparableDomain, type Mailbox } from "./address.ts";

/** Settings of `RelayRules`. */
export interface RelaySettings {
  /** Networks in CIDR notation whose clients may send to any recipient. */
  readonly relayNetworks: readonly string[];
  /** Domains mail is accepted for from anyone: `example.org`, `*.example.org` (below it), `*`. */
  readonly relayDomains: readonly string[];
}

// RFC 5321 appendix F.2, RFC 2505 §2.1: `user%other@relay`, `other!user@relay` and
// `"user@other"@relay` ask a relay to send on to `other`. The next hop trusts gw and might do it.
const ROUTING = /[@%!]/;

/** The rules of a configuration. */
export function relayRulesOf(config: Config): RelayRules {
  return new RelayRules({
    relayDomains: config["inbound.relay_domains"],
    relayNetworks: config["inbound.relay_networks"],
  });
}

/** Who and what is a configuration's own. */
export function siteOf(config: Config): Site {
  const relay = relayRulesOf(config);
  return {
    isLocal: (address) => relay.isLocal(address),
    isInside: (client) => relay.isInside(client),
  };
}

/** Tells whether a recipient is taken from a client. Throws if a network is none. */
export class RelayRules {
  readonly #networks: IpRanges;
  readonly #exact = new Set<string>();
  readonly #above = new Set<string>();

  constructor(settings: RelaySettings) {
    this.#networks = new IpRanges(settings.relayNetworks);
    for (const mask of settings.relayDomains) {
      if (mask.startsWith("*.")) this.#above.add(comparableDomain(mask.slice(2)));
      else this.#exact.add(mask === "*" ? mask : comparableDomain(mask));
    }
  }

  /** True for clients in the relay networks. */
  isTrusted(clientAddress: string): boolean {
    return this.#networks.contains(clientAddress);
  }

  /** True for clients that are the site's own: in those networks, or logged in. */
  isInside({ address, user }: Client): boolean {
    return user !== undefined || this.isTrusted(address);
  }

  /** True if the client may send to this recipient. */
  accepts(clientAddress: string, recipient: Mailbox): boolean {
    if (this.isTrusted(clientAddress)) return true;
    if (this.asksForMore(clientAddress, recipient)) return false;
    return this.#isOurs(comparableDomain(recipient.domain));
  }

  /** True if a stranger asks the next hop to send on to another place than the address says. */
  asksForMore(clientAddress: string, { local }: Mailbox): boolean {
    return !this.isTrusted(clientAddress) && ROUTING.test(local);
  }

  /** True if mail for this address ends here. Where all domains are relayed none is known to. */
  isLocal(address: string): boolean {
    const at = address.lastIndexOf("@");
    if (at < 1 || this.#exact.has("*") || ROUTING.test(address.slice(0, at))) return false;
    return this.#isOurs(comparableDomain(address.slice(at + 1)));
  }

  #isOurs(domain: string): boolean {
    if (this.#exact.has(domain) || this.#exact.has("*")) return true;
    if (this.#above.size === 0) return false;
    // At most 127 labels: a domain has no more than 255 octets.
    for (let dot = domain.indexOf("."); dot >= 0; dot = domain.indexOf(".", dot + 1)) {
      if (this.#above.has(domain.slice(dot + 1))) return true;
    }
    return false;
  }
}
