// Rules of who may send what to whom, one line each: `ACTION from CONDITION[,CONDITION] to MASK`.
// One table of words per list makes the parser, the errors and the documentation.
import { IpRanges } from "../../base/ip-range.ts";
import { nearest } from "../../text/nearest.ts";
import type { Reading, Type } from "../field.ts";
import { toToml } from "../field.ts";

/** The lists that rules stand in, in the order in which a session meets them. */
export const RULE_LISTS = ["relay", "connect", "helo", "mailfrom", "message"] as const;

/** One of the lists. */
export type RuleList = (typeof RULE_LISTS)[number];

/** What a rule may do. */
export type RuleAction = "allow" | "deny" | "defer" | "tag" | "greylist" | "quarantine";

/** One rule, parsed. */
export interface AccessRule {
  /** As it stands in the file, blanks made one. */
  readonly text: string;
  readonly action: RuleAction;
  /** All must hold: words of the list, or ranges of addresses. */
  readonly conditions: readonly string[];
  /** Mask of recipients: `*`, `*@example.org`, one address. */
  readonly to: string;
}

const RESULTS = ["none", "pass", "fail", "softfail", "neutral", "temperror", "permerror"];
const SPF = RESULTS.map((result) => `spf_${result}`);

interface Words {
  readonly actions: readonly RuleAction[];
  readonly conditions: readonly string[];
  /** Addresses and ranges of them are conditions too. */
  readonly hasRanges: boolean;
  readonly example: string;
}

const SESSION_ACTIONS: readonly RuleAction[] = ["allow", "deny", "defer", "tag", "greylist"];

/** The words of each list. */
export const RULE_WORDS: Readonly<Record<RuleList, Words>> = {
  relay: {
    actions: ["allow", "deny", "defer"],
    conditions: ["any", "authenticated"],
    hasRanges: true,
    example: "allow from 192.0.2.0/24 to *@example.com",
  },
  connect: {
    actions: SESSION_ACTIONS,
    conditions: [
      "any",
      "in_dnsbl",
      "out_dnsbl",
      "has_name",
      "no_name",
      "confirmed_name",
      "unconfirmed_name",
    ],
    hasRanges: true,
    example: "deny from in_dnsbl to *",
  },
  helo: {
    actions: SESSION_ACTIONS,
    conditions: ["any", "has_ip", "no_ip", "same_ip", "diff_ip"],
    hasRanges: false,
    example: "tag from no_ip to *",
  },
  mailfrom: {
    actions: SESSION_ACTIONS,
    conditions: ["any", "null_sender", "has_ip", "no_ip", "has_mx", "no_mx", ...SPF],
    hasRanges: false,
    example: "deny from no_ip,no_mx to *",
  },
  message: {
    actions: ["allow", "deny", "defer", "quarantine", "tag"],
    conditions: [
      "any",
      "tagged",
      ...SPF,
      ...["none", "pass", "fail", "temperror"].map((result) => `dkim_${result}`),
      ...["none", "pass", "fail", "temperror", "permerror"].map((result) => `dmarc_${result}`),
      "dmarc_reject",
      "dmarc_quarantine",
      ...["none", "pass", "fail", "temperror"].map((result) => `arc_${result}`),
    ],
    hasRanges: false,
    example: "deny from dmarc_reject to *",
  },
};

const TEXT_LENGTH_MAX = 500;
const CONDITIONS_MAX = 10;
const MASK = /^(?:\*|[^\s@<>,]+@[^\s@<>,]+)$/u;

function isRange(text: string): boolean {
  if (!/[.:]/.test(text)) return false;
  try {
    return (
      new IpRanges([text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`]) !==
      undefined
    );
  } catch {
    // It is none; what is expected instead stands in our own error.
    return false;
  }
}

function among(word: string, words: readonly string[]): string {
  const near = nearest(word, words);
  return near === undefined ? words.join(", ") : `did you mean ${near}?`;
}

/** The rule of a line, or a sentence about what is wrong with it. */
export function parseAccessRule(list: RuleList, line: string): AccessRule | string {
  const { actions, conditions: known, hasRanges, example } = RULE_WORDS[list];
  const text = line.trim().replace(/\s+/g, " ");
  const [, action = "", from = "", to = ""] = /^(\S+) from (.+) to (\S+)$/.exec(text) ?? [];
  if (action === "" || text.length > TEXT_LENGTH_MAX) {
    return `a rule such as "${example}"`;
  }
  const word = actions.find((each) => each === action);
  if (word === undefined)
    return `one of ${actions.join(", ")} as its first word (${among(action, actions)})`;
  const conditions = from.split(/[ ,]+/).filter((each) => each !== "");
  if (conditions.length === 0 || conditions.length > CONDITIONS_MAX) {
    return `1 to ${CONDITIONS_MAX} conditions between "from" and "to"`;
  }
  for (const condition of conditions) {
    if (known.includes(condition) || (hasRanges && isRange(condition))) continue;
    const ranges = hasRanges ? ", an address or a network" : "";
    return `"${condition.slice(0, 60)}" to be a condition${ranges} (${among(condition, known)})`;
  }
  if (!MASK.test(to)) return `a mask of recipients such as * or *@example.org behind "to"`;
  return { text, action: word, conditions, to };
}

/** A line of one of the lists. */
export function accessRule(list: RuleList): Type<string> {
  const expected = `a rule such as "${RULE_WORDS[list].example}"`;
  return {
    name: "rule",
    expected,
    read(raw): Reading<string> {
      if (typeof raw !== "string") return { kind: "wrong", expected };
      const rule = parseAccessRule(list, raw);
      return typeof rule === "string"
        ? { kind: "wrong", expected: rule }
        : { kind: "value", value: raw };
    },
    write: toToml,
  };
}

/** The rules of a list that has been checked. */
export function rulesOf(list: RuleList, lines: readonly string[]): readonly AccessRule[] {
  return lines.flatMap((line) => {
    const rule = parseAccessRule(list, line);
    return typeof rule === "string" ? [] : [rule];
  });
}
