// A decision becomes bytes: for each group whose objects are to be changed, or whose mail is to be
// marked, what is delivered is made in an inspection thread. What can't be treated is kept.

import { Budget, type Limits } from "../../base/budget.ts";
import type { Body, ScannedObject, Verdict } from "../../message.ts";
import type { ShareDecision } from "../../policy/policy.ts";
import { checkTemplate, type Item, renderTemplate, type Values } from "../../template/render.ts";
import type { Sealed } from "../../treat/seal/seal.ts";
import { type Treatment, type TreatmentResult, treat } from "../../treat/treat.ts";
import type { Inspector } from "../inspection/inspector.ts";
import type { TreatmentWork } from "../inspection/job.ts";
import type { Texts } from "./texts.ts";

/** What was done to an object, with the names it has from the outside in. */
export interface DoneTreatment extends Treatment {
  readonly path: string;
}

/** A decision with what is delivered, if that is not what came. */
export interface TreatedDecision extends ShareDecision {
  readonly content?: {
    /** The same for groups that get the same bytes. */
    readonly key: string;
    readonly bytes: Uint8Array;
  };
  readonly done: readonly DoneTreatment[];
  readonly notes: readonly string[];
  /** Something in it was cured, whatever then became of it: rules for disinfected mail hold. */
  readonly isCured?: true;
}

/** What treating takes, of one message. */
export interface TreatmentCase {
  readonly body: Body;
  readonly verdict: Verdict;
  readonly inspector: Inspector;
  readonly texts: Texts;
  /** Signs what was changed. */
  readonly seal: (bytes: Uint8Array) => Promise<Sealed>;
  /** What templates may say of the message. */
  readonly values: Values;
  /** Name of this host, if the message has fields that somebody else wrote in its name. */
  readonly forgedAs?: string | undefined;
}

/** Names that a mark may tell. */
const FOUND_MAX = 20;

/** Runs inside a thread. */
export function performTreatment(
  bytes: Uint8Array,
  work: TreatmentWork,
  parts: {
    readonly scan: (bytes: Uint8Array, name: string) => Verdict;
    readonly limits: Limits;
  },
): TreatmentResult {
  const template = checkTemplate(work.placeholder, "placeholder");
  return treat({
    bytes,
    verdict: work.verdict,
    treatments: work.treatments,
    marks: work.marks,
    text: (object, action) =>
      renderTemplate(template, { ...work.values, ...objectValues(object, action) }),
    rescan: parts.scan,
    budget: new Budget(parts.limits, () => performance.now()),
  });
}

function objectValues(object: ScannedObject, action: string): Values {
  return {
    OBJECT: object.path,
    OBJECT_NAME: object.name,
    OBJECT_TYPE: object.type,
    OBJECT_SIZE: String(object.size),
    OBJECT_STATUS: object.status,
    OBJECT_ACTION: action,
    VIRUS: object.findings.map(({ signature, description = "" }) => {
      return { text: signature, values: { VIRUS_TEXT: description } };
    }),
  };
}

/** Makes what each decision delivers. */
export async function treatAll(
  decisions: readonly ShareDecision[],
  matter: TreatmentCase,
): Promise<readonly TreatedDecision[]> {
  const results = new Map<string, Promise<TreatmentResult>>();
  const make = async (work: TreatmentWork) => {
    const result = await matter.inspector.treat(matter.body, work);
    if (result.kind !== "treated" || !result.isChanged) return result;
    const { bytes, notes } = await matter.seal(result.bytes);
    return { ...result, bytes, notes: [...result.notes, ...notes] };
  };
  const treated: TreatedDecision[] = [];
  for (const decision of decisions) {
    const work = workFor(decision, matter);
    if (work === undefined) {
      treated.push({ ...decision, done: [], notes: [] });
      continue;
    }
    const key = keyOf(work);
    const result = results.get(key) ?? make(work);
    results.set(key, result);
    treated.push(outcomeOf(decision, { key, work, result: await result }));
  }
  return treated;
}

