// From a logical signature to what the scan core evaluates: the whole condition where the core can
// say it, else the strongest one that holds whenever the signature does. Then the rest is judged.
import type { LogicalNode, Subsignature } from "../../gwdb/clamav-judgement.ts";
import { COUNT_MAX } from "../expression.ts";
import { planSearch } from "../pattern.ts";
import { type Expression, SourceError } from "../source.ts";
import { oneOf } from "./attributes.ts";
import type { BytePattern } from "./pattern/subsignature.ts";

const OPERATORS = { "=": "==", "<": "<", ">": ">" } as const;

/** Whether the search can find a pattern by itself; counted ones take more. */
function isSearchable(pattern: BytePattern, isCounted: boolean): boolean {
  try {
    planSearch(pattern, isCounted);
    return true;
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
}

// The core's stack is short. Chains lean to the right, so their right side goes first.
const join = (kind: "and" | "or", left: Expression, right: Expression): Expression => ({
  kind,
  left: right,
  right: left,
});

/** Translates the expression of one signature. Recursion is bounded by the expression's reader. */
export class ConditionWriter {
  readonly #subsignatures: readonly Subsignature[];
  readonly #patterns: readonly BytePattern[];

  constructor(subsignatures: readonly Subsignature[], patterns: readonly BytePattern[]) {
    this.#subsignatures = subsignatures;
    this.#patterns = patterns;
  }

  /** The one pattern that a subsignature is; undefined unless the core can find (and count) it. */
  #single(id: number, isCounted: boolean): number | undefined {
    const found = this.#subsignatures[id];
    if (found?.kind !== "body" || found.place !== undefined) return undefined;
    const [number, ...more] = found.patterns;
    const pattern = number === undefined ? undefined : this.#patterns[number];
    if (pattern === undefined || more.length > 0) return undefined;
    return isSearchable(pattern, isCounted) ? number : undefined;
  }

  /** `a|b|c` of subsignatures that the core can find: their patterns. */
  #choice(node: LogicalNode): number[] | undefined {
    const patterns: number[] = [];
    const open = [node];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.kind === "or") {
        open.push(next.right, next.left);
        continue;
      }
      if (next.kind !== "count" || next.test !== undefined) return undefined;
      const pattern = this.#single(next.id, false);
      if (pattern === undefined) return undefined;
      // Named twice it would be counted twice here, and once by ClamAV.
      if (!patterns.includes(pattern)) patterns.push(pattern);
    }
    return patterns;
  }

  /** The condition that says exactly the same; null if the core has no words for it. */
  exact(node: LogicalNode): Expression | null {
    switch (node.kind) {
      case "count": {
        const pattern = this.#single(node.id, node.test !== undefined);
        if (pattern === undefined) return null;
        if (node.test === undefined) return { kind: "pattern", pattern };
        const { operator, value: right } = node.test;
        if (right >= COUNT_MAX) return null;
        return { kind: "compare", left: { count: pattern }, operator: OPERATORS[operator], right };
      }
      case "and":
      case "or": {
        const left = this.exact(node.left);
        const right = left === null ? null : this.exact(node.right);
        return left === null || right === null ? null : join(node.kind, left, right);
      }
      case "block":
        return this.#exactBlock(node);
      default:
        return node satisfies never;
    }
  }

  // A sum can't be told to the core, but some tests of sums are tests of how many are there.
  #exactBlock({ of, test }: Extract<LogicalNode, { kind: "block" }>): Expression | null {
    const patterns = this.#choice(of);
    if (patterns === undefined) return null;
    const needed = Math.max(1, test.distinct ?? 1);
    if (test.operator === ">" && test.value < needed) return { kind: "of", needed, patterns };
    if (test.operator !== "=" || test.value !== 0 || test.distinct !== undefined) return null;
    return { kind: "not", operand: { kind: "of", needed: 1, patterns } };
  }

  /** A condition that holds whenever the node does; null if none but "always". */
  weak(node: LogicalNode): Expression | null {
    switch (node.kind) {
      case "count": {
        const { test } = node;
        const needsOne = test === undefined || (test.operator !== "<" && needsMatch(test));
        return needsOne ? this.#weakSubsignature(node.id) : null;
      }
      case "and":
      case "or": {
        const left = this.weak(node.left);
        const right = this.weak(node.right);
        if (left !== null && right !== null) return join(node.kind, left, right);
        return node.kind === "and" ? (left ?? right) : null;
      }
      case "block": {
        if (node.test.operator === "<" || !needsMatch(node.test)) return null;
        const patterns = this.#choice(node.of);
        const needed = node.test.distinct ?? 1;
        if (patterns === undefined || needed <= 1) return this.weak(node.of);
        return { kind: "of", needed, patterns };
      }
      default:
        return node satisfies never;
    }
  }

  #weakSubsignature(id: number): Expression | null {
    const found = this.#subsignatures[id];
    switch (found?.kind) {
      case "body": {
        const patterns = found.patterns.map((number) => ({ number, it: this.#patterns[number] }));
        const isFound = patterns.every(({ it }) => it !== undefined && isSearchable(it, false));
        if (!isFound) return null;
        return oneOf(patterns.map(({ number }) => ({ kind: "pattern", pattern: number }) as const));
      }
      // These look only where an earlier subsignature has matched.
      case "pcre":
        return this.weak(found.trigger);
      case "compare":
        return this.#weakSubsignature(found.compare.id);
      case "macro":
        return this.#weakSubsignature(found.id);
      case undefined:
        return null;
      default:
        return found satisfies never;
    }
  }
}

const needsMatch = (test: { operator: string; value: number }) =>
  test.operator === ">" || test.value > 0;

/** The patterns that a condition speaks of. */
export function patternsOf(condition: Expression): Set<number> {
  const patterns = new Set<number>();
  const open = [condition];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === "pattern") patterns.add(next.pattern);
    else if (next.kind === "of") for (const pattern of next.patterns) patterns.add(pattern);
    else if (next.kind === "and" || next.kind === "or") open.push(next.left, next.right);
    else if (next.kind === "not") open.push(next.operand);
    else if (next.kind === "compare" && typeof next.left === "object") {
      patterns.add(next.left.count);
    }
  }
  return patterns;
}
