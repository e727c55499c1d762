// What rules ask about a session: each fact is found out once, when a rule first asks for it. What
// DNS does not tell is unknown, and is never taken for an absence.
import { isIP } from "node:net";
import { IpRanges } from "../../base/ip-range.ts";
import type { Lookup, Resolver } from "../../dns/resolver.ts";
import { plainAddress } from "../../dns/reverse.ts";
import type { AuthenticationCheck, Client } from "../../message.ts";
import type { DnsLists } from "./dns-lists.ts";

/** Whether something holds. */
export type Holds = "yes" | "no" | "unknown";

/** A fact, with a word for the log on how it was found. */
export interface Fact {
  readonly holds: Holds;
  readonly why: string;
}

/** What facts are found out with. */
export interface FactParts {
  readonly resolver: Resolver;
  readonly lists: DnsLists;
  /** Score from which on an address counts as listed. */
  readonly listedFrom: number;
  readonly checkSender: (client: Client, sender: string) => Promise<AuthenticationCheck>;
}

// A host may have very many names; RFC 7208 §4.6.4 looks at no more either.
const NAMES_MAX = 10;
// For all that one question to us may cost in time, whatever the DNS servers do.
const FACT_TIME_MAX_MS = 20_000;

const UNKNOWN_IN_TIME: Fact = { holds: "unknown", why: "DNS took too long" };

function fact(isTrue: boolean, why: string): Fact {
  return { holds: isTrue ? "yes" : "no", why };
}

function not({ holds, why }: Fact): Fact {
  return { holds: holds === "yes" ? "no" : holds === "no" ? "yes" : "unknown", why };
}

// Whether a name has records at all.
function presence(lookup: Lookup<unknown>, what: string): Fact {
  if (lookup.kind === "trouble") return { holds: "unknown", why: lookup.reason };
  return fact(lookup.kind === "found", what);
}

/** The facts of one session and sender. */
export class Facts {
  readonly #client: Client;
  readonly #sender: string;
  readonly #parts: FactParts;
  readonly #found = new Map<string, Promise<Fact>>();

  constructor(client: Client, sender: string, parts: FactParts) {
    this.#client = client;
    this.#sender = sender;
    this.#parts = parts;
  }

  /** Whether a condition of a rule list holds. Never rejects. */
  holds(list: "connect" | "helo" | "mailfrom", condition: string): Promise<Fact> {
    const key = `${list} ${condition}`;
    let found = this.#found.get(key);
    if (found === undefined) {
      found = withinTime(this.#find(list, condition));
      this.#found.set(key, found);
    }
    return found;
  }

  async #find(list: "connect" | "helo" | "mailfrom", condition: string): Promise<Fact> {
    if (condition === "any") return fact(true, "any");
    if (list === "connect") return await this.#ofClient(condition);
    return list === "helo" ? await this.#ofHelo(condition) : await this.#ofSender(condition);
  }

  async #ofClient(condition: string): Promise<Fact> {
    switch (condition) {
      case "in_dnsbl":
        return await this.#isListed();
      case "out_dnsbl":
        return not(await this.holds("connect", "in_dnsbl"));
      case "has_name":
        return await this.#hasName();
      case "no_name":
        return not(await this.holds("connect", "has_name"));
      case "confirmed_name":
        return await this.#isConfirmed();
      case "unconfirmed_name":
        return not(await this.holds("connect", "confirmed_name"));
      default:
        return fact(isInRange(this.#client.address, condition), this.#client.address);
    }
  }

  async #isListed(): Promise<Fact> {
    const { address } = this.#client;
    const { score, hits } = await this.#parts.lists.score(address);
    const listed = hits.length === 0 ? "no list" : hits.join(", ");
    return fact(score >= this.#parts.listedFrom, `${address} is in ${listed}`);
  }

  async #hasName(): Promise<Fact> {
    const { address } = this.#client;
    return presence(await this.#parts.resolver.names(address), `the name of ${address}`);
  }

  // The name leads back to the address: without that everybody could call himself anything.
  async #isConfirmed(): Promise<Fact> {
    const { address } = this.#client;
    const names = await this.#parts.resolver.names(address);
    if (names.kind !== "found") return presence(names, `${address} has no name`);
    let trouble: string | undefined;
    for (const name of names.values.slice(0, NAMES_MAX)) {
      const lookup = await this.#parts.resolver.addresses(name);
      if (lookup.kind === "trouble") trouble ??= lookup.reason;
      else if (lookup.kind === "found" && lookup.values.some((each) => isSame(each, address))) {
        return fact(true, `${address} is ${name}`);
      }
    }
    if (trouble !== undefined) return { holds: "unknown", why: trouble };
    return fact(false, `${names.values[0]} is not ${address}`);
  }

