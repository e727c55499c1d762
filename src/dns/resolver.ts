// Looks names up for mail: answers are cached, CNAMEs followed, and "no such name", "no such record"
// and "nobody answered" kept apart, because only the first two may ever fail a message.
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import type { Answer as DnsRecord } from "dns-packet";
import type { Clock } from "../base/clock.ts";
import { type Endpoint, isDomain, parseEndpoint } from "../base/endpoint.ts";
import { DnsClient, type DnsReply, type QueryType } from "./dns-client.ts";

/** What a look-up came to. */
export type Lookup<Value> =
  | { readonly kind: "found"; readonly values: readonly Value[] }
  /** The name exists and has no such records. */
  | { readonly kind: "empty" }
  /** The name does not exist. */
  | { readonly kind: "noName" }
  /** Nothing is known: no server answered, or they could not find out. */
  | { readonly kind: "trouble"; readonly reason: string };

/** One MX record. RFC 1035 §3.3.9. */
export interface Exchange {
  readonly preference: number;
  /** Host name in lower case; "" is the root, which is how RFC 7505 says "no mail". */
  readonly host: string;
}

/** Settings of a resolver. */
export interface ResolverOptions {
  /** Empty: those of /etc/resolv.conf. */
  readonly servers: readonly Endpoint[];
  readonly timeoutMs: number;
  readonly rounds: number;
  readonly clock: Clock;
  /** Text of a hosts file; /etc/hosts if left out. */
  readonly hosts?: string;
}

const DNS_PORT = 53;
const CACHE_SIZE_MAX = 20_000;
// A TTL of 0 would have every message ask; a very long one would outlive a move of the host.
const TTL_MIN_S = 10;
const TTL_MAX_S = 3600;
// RFC 2308 §5 lets a resolver bound how long it believes that something is not there.
const NEGATIVE_TTL_S = 60;
const NEGATIVE_TTL_MAX_S = 300;
const TROUBLE_TTL_S = 5;
const CNAME_MAX = 8;
const RECORDS_MAX = 64;

interface Entry {
  readonly expiresAt: number;
  readonly lookup: Lookup<DnsRecord>;
}

/** A caching resolver. */
export class Resolver {
  readonly #client: DnsClient;
  readonly #clock: Clock;
  readonly #hosts: ReadonlyMap<string, readonly string[]>;
  readonly #cache = new Map<string, Entry>();
  readonly #pending = new Map<string, Promise<Lookup<DnsRecord>>>();

  constructor(options: ResolverOptions) {
    const servers = options.servers.length > 0 ? options.servers : systemServers();
    const { timeoutMs, rounds } = options;
    this.#client = new DnsClient({ servers, timeoutMs, rounds });
    this.#clock = options.clock;
    this.#hosts = parseHosts(options.hosts ?? readText("/etc/hosts"));
  }

  /** MX records, in the order they came. */
  async exchanges(domain: string): Promise<Lookup<Exchange>> {
    const lookup = await this.#lookup(domain, "MX");
    if (lookup.kind !== "found") return lookup;
    const values = lookup.values.flatMap(({ data }) => {
      const { preference, exchange } = data as { preference?: number; exchange: string };
      const host = exchange.toLowerCase().replace(/\.$/, "");
      return [{ preference: preference ?? 0, host }];
    });
    return { kind: "found", values };
  }

