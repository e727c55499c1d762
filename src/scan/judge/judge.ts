// The host's part of a signature: each format's judgements have their own interpreter.
import type { Judgement } from "../../gwdb/judgement.ts";
import type { JudgeContext, Judged } from "./context.ts";

/** Decides one kind of judgement. */
export type Judge<Kind extends Judgement> = (judgement: Kind, context: JudgeContext) => Judged;

/** An interpreter for each format. */
export type Judges = {
  readonly [Format in Judgement["format"]]: Judge<Extract<Judgement, { format: Format }>>;
};

/** The interpreters that the engine has. */
export const JUDGES: Partial<Judges> = {};

/** Decides a judgement; one that nobody can read leaves the object unscanned. */
export function judge(
  judgement: Judgement,
  judges: Partial<Judges>,
  context: JudgeContext,
): Judged {
  switch (judgement.format) {
    case "clamav":
      return judges.clamav?.(judgement, context) ?? "unfinished";
    case "yara":
      return judges.yara?.(judgement, context) ?? "unfinished";
    default:
      return judgement satisfies never;
  }
}
