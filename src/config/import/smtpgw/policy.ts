// Section policy and the groups: whose mail has which rules, and which names and types are filtered.
import { isDeepStrictEqual } from "node:util";
import type { Schema } from "../../field.ts";
import { RULE_FIELDS } from "../../fields/policy.ts";
import { DEFAULT_GROUP, idleMasks } from "../../rules.ts";
import { SCHEMA } from "../../schema.ts";
import type { DraftRow, Settings } from "../draft.ts";
import type { Entry } from "../entry.ts";
import { convertFilters, FILTER_NAMES } from "./filters.ts";
import { flagOf, wordsOf } from "./ini.ts";
import {
  type MadeRule,
  type Parameters,
  rulesOf,
  statusesOf,
  valueOfParameter,
} from "./statuses.ts";
import { entriesOf, type Work } from "./work.ts";

const ACTIONS = [
  "ActionDisinfected",
  "ActionInfected",
  "ActionSuspicious",
  "ActionProtected",
  "ActionError",
  "ActionFiltered",
];
const LISTS = ["BlockMessage", "NotifyAdmin", "NotifyRecipient", "NotifySender", "SaveInQB"];
const ADDRESSES = ["AdminNotifyAddress", "NotifyFromAddress"];
const FOLDERS = ["BackupPath", "QuarantinePath"];

/** Names of the parameters of these sections. */
export const POLICY_NAMES: readonly string[] = [
  "Check",
  ...ADDRESSES,
  ...FOLDERS,
  ...FILTER_NAMES,
  ...ACTIONS,
  ...LISTS,
  "Senders",
  "Recipients",
];

const GROUP_PREFIX = "smtpgw.group:";
const rules: Schema = RULE_FIELDS;
const schema: Schema = SCHEMA;

function parametersOf(work: Work, section: string): Map<string, readonly Entry[]> {
  const found = new Map<string, Entry[]>();
  for (const entry of entriesOf(work, section)) {
    const name = entry.name.toLowerCase();
    found.set(name, [...(found.get(name) ?? []), entry]);
  }
  return found;
}

// What gw has to say about each parameter, whatever became of its value.
function reportOn(work: Work, section: string, made: ReadonlyMap<string, MadeRule>): void {
  const prefix = section.startsWith(GROUP_PREFIX) ? "group." : "policy.";
  const parameters = parametersOf(work, section);
  const isBlocked = statusesOf(parameters.get("blockmessage")).statuses;
  const settingsOf = (entry: Entry) =>
    [...made].filter(([, { from }]) => from === entry).map(([name]) => `${prefix}${name}`);
  for (const name of ACTIONS) {
    const status = name.slice("Action".length).toLowerCase();
    for (const entry of parameters.get(name.toLowerCase()) ?? []) {
      const keys = settingsOf(entry);
      if (!/^(pass|remove|placeholder|cure)$/i.test(entry.value)) {
        work.report.note(entry, "wrong", keys, "expected pass, remove or placeholder");
      } else if ([...isBlocked].some((each) => each === status)) {
        work.report.note(entry, "needless", keys, "BlockMessage has it: nothing is delivered");
      } else if (status === "infected" && made.get("infected_object")?.raw === "cure") {
        work.report.note(entry, "changed", [`${prefix}infected_object`], "cured first: see Cure");
      } else if (status === "error") {
        const note = "error is here damaged (the object) and unscanned (a limit, a fault)";
        work.report.note(entry, "changed", keys, note);
      } else if (status === "disinfected" && !/^(pass|cure)$/i.test(entry.value)) {
        work.report.note(entry, "changed", keys, "the cured object is delivered");
      } else if (status !== "disinfected" && /^cure$/i.test(entry.value)) {
        work.report.note(entry, "changed", keys, "Cure says it for infected objects");
      } else work.report.note(entry, "taken", keys);
    }
  }
  for (const name of LISTS) {
    for (const entry of parameters.get(name.toLowerCase()) ?? []) {
      const { unknown, statuses } = statusesOf([entry]);
      const keys = settingsOf(entry);
      const blockNote = name === "BlockMessage" && statuses.has("error");
      if (unknown.length > 0)
        work.report.note(entry, "wrong", keys, `no status: ${unknown.join(", ")}`);
      else if (blockNote) {
        const note = "what could not be scanned wholly is asked for again (unscanned)";
        work.report.note(entry, "changed", keys, note);
      } else if (name === "NotifySender" && statuses.size > 0) {
        work.report.note(entry, "changed", keys, "only senders who are certain are told");
      } else if (name === "SaveInQB" && statuses.size > 0) {
        const note = "blocked messages go to quarantine, originals of changed ones to backup";
        work.report.note(entry, "changed", [...keys, `${prefix}backup`], note);
      } else work.report.note(entry, "taken", keys);
    }
  }
}

function simpleOnes(work: Work, section: string): void {
  const { report, draft } = work;
  const isPolicy = !section.startsWith(GROUP_PREFIX);
  for (const entry of entriesOf(work, section, "Check")) {
    const key = isPolicy ? "policy.check" : "group.check";
    if (flagOf(entry.value) === undefined) report.note(entry, "wrong", [key], "expected yes or no");
    else report.note(entry, "taken", [key]);
  }
  for (const name of FOLDERS) {
    for (const entry of entriesOf(work, section, name)) {
      report.note(entry, "needless", [], "gw keeps it in server.data_dir; old mail stays there");
    }
  }
  for (const name of ADDRESSES) {
    const key = name === "AdminNotifyAddress" ? "notice.admin" : "notice.from";
    for (const entry of entriesOf(work, section, name)) {
      const same = draft.settings.get(key) === entry.value;
      if (!isPolicy) {
        if (same) report.note(entry, "taken", [key]);
        else report.note(entry, "changed", [key], "one address for all: that of [smtpgw.policy]");
      } else if (schema[key]?.type.read(entry.value).kind === "wrong") {
        report.note(entry, "wrong", [key], `expected ${schema[key]?.type.expected}`);
      } else {
        if (entry.value !== "") draft.settings.set(key, entry.value, entry);
        report.note(entry, "taken", [key]);
      }
    }
  }
}