// Groups that get the same share one stored message; texts may speak of the group.
function keyOf({ treatments, marks, placeholder, values }: TreatmentWork): string {
  const hasText = treatments.some(({ action }) => action === "placeholder" || action === "cure");
  return JSON.stringify([treatments, marks, hasText && [placeholder, values]]);
}

// What is passed on unscanned is not marked either.
const UNMARKED = { header: [], subject_mark: "", disclaimer: "" } as const;

function workFor(decision: ShareDecision, matter: TreatmentCase): TreatmentWork | undefined {
  const { disposition, treatments, group, status } = decision;
  const { check } = group.rules;
  const { header, subject_mark: mark, disclaimer } = check ? group.rules : UNMARKED;
  const { forgedAs } = matter;
  const isForged = forgedAs !== undefined;
  if (disposition.kind !== "deliver") return undefined;
  const isMarked = mark !== "" && status !== "clean";
  const isPlain = treatments.length === 0 && header.length === 0 && disclaimer === "";
  if (isPlain && !isMarked && !isForged) return undefined;
  const values = {
    ...matter.values,
    RECPT_ADDR: decision.recipients.map(({ address }) => ({ text: address })),
    ACTION: disposition.kind,
    ACTION_LIST: [...new Set(treatments.map(({ action }) => action))].join(", "),
    REASON: decision.rule,
    GROUP: group.name,
    STATUS: status,
  };
  const marked = { ...values, VIRUS: foundIn(matter.verdict) };
  return {
    verdict: matter.verdict,
    treatments,
    marks: {
      ...(isForged && { forgedAs }),
      ...(header.length > 0 && { headers: header.map((field) => markText(field, marked)) }),
      ...(isMarked && { subjectMark: markText(mark, marked) }),
      ...(disclaimer !== "" && { disclaimer: matter.texts.disclaimer(group.rules, values) }),
    },
    placeholder: matter.texts.placeholder(group.rules),
    values,
  };
}

// A mark is one line of the configuration, and a template.
function markText(source: string, values: Values): string {
  return renderTemplate(checkTemplate(source, "mark"), values);
}

function foundIn({ objects }: Verdict): Item[] {
  const found = new Map<string, string>();
  for (const { signature, description = "" } of objects.flatMap(({ findings }) => findings)) {
    if (found.size < FOUND_MAX) found.set(signature, description);
  }
  return [...found].map(([text, description]) => ({ text, values: { VIRUS_TEXT: description } }));
}

interface Result {
  readonly key: string;
  readonly work: TreatmentWork;
  readonly result: TreatmentResult;
}

function outcomeOf(decision: ShareDecision, { key, work, result }: Result): TreatedDecision {
  if (result.kind === "untreatable") {
    const { reason } = result;
    const isNeeded = decision.treatments.length > 0 || work.marks.forgedAs !== undefined;
    // Marks alone are no reason to keep a message back.
    if (!isNeeded) return { ...decision, done: [], notes: [reason] };
    const disposition = { kind: "quarantine", reason: `it can't be treated: ${reason}` } as const;
    return { ...decision, disposition, done: [], notes: [] };
  }
  const { notes, bytes } = result;
  const pathOf = ({ object }: Treatment) => work.verdict.objects[object]?.path ?? "";
  const done = result.done.map((one) => ({ ...one, path: pathOf(one) }));
  const { disinfected } = decision.group.rules;
  const isCured = done.some(({ action }) => action === "cure");
  if (!isCured) return { ...decision, content: { key, bytes }, done, notes };
  const isBackedUp = decision.isBackedUp || decision.group.rules.backup.includes("disinfected");
  const cured = { ...decision, notes, isBackedUp, isCured } as const;
  if (disinfected === "deliver") return { ...cured, content: { key, bytes }, done };
  const disposition = { kind: disinfected, reason: "disinfected" } as const;
  return { ...cured, disposition, rule: `disinfected = "${disinfected}"`, done: [] };
}
