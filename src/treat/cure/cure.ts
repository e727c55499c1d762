// Ways to make one object harmless and leave it usable. Each gives candidates; the caller scans them
// and takes the first that is clean.

import type { Budget } from "../../base/budget.ts";
import type { Remedy, ScannedObject } from "../../message.ts";
import { cleanHtml } from "./html.ts";
import { cleanOle2 } from "./ole2.ts";
import { cleanOoxml } from "./ooxml.ts";
import { cleanPdf } from "./pdf.ts";
import { applyRemedies } from "./recipe.ts";

/** Takes what is active out of a document; undefined if there is none or it can't be taken out. */
export type Cleaner = (bytes: Uint8Array, budget: Budget) => Uint8Array | undefined;

const CLEANERS: ReadonlyMap<string, Cleaner> = new Map<string, Cleaner>([
  ["ooxml", cleanOoxml],
  ["ole2", cleanOle2],
  ["pdf", cleanPdf],
  ["html", cleanHtml],
  ["svg", cleanHtml],
]);

/** Cured forms of an object, likeliest first. `remedies` are those of what was found in it. */
export function* curesOf(
  { type }: ScannedObject,
  bytes: Uint8Array,
  remedies: readonly Remedy[],
  budget: Budget,
): Generator<Uint8Array> {
  const cut = applyRemedies(bytes, remedies);
  if (cut !== undefined) yield cut;
  const clean = CLEANERS.get(type);
  const cleaned = clean?.(bytes, budget);
  if (cleaned !== undefined) yield cleaned;
  if (cut === undefined || clean === undefined) return;
  const both = clean(cut, budget);
  if (both !== undefined) yield both;
}
