// What signatures from the YARA front-end leave to the host.

/** The part of a signature that the core can't say; judged by scan/judge/yara.ts. */
export interface YaraJudgement {
  readonly format: "yara";
}