/** An address mask as gw has it; domains alone stand for all of their addresses. */
function addressMaskOf(mask: string): string {
  if (mask.includes("@") || mask === "*" || mask === "<>" || mask.startsWith("file:")) {
    return mask.replace(/^@/, "*@");
  }
  return `*@${mask}`;
}

function masks(work: Work, section: string, settings: Settings): void {
  for (const [name, key] of [
    ["Senders", "from"],
    ["Recipients", "to"],
  ] as const) {
    for (const entry of entriesOf(work, section, name)) {
      const words = wordsOf(entry.value).map(addressMaskOf);
      for (const word of words) settings.add(key, word, entry);
      work.report.note(entry, words.length > 0 ? "taken" : "wrong", [`group.${key}`]);
    }
  }
}

// Names of groups are less free here.
function groupName(section: string, taken: ReadonlySet<string>): string {
  const plain = section
    .slice(GROUP_PREFIX.length)
    .trim()
    .replace(/[^\p{L}\p{N} _-]+/gu, "-")
    .replace(/^[ _-]+|[ _-]+$/g, "")
    .slice(0, 56);
  const name = plain === "" ? "group" : plain;
  let unique = name === DEFAULT_GROUP ? `${name}-group` : name;
  for (let count = 2; taken.has(unique); count++) unique = `${name}-${count}`;
  return unique;
}

// A mask that never matched there either would be a mistake here.
function dropIdleMasks(work: Work): void {
  const { draft, report } = work;
  const list = (row: DraftRow, side: "from" | "to") =>
    (row.settings.get(side) as readonly string[] | undefined) ?? ["*"];
  const named = (row: DraftRow) => {
    return { name: String(row.settings.get("name")), from: list(row, "from"), to: list(row, "to") };
  };
  for (;;) {
    const rows = draft.rowsOf("group");
    const [idle] = idleMasks(rows.map(named));
    const row = rows[idle?.group ?? -1];
    if (idle === undefined || row === undefined) return;
    const held = row.settings.held.get(idle.side);
    const kept = list(row, idle.side).filter((_, position) => position !== idle.position);
    const from = held?.from.filter((_, position) => position !== idle.position) ?? [];
    const { held: all } = row.settings;
    const told = held?.from[idle.position] ?? (all.get("to") ?? all.get("from"))?.from[0];
    if (told !== undefined) report.note(told, "changed", [], `left out: ${idle.message}`);
    if (kept.length > 0) row.settings.held.set(idle.side, { raw: kept, from });
    else draft.rows.splice(draft.rows.indexOf(row), 1);
  }
}

function isDefault(name: string, { raw }: MadeRule): boolean {
  return isDeepStrictEqual(raw, rules[name]?.default);
}

/** Converts [smtpgw.policy] and all [smtpgw.group:NAME]. */
export function convertPolicy(work: Work, headers: readonly Entry[]): void {
  const { draft, report } = work;
  const cure = entriesOf(work, "smtpgw.ave", "Cure").at(-1);
  for (const entry of entriesOf(work, "smtpgw.ave", "Cure")) {
    const flag = flagOf(entry.value);
    const note = "what can't be cured goes to quarantine";
    if (flag === undefined) report.note(entry, "wrong", [], "expected yes or no");
    else if (flag) report.note(entry, "changed", ["policy.infected_object"], note);
    else report.note(entry, "taken", [], "nothing is cured unless infected_object says it");
  }
  const shared = parametersOf(work, "smtpgw.policy");
  const base = rulesOf(shared, cure);
  for (const [name, rule] of base) {
    if (!isDefault(name, rule)) draft.settings.set(`policy.${name}`, rule.raw, rule.from);
  }
  simpleOnes(work, "smtpgw.policy");
  reportOn(work, "smtpgw.policy", base);
  const names = new Map<string, string>([["smtpgw.policy", DEFAULT_GROUP]]);
  for (const header of headers) {
    if (!header.section.startsWith(GROUP_PREFIX) || names.has(header.section)) continue;
    const name = groupName(header.section, new Set(names.values()));
    names.set(header.section, name);
    convertGroup(work, { header, name }, { shared, base, cure });
  }
  dropIdleMasks(work);
  convertFilters(work, names);
}

/** What all groups have in common. */
interface Common {
  readonly shared: Parameters;
  readonly base: ReadonlyMap<string, MadeRule>;
  readonly cure: Entry | undefined;
}

function convertGroup(
  work: Work,
  { header, name }: { readonly header: Entry; readonly name: string },
  { shared, base, cure }: Common,
): void {
  const { section } = header;
  const settings = work.draft.row("group", header);
  settings.set("name", name, header);
  masks(work, section, settings);
  const own = parametersOf(work, section);
  const made = rulesOf(new Map([...shared, ...own]), cure);
  const check = valueOfParameter(own, "Check");
  const isUnchecked = check !== undefined && flagOf(check.value) === false;
  for (const [rule, { raw, from }] of made) {
    const before = base.get(rule)?.raw ?? rules[rule]?.default;
    // Nothing else has an effect on mail that is not looked at.
    if (isUnchecked && rule !== "check") continue;
    if (!isDeepStrictEqual(raw, before)) settings.set(rule, raw, from);
  }
  simpleOnes(work, section);
  reportOn(work, section, made);
}
