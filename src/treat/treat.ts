// Treatment of one message: what policy wants done to its objects is done to the bytes, innermost
// first, and each container around is made anew. An object in something that can't be rebuilt is
// treated by treating what contains it. Pure and bounded; runs in an inspection thread. The result
// is scanned again as a whole: unless all that was to go is gone, the message is "untreatable".

import type { Budget } from "../base/budget.ts";
import type { Remedy, ScannedObject, Status, Verdict } from "../message.ts";
import { openGzip } from "./archive/gzip.ts";
import { openTar } from "./archive/tar.ts";
import { openZip } from "./archive/zip.ts";
import { curesOf } from "./cure/cure.ts";
import type { Edit, Editor, Opener } from "./editor.ts";
import { openText } from "./mail/inline.ts";
import { openMail } from "./mail/mail.ts";
import { applyMarks, type Marks } from "./mail/marks.ts";

/** What may be done to an object, mildest first. */
export const TREATMENTS = ["cure", "rename", "placeholder", "remove"] as const;

/** What is done to an object. */
export type TreatmentAction = (typeof TREATMENTS)[number];

/** An object by its place in the verdict, and what is to be (or was) done to it. */
export interface Treatment {
  readonly object: number;
  readonly action: TreatmentAction;
}

/** What treating a message takes. */
export interface TreatmentOrder {
  readonly bytes: Uint8Array;
  /** What was seen of these very bytes. */
  readonly verdict: Verdict;
  readonly treatments: readonly Treatment[];
  /** The text that takes an object's place. */
  text(object: ScannedObject, action: TreatmentAction): string;
  /** Scans bytes; called with the message's own name it scans a message. */
  rescan(bytes: Uint8Array, name: string): Verdict;
  /** A fresh one: what is extracted for editing counts once more. */
  readonly budget: Budget;
  readonly marks?: Marks;
}

/** What came of it; `notes` say what the edit broke or left undone, in short sentences. */
export type TreatmentResult =
  | {
      readonly kind: "treated";
      readonly bytes: Uint8Array;
      readonly done: readonly Treatment[];
      readonly notes: readonly string[];
      /** Body or subject are not as they came. */
      readonly isChanged: boolean;
    }
  | { readonly kind: "untreatable"; readonly reason: string };

const ARCHIVES: ReadonlyMap<string, Opener> = new Map<string, Opener>([
  ["zip", openZip],
  ["tar", openTar],
  ["gzip", openGzip],
]);
const TEXTS = ["text", "uuencode", "html", "xml", "binary"];
const CLEAN: readonly Status[] = ["clean", "disinfected", "filtered"];

// What could not be done inside an object, and now has to be done to it.
class Pending {
  readonly action: TreatmentAction;
  readonly reason: string;

  constructor(action: TreatmentAction, reason: string) {
    this.action = action;
    this.reason = reason;
  }
}

/** Treats a message. Never throws for what is in it. */
export function treat(order: TreatmentOrder): TreatmentResult {
  const root = order.verdict.objects[0];
  if (root?.type !== "mail") return { kind: "untreatable", reason: "it is not a message" };
  const run = new Run(order);
  const edited = order.treatments.length === 0 ? order.bytes : run.inside(root, order.bytes);
  if (edited instanceof Pending) return { kind: "untreatable", reason: edited.reason };
  if (order.treatments.length > 0) {
    if (run.done.size === 0) {
      return { kind: "untreatable", reason: "what was found is the message itself" };
    }
    const left = run.leftover(order.rescan(edited, root.name));
    if (left !== "") return { kind: "untreatable", reason: left };
  }
  const marked = applyMarks(edited, order.marks ?? {}, { isEdited: run.done.size > 0 });
  const done = [...run.done].map(([object, action]) => ({ object, action }));
  return { kind: "treated", ...marked, done };
}

