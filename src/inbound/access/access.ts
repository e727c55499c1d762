// Who may send to whom, beyond relaying: the rules of a session, the recipients that there are, and
// clients that are told to come again. Every refusal says to the log which rule it was, and why.
import { type AccessRule, type RuleAction, rulesOf } from "../../config/access/rule.ts";
import type { Config } from "../../config/schema.ts";
import type { Resolver } from "../../dns/resolver.ts";
import type { Client } from "../../message.ts";
import { foldAddress } from "../../policy/mask.ts";
import { REPLIES, type Reply, SmtpError } from "../../reply.ts";
import { matchesWildcard } from "../../text/wildcard.ts";
import { type Fact, type FactParts, Facts, isInRange } from "./facts.ts";
import type { Greylist } from "./greylist.ts";
import type { Directory } from "./recipients/directory.ts";

/** What access is decided with. */
export interface AccessParts {
  readonly resolver: Resolver;
  readonly facts: FactParts;
  readonly greylist: Greylist;
  /** Left out: every recipient of the site's domains is taken. */
  readonly directory: Directory | undefined;
  /** Whether mail for an address ends at this site. */
  readonly isLocal: (address: string) => boolean;
}

const LISTS = ["connect", "helo", "mailfrom"] as const;
type List = (typeof LISTS)[number];
type Rules = Readonly<Record<List, readonly AccessRule[]>>;

const REFUSALS: Readonly<Record<List, Reply>> = {
  connect: REPLIES.hostRefused,
  helo: REPLIES.heloRefused,
  mailfrom: REPLIES.senderDomainRefused,
};

/** The rules of a configuration. */
export class Access {
  readonly #relay: readonly AccessRule[];
  readonly #rules: Rules;
  readonly #parts: AccessParts;

  constructor(config: Config, parts: AccessParts) {
    this.#relay = rulesOf("relay", config["access.relay_rules"]);
    this.#rules = {
      connect: rulesOf("connect", config["access.connect_rules"]),
      helo: rulesOf("helo", config["access.helo_rules"]),
      mailfrom: rulesOf("mailfrom", config["access.mailfrom_rules"]),
    };
    this.#parts = parts;
  }

  /** What is remembered of DNS. */
  get resolver(): Resolver {
    return this.#parts.resolver;
  }

  /** What is remembered of recipients. */
  get directory(): Directory | undefined {
    return this.#parts.directory;
  }

  /** Lets go of connections that `next` has not taken over; what is being asked is still answered. */
  close(next?: Access): void {
    if (this.directory !== next?.directory) this.directory?.close();
  }

  /** The first relay rule that fits; undefined: networks and domains decide. */
  relayRule(client: Client, recipient: string): AccessRule | undefined {
    if (this.#relay.length === 0) return undefined;
    const address = foldAddress(recipient);
    return this.#relay.find(({ conditions, to }) => {
      const holds = conditions.every((condition) => {
        if (condition === "any") return true;
        if (condition === "authenticated") return client.user !== undefined;
        return isInRange(client.address, condition);
      });
      return holds && matchesWildcard(foldAddress(to), address);
    });
  }

  /** The rules as they are met by one sender; undefined if there is nothing to ask. */
  visit(client: Client, sender: string, { isInside }: { readonly isInside: boolean }) {
    // The site's own clients are not doubted; which recipients there are holds for them too.
    const rules: Rules = isInside ? { connect: [], helo: [], mailfrom: [] } : this.#rules;
    const hasRules = LISTS.some((list) => rules[list].length > 0);
    if (!hasRules && this.#parts.directory === undefined) return undefined;
    return new Visit({ client, sender, rules }, this.#parts);
  }
}

interface Ruling {
  readonly list: List;
  readonly rule: AccessRule;
  /** What is done: a rule that would deny defers if its conditions could not be found out. */
  readonly action: RuleAction;
  readonly why: string;
}

/** A client with a sender, on its way through the rules. */
export class Visit {
  readonly #client: Client;
  readonly #sender: string;
  readonly #rules: Rules;
  readonly #parts: AccessParts;
  readonly #facts: Facts;
  readonly #tags = new Set<string>();

  constructor(
    { client, sender, rules }: { client: Client; sender: string; rules: Rules },
    parts: AccessParts,
  ) {
    this.#client = client;
    this.#sender = sender;
    this.#rules = rules;
    this.#parts = parts;
    this.#facts = new Facts(client, sender, parts.facts);
  }

  /** What rules noted about it so far. */
  get tags(): readonly string[] {
    return [...this.#tags];
  }

  /** Lets a recipient in, or throws `SmtpError`. */
  async admit(recipient: string): Promise<void> {
    const address = foldAddress(recipient);
    let greylisted: Ruling | undefined;
    for (const list of LISTS) {
      const ruling = await this.#ruling(list, address);
      if (ruling?.action === "tag") for (const tag of ruling.rule.conditions) this.#tags.add(tag);
      if (ruling?.action === "greylist") greylisted ??= ruling;
      if (ruling !== undefined) throwIfRefused(ruling);
    }
    // Whom a rule refuses is not told who is known here.
    await this.#verify(recipient);
    if (greylisted === undefined) return;
    const triplet = { client: this.#client.address, sender: this.#sender, recipient: address };
    if (this.#parts.greylist.isToWait(triplet)) {
      throw new SmtpError(REPLIES.greylisted, causeOf(greylisted));
    }
  }

  async #ruling(list: List, address: string): Promise<Ruling | undefined> {
    for (const rule of this.#rules[list]) {
      if (!matchesWildcard(foldAddress(rule.to), address)) continue;
      const { holds, why } = await this.#holds(list, rule);
      if (holds === "no") continue;
      if (holds === "yes") return { list, rule, action: rule.action, why };
      // What nobody knows is held against nobody, and for nobody either.
      if (rule.action === "deny" || rule.action === "defer") {
        return { list, rule, action: "defer", why };
      }
      if (rule.action === "greylist") return { list, rule, action: "greylist", why };
    }
    return undefined;
  }

  // All conditions of a rule: one that does not hold is enough.
  async #holds(list: List, { conditions }: AccessRule): Promise<Fact> {
    let unknown: Fact | undefined;
    const reasons: string[] = [];
    for (const condition of conditions) {
      const found = await this.#facts.holds(list, condition);
      if (found.holds === "no") return found;
      if (found.holds === "unknown") unknown ??= found;
      reasons.push(found.why);
    }
    return unknown ?? { holds: "yes", why: reasons.join("; ") };
  }

  async #verify(recipient: string): Promise<void> {
    const { directory, isLocal } = this.#parts;
    if (directory === undefined || !isLocal(recipient)) return;
    // RFC 5321 §4.5.1: there always is one.
    if (/^postmaster@/i.test(recipient)) return;
    const { kind, why } = await directory.find(recipient);
    if (kind === "unknown") throw new SmtpError(REPLIES.recipientUnknown, why);
    if (kind === "trouble") throw new SmtpError(REPLIES.recipientUnverified, why);
  }
}

function causeOf({ list, rule, why }: Ruling): string {
  return `access.${list}_rules "${rule.text}": ${why}`;
}

function throwIfRefused(ruling: Ruling): void {
  const { list, rule, action } = ruling;
  if (action === "deny") throw new SmtpError(REFUSALS[list], causeOf(ruling));
  if (action !== "defer") return;
  const isUnknown = rule.action !== "defer";
  throw new SmtpError(isUnknown ? REPLIES.nameTrouble : REPLIES.accessDeferred, causeOf(ruling));
}
