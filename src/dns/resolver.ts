// Looks names up for mail: answers are cached, CNAMEs followed, and "no such name", "no such record"
// and "nobody answered" kept apart, because only the first two may ever fail a message.
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import type { Answer as DnsRecord } from "dns-packet";
import type { Clock } from "../base/clock.ts";
import { type Endpoint, parseEndpoint } from "../base/endpoint.ts";
import { DnsClient, type DnsReply, type QueryType } from "./dns-client.ts";
import {
  addressOf,
  associationOf,
  type Exchange,
  exchangeOf,
  nameOf,
  type TlsAssociation,
  textOf,
} from "./records.ts";
import { reverseName } from "./reverse.ts";

/**
 * What a look-up came to. `isAuthentic`: the DNS server vouches for it by DNSSEC, which is worth as
 * much as the way to that server. RFC 4035 §3.2.3.
 */
export type Lookup<Value> =
  | {
      readonly kind: "found";
      readonly values: readonly Value[];
      readonly isAuthentic?: boolean;
    }
  /** The name exists and has no such records. */
  | { readonly kind: "empty"; readonly isAuthentic?: boolean }
  /** The name does not exist. */
  | { readonly kind: "noName"; readonly isAuthentic?: boolean }
  /** Nothing is known: no server answered, or they could not find out. */
  | { readonly kind: "trouble"; readonly reason: string };

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
// Answers are as long as a stranger likes; what they may hold of our memory is bounded too.
const CACHE_WEIGHT_MAX = 16 * 1024 * 1024;
const ENTRY_WEIGHT = 200;
// A TTL of 0 would have every message ask; a very long one would outlive a move of the host.
const TTL_MIN_S = 10;
const TTL_MAX_S = 3600;
// RFC 2308 §5 lets a resolver bound how long it believes that something is not there.
const NEGATIVE_TTL_S = 60;
const NEGATIVE_TTL_MAX_S = 300;
const TROUBLE_TTL_S = 5;
const CNAME_MAX = 8;
const RECORDS_MAX = 64;
// RFC 1035 §2.3.4. Any byte may stand in a label; what mail asks for is printable.
const NAME_LENGTH_MAX = 253;
const LABEL = /^[ -~]{1,63}$/;

// How records of a type become values; what a record does not fit is undefined.
const READERS = {
  MX: exchangeOf,
  A: addressOf,
  AAAA: addressOf,
  TXT: textOf,
  PTR: nameOf,
  TLSA: associationOf,
} as const satisfies Readonly<Record<QueryType, (record: DnsRecord) => unknown>>;

type ValueOf<Type extends QueryType> = NonNullable<ReturnType<(typeof READERS)[Type]>>;

interface Entry {
  readonly expiresAt: number;
  readonly weight: number;
  readonly lookup: Lookup<unknown>;
}

/** The servers of a setting, `ADDRESS` or `ADDRESS:PORT`; throws for one that is no address. */
export function parseServers(texts: readonly string[]): readonly Endpoint[] {
  return texts.map((text) => {
    const server = parseEndpoint(text, DNS_PORT);
    if (server === undefined) throw new Error(`not a DNS server: ${JSON.stringify(text)}`);
    return server;
  });
}

/** A caching resolver. */
export class Resolver {
  readonly #client: DnsClient;
  readonly #clock: Clock;
  readonly #hosts: ReadonlyMap<string, readonly string[]>;
  readonly #cache = new Map<string, Entry>();
  readonly #pending = new Map<string, Promise<Lookup<unknown>>>();
  #weight = 0;

  constructor(options: ResolverOptions) {
    const servers = options.servers.length > 0 ? options.servers : systemServers();
    const { timeoutMs, rounds } = options;
    this.#client = new DnsClient({ servers, timeoutMs, rounds });
    this.#clock = options.clock;
    this.#hosts = parseHosts(options.hosts ?? readText("/etc/hosts"));
  }

  /** MX records, in the order they came. */
  exchanges(domain: string): Promise<Lookup<Exchange>> {
    return this.#lookup(domain, "MX");
  }

  /** TXT records, the strings of each joined. */
  texts(name: string): Promise<Lookup<string>> {
    return this.#lookup(name, "TXT");
  }

  /** TLSA records of a name such as `_25._tcp.mx.example.org`. */
  associations(name: string): Promise<Lookup<TlsAssociation>> {
    return this.#lookup(name, "TLSA");
  }

  /** The names that an address says it has; whether they lead back to it is another question. */
  names(address: string): Promise<Lookup<string>> {
    return this.pointers(reverseName(address) ?? "");
  }

  /** The names that PTR records of a name in `in-addr.arpa` or `ip6.arpa` point to. */
  pointers(name: string): Promise<Lookup<string>> {
    return this.#lookup(name, "PTR");
  }

