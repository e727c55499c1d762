// How ClamAV evaluates the expression of a logical signature: counts are carried upward, a block in
// parentheses may ask for their sum and for how many subsignatures took part.
import type { CountTest, LogicalNode } from "./clamav-judgement.ts";

/** What a part of an expression came to; `ids` has a bit for each subsignature that took part. */
interface Outcome {
  readonly isTrue: boolean;
  readonly count: number;
  readonly ids: bigint;
}

const FALSE: Outcome = { isTrue: false, count: 0, ids: 0n };

function holds(test: CountTest, count: number): boolean {
  switch (test.operator) {
    case "=":
      return count === test.value;
    case "<":
      return count < test.value;
    case ">":
      return count > test.value;
    default:
      return test.operator satisfies never;
  }
}

function bitCount(ids: bigint): number {
  let count = 0;
  for (let rest = ids; rest > 0n; rest >>= 1n) count += Number(rest & 1n);
  return count;
}

// Recursion is as deep as the expression nests, which the importer bounds. What can't change the
// outcome is not asked for: a count may be that of a regular expression. In a block all counts are
// needed, so there an `or` is evaluated on both sides.
function evaluate(
  node: LogicalNode,
  countOf: (id: number) => number,
  isCounting: boolean,
): Outcome {
  switch (node.kind) {
    case "count": {
      const count = countOf(node.id);
      const isTrue = node.test === undefined ? count > 0 : holds(node.test, count);
      return isTrue ? { isTrue, count, ids: 1n << BigInt(node.id) } : FALSE;
    }
    case "and":
    case "or": {
      const left = evaluate(node.left, countOf, isCounting);
      if (node.kind === "and" ? !left.isTrue : left.isTrue && !isCounting) return left;
      const right = evaluate(node.right, countOf, isCounting);
      const isTrue =
        node.kind === "and" ? left.isTrue && right.isTrue : left.isTrue || right.isTrue;
      if (!isTrue) return FALSE;
      return { isTrue, count: left.count + right.count, ids: left.ids | right.ids };
    }
    case "block": {
      const { count, ids } = evaluate(node.of, countOf, true);
      if (!holds(node.test, count) || bitCount(ids) < (node.test.distinct ?? 0)) return FALSE;
      // As in ClamAV, the sum goes up, and who took part does not.
      return { isTrue: true, count, ids: 0n };
    }
    default:
      return node satisfies never;
  }
}

/** Whether the expression holds, given how often each subsignature matched. */
export function isLogicTrue(node: LogicalNode, countOf: (id: number) => number): boolean {
  return evaluate(node, countOf, false).isTrue;
}
