// The decisions about one signature that can fail, taken before anything is written.
import {
  CONDITION_DEPTH_MAX,
  compileCondition,
  conditionDepth,
  countsNeeded,
  isVacuous,
  weaken,
} from "../condition.ts";
import { type BytePattern, isLiteral, planSearch, type Search } from "../pattern.ts";
import { type Expression, type Signature, SourceError } from "../source.ts";
import { hashKind, isHashAlone } from "./hashes.ts";

/** Limits of the fields in wasm/core.h. */
const PATTERNS_MAX = 0xffff;
const CONDITION_MAX = 0xffff;

const ONCE: readonly number[] = [1];

/** A signature that has been checked. */
export interface Planned {
  readonly signature: Signature;
  /** By pattern; null for names and hashes. */
  readonly searches: readonly (Search | null)[];
  readonly counts: readonly number[];
  /** What the core evaluates. */
  readonly trigger: Expression;
  /** Nothing but hashes, or one literal: kept in the tables of the search alone. */
  readonly isAlone: boolean;
  /** The trigger can hold without any pattern. */
  readonly isAlways: boolean;
}

function planPattern(pattern: BytePattern, isCounted: boolean, isJudged: boolean): Search {
  if (!isJudged) return planSearch(pattern, isCounted);
  try {
    return planSearch(pattern, isCounted);
  } catch (error) {
    // Too vague to look for everywhere; the judgement looks for it where the trigger holds.
    if (error instanceof SourceError) return { kind: "lazy" };
    throw error;
  }
}

/** Whether a signature says no more than that one literal is found anywhere in any object. */
function isLiteralAlone(signature: Signature, search: Search | null): boolean {
  const { patterns, condition, targets, judgement } = signature;
  const [pattern] = patterns;
  if (patterns.length !== 1 || pattern?.kind !== "bytes" || search?.kind !== "runs") return false;
  if (targets.length > 0 || judgement !== undefined) return false;
  if (pattern.place !== null || pattern.isFullword || !isLiteral(pattern)) return false;
  if (condition.kind === "pattern") return true;
  return condition.kind === "of" && condition.needed === 1 && condition.patterns.length === 1;
}

// The plan of a signature that is one literal anywhere, as nearly all of large sets are; else null.
function planLiteral(signature: Signature): Planned | null {
  const { patterns, condition: trigger } = signature;
  const [pattern] = patterns;
  if (patterns.length !== 1 || pattern?.kind !== "bytes" || trigger.kind !== "of") return null;
  if (signature.isTrusted === true || signature.judgement !== undefined) return null;
  const search = planPattern(pattern, false, false);
  if (!isLiteralAlone(signature, search)) return null;
  return { signature, searches: [search], counts: ONCE, trigger, isAlone: true, isAlways: false };
}

/** Takes the decisions for one signature; throws SourceError. */
export function planSignature(signature: Signature): Planned {
  const literal = planLiteral(signature);
  if (literal !== null) return literal;
  const { patterns, condition, judgement } = signature;
  const at = { line: signature.line, column: 1 };
  const isAlone = isHashAlone(signature);
  for (const pattern of patterns) {
    if (pattern.kind === "hash") hashKind(pattern, signature.isTrusted === true);
  }
  if (signature.isTrusted === true && !isAlone) {
    throw new SourceError("only hashes can say that an object is trusted", at);
  }
  if (isAlone) {
    const trigger = condition;
    return { signature, searches: [], counts: [], trigger, isAlone, isAlways: false };
  }
  if (patterns.length > PATTERNS_MAX) throw new SourceError("too many patterns", at);
  const counts: number[] = patterns.map(() => 1);
  countsNeeded(condition, counts);
  const searches = patterns.map((pattern, i) =>
    pattern.kind === "bytes"
      ? planPattern(pattern, (counts[i] ?? 1) > 1, judgement !== undefined)
      : null,
  );
  if (judgement === undefined && searches.some((search) => search?.kind === "lazy")) {
    throw new SourceError("a pattern is lazy, but nothing asks for it", at);
  }
  const trigger = weaken(condition, (pattern) => searches[pattern]?.kind === "lazy");
  const isAlways = isVacuous(trigger);
  if (isAlways && judgement === undefined) {
    const expected = "a condition that needs at least one pattern";
    throw new SourceError("the condition can hold without any pattern", at, expected);
  }
  const program = compileCondition(trigger, () => 0);
  if (program.length > CONDITION_MAX || conditionDepth(program) > CONDITION_DEPTH_MAX) {
    throw new SourceError("the condition is too long or nests too deeply", at);
  }
  const isLiteral = isLiteralAlone(signature, searches[0] ?? null);
  return { signature, searches, counts, trigger, isAlone: isLiteral, isAlways };
}
