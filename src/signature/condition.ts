// Conditions on their way into an image: programs for the core's stack machine, what they count, and
// whether they could hold without any pattern.

import { type Comparison, compares } from "../gwdb/comparison.ts";
import { COUNT_MAX } from "./expression.ts";
import type { Expression } from "./source.ts";

const CODES = {
  pattern: 1,
  count: 2,
  number: 3,
  size: 4,
  depth: 5,
  type: 6,
  container: 7,
  and: 8,
  or: 9,
  not: 10,
  of: 17,
  always: 18,
} as const;

const COMPARISON_CODES: Readonly<Record<Comparison, number>> = {
  "<": 11,
  "<=": 12,
  ">": 13,
  ">=": 14,
  "==": 15,
  "!=": 16,
};

/** Numbers that the core's stack holds, CONDITION_STACK in wasm/core.h. */
export const CONDITION_DEPTH_MAX = 32;

/** The most numbers that lie on the stack at once while a program runs. */
export function conditionDepth(program: readonly number[]): number {
  let depth = 0;
  let most = 0;
  for (let i = 0; i < program.length; i++) {
    const code = (program[i] ?? 0) & 0xff;
    if (code === CODES.not) continue;
    if (code === CODES.number) i++;
    if (code === CODES.of) i += 1 + (program[i + 1] ?? 0);
    const isBinary = code === CODES.and || code === CODES.or || (code >= 11 && code <= 16);
    depth += isBinary ? -1 : 1;
    most = Math.max(most, depth);
  }
  return most;
}

const word = (code: number, operand: number) => code | (operand << 8);

interface Writing {
  readonly typeId: (type: string) => number;
  readonly out: number[];
  /** Parts below each `and` and `or`. */
  readonly weights: Map<Expression, number>;
}

function weigh(expression: Expression, weights: Writing["weights"]): number {
  if (expression.kind === "not") return weigh(expression.operand, weights);
  if (expression.kind !== "and" && expression.kind !== "or") return 1;
  const weight = weigh(expression.left, weights) + weigh(expression.right, weights);
  weights.set(expression, weight);
  return weight;
}

function write(expression: Expression, writing: Writing): void {
  const { typeId, out, weights } = writing;
  switch (expression.kind) {
    case "pattern":
      out.push(word(CODES.pattern, expression.pattern));
      return;
    case "compare": {
      const { left, operator, right } = expression;
      const value = typeof left === "object" ? word(CODES.count, left.count) : CODES[left];
      out.push(value, CODES.number, right, COMPARISON_CODES[operator]);
      return;
    }
    case "type":
    case "container":
      out.push(word(CODES[expression.kind], typeId(expression.type)));
      return;
    case "of":
      out.push(word(CODES.of, expression.needed), expression.patterns.length);
      for (const pattern of expression.patterns) out.push(pattern);
      return;
    case "and":
    case "or": {
      const { left, right } = expression;
      // The heavier side first keeps the stack low, however the expression leans.
      const isSwapped = (weights.get(left) ?? 1) < (weights.get(right) ?? 1);
      write(isSwapped ? right : left, writing);
      write(isSwapped ? left : right, writing);
      out.push(CODES[expression.kind]);
      return;
    }
    case "not":
      write(expression.operand, writing);
      out.push(CODES.not);
      return;
    case "always":
      out.push(CODES.always);
      return;
    default:
      expression satisfies never;
  }
}

/** A condition's program. `typeId` numbers file types. */
export function compileCondition(
  expression: Expression,
  typeId: (type: string) => number,
): number[] {
  const writing: Writing = { typeId, out: [], weights: new Map() };
  weigh(expression, writing.weights);
  write(expression, writing);
  return writing.out;
}

// Three values: undefined is "depends on the object".
function valueWithoutMatch(expression: Expression): boolean | undefined {
  switch (expression.kind) {
    case "pattern":
    case "of":
      return false;
    case "compare":
      return typeof expression.left === "object"
        ? compares(expression.operator, 0, expression.right)
        : undefined;
    case "type":
    case "container":
      return undefined;
    case "not": {
      const value = valueWithoutMatch(expression.operand);
      return value === undefined ? undefined : !value;
    }
    case "and":
    case "or": {
      const left = valueWithoutMatch(expression.left);
      const right = valueWithoutMatch(expression.right);
      const decisive = expression.kind === "or";
      if (left === decisive || right === decisive) return decisive;
      return left === undefined || right === undefined ? undefined : !decisive;
    }
    case "always":
      return true;
    default:
      return expression satisfies never;
  }
}

/** Whether a condition can hold though none of its patterns matched: it would hit clean objects. */
export function isVacuous(expression: Expression): boolean {
  return valueWithoutMatch(expression) !== false;
}

/** How far each pattern must be counted, by its number; 1 for those that are not counted. */
export function countsNeeded(expression: Expression, counts: number[]): void {
  const open = [expression];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === "and" || next.kind === "or") open.push(next.left, next.right);
    else if (next.kind === "not") open.push(next.operand);
    else if (next.kind === "compare" && typeof next.left === "object") {
      const { count } = next.left;
      counts[count] = Math.max(counts[count] ?? 1, Math.min(next.right, COUNT_MAX) + 1);
    }
  }
}

/**
 * What an expression implies if nothing is known of some patterns: they are taken for whatever makes
 * it hold. A condition becomes a trigger that way.
 */
export function weaken(
  expression: Expression,
  isUnknown: (pattern: number) => boolean,
): Expression {
  return weakenAs(expression, isUnknown, true);
}

const ALWAYS: Expression = { kind: "always" };

// Without an outcome that makes the expression hold, "unknown" is the negation of "always".
function weakenAs(
  expression: Expression,
  isUnknown: (pattern: number) => boolean,
  wanted: boolean,
): Expression {
  const unknown: Expression = wanted ? ALWAYS : { kind: "not", operand: ALWAYS };
  switch (expression.kind) {
    case "pattern":
      return isUnknown(expression.pattern) ? unknown : expression;
    case "compare":
      if (typeof expression.left !== "object") return expression;
      return isUnknown(expression.left.count) ? unknown : expression;
    case "of": {
      const patterns = expression.patterns.filter((pattern) => !isUnknown(pattern));
      const needed =
        expression.needed - (wanted ? expression.patterns.length - patterns.length : 0);
      if (needed <= 0) return ALWAYS;
      if (needed > patterns.length) return { kind: "not", operand: ALWAYS };
      return { kind: "of", needed, patterns };
    }
    case "and":
    case "or": {
      const { kind, left, right } = expression;
      return {
        kind,
        left: weakenAs(left, isUnknown, wanted),
        right: weakenAs(right, isUnknown, wanted),
      };
    }
    case "not":
      return { kind: "not", operand: weakenAs(expression.operand, isUnknown, !wanted) };
    default:
      return expression;
  }
}
