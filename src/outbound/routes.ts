// The administrator's routes: which next hop takes mail for whom, and how long it is tried there.
// MX of the recipient's domain for all else.

import { readFileSync } from "node:fs";
import { describeError } from "../base/log.ts";
import type { RouteSettings } from "../config/tables.ts";
import {
  literalAddress,
  type Place,
  parsePlace,
  parseRouteMask,
  SMTP_PORT,
  splitAddress,
} from "../text/mail-route.ts";
import { type NextHop, relayTo, type Terms } from "./route.ts";

/** Delays of a route; what is left out is as for all mail. Milliseconds. */
export interface RetryTerms {
  readonly delayMinMs?: number;
  readonly delayMaxMs?: number;
  readonly lifetimeMs?: number;
}

interface Route {
  /** Place in the list; the lowest one that matches wins. */
  readonly rank: number;
  readonly hop: NextHop;
  readonly retry: RetryTerms;
}

const NO_RETRY: RetryTerms = {};

/**
 * An ordered list of routes. Kept as an index, so that thousands of routes cost no more per
 * recipient than a few: a key is an address, a domain, `*.domain` or `*`.
 */
export class Routes {
  readonly #index: ReadonlyMap<string, Route>;

  private constructor(index: ReadonlyMap<string, Route>) {
    this.#index = index;
  }

  /**
   * Takes `[[route]]` tables and, after them, lines of `MASK TARGET`. Throws an Error that names the
   * first entry that is wrong.
   */
  static parse(lines: readonly string[], tables: readonly RouteSettings[] = []): Routes {
    const index = new Map<string, Route>();
    // First match wins, so a later entry with the same mask can never count.
    const add = (key: string, route: Route) => {
      if (!index.has(key)) index.set(key, route);
    };
    for (const [rank, table] of tables.entries()) {
      const route = { rank, ...routeOf(table, rank) };
      for (const mask of table.to) add(maskOf(mask, `[[route]] ${rank + 1}`), route);
    }
    for (const [position, line] of lines.entries()) {
      const [mask = "", target = "", ...rest] = line.trim().split(/\s+/);
      const name = `route ${position + 1} (${JSON.stringify(line)})`;
      if (target === "" || rest.length > 0)
        throw new Error(`${name}: expected a mask and a next hop`);
      const key = maskOf(mask, name);
      const rank = tables.length + position;
      add(key, { rank, hop: placeOf(target, name), retry: NO_RETRY });
    }
    return new Routes(index);
  }

  /** Where mail for this recipient goes. */
  nextHop(recipientAddress: string): NextHop {
    const { local, domain } = splitAddress(recipientAddress);
    const route = this.#find(local, domain);
    if (route !== undefined) return route.hop;
    const host = literalAddress(domain);
    return host === undefined ? { kind: "mx", domain } : { kind: "host", host, port: SMTP_PORT };
  }

  /** What the recipient's route says of delays. */
  retry(recipientAddress: string): RetryTerms {
    const { local, domain } = splitAddress(recipientAddress);
    return this.#find(local, domain)?.retry ?? NO_RETRY;
  }

  #find(local: string, domain: string): Route | undefined {
    if (this.#index.size === 0) return undefined;
    let best: Route | undefined;
    const consider = (key: string) => {
      const route = this.#index.get(key);
      if (route !== undefined && (best === undefined || route.rank < best.rank)) best = route;
    };
    consider(`${local.toLowerCase()}@${domain}`);
    consider(domain);
    for (let dot = domain.indexOf("."); dot >= 0; dot = domain.indexOf(".", dot + 1)) {
      consider(`*.${domain.slice(dot + 1)}`);
    }
    consider("*");
    return best;
  }
}

function maskOf(mask: string, name: string): string {
  const key = parseRouteMask(mask);
  if (key !== undefined) return key;
  throw new Error(
    `${name}: ${JSON.stringify(mask)} is no mask such as example.org, *.example.org or *`,
  );
}

function placeOf(target: string, name: string): Place {
  const place = parsePlace(target);
  if (place !== undefined) return place;
  throw new Error(
    `${name}: ${JSON.stringify(target)} is no next hop such as [192.0.2.1]:25 or a host`,
  );
}

/** The certificates in a file, PEM; throws an Error that names `setting` and the file. */
export function readCertificates(path: string, setting: string): string {
  try {
    const text = readFileSync(path, "utf8");
    if (/-----BEGIN CERTIFICATE-----/.test(text)) return text;
  } catch (error) {
    throw new Error(`${setting}: ${describeError(error)}`, { cause: error });
  }
  throw new Error(`${setting}: ${path} holds no certificate (PEM)`);
}

function routeOf(table: RouteSettings, rank: number): Omit<Route, "rank"> {
  const { user, password, tls, tls_ca, tls_name, eight_bit, source_addresses, sessions_max } =
    table;
  const terms: Terms = {
    protocol: table.protocol,
    ...(user !== "" && { login: { user, password } }),
    ...(tls !== undefined && { tls }),
    ...(tls_ca !== undefined &&
      tls_ca !== "" && { tlsCa: readCertificates(tls_ca, `[[route]] ${rank + 1}: tls_ca`) }),
    ...(tls_name !== undefined && tls_name !== "" && { tlsName: tls_name }),
    ...(eight_bit !== undefined && { eightBit: eight_bit }),
    ...(source_addresses !== undefined && { localAddresses: source_addresses }),
    ...(sessions_max !== undefined && { sessionsMax: sessions_max }),
  };
  const places = table.hosts.map((host) => placeOf(host, `[[route]] ${rank + 1}`));
  return {
    hop: relayTo({ places, isBalanced: table.balance, terms }),
    retry: {
      ...(table.retry_min !== undefined && { delayMinMs: table.retry_min }),
      ...(table.retry_max !== undefined && { delayMaxMs: table.retry_max }),
      ...(table.lifetime !== undefined && { lifetimeMs: table.lifetime }),
    },
  };
}
