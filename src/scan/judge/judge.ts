// The host's part of a signature: each format's judgements have their own interpreter.
import type { Judgement } from "../../gwdb/judgement.ts";
import type { JudgeContext, Judged } from "./context.ts";

/** Decides one kind of judgement. */
export type Judge<Kind extends Judgement> = (judgement: Kind, context: JudgeContext) => Judged;

/** An interpreter for each format. */
export type Judges = {
  readonly [Format in Judgement["format"]]: Judge<Extract<Judgement, { format: Format }>>;
};
