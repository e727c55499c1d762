// What a signature leaves to the host: a program in plain JSON, kept in the image apart from what
// the core reads, and looked at only when the signature's trigger holds.
import type { ClamavJudgement } from "./clamav-judgement.ts";
import type { EntryJudgement } from "./entry-judgement.ts";
import type { YaraJudgement } from "./yara-judgement.ts";

/** A judgement, told apart by the format its signature was written in. Survives JSON unchanged. */
export type Judgement = ClamavJudgement | EntryJudgement | YaraJudgement;
