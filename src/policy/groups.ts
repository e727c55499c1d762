// Groups: whose rules count for which recipient of which sender. The first that matches, else the
// default group, which is the section [policy].

import { RULE_FIELDS } from "../config/fields/policy.ts";
import { DEFAULT_GROUP } from "../config/rules.ts";
import type { Config } from "../config/schema.ts";
import type { RuleSettings } from "../config/tables.ts";
import type { Envelope, Recipient } from "../message.ts";
import { AddressMasks, foldAddress, type MaskParts } from "./mask.ts";

/** A group with its rules; what it does not say itself it has from the default group. */
export interface Group {
  readonly name: string;
  readonly rules: RuleSettings;
}

/** The recipients of one message that are in one group. */
export interface Share {
  readonly group: Group;
  readonly recipients: readonly Recipient[];
}

interface MatchedGroup extends Group {
  readonly from: AddressMasks;
  readonly to: AddressMasks;
}

/** The rules of the section [policy]. */
export function defaultGroup(config: Config): Group {
  const names = Object.keys(RULE_FIELDS) as (keyof RuleSettings)[];
  const rules = Object.fromEntries(names.map((name) => [name, config[`policy.${name}`]]));
  return { name: DEFAULT_GROUP, rules: rules as unknown as RuleSettings };
}

/** All groups of a configuration. */
export class Groups {
  readonly #default: Group;
  readonly #groups: readonly MatchedGroup[];

  /** Throws for a list file that can't be read. */
  constructor(config: Config, parts: MaskParts) {
    this.#default = defaultGroup(config);
    this.#groups = config.group.map((settings) => {
      const { name, from, to, ...own } = settings;
      return {
        name,
        rules: { ...this.#default.rules, ...own },
        from: new AddressMasks(from, parts),
        to: new AddressMasks(to, parts),
      };
    });
  }

  /** The shares of an envelope, in the order of their first recipients. */
  split(envelope: Pick<Envelope, "sender" | "recipients">): readonly Share[] {
    // The common case: nobody is treated otherwise than all.
    if (this.#groups.length === 0) {
      return [{ group: this.#default, recipients: envelope.recipients }];
    }
    const sender = foldAddress(envelope.sender);
    const candidates = this.#groups.filter(({ from }) => from.has(sender));
    const shares = new Map<Group, Recipient[]>();
    for (const recipient of envelope.recipients) {
      const address = foldAddress(recipient.address);
      const group = candidates.find(({ to }) => to.has(address)) ?? this.#default;
      const share = shares.get(group);
      if (share === undefined) shares.set(group, [recipient]);
      else share.push(recipient);
    }
    return [...shares].map(([group, recipients]) => ({ group, recipients }));
  }
}
