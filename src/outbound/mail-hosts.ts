// From a next hop to the addresses to try, best first: MX and its absence (RFC 5321 §5.1), null MX
// (RFC 7505), configured hosts. The one place that decides what DNS may fail a message for.
import { isIP } from "node:net";
import { IpRanges } from "../base/ip-range.ts";
import type { Exchange } from "../dns/records.ts";
import type { Resolver } from "../dns/resolver.ts";
import type { Outcome } from "../message.ts";
import { TROUBLE, troubleOutcome } from "./response.ts";
import { type NextHop, type Place, placesOf } from "./route.ts";

/** One address of one host. */
export interface Target {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** Domain whose MX records name the host. */
  readonly domain?: string;
  /** The way from the route or the domain to the address is signed with DNSSEC. */
  readonly isAuthentic?: boolean;
  /** A unix socket; the address is then its path, and the port 0. */
  readonly isSocket?: true;
}

/** Where a next hop is, or why that can't be said. */
export type Located =
  | { readonly kind: "found"; readonly targets: readonly Target[] }
  | { readonly kind: "none"; readonly outcome: Outcome };

/** What finding depends on. */
export interface MailHostOptions {
  readonly mxPort: number;
  readonly isLoopbackMxAllowed: boolean;
  /** A number in [0, 1), for the order inside one preference. */
  readonly random: () => number;
}

// RFC 5321 §5.1 asks for at least two addresses; a domain may list hundreds to keep us busy.
const HOSTS_MAX = 10;
const TARGETS_MAX = 20;

// Never a mail host: "this host", multicast, reserved. An MX that points there would have us talk to
// ourselves or to nobody.
const NO_HOST = new IpRanges(["0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8"]);
const LOOPBACK = new IpRanges(["127.0.0.0/8", "::1/128"]);

/** Finds the addresses of next hops. */
export class MailHosts {
  readonly #resolver: Resolver;
  readonly #options: MailHostOptions;

  constructor(resolver: Resolver, options: MailHostOptions) {
    this.#resolver = resolver;
    this.#options = options;
  }

  /** Looks a next hop up; trouble with DNS is always temporary. */
  async locate(hop: NextHop): Promise<Located> {
    const places = placesOf(hop);
    if (places.length === 1 && places[0] !== undefined) return this.#locatePlace(places[0]);
    const located = await Promise.all(places.map((place) => this.#locatePlace(place)));
    const groups = located.flatMap((one) => (one.kind === "found" ? [one.targets] : []));
    const isBalanced = hop.kind === "relay" && hop.isBalanced;
    const first = isBalanced ? Math.floor(this.#options.random() * groups.length) : 0;
    const targets = [...groups.slice(first), ...groups.slice(0, first)].flat();
    if (targets.length > 0) return { kind: "found", targets: targets.slice(0, TARGETS_MAX) };
    // What one of them fails a message for, another one may yet take.
    const temporary = located.find((one) => one.kind === "none" && one.outcome.kind === "deferred");
    return temporary ?? located[0] ?? none(TROUBLE.noRouteHost, "");
  }

  async #locatePlace(place: Place): Promise<Located> {
    switch (place.kind) {
      case "host":
        return this.#locateHost(place.host, place.port);
      case "mx":
        return this.#locateMx(place.domain);
      case "socket": {
        const { path } = place;
        return { kind: "found", targets: [{ host: path, address: path, port: 0, isSocket: true }] };
      }
      default:
        return place satisfies never;
    }
  }

  // A configured host that is not found is the administrator's slip: it must not fail all mail.
  async #locateHost(host: string, port: number): Promise<Located> {
    if (isIP(host) !== 0) return { kind: "found", targets: [{ host, address: host, port }] };
    const lookup = await this.#resolver.addresses(host);
    if (lookup.kind === "trouble") return none(TROUBLE.dnsTrouble, host, lookup.reason);
    if (lookup.kind !== "found") return none(TROUBLE.noRouteHost, host);
    const addresses = lookup.values.slice(0, TARGETS_MAX);
    const marked = lookup.isAuthentic === true && { isAuthentic: true };
    const targets = addresses.map((address) => ({ host, address, port, ...marked }));
    return { kind: "found", targets };
  }

  async #locateMx(domain: string): Promise<Located> {
    if (domain === "") return none(TROUBLE.noDomain, domain);
    const lookup = await this.#resolver.exchanges(domain);
    switch (lookup.kind) {
      case "trouble":
        return none(TROUBLE.dnsTrouble, domain, lookup.reason);
      case "noName":
        return none(TROUBLE.noDomain, domain);
      case "empty":
        // RFC 5321 §5.1: without MX records the domain is its own mail host.
        return this.#locateHosts(domain, [domain], lookup.isAuthentic === true);
      case "found": {
        const real = lookup.values.filter(({ host }) => host !== "");
        // RFC 7505 §3.
        if (real.length === 0) return none(TROUBLE.nullMx, domain);
        return this.#locateHosts(domain, this.#order(real), lookup.isAuthentic === true);
      }
      default:
        return lookup satisfies never;
    }
  }

  // RFC 5321 §5.1: by preference, at random inside one preference, to spread the load.
  #order(exchanges: readonly Exchange[]): string[] {
    const keyed = exchanges.map((one) => ({ ...one, key: this.#options.random() }));
    keyed.sort((a, b) => a.preference - b.preference || a.key - b.key);
    return [...new Set(keyed.map(({ host }) => host))].slice(0, HOSTS_MAX);
  }

  // RFC 7672 §2.1.1: DANE needs each step to be signed, MX records and addresses.
  async #locateHosts(
    domain: string,
    hosts: readonly string[],
    isSigned: boolean,
  ): Promise<Located> {
    const lookups = await Promise.all(hosts.map((host) => this.#resolver.addresses(host)));
    const port = this.#options.mxPort;
    const targets = hosts
      .flatMap((host, index) => {
        const lookup = lookups[index];
        if (lookup?.kind !== "found") return [];
        const marked = isSigned && lookup.isAuthentic === true && { isAuthentic: true };
        return lookup.values.map((address) => ({ host, address, port, domain, ...marked }));
      })
      .filter(({ address }) => this.#isUsable(address))
      .slice(0, TARGETS_MAX);
    if (targets.length > 0) return { kind: "found", targets };
    for (const lookup of lookups) {
      if (lookup.kind === "trouble") return none(TROUBLE.dnsTrouble, domain, lookup.reason);
    }
    return none(TROUBLE.noUsableHost, domain);
  }

  #isUsable(address: string): boolean {
    if (NO_HOST.contains(address)) return false;
    return this.#options.isLoopbackMxAllowed || !LOOPBACK.contains(address);
  }
}

function none(trouble: string, host: string, detail = ""): Located {
  return { kind: "none", outcome: troubleOutcome(trouble, host, detail) };
}
