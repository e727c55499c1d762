// What the old product did by status: an action on the object, and lists of statuses for which the
// message was blocked, saved or told of. Here each status has one action for the message, and one for
// the object if the message is delivered.
import type { Raw } from "../../field.ts";
import type { Entry } from "../entry.ts";
import { flagOf, wordsOf } from "./ini.ts";

/** Parameters of one group by name in lower case, with those that it has from [smtpgw.policy]. */
export type Parameters = ReadonlyMap<string, readonly Entry[]>;

/** One rule of gw, and the parameter that asked for it. */
export interface MadeRule {
  readonly raw: Raw;
  readonly from: Entry;
}

/** Statuses there, with their names here. What could not be scanned was an error there as well. */
export const STATUSES_THERE = {
  disinfected: ["disinfected"],
  infected: ["infected"],
  suspicious: ["suspicious"],
  protected: ["protected"],
  error: ["damaged", "unscanned"],
  filtered: ["filtered"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

type StatusThere = keyof typeof STATUSES_THERE;

const ALL = Object.keys(STATUSES_THERE) as StatusThere[];
const ACTIONS_THERE = ["pass", "remove", "placeholder", "cure"];

/** The value of a parameter that has one: the last that is given. */
export function valueOfParameter(parameters: Parameters, name: string): Entry | undefined {
  return parameters.get(name.toLowerCase())?.at(-1);
}

/** The statuses of a list, and the words in it that are none. */
export function statusesOf(entries: readonly Entry[] = []) {
  const statuses = new Set<StatusThere>();
  const unknown: string[] = [];
  for (const word of entries.flatMap(({ value }) => wordsOf(value.toLowerCase()))) {
    const status = ALL.find((each) => each === (word === "cured" ? "disinfected" : word));
    if (word === "all") for (const each of ALL) statuses.add(each);
    else if (status !== undefined) statuses.add(status);
    else if (word !== "none" && word !== "clean") unknown.push(word);
  }
  return { statuses, unknown };
}

function actionOf(entry: Entry | undefined): string | undefined {
  const action = entry?.value.toLowerCase();
  return ACTIONS_THERE.find((each) => each === action);
}

const nameOfAction = (status: StatusThere) =>
  `Action${status.charAt(0).toUpperCase()}${status.slice(1)}`;

/** All rules that parameters ask for, by their names here. */
export function rulesOf(parameters: Parameters, cure: Entry | undefined): Map<string, MadeRule> {
  const rules = new Map<string, MadeRule>();
  const set = (name: string, raw: Raw, from: Entry) => rules.set(name, { raw, from });
  const check = valueOfParameter(parameters, "Check");
  const checked = check === undefined ? undefined : flagOf(check.value);
  if (check !== undefined && checked !== undefined) set("check", checked, check);
  const block = parameters.get("blockmessage") ?? [];
  const blocked = statusesOf(block).statuses;
  const save = parameters.get("saveinqb") ?? [];
  const saved = statusesOf(save).statuses;
  const backup: string[] = [];
  const isCured = cure !== undefined && flagOf(cure.value) === true;
  for (const status of ALL) {
    const own = valueOfParameter(parameters, nameOfAction(status));
    const action = actionOf(own);
    const listed = block.at(-1);
    const isBlocked = blocked.has(status);
    const from = isBlocked ? listed : (own ?? listed);
    if (from === undefined) continue;
    if (saved.has(status) && !isBlocked) backup.push(...STATUSES_THERE[status]);
    if (status === "infected" && isCured) {
      // What can't be cured stays in quarantine here; there it was treated as infected.
      set("infected", "deliver", cure);
      set("infected_object", "cure", cure);
      if (saved.has(status) && isBlocked) backup.push("infected");
      continue;
    }
    if (isBlocked) {
      // What gw itself could not scan is asked for again rather than lost.
      const [here] = STATUSES_THERE[status];
      set(here, saved.has(status) ? "quarantine" : "block", from);
      continue;
    }
    for (const here of STATUSES_THERE[status]) {
      set(here, "deliver", from);
      if (status !== "disinfected") set(`${here}_object`, action ?? "pass", from);
    }
  }
  lists(parameters, set);
  const last = save.at(-1);
  if (last !== undefined) set("backup", backup, last);
  return rules;
}

const LISTS = [
  ["NotifyAdmin", "notify_admin"],
  ["NotifySender", "notify_sender"],
  ["NotifyRecipient", "notify_recipients"],
] as const;

function lists(parameters: Parameters, set: (name: string, raw: Raw, from: Entry) => void): void {
  for (const [name, rule] of LISTS) {
    const entries = parameters.get(name.toLowerCase());
    const last = entries?.at(-1);
    if (last === undefined) continue;
    const { statuses } = statusesOf(entries);
    set(
      rule,
      [...statuses].flatMap((status) => [...STATUSES_THERE[status]]),
      last,
    );
  }
}