  /** Addresses of one family; the hosts file is not looked at. */
  addressesOf(host: string, type: "A" | "AAAA"): Promise<Lookup<string>> {
    return this.#lookup(host, type);
  }

  /** Addresses of a host, IPv4 before IPv6: names of the hosts file first, then A and AAAA. */
  async addresses(host: string): Promise<Lookup<string>> {
    const local = this.#hosts.get(host.toLowerCase());
    if (local !== undefined) return { kind: "found", values: local };
    const lookups = await Promise.all([this.#lookup(host, "A"), this.#lookup(host, "AAAA")]);
    const values = lookups.flatMap((one) => (one.kind === "found" ? one.values : []));
    const isAuthentic = lookups.every((one) => one.kind !== "trouble" && one.isAuthentic);
    const marked = isAuthentic && ({ isAuthentic } as const);
    if (values.length > 0) return { kind: "found", values, ...marked };
    // One family's silence leaves open whether the host exists.
    for (const lookup of lookups) if (lookup.kind === "trouble") return lookup;
    return { kind: lookups[0].kind === "noName" ? "noName" : "empty", ...marked };
  }

  // Entries of a type are made by its reader alone, so what is cached under it has its shape.
  #lookup<Type extends QueryType>(name: string, type: Type): Promise<Lookup<ValueOf<Type>>> {
    return this.#cached(name, type) as Promise<Lookup<ValueOf<Type>>>;
  }

  async #cached(name: string, type: QueryType): Promise<Lookup<unknown>> {
    const ascii = /^[ -~]+$/.test(name) ? name.toLowerCase() : domainToASCII(name);
    // A name that can't be put into a question can't exist either.
    if (!isAskable(ascii.replace(/\.$/, ""))) return { kind: "noName" };
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

  #remember(key: string, lookup: Lookup<unknown>, ttlS: number): void {
    this.#forget(key);
    const weight = ENTRY_WEIGHT + key.length + weightOf(lookup);
    this.#cache.set(key, { lookup, weight, expiresAt: this.#clock.steady() + ttlS * 1000 });
    this.#weight += weight;
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= CACHE_SIZE_MAX && this.#weight <= CACHE_WEIGHT_MAX) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#weight -= this.#cache.get(key)?.weight ?? 0;
    this.#cache.delete(key);
  }

  // RFC 1034 §3.6.2: the servers put a chain of aliases into one answer as far as they know it.
  async #ask(name: string, type: QueryType): Promise<{ lookup: Lookup<unknown>; ttlS: number }> {
    let current = name;
    let ttlS = TTL_MAX_S;
    let hops = 0;
    let isAuthentic = true;
    while (hops <= CNAME_MAX) {
      const reply = await this.#client.query(current, type);
      if (reply.kind === "trouble") return { lookup: reply, ttlS: TROUBLE_TTL_S };
      isAuthentic &&= reply.isAuthentic;
      const marked = isAuthentic && ({ isAuthentic } as const);
      const start = current;
      for (; hops <= CNAME_MAX; hops++) {
        const alias = reply.records.find((one) => one.type === "CNAME" && isNamed(one, current));
        if (alias === undefined) break;
        ttlS = Math.min(ttlS, alias.ttl ?? 0);
        current = String(alias.data).toLowerCase();
      }
      if (hops > CNAME_MAX) break;
      const records = reply.records.filter((one) => one.type === type && isNamed(one, current));
      const values = records
        .slice(0, RECORDS_MAX)
        .map<unknown>(READERS[type])
        .filter((value) => value !== undefined);
      if (values.length > 0) {
        for (const { ttl = 0 } of records) ttlS = Math.min(ttlS, ttl);
        return { lookup: { kind: "found", values, ...marked }, ttlS: Math.max(ttlS, TTL_MIN_S) };
      }
      // An alias whose end was not in the answer: ask for that end.
      if (start === current || !reply.hasName) {
        const kind = reply.hasName ? "empty" : "noName";
        return { lookup: { kind, ...marked }, ttlS: negativeTtl(reply) };
      }
    }
    const reason = `${name}: too many CNAME records`;
    return { lookup: { kind: "trouble", reason }, ttlS: TROUBLE_TTL_S };
  }
}

function isAskable(name: string): boolean {
  return name.length <= NAME_LENGTH_MAX && name.split(".").every((label) => LABEL.test(label));
}

function weightOf(lookup: Lookup<unknown>): number {
  if (lookup.kind !== "found") return 0;
  return lookup.values.reduce<number>((sum, value) => {
    return sum + (typeof value === "string" ? value.length : ENTRY_WEIGHT);
  }, 0);
}

type Answered = Extract<DnsReply, { kind: "answer" }>;

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