class Run {
  readonly done = new Map<number, TreatmentAction>();
  readonly #order: TreatmentOrder;
  readonly #wanted = new Map<number, TreatmentAction>();
  readonly #children = new Map<number, ScannedObject[]>();
  /** Objects that are treated or have something inside that is. */
  readonly #concerned = new Set<number>();

  constructor(order: TreatmentOrder) {
    this.#order = order;
    const { objects } = order.verdict;
    for (const { object, action } of order.treatments) {
      this.#wanted.set(object, graver(this.#wanted.get(object), action));
      for (let at = objects[object]; at !== undefined; at = objects[at.parent ?? -1]) {
        if (this.#concerned.has(at.id)) break;
        this.#concerned.add(at.id);
      }
    }
    for (const object of objects) {
      if (object.parent === null) continue;
      const siblings = this.#children.get(object.parent);
      if (siblings === undefined) this.#children.set(object.parent, [object]);
      else siblings.push(object);
    }
  }

  /** The bytes of `node` with everything inside of it treated. */
  inside(node: ScannedObject, bytes: Uint8Array): Uint8Array | Pending {
    const concerned = (this.#children.get(node.id) ?? []).filter((one) =>
      this.#concerned.has(one.id),
    );
    if (concerned.length === 0) return bytes;
    const children = concerned.filter((one) => !concerned.some((other) => isWithin(one, other)));
    if (this.#order.budget.isExpired) return this.#pending(children, "time limit reached");
    const editor = editorFor(node, bytes, this.#order.budget);
    if (editor === undefined) {
      return this.#pending(children, `${node.name} can't be rebuilt without what was found in it`);
    }
    const edits = new Map<ScannedObject, Edit>();
    for (const child of children) {
      const edit = this.#edit(child, editor, ARCHIVES.has(node.type));
      if (edit instanceof Pending) return this.#pending(children, edit.reason);
      edits.set(child, edit);
    }
    // What was read a second time out of a part that is treated goes or stays with that part.
    for (const one of concerned) {
      if (!edits.has(one)) this.#note(one, this.#gravest(one));
    }
    const rebuilt = editor.rebuild(edits);
    return typeof rebuilt === "string" ? this.#pending(children, rebuilt) : rebuilt;
  }

  /** Why the treated message is still not what was wanted, "" if it is. */
  leftover(after: Verdict): string {
    const isLeft = (object: ScannedObject) => {
      const action = this.done.get(object.id);
      if (action !== undefined) return action === "rename";
      return !this.#wanted.has(object.id) && !this.#isInTreated(object);
    };
    const allowed = tally(this.#order.verdict.objects.filter(isLeft));
    for (const [key, count] of tally(after.objects)) {
      if (count > (allowed.get(key) ?? 0)) return `after treatment there is still: ${key}`;
    }
    return "";
  }

  #isInTreated(object: ScannedObject): boolean {
    const { objects } = this.#order.verdict;
    for (let at = objects[object.parent ?? -1]; at; at = objects[at.parent ?? -1]) {
      const action = this.done.get(at.id);
      if (action !== undefined && action !== "rename") return true;
    }
    return false;
  }

  #edit(child: ScannedObject, editor: Editor, isInArchive: boolean): Edit | Pending {
    const own = this.#wanted.get(child.id);
    if (own !== undefined && own !== "cure") return this.#replaced(child, own);
    const bytes = editor.read(child);
    if (bytes === undefined) {
      const action = this.#gravest(child);
      if (action !== "cure") return this.#replaced(child, action);
      return this.#uncured(child, isInArchive, `${child.name} can't be read for a cure`);
    }
    const inside = this.inside(child, bytes);
    if (inside instanceof Pending && inside.action !== "cure") {
      return this.#replaced(child, inside.action);
    }
    const kept = inside instanceof Pending ? bytes : inside;
    if (own !== "cure" && !(inside instanceof Pending)) return { kind: "replace", bytes: kept };
    const cured = this.#cure(child, kept, kept !== bytes);
    if (cured === undefined) return this.#uncured(child, isInArchive);
    this.#note(child, "cure");
    return { kind: "replace", bytes: cured };
  }

  #cure(object: ScannedObject, bytes: Uint8Array, isChanged: boolean): Uint8Array | undefined {
    const { rescan, budget } = this.#order;
    const isClean = (candidate: Uint8Array) =>
      CLEAN.includes(rescan(candidate, object.name).status);
    if (isChanged && isClean(bytes)) return bytes;
    for (const candidate of curesOf(object, bytes, this.#remedies(object), budget)) {
      if (isClean(candidate)) return candidate;
    }
    return undefined;
  }

  // What can't be cured is left out of an archive: that is the archive's cure. An attachment goes
  // only if the signature says that there is nothing in it worth keeping.
  #uncured(child: ScannedObject, isInArchive: boolean, reason?: string): Edit | Pending {
    if (isInArchive) return this.#replaced(child, "remove");
    if (this.#isWorthless(child)) return this.#replaced(child, "placeholder");
    return new Pending("cure", reason ?? `${child.name} could not be cured`);
  }

  #isWorthless(object: ScannedObject): boolean {
    const found = this.#subtree(object).filter((one) => this.#wanted.has(one.id));
    return found.every((one) => one.findings.some((each) => each.remedy?.kind === "remove"));
  }

  #replaced(child: ScannedObject, action: Exclude<TreatmentAction, "cure">): Edit {
    this.#note(child, action);
    if (action === "remove") return { kind: "remove" };
    if (action === "rename") return { kind: "rename", name: child.name };
    return { kind: "text", text: this.#order.text(child, action) };
  }

  #note(object: ScannedObject, action: TreatmentAction): void {
    for (const one of this.#subtree(object)) {
      if (this.#wanted.has(one.id)) this.done.set(one.id, action);
    }
  }

  #pending(children: readonly ScannedObject[], reason: string): Pending {
    let action: TreatmentAction | undefined;
    for (const child of children) action = graver(action, this.#gravest(child));
    return new Pending(action ?? "cure", reason);
  }

  #gravest(object: ScannedObject): TreatmentAction {
    let action: TreatmentAction | undefined;
    for (const one of this.#subtree(object)) {
      const wish = this.#wanted.get(one.id);
      if (wish !== undefined) action = graver(action, wish);
    }
    return action ?? "cure";
  }

