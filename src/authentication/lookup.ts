// gw's resolver as mailauth wants one: Node's way of answering, where "no such name", "no such
// record" and "nobody answered" are errors told apart by their code.
import type { Lookup, Resolver } from "../dns/resolver.ts";
import type { Deadline } from "./deadline.ts";

/** `resolve()` of node:dns, as far as mailauth asks for it. */
export type NodeLookup = (name: string, type: string) => Promise<unknown[]>;

/** Questions of one message; RFC 7489 and RFC 7208 need fewer, ten signatures ask ten. */
const QUESTIONS_MAX = 150;

function codeOf(lookup: Exclude<Lookup<unknown>, { kind: "found" }>): string {
  switch (lookup.kind) {
    case "empty":
      return "ENODATA";
    case "noName":
      return "ENOTFOUND";
    case "trouble":
      return "ESERVFAIL";
    default:
      return lookup satisfies never;
  }
}

function failure(code: string, reason: string): Error {
  return Object.assign(new Error(reason), { code });
}

/** Asks for one check, within its time. */
export class CheckLookup {
  /** How often nothing was known: no answer, or no time left for one. */
  troubles = 0;
  readonly #resolver: Resolver;
  readonly #deadline: Deadline;
  #questions = 0;

  constructor(resolver: Resolver, deadline: Deadline) {
    this.#resolver = resolver;
    this.#deadline = deadline;
  }

  /** To be handed to mailauth. */
  readonly resolve: NodeLookup = async (name, type) => {
    if (this.#deadline.isOver || ++this.#questions > QUESTIONS_MAX) {
      this.troubles++;
      throw failure("ETIMEOUT", "no time left");
    }
    const lookup = await Promise.race([this.#ask(name, type), this.#deadline.over]);
    if (lookup === "over") {
      this.troubles++;
      throw failure("ETIMEOUT", "no time left");
    }
    if (lookup.kind === "found") return [...lookup.values];
    if (lookup.kind === "trouble") this.troubles++;
    const reason = lookup.kind === "trouble" ? lookup.reason : `${name}: no ${type} record`;
    throw failure(codeOf(lookup), reason);
  };

  async #ask(name: string, type: string): Promise<Lookup<unknown>> {
    const plain = name.replace(/\.$/, "");
    switch (type) {
      case "TXT":
        return mapped(await this.#resolver.texts(plain), (text) => [text]);
      case "MX":
        return mapped(await this.#resolver.exchanges(plain), (each) => {
          return { priority: each.preference, exchange: each.host };
        });
      case "A":
      case "AAAA":
        return await this.#resolver.addressesOf(plain, type);
      case "PTR":
        return await this.#resolver.pointers(plain);
      default:
        // Aliases are followed; nobody has to ask for them.
        return { kind: "noName" };
    }
  }
}

function mapped<From, To>(lookup: Lookup<From>, map: (value: From) => To): Lookup<To> {
  return lookup.kind === "found" ? { kind: "found", values: lookup.values.map(map) } : lookup;
}
