// DNS lists: names of addresses that somebody warns of, or vouches for. RFC 5782.
import { IpRanges } from "../../base/ip-range.ts";
import type { Log } from "../../base/log.ts";
import { type DnsList, rangeOf } from "../../config/access/dns-list.ts";
import type { Resolver } from "../../dns/resolver.ts";
import { reversed } from "../../dns/reverse.ts";

/** What the lists say of an address. */
export interface ListScore {
  readonly score: number;
  /** `zen.example (127.0.0.2)` for each that knows it. */
  readonly hits: readonly string[];
}

// RFC 5782 §2.3: answers are of 127.0.0.0/8. Anything else comes from a zone that was given up and
// now resolves every name, and would have all mail refused.
const ANSWERS = new IpRanges(["127.0.0.0/8"]);
// How lists say that they do not answer: too many questions, or asked through a public resolver.
const NO_ANSWERS = new IpRanges(["127.255.255.0/24", "127.0.0.1/32"]);
interface AskedList extends DnsList {
  readonly range: IpRanges;
}

/** Asks lists. */
export class DnsLists {
  readonly #lists: readonly AskedList[];
  readonly #resolver: Resolver;
  readonly #log: Log;

  constructor(
    lists: readonly DnsList[],
    parts: { readonly resolver: Resolver; readonly log: Log },
  ) {
    this.#lists = lists.map((list) => {
      return { ...list, range: list.answers === "" ? ANSWERS : rangeOf(list.answers) };
    });
    this.#resolver = parts.resolver;
    this.#log = parts.log;
  }

  /** The sum of what they say; a list that does not answer says nothing. */
  async score(address: string): Promise<ListScore> {
    const name = reversed(address);
    if (name === undefined) return { score: 0, hits: [] };
    const found = await Promise.all(this.#lists.map((list) => this.#ask(list, name)));
    const hits = found.flatMap((each) => each ?? []);
    return {
      score: hits.reduce((sum, { weight }) => sum + weight, 0),
      hits: hits.map(({ zone, answer }) => `${zone} (${answer})`),
    };
  }

  async #ask(list: AskedList, name: string) {
    const { zone, weight, range } = list;
    const lookup = await this.#resolver.addressesOf(`${name}.${zone}`, "A");
    if (lookup.kind === "trouble") {
      this.#log.warn("dns-list-failed", { list: zone, cause: lookup.reason });
      return undefined;
    }
    if (lookup.kind !== "found") return undefined;
    const answer = lookup.values.find((each) => {
      return ANSWERS.contains(each) && !NO_ANSWERS.contains(each) && range.contains(each);
    });
    if (lookup.values.some((each) => NO_ANSWERS.contains(each))) {
      this.#log.warn("dns-list-refuses", { list: zone, answer: lookup.values[0] });
    }
    return answer === undefined ? undefined : { zone, weight, answer };
  }
}