  #remedies(object: ScannedObject): Remedy[] {
    return object.findings.flatMap(({ remedy }) => (remedy === undefined ? [] : [remedy]));
  }

  #subtree(object: ScannedObject): ScannedObject[] {
    const all: ScannedObject[] = [];
    const open = [object];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      all.push(one);
      open.push(...(this.#children.get(one.id) ?? []).filter((c) => this.#concerned.has(c.id)));
    }
    return all;
  }
}

function isWithin({ place: a }: ScannedObject, { place: b }: ScannedObject): boolean {
  if (a === undefined || b === undefined) return false;
  return b.start <= a.start && a.end <= b.end && a.end - a.start < b.end - b.start;
}

function graver(a: TreatmentAction | undefined, b: TreatmentAction): TreatmentAction {
  return a === undefined || TREATMENTS.indexOf(b) > TREATMENTS.indexOf(a) ? b : a;
}

function editorFor(node: ScannedObject, bytes: Uint8Array, budget: Budget): Editor | undefined {
  if (node.type === "mail") return openMail(bytes);
  const open = ARCHIVES.get(node.type) ?? (TEXTS.includes(node.type) ? openText : undefined);
  return open?.(bytes, budget);
}

// What speaks against a message, each with how often it is there.
function tally(objects: readonly ScannedObject[]): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const { findings, status } of objects) {
    for (const { signature, severity } of findings) if (severity !== "unwanted") add(signature);
    if (status === "protected" || status === "damaged" || status === "unscanned") add(status);
  }
  return counts;
}