  /** Addresses of a host, IPv4 before IPv6: names of the hosts file first, then A and AAAA. */
  async addresses(host: string): Promise<Lookup<string>> {
    const local = this.#hosts.get(host.toLowerCase());
    if (local !== undefined) return { kind: "found", values: local };
    const lookups = await Promise.all([this.#lookup(host, "A"), this.#lookup(host, "AAAA")]);
    const values = lookups.flatMap((lookup) =>
      lookup.kind === "found" ? lookup.values.map(({ data }) => String(data)) : [],
    );
    if (values.length > 0) return { kind: "found", values };
    // One family's silence leaves open whether the host exists.
    for (const lookup of lookups) if (lookup.kind === "trouble") return lookup;
    return lookups[0].kind === "noName" ? { kind: "noName" } : { kind: "empty" };
  }

  async #lookup(name: string, type: QueryType): Promise<Lookup<DnsRecord>> {
    const ascii = /^[\w.-]+$/.test(name) ? name.toLowerCase() : domainToASCII(name);
    // A name that can't be put into a question can't exist either. RFC 1035 §2.3.4.
    if (ascii === "" || !isDomain(ascii.replace(/\.$/, ""))) return { kind: "noName" };
    const key = `${type} ${ascii}`;
    const entry = this.#cache.get(key);
    if (entry !== undefined && entry.expiresAt > this.#clock.steady()) return entry.lookup;
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#ask(ascii, type).then(({ lookup, ttlS }) => {
        this.#pending.delete(key);
        this.#remember(key, lookup, ttlS);
        return lookup;
      });
      this.#pending.set(key, pending);
    }
    return pending;
  }

  #remember(key: string, lookup: Lookup<DnsRecord>, ttlS: number): void {
    this.#cache.delete(key);
    this.#cache.set(key, { lookup, expiresAt: this.#clock.steady() + ttlS * 1000 });
    if (this.#cache.size <= CACHE_SIZE_MAX) return;
    const [oldest] = this.#cache.keys();
    if (oldest !== undefined) this.#cache.delete(oldest);
  }

  // RFC 1034 §3.6.2: the servers put a chain of aliases into one answer as far as they know it.
  async #ask(name: string, type: QueryType): Promise<{ lookup: Lookup<DnsRecord>; ttlS: number }> {
    let current = name;
    let ttlS = TTL_MAX_S;
    let hops = 0;
    while (hops <= CNAME_MAX) {
      const reply = await this.#client.query(current, type);
      if (reply.kind === "trouble") return { lookup: reply, ttlS: TROUBLE_TTL_S };
      const start = current;
      for (; hops <= CNAME_MAX; hops++) {
        const alias = reply.records.find((one) => one.type === "CNAME" && isNamed(one, current));
        if (alias === undefined) break;
        ttlS = Math.min(ttlS, alias.ttl ?? 0);
        current = String(alias.data).toLowerCase();
      }
      if (hops > CNAME_MAX) break;
      const values = reply.records
        .filter((one) => one.type === type && isNamed(one, current) && isWellFormed(one))
        .slice(0, RECORDS_MAX);
      if (values.length > 0) {
        for (const { ttl = 0 } of values) ttlS = Math.min(ttlS, ttl);
        return { lookup: { kind: "found", values }, ttlS: Math.max(ttlS, TTL_MIN_S) };
      }
      // The end of a chain that this server did not follow is asked for by itself.
      if (start === current || !reply.hasName)
        return { lookup: absence(reply), ttlS: negativeTtl(reply) };
    }
    const reason = `${name}: too many CNAME records`;
    return { lookup: { kind: "trouble", reason }, ttlS: TROUBLE_TTL_S };
  }
}

type Answered = Extract<DnsReply, { kind: "answer" }>;

function absence(reply: Answered): Lookup<never> {
  return reply.hasName ? { kind: "empty" } : { kind: "noName" };
}

// RFC 2308 §5: the lesser of the SOA record's own TTL and its last field.
function negativeTtl(reply: Answered): number {
  const soa = reply.authorities.find(({ type }) => type === "SOA");
  if (soa === undefined) return NEGATIVE_TTL_S;
  const { minimum = NEGATIVE_TTL_S } = (soa.data ?? {}) as { minimum?: number };
  return Math.max(TTL_MIN_S, Math.min(soa.ttl ?? NEGATIVE_TTL_S, minimum, NEGATIVE_TTL_MAX_S));
}

function isNamed(record: DnsRecord, name: string): boolean {
  return record.name.toLowerCase() === name.toLowerCase();
}

function isWellFormed({ type, data }: DnsRecord): boolean {
  if (type !== "MX") return isIP(String(data)) !== 0;
  return typeof (data as { exchange?: unknown } | undefined)?.exchange === "string";
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // A host without these files is odd, but not broken: there is then nothing to take from them.
    return "";
  }
}

function systemServers(): Endpoint[] {
  const lines = readText("/etc/resolv.conf").matchAll(/^\s*nameserver\s+([^\s#;]+)/gm);
  return [...lines].flatMap(([, address = ""]) => parseEndpoint(address, DNS_PORT) ?? []);
}

function parseHosts(text: string): Map<string, string[]> {
  // RFC 6761 §6.3: localhost is this host, whatever DNS says.
  const hosts = new Map([["localhost", ["127.0.0.1", "::1"]]]);
  const read = new Set<string>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names.map((each) => each.toLowerCase())) {
      if (!read.has(name)) hosts.set(name, []);
      read.add(name);
      hosts.get(name)?.push(address);
    }
  }
  return hosts;
}
