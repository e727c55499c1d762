// Rules about access rules: what would make gw an open relay, and what can never take effect.
import type { Conflict } from "../conflict.ts";
import type { Config } from "../schema.ts";
import { type AccessRule, RULE_LISTS, type RuleList, rulesOf } from "./rule.ts";

const KEYS = {
  relay: "access.relay_rules",
  connect: "access.connect_rules",
  helo: "access.helo_rules",
  mailfrom: "access.mailfrom_rules",
  message: "authentication.rules",
} as const satisfies Record<RuleList, keyof Config>;

// Networks of so few bits are most of the world.
const WORLD_BITS = 4;

function isEverybody(condition: string): boolean {
  const bits = /\/(\d+)$/.exec(condition)?.[1];
  return condition === "any" || (bits !== undefined && Number(bits) < WORLD_BITS);
}

function isEverywhere(mask: string): boolean {
  return /^[*?]+(?:@[*?.]+)?$/.test(mask);
}

function covers(one: AccessRule, other: AccessRule): boolean {
  const isFor = one.to === "*" || one.to === other.to;
  const isAny = (condition: string) => condition === "any";
  return isFor && one.conditions.every((each) => isAny(each) || other.conditions.includes(each));
}

function* conflictsOf(list: RuleList, config: Config): Generator<Conflict> {
  const key = KEYS[list];
  const rules = rulesOf(list, config[key]);
  for (const [index, rule] of rules.entries()) {
    const keys = [`${key}[${index}]`];
    const { action, conditions, to, text } = rule;
    if (
      list === "relay" &&
      action === "allow" &&
      conditions.every(isEverybody) &&
      isEverywhere(to)
    ) {
      const message =
        `"${text}" would let everybody send to everywhere: ` +
        "name networks, authenticated, or your own domains";
      yield { keys, message };
    }
    const before = rules.slice(0, index).find((each) => covers(each, rule));
    if (before !== undefined) {
      yield { keys, message: `"${text}" never counts: "${before.text}" above it fits before` };
    }
    const isOfLists = conditions.some((each) => each.endsWith("_dnsbl"));
    if (isOfLists && config["access.dns_lists"].length === 0) {
      yield { keys, message: `"${text}" asks DNS lists: name some in access.dns_lists` };
    }
  }
}

/** What is wrong with access rules; empty if nothing is. */
export function* accessConflicts(config: Config): Generator<Conflict> {
  for (const list of RULE_LISTS) yield* conflictsOf(list, config);
  if (!config["authentication.check"] && config["authentication.rules"].length > 0) {
    const message = "authentication.rules have no effect: set authentication.check = true";
    yield { keys: ["authentication.rules"], message };
  }
  if (config["access.recipients_ldap"] === "") return;
  if (config["access.recipients_ldap_base"] === "") {
    const keys = ["access.recipients_ldap"];
    yield { keys, message: "access.recipients_ldap needs access.recipients_ldap_base" };
  }
  const isSafe = isSafeLdap(
    config["access.recipients_ldap"],
    config["access.recipients_ldap_starttls"],
  );
  if (!isSafe && config["access.recipients_ldap_password"] !== "") {
    const keys = ["access.recipients_ldap"];
    const message =
      "the password would pass in the clear: write ldaps:// or set access.recipients_ldap_starttls";
    yield { keys, message };
  }
  if (!config["access.recipients_ldap_filter"].includes("{address}")) {
    const keys = ["access.recipients_ldap_filter"];
    yield {
      keys,
      message: "access.recipients_ldap_filter must have {address} where the address goes",
    };
  }
}

const LOCAL = /^ldap:\/\/(?:127\.[\d.]+|\[::1\]|localhost)(?::|\/|$)/i;

/** Whether what is said to a directory stays on this host, or is encrypted. */
export function isSafeLdap(url: string, isStartTls: boolean): boolean {
  return /^ldaps:/i.test(url) || isStartTls || LOCAL.test(url);
}
