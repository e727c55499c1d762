// From what was seen to what is done, for one group: each status has its rule, and the strictest of
// the rules that apply decides. Pure: a verdict and the rules in, a decision out.

import type { RuleSettings } from "../config/tables.ts";
import { type Disposition, type Status, type Verdict, worseStatus } from "../message.ts";
import type { FilterHit } from "./filter.ts";
import type { Group } from "./groups.ts";

/** What may be said for a status in the configuration. */
export type Action = RuleSettings["infected"];

/** What is to be done to an object. */
export interface ObjectTreatment {
  readonly object: number;
  readonly action: Exclude<RuleSettings["infected_object"], "pass">;
}

/** What is done with a message for one group. */
export interface Decision {
  readonly group: Group;
  readonly disposition: Disposition;
  /** The rule that fired, as the configuration has it: `infected = "quarantine"`; "" if none. */
  readonly rule: string;
  /** The worst status in the group's eyes: filters and exemptions counted. */
  readonly status: Status;
  /** Objects that filters of the group are about. */
  readonly filtered: readonly FilterHit[];
  /** What is to be done to objects before the message is delivered. */
  readonly treatments: readonly ObjectTreatment[];
  /** The original is kept in the backup store. */
  readonly isBackedUp: boolean;
}

// Gravest wish last: of several statuses in one message the strictest action wins, so that an
// archive that is merely protected can't soften what is done about a virus beside it. Keeping a
// message is stricter than dropping it: what one rule keeps, another one must not lose.
const STRICTNESS: readonly Action[] = ["deliver", "defer", "block", "quarantine", "reject"];

/** The stricter of two actions. */
export function stricter(a: Action, b: Action): Action {
  return STRICTNESS.indexOf(b) > STRICTNESS.indexOf(a) ? b : a;
}

function actionFor(status: Status, rules: RuleSettings): Action {
  switch (status) {
    case "clean":
      return "deliver";
    case "disinfected":
    case "filtered":
    case "protected":
    case "damaged":
    case "unscanned":
    case "suspicious":
    case "infected":
      return rules[status];
    default: {
      const unknown: never = status;
      throw new Error(`unknown status ${String(unknown)}`);
    }
  }
}

function reasonFor(verdict: Verdict, status: Status): string {
  const names = new Set<string>();
  for (const object of verdict.objects) {
    if (object.status !== status) continue;
    for (const finding of object.findings) names.add(finding.signature);
    if (object.findings.length === 0 && object.notes[0]) names.add(object.notes[0]);
    if (names.size >= 3) break;
  }
  return names.size === 0 ? status : `${status}: ${[...names].join(", ")}`;
}

// What speaks for an action: a status, or a filter.
interface Wish {
  readonly action: Action;
  readonly status: Status;
  readonly rule: string;
  readonly reason: string;
}

function wishesOf(verdict: Verdict, rules: RuleSettings, hits: readonly FilterHit[]): Wish[] {
  const statuses = new Set<Status>([verdict.status, ...verdict.objects.map((one) => one.status)]);
  const wishes: Wish[] = [...statuses].map((status) => {
    const action = actionFor(status, rules);
    const rule = status === "clean" ? "" : `${status} = "${action}"`;
    return { action, status, rule, reason: reasonFor(verdict, status) };
  });
  for (const { filter, object } of hits) {
    const own = filter.action ?? (treats(filter) ? "deliver" : undefined);
    const action = own ?? rules.filtered;
    const from = own === undefined ? "filtered" : `filter "${filter.name}" action`;
    const reason = `filtered by ${filter.name}: ${verdict.objects[object]?.name ?? ""}`;
    wishes.push({ action, status: "filtered", rule: `${from} = "${action}"`, reason });
  }
  return wishes;
}

function treats({ object = "pass" }: FilterHit["filter"]): boolean {
  return object !== "pass";
}

function treatmentsOf(
  verdict: Verdict,
  rules: RuleSettings,
  hits: readonly FilterHit[],
): ObjectTreatment[] {
  const treatments: ObjectTreatment[] = [];
  const add = (object: number, action: RuleSettings["infected_object"]) => {
    if (action !== "pass") treatments.push({ object, action });
  };
  for (const { id, status } of verdict.objects) {
    if (status !== "clean" && status !== "disinfected") add(id, rules[`${status}_object`]);
  }
  for (const { object, filter } of hits) add(object, filter.object ?? rules.filtered_object);
  return treatments;
}

/** What is to be done with a message that was seen as `verdict`, for one group. */
export function decide(verdict: Verdict, group: Group, hits: readonly FilterHit[]): Decision {
  const wishes = wishesOf(verdict, group.rules, hits);
  let fired: Wish | undefined;
  let status: Status = "clean";
  for (const wish of wishes) {
    status = worseStatus(status, wish.status);
    const isStricter = stricter(fired?.action ?? "deliver", wish.action) !== fired?.action;
    // A rule that lets something through is the one that fired if no stricter one does.
    if (wish.status !== "clean" && (fired === undefined || isStricter)) fired = wish;
  }
  const action = fired?.action ?? "deliver";
  const treatments = action === "deliver" ? treatmentsOf(verdict, group.rules, hits) : [];
  const isListed = (each: Wish) => group.rules.backup.some((listed) => listed === each.status);
  return {
    group,
    disposition:
      action === "deliver" ? { kind: "deliver" } : { kind: action, reason: fired?.reason ?? "" },
    rule: fired?.rule ?? "",
    status,
    filtered: hits,
    treatments,
    // What is refused stays with its sender, what is quarantined is kept there.
    isBackedUp: (action === "block" || treatments.length > 0) && wishes.some(isListed),
  };
}