  async #ofHelo(condition: string): Promise<Fact> {
    const { helo, address } = this.#client;
    switch (condition) {
      case "has_ip": {
        const lookup = await this.#heloAddresses();
        return presence(lookup, helo);
      }
      case "no_ip":
        return not(await this.holds("helo", "has_ip"));
      case "same_ip": {
        const lookup = await this.#heloAddresses();
        if (lookup.kind !== "found") return presence(lookup, `${helo} has no address`);
        return fact(
          lookup.values.some((each) => isSame(each, address)),
          `${helo} is ${lookup.values[0]}, the client ${address}`,
        );
      }
      default:
        return not(await this.holds("helo", "same_ip"));
    }
  }

  // RFC 5321 §4.1.3: a host without a name gives its address.
  async #heloAddresses(): Promise<Lookup<string>> {
    const { helo } = this.#client;
    const literal = /^\[(?:ipv6:)?([^\]]+)\]$/i.exec(helo)?.[1] ?? "";
    if (isIP(literal) !== 0) return { kind: "found", values: [literal] };
    return await this.#parts.resolver.addresses(helo);
  }

  async #ofSender(condition: string): Promise<Fact> {
    if (condition === "null_sender") return fact(this.#sender === "", "the null sender");
    if (condition.startsWith("spf_")) {
      const { result, domain } = await this.#spf();
      return fact(condition === `spf_${result}`, `SPF of ${domain} is ${result}`);
    }
    // The null sender has no domain that could lack anything.
    if (this.#sender === "") return fact(false, "the null sender");
    const domain = this.#sender.slice(this.#sender.lastIndexOf("@") + 1);
    const literal = /^\[/.test(domain);
    switch (condition) {
      case "has_ip":
        if (literal) return fact(true, domain);
        return presence(await this.#parts.resolver.addresses(domain), domain);
      case "has_mx":
        if (literal) return fact(false, domain);
        return await this.#hasExchange(domain);
      case "no_ip":
        return not(await this.holds("mailfrom", "has_ip"));
      default:
        return not(await this.holds("mailfrom", "has_mx"));
    }
  }

  #spfCheck: Promise<AuthenticationCheck> | undefined;
  #spf(): Promise<AuthenticationCheck> {
    this.#spfCheck ??= this.#parts.checkSender(this.#client, this.#sender);
    return this.#spfCheck;
  }

  async #hasExchange(domain: string): Promise<Fact> {
    const lookup = await this.#parts.resolver.exchanges(domain);
    if (lookup.kind !== "found") return presence(lookup, domain);
    // RFC 7505 §4.2: the null MX says that the domain takes no mail, so it sends none either.
    return fact(
      lookup.values.some(({ host }) => host !== ""),
      domain,
    );
  }
}

/** True if an address lies in a range, or is that address. */
export function isInRange(address: string, range: string): boolean {
  const whole = range.includes("/") ? range : `${range}/${range.includes(":") ? 128 : 32}`;
  return new IpRanges([whole]).contains(address);
}

function isSame(one: string, other: string): boolean {
  return isInRange(other, plainAddress(one));
}

async function withinTime(work: Promise<Fact>): Promise<Fact> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Fact>((resolve) => {
    timer = setTimeout(() => resolve(UNKNOWN_IN_TIME), FACT_TIME_MAX_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
