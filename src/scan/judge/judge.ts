// The host's part of a signature: each format's judgements have their own interpreter.
import type { Judgement } from "../../gwdb/judgement.ts";
import { createClamavJudge } from "./clamav.ts";
import type { Judge, JudgeContext, Judged } from "./context.ts";
import { createEntryJudge } from "./entry.ts";
import { yaraJudge } from "./yara.ts";

/** An interpreter for each format. */
export type Judges = {
  readonly [Format in Judgement["format"]]: Judge<Extract<Judgement, { format: Format }>>;
};

/** The interpreters that an engine has; they keep what they have compiled. */
export function createJudges(): Partial<Judges> {
  return { clamav: createClamavJudge(), entry: createEntryJudge(), yara: yaraJudge() };
}

/** Decides a judgement; one that nobody can read leaves the object unscanned. */
export function judge(
  judgement: Judgement,
  judges: Partial<Judges>,
  context: JudgeContext,
): Judged {
  switch (judgement.format) {
    case "clamav":
      return judges.clamav?.(judgement, context) ?? "unfinished";
    case "entry":
      return judges.entry?.(judgement, context) ?? "unfinished";
    case "yara":
      return judges.yara?.(judgement, context) ?? "unfinished";
    default:
      return judgement satisfies never;
  }
}
