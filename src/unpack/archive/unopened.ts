// Archives and volumes that are known and not opened: they are told, so that policy can decide about what nobody
// has looked at.

import type { Budget } from "../../base/budget.ts";
import type { Explosion, Extract } from "../../message.ts";

/** Names of the formats, by the types of `scan/file-type.ts`. */
export const UNOPENED_FORMATS: ReadonlyMap<string, string> = new Map([
  ["ace", "ACE"],
  ["zoo", "ZOO"],
  ["pst", "PST"],
  ["lzop", "lzop"],
  ["lrzip", "lrzip"],
  ["stuffit", "StuffIt"],
  ["alz", "ALZip"],
  ["egg", "EGG"],
  ["apfs", "APFS"],
]);

/** An unpacker that opens nothing and says so of `format`. */
export function unopened(
  format: string,
): (bytes: Uint8Array, budget: Budget) => Generator<Extract, Explosion> {
  // biome-ignore lint/correctness/useYield: there is nothing to yield
  return function* tellUnopened() {
    return { status: "unscanned", note: `${format} is not opened` };
  };
}
