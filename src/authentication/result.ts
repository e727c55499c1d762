// The words of RFC 8601 §2.7 out of what a library says.
import type { AuthenticationResult } from "../message.ts";

const RESULTS: readonly AuthenticationResult[] = [
  "none",
  "pass",
  "fail",
  "softfail",
  "neutral",
  "policy",
  "temperror",
  "permerror",
];

/** The word; one that is not known says nothing. */
export function resultOf(word: string): AuthenticationResult {
  return RESULTS.find((each) => each === word) ?? "temperror";
}
