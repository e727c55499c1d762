// Rules about who a message is from, held against what the checks said: each recipient has the first
// rule that fits, and a share of a message whose recipients have different ones is divided.
import type { AccessRule } from "../../config/access/rule.ts";
import type { Authentication, Disposition } from "../../message.ts";
import type { Share } from "../../policy/groups.ts";
import { foldAddress } from "../../policy/mask.ts";
import type { ShareDecision } from "../../policy/policy.ts";
import { matchesWildcard } from "../../text/wildcard.ts";

/** The conditions of a rule that hold for a message. */
export function conditionsOf(
  { spf, dkim, dmarc, arc }: Authentication,
  { isTagged }: { readonly isTagged: boolean },
): ReadonlySet<string> {
  const holds = ["any", `spf_${spf.result}`, `dmarc_${dmarc.result}`, `arc_${arc.result}`];
  // RFC 6376 §6.1: one good signature is enough, and bad ones say no more than none would.
  const results = dkim.map(({ result }) => result);
  const isUnknown = results.includes("temperror");
  if (results.includes("pass")) holds.push("dkim_pass");
  else if (results.length === 0) holds.push("dkim_none");
  else holds.push(isUnknown ? "dkim_temperror" : "dkim_fail");
  if (dmarc.result === "fail" && dmarc.policy !== "none") holds.push(`dmarc_${dmarc.policy}`);
  if (isTagged) holds.push("tagged");
  return new Set(holds);
}

/** The first rule that fits a recipient. */
function ruleFor(
  rules: readonly AccessRule[],
  holds: ReadonlySet<string>,
  recipient: string,
): AccessRule | undefined {
  const address = foldAddress(recipient);
  return rules.find(({ conditions, to }) => {
    return conditions.every((each) => holds.has(each)) && matchesWildcard(foldAddress(to), address);
  });
}

/** A share with the rule that its recipients have; undefined if none fits. */
export interface RuledShare {
  readonly share: Share;
  readonly rule: AccessRule | undefined;
}

/** Shares, divided where recipients have different rules. */
export function divide(
  shares: readonly Share[],
  rules: readonly AccessRule[],
  holds: ReadonlySet<string>,
): readonly RuledShare[] {
  return shares.flatMap(({ group, recipients }) => {
    const byRule = Map.groupBy(recipients, ({ address }) => ruleFor(rules, holds, address));
    return [...byRule].map(([rule, own]) => ({ rule, share: { group, recipients: own } }));
  });
}

function dispositionOf(rule: AccessRule): Disposition | undefined {
  const reason = rule.conditions.join(", ");
  switch (rule.action) {
    case "deny":
      return { kind: "reject", reason };
    case "defer":
    case "quarantine":
      return { kind: rule.action, reason };
    case "allow":
    case "tag":
    case "greylist":
      return undefined;
    default:
      return rule.action satisfies never;
  }
}

/** A decision as the rule about the sender leaves it: what is kept or refused already stays so. */
export function applyRule(decision: ShareDecision, rule: AccessRule | undefined): ShareDecision {
  const disposition = rule && dispositionOf(rule);
  if (rule === undefined || disposition === undefined) return decision;
  if (decision.disposition.kind !== "deliver") return decision;
  return { ...decision, disposition, rule: senderRule(rule), treatments: [] };
}

/** A rule as it is spoken of in explanations. */
export function senderRule({ text }: AccessRule): string {
  return `authentication.rules "${text}"`;
}
