// What the inspecting threads are asked and what they answer; all of it can be cloned between threads.
import type { Limits } from "../../base/budget.ts";
import type { Body, Verdict } from "../../message.ts";
import type { MailSummary } from "../../mime/summary.ts";
import type { SharedSet } from "../../scan/signature-set.ts";
import type { Values } from "../../template/render.ts";
import type { Marks } from "../../treat/mail/marks.ts";
import type { Treatment, TreatmentResult } from "../../treat/treat.ts";

/** First message to the worker; as news, it turns to another set of signatures. */
export interface InspectStart {
  readonly set: SharedSet;
  readonly arena: number;
  readonly limits: Limits;
  /** The administrator's list, for what is encrypted. */
  readonly passwords: readonly string[];
  /** Whether links in mail are held against lists. */
  readonly isPhishingChecked: boolean;
  /** It is for a file or two. */
  readonly isBrief: boolean;
}

/** What a worker is asked. */
export interface InspectJob {
  readonly body: Body;
  readonly name: string;
  /** True for what came over SMTP: a message whatever its bytes look like. */
  readonly isMessage: boolean;
  /**
   * False: no engine looks at it. With `isHashed` its objects and their hashes are wanted all the
   * same; else only the summary is, and the verdict says that nothing was looked at.
   */
  readonly isScanned?: boolean;
  /** Each object is to have its hash. */
  readonly isHashed?: boolean;
  /** What its sender wrote before: passwords may stand there. */
  readonly texts?: readonly string[];
  /** The body is to be treated, not scanned. */
  readonly treatment?: TreatmentWork;
}

/** What a worker answers. */
export interface Inspected {
  readonly verdict: Verdict;
  readonly summary: MailSummary;
  /** A message's subject, and how its first texts begin. */
  readonly excerpt?: string;
  /** What came of `InspectJob.treatment`. */
  readonly treated?: TreatmentResult;
}

/** How a message is treated. */
export interface TreatmentWork {
  readonly verdict: Verdict;
  readonly treatments: readonly Treatment[];
  readonly marks: Marks;
  /** Source of the template for what takes an object's place, and what it may speak of. */
  readonly placeholder: string;
  readonly values: Values;
}

/** The verdict on bytes of which nothing was looked at. */
export function unscanned(
  subject: { readonly name: string; readonly size: number; readonly identity: string },
  note: string,
): Verdict {
  const object = {
    id: 0,
    parent: null,
    path: subject.name,
    name: subject.name,
    declaredType: "",
    type: "",
    size: subject.size,
    scanned: 0,
    status: "unscanned" as const,
    findings: [],
    notes: [note],
  };
  return {
    status: "unscanned",
    objects: [object],
    elapsedMs: 0,
    signatureSet: subject.identity,
  };
}
