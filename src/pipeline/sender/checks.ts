// Who is a message from, and may they say so: the checks of mail from outside, beside the scan.
import { Authenticator } from "../../authentication/authenticator.ts";
import { resultsField } from "../../authentication/results-field.ts";
import type { Log } from "../../base/log.ts";
import { type AccessRule, rulesOf } from "../../config/access/rule.ts";
import type { Config } from "../../config/schema.ts";
import { parseServers } from "../../dns/resolver.ts";
import type { Authentication, AuthenticationCheck, Body, Client, Envelope } from "../../message.ts";
import type { Share } from "../../policy/groups.ts";
import type { ShareDecision } from "../../policy/policy.ts";
import { REPLIES, type Reply } from "../../reply.ts";
import { applyRule, conditionsOf, divide, type RuledShare, senderRule } from "./rules.ts";

/** A message as it came. */
export interface SentMessage {
  readonly client: Client;
  readonly envelope: Envelope;
  readonly body: Body;
}

/** What checks of the sender work with. */
export interface SenderCheckParts {
  readonly hostname: string;
  readonly log: Log;
  /** True for clients whose mail is not doubted: the site's own, and those that have logged in. */
  readonly isInside: (client: Client) => boolean;
}

/** Questions to one DNS server; see `dns.timeout`. */
export const DNS_ROUNDS = 2;

interface Rules {
  readonly isWanted: boolean;
  readonly rules: readonly AccessRule[];
  readonly isInside: SenderCheckParts["isInside"];
}

/** Checks senders, by the rules of a configuration. */
export class SenderChecks {
  readonly #hostname: string;
  readonly #authenticator: Authenticator;
  #settings: Rules;

  constructor(config: Config, parts: SenderCheckParts) {
    const { hostname, log } = parts;
    this.#hostname = hostname;
    this.#authenticator = new Authenticator({
      hostname,
      log,
      timeoutMs: config["authentication.timeout"],
      dns: {
        servers: parseServers(config["dns.servers"]),
        timeoutMs: config["dns.timeout"],
        rounds: DNS_ROUNDS,
      },
    });
    this.#settings = settingsOf(config, parts);
  }

  /** Takes new rules for messages that come from now on. */
  reconfigure(config: Config, parts: Pick<SenderCheckParts, "isInside">): void {
    this.#settings = settingsOf(config, parts);
  }

  /** SPF of a session that has come no further than MAIL. */
  checkSender({ address, helo }: Client, sender: string): Promise<AuthenticationCheck> {
    return this.#authenticator.checkSender({ address, helo, sender });
  }

  /** What is found out about a message; undefined if nothing is to be. */
  async check({ client, envelope, body }: SentMessage): Promise<CheckedSender | undefined> {
    const { isWanted, rules, isInside } = this.#settings;
    if (!isWanted || isInside(client)) return undefined;
    const { address, helo } = client;
    const { sender } = envelope;
    const checked = await this.#authenticator.checkMessage({ address, helo, sender, body });
    const { authentication, isForged } = checked;
    const forgedAs = isForged ? this.#hostname : undefined;
    const field = resultsField(this.#hostname, authentication, { isNullSender: sender === "" });
    const isTagged = (envelope.tags?.length ?? 0) > 0;
    return new CheckedSender({ authentication, forgedAs, field, rules, isTagged });
  }

  stop(): void {
    this.#authenticator.stop();
  }
}

function settingsOf(config: Config, { isInside }: Pick<SenderCheckParts, "isInside">): Rules {
  const rules = rulesOf("message", config["authentication.rules"]);
  return { isWanted: config["authentication.check"], rules, isInside };
}

interface Findings {
  readonly authentication: Authentication;
  readonly forgedAs: string | undefined;
  readonly field: string;
  readonly rules: readonly AccessRule[];
  readonly isTagged: boolean;
}

/** A message whose sender was checked, with what the rules make of it. */
export class CheckedSender {
  readonly authentication: Authentication;
  /** Name of this host, if the message has fields that others wrote in its name. */
  readonly forgedAs: string | undefined;
  /** Authentication-Results, with its line end. */
  readonly field: string;
  readonly #rules: readonly AccessRule[];
  readonly #holds: ReadonlySet<string>;
  #ruled: readonly RuledShare[] = [];

  constructor({ authentication, forgedAs, field, rules, isTagged }: Findings) {
    this.authentication = authentication;
    this.forgedAs = forgedAs;
    this.field = field;
    this.#rules = rules;
    this.#holds = conditionsOf(authentication, { isTagged });
  }

  /** The shares to decide on. */
  divide(shares: readonly Share[]): readonly Share[] {
    this.#ruled = divide(shares, this.#rules, this.#holds);
    return this.#ruled.map(({ share }) => share);
  }

  /** The decisions on those shares, with what the rules have to say. */
  apply(decisions: readonly ShareDecision[]): readonly ShareDecision[] {
    return decisions.map((decision, index) => applyRule(decision, this.#ruled[index]?.rule));
  }

  /** The reply to a message that was refused by those rules; others stay as they are. */
  replyFor(reply: Reply, decisions: readonly ShareDecision[]): Reply {
    const ruled = this.#ruled.flatMap(({ rule }) => (rule === undefined ? [] : [senderRule(rule)]));
    if (reply.code < 400 || !decisions.some(({ rule }) => ruled.includes(rule))) return reply;
    return reply.code < 500 ? REPLIES.senderDeferred : REPLIES.senderRefused;
  }

  /** Words that rules put on the message. */
  get tags(): readonly string[] {
    const rules = this.#ruled.flatMap(({ rule }) => (rule?.action === "tag" ? [rule] : []));
    return [...new Set(rules.flatMap(({ conditions }) => conditions))];
  }
}
