// Conditions on their way into an image: programs for the core's stack machine, what they count, and
// whether they could hold without any pattern.
import { COUNT_MAX } from "./expression.ts";
import type { Comparison, Expression } from "./source.ts";

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

const word = (code: number, operand: number) => code | (operand << 8);

/** A condition's program. `typeId` numbers file types. */
export function compileCondition(
  expression: Expression,
  typeId: (type: string) => number,
): number[] {
  switch (expression.kind) {
    case "pattern":
      return [word(CODES.pattern, expression.pattern)];
    case "compare": {
      const { left, operator, right } = expression;
      const value = typeof left === "object" ? word(CODES.count, left.count) : CODES[left];
      return [value, CODES.number, right, COMPARISON_CODES[operator]];
    }
    case "type":
    case "container":
      return [word(CODES[expression.kind], typeId(expression.type))];
    case "of":
      return [
        word(CODES.of, expression.needed),
        expression.patterns.length,
        ...expression.patterns,
      ];
    case "and":
    case "or": {
      const left = compileCondition(expression.left, typeId);
      return [...left, ...compileCondition(expression.right, typeId), CODES[expression.kind]];
    }
    case "not":
      return [...compileCondition(expression.operand, typeId), CODES.not];
    case "always":
      return [CODES.always];
    default:
      return expression satisfies never;
  }
}

function compare(left: number, operator: Comparison, right: number): boolean {
  switch (operator) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    default:
      return operator satisfies never;
  }
}

// Three values: undefined is "depends on the object".
function valueWithoutMatch(expression: Expression): boolean | undefined {
  switch (expression.kind) {
    case "pattern":
    case "of":
      return false;
    case "compare":
      return typeof expression.left === "object"
        ? compare(0, expression.operator, expression.right)
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
