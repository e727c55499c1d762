// From an smtpgw.conf of SMTP-Gateway 5.5 or 5.0 to settings of gw. What has its default there is left
// at gw's default, so that only what somebody wanted is carried over.
import { DAY_MS } from "../../../base/clock.ts";
import { nearest } from "../../../text/nearest.ts";
import { formatDuration, formatSize } from "../../../text/units.ts";
import type { Raw, Schema } from "../../field.ts";
import { SCHEMA } from "../../schema.ts";
import { Draft } from "../draft.ts";
import { type Entry, Report } from "../entry.ts";
import { fit } from "../fit.ts";
import { convertAccess } from "./access.ts";
import { type BadLine, parseIni } from "./ini.ts";
import { convertNetwork } from "./network.ts";
import { type Form, PARAMETERS, type Parameter } from "./parameters.ts";
import { convertPolicy, POLICY_NAMES } from "./policy.ts";
import type { Work } from "./work.ts";

/** What became of a file. */
export interface Converted {
  readonly draft: Draft;
  readonly report: Report;
  readonly bad: readonly BadLine[];
}

const KILOBYTE = 1024;
const MEGABYTE = KILOBYTE * KILOBYTE;
const SECOND_MS = 1000;

function written(form: Form, value: number): Raw {
  switch (form) {
    case "integer":
      return value;
    case "kilobytes":
      return formatSize(value * KILOBYTE);
    case "megabytes":
      return formatSize(value * MEGABYTE);
    case "seconds":
      return formatDuration(value * SECOND_MS);
    case "days":
      return formatDuration(value * DAY_MS);
    case "text":
      return String(value);
    default:
      return form satisfies never;
  }
}

function convertOne(entry: Entry, parameter: Parameter, { draft, report }: Work): void {
  const { key, form, was, range, changed = "", note = "" } = parameter;
  if (key === undefined || form === undefined) {
    report.note(entry, changed === "" ? "needless" : "changed", [], changed || note);
    return;
  }
  const schema: Schema = SCHEMA;
  const field = schema[key];
  if (field === undefined) {
    report.note(entry, "changed", [], changed || "gw has no setting for it");
    return;
  }
  if (entry.value === was) {
    report.note(entry, "taken", [key], "the default there: gw's default counts");
    return;
  }
  const number = Number(entry.value);
  if (form !== "text" && !/^\d{1,15}$/.test(entry.value)) {
    report.note(entry, "wrong", [key], "expected a whole number; gw's default counts");
    return;
  }
  const [min, max] = range ?? [0, Number.MAX_SAFE_INTEGER];
  const nearestNumber = Math.min(Math.max(number, min), max);
  const raw = form === "text" ? entry.value : written(form, nearestNumber);
  if (field.type.read(raw).kind === "wrong") {
    report.note(entry, "wrong", [key], `expected ${field.type.expected}; gw's default counts`);
    return;
  }
  // Of several that go to one setting the largest counts: nothing is cut short that was not before.
  const before = field.type.read(draft.settings.get(key));
  const now = field.type.read(raw);
  const isLess =
    before.kind === "value" && now.kind === "value" && Number(before.value) > Number(now.value);
  if (!isLess) draft.settings.set(key, raw, entry);
  const isClamped = form !== "text" && nearestNumber !== number;
  const clamped = isClamped ? `gw takes ${min} to ${max}: ${nearestNumber}` : "";
  const notes = [changed, clamped].filter((each) => each !== "").join("; ");
  report.note(entry, notes === "" ? "taken" : "changed", [key], notes);
}

// What people may have meant by a name that this product did not have.
function unknownNote(entry: Entry, known: readonly string[]): string {
  const near = nearest(entry.name, known);
  return near === undefined ? "this product had no such parameter" : `did you mean ${near}?`;
}

function findParameter(section: string, name: string): Parameter | undefined {
  const known = Object.hasOwn(PARAMETERS, section) ? PARAMETERS[section] : undefined;
  const wanted = name.toLowerCase();
  return Object.entries(known ?? {}).find(([each]) => each.toLowerCase() === wanted)?.[1];
}

// Sections whose parameters work together, with the names that they have.
const JOINT: Readonly<Record<string, readonly string[]>> = {
  "smtpgw.access": [
    "ConnectRule",
    "HeloRule",
    "MailfromRule",
    "RelayRule",
    "DNSBlackList",
    "DenyUnresolvedConnect",
    "DenyUnresolvedMailfrom",
    "Rule",
  ],
  "smtpgw.network": ["ListenOn", "Hostname", "Postmaster", "ProtectedDomains"],
  "smtpgw.forward": ["ForwardRoute"],
  "smtpgw.ave": ["Cure", "ScanArchives", "ScanMailBases", "ScanTimeout", "UseIChecker"],
  "smtpgw.path": ["IncomingArchivePath", "OutgoingArchivePath"],
};

function namesOf(section: string): readonly string[] {
  const single = Object.hasOwn(PARAMETERS, section) ? Object.keys(PARAMETERS[section] ?? {}) : [];
  const joint = Object.hasOwn(JOINT, section) ? (JOINT[section] ?? []) : [];
  const isPolicy = section === "smtpgw.policy" || section.startsWith("smtpgw.group:");
  return [...single, ...joint, ...(isPolicy ? POLICY_NAMES : [])];
}

// Of parameters that have one value the last one counted.
function withoutRepeats(work: Work): readonly Entry[] {
  const last = new Map<string, Entry>();
  for (const entry of work.entries) {
    if (findParameter(entry.section, entry.name) === undefined) continue;
    const id = `${entry.section} ${entry.name.toLowerCase()}`;
    const earlier = last.get(id);
    if (earlier !== undefined) {
      work.report.note(earlier, "needless", [], `set again in line ${entry.line}, which counted`);
    }
    last.set(id, entry);
  }
  return [...last.values()];
}

/** Converts the text of an smtpgw.conf; never throws. */
export function convertSmtpgw(text: string): Converted {
  const { entries, sections, bad } = parseIni(text);
  // Sister products have the same parameters under other section names.
  const own = entries.map((each) => ({
    ...each,
    section: each.section.replace(/^mailgw\b/, "smtpgw"),
  }));
  const work: Work = { entries: own, draft: new Draft(), report: new Report() };
  for (const entry of withoutRepeats(work)) {
    const parameter = findParameter(entry.section, entry.name);
    if (parameter !== undefined) convertOne(entry, parameter, work);
  }
  convertNetwork(work);
  convertAccess(work);
  convertPolicy(work, sections);
  fit(work.draft, work.report);
  const { draft, report } = work;
  for (const entry of own) {
    if (report.has(entry)) continue;
    const names = namesOf(entry.section);
    const isNone = names.length === 0;
    report.note(entry, "unknown", [], isNone ? "unknown section" : unknownNote(entry, names));
  }
  return { draft, report, bad };
}
