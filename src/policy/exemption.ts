// Exemptions: what was seen of a message, less what somebody answers for. An object whose content
// is exempt passes with all that is inside; a signature that is exempt did not match.
import { type ScannedObject, type Status, type Verdict, worseStatus } from "../message.ts";
import type { Exemption } from "../store/rows/exemption-rows.ts";
import { matchesWildcard } from "../text/wildcard.ts";
import { foldAddress } from "./mask.ts";

/** An exemption that made a difference, and the object it did it for. */
export interface ExemptionUse {
  readonly exemption: Exemption;
  readonly object: number;
  readonly path: string;
}

/** A verdict as policy is to take it. */
export interface Exempted {
  readonly verdict: Verdict;
  readonly uses: readonly ExemptionUse[];
  /** Ids of objects that filters leave alone as well. */
  readonly passed: ReadonlySet<number>;
}

/** Whose message it is. */
export interface ExemptionPlace {
  readonly sender: string;
  readonly group: string;
}

/** The exemptions of `all` that are for messages of that sender in that group. */
export function exemptionsFor(
  all: readonly Exemption[],
  { sender, group }: ExemptionPlace,
): readonly Exemption[] {
  const address = foldAddress(sender);
  return all.filter((each) => {
    if (each.group !== undefined && each.group !== group) return false;
    if (each.sender === undefined) return true;
    const mask = foldAddress(each.sender);
    return mask === "<>" ? address === "" : matchesWildcard(mask, address);
  });
}

/**
 * Takes what is exempt out of a verdict. `exemptions` are those for this message, `filtered` the
 * ids of objects that filters are about.
 */
export function exempt(
  verdict: Verdict,
  exemptions: readonly Exemption[],
  filtered: ReadonlySet<number> = new Set(),
): Exempted {
  const passed = new Set<number>();
  const uses: ExemptionUse[] = [];
  if (exemptions.length === 0) return { verdict, uses, passed };
  const byHash = new Map(exemptions.flatMap((each) => (isHash(each) ? [[each.hash, each]] : [])));
  const bySignature = new Map(
    exemptions.flatMap((each) => (isHash(each) ? [] : [[each.signature ?? "", each]])),
  );
  let status: Status = "clean";
  const objects = verdict.objects.map((object) => {
    const whole = byHash.get(object.hash ?? "");
    const isInside = object.parent !== null && passed.has(object.parent);
    // Content that is exempt for one signature only is a narrower wish, and no pass for the rest.
    if (whole !== undefined && whole.signature === undefined) {
      const isObjectedTo = object.status !== "clean" || filtered.has(object.id);
      if (isObjectedTo) uses.push(useOf(whole, object));
      passed.add(object.id);
    } else if (isInside) passed.add(object.id);
    const seen = passed.has(object.id)
      ? passedObject(object)
      : withoutFindings(object, { whole, bySignature, uses });
    status = worseStatus(status, seen.status);
    return seen;
  });
  return { verdict: { ...verdict, status, objects }, uses, passed };
}

function useOf(exemption: Exemption, { id, path }: ScannedObject): ExemptionUse {
  return { exemption, object: id, path };
}

function isHash(exemption: Exemption): exemption is Exemption & { readonly hash: string } {
  return exemption.hash !== undefined;
}

function passedObject(object: ScannedObject): ScannedObject {
  return object.status === "clean" ? object : { ...object, status: "clean", findings: [] };
}

function withoutFindings(
  object: ScannedObject,
  parts: {
    readonly whole: Exemption | undefined;
    readonly bySignature: ReadonlyMap<string, Exemption>;
    readonly uses: ExemptionUse[];
  },
): ScannedObject {
  const { whole, bySignature, uses } = parts;
  let status: Status = object.plainStatus ?? "clean";
  let count = 0;
  const findings = object.findings.filter((finding) => {
    const { signature, severity } = finding;
    const exemption = whole?.signature === signature ? whole : bySignature.get(signature);
    if (exemption !== undefined) {
      if (severity !== "unwanted") uses.push(useOf(exemption, object));
      count++;
      return false;
    }
    if (severity !== "unwanted") status = worseStatus(status, severity);
    return true;
  });
  return count === 0 ? object : { ...object, status, findings };
}
