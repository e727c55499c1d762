// Values of YARA's conditions and the operators between them: 64-bit integers that wrap, floats,
// texts of one character a byte, and undefined, which most operators hand on.
import { type Comparison, compares } from "../../../gwdb/comparison.ts";
import type { YaraBinary, YaraUnary } from "../../../gwdb/yara-judgement.ts";

/** A number, text or truth. Integers that a double can't hold are bigints. */
export type Plain = number | bigint | string | boolean;

/** Whether a value counts as true; undefined stays undefined. */
export function truth(value: unknown): boolean | undefined {
  switch (typeof value) {
    case "boolean":
      return value;
    case "number":
      return value !== 0;
    case "bigint":
      return value !== 0n;
    case "string":
      return value.length > 0;
    default:
      return;
  }
}

const WORD = 64;

/** An integer as 64 bits hold it. */
function wrap(value: bigint): number | bigint {
  const wrapped = BigInt.asIntN(WORD, value);
  const short = Number(wrapped);
  return Number.isSafeInteger(short) ? short : wrapped;
}

type Integer = number | bigint;

function shift(operator: "<<" | ">>", value: bigint, by: bigint): Integer | undefined {
  if (by < 0n) return;
  if (by >= BigInt(WORD)) return 0;
  return wrap(operator === "<<" ? value << by : value >> by);
}

function divide(operator: "\\" | "%", left: bigint, right: bigint): Integer | undefined {
  if (right === 0n) return;
  // The one quotient that does not fit.
  if (right === -1n && left === -(1n << BigInt(WORD - 1))) return;
  return wrap(operator === "\\" ? left / right : left % right);
}

type ArithmeticOperator = "+" | "-" | "*" | "\\" | "real/" | "%" | "&" | "|" | "^" | "<<" | ">>";

function exact(operator: ArithmeticOperator, left: bigint, right: bigint): Integer | undefined {
  switch (operator) {
    case "+":
      return wrap(left + right);
    case "-":
      return wrap(left - right);
    case "*":
      return wrap(left * right);
    case "&":
      return wrap(left & right);
    case "|":
      return wrap(left | right);
    case "^":
      return wrap(left ^ right);
    case "<<":
    case ">>":
      return shift(operator, left, right);
    case "\\":
    case "%":
      return divide(operator, left, right);
    case "real/":
      return Number(left) / Number(right);
    default:
      return operator satisfies never;
  }
}

// Sums, differences and products of floats, and of integers as long as doubles hold them.
function quick(operator: ArithmeticOperator, left: number, right: number): number | undefined {
  const result =
    operator === "+"
      ? left + right
      : operator === "-"
        ? left - right
        : operator === "*"
          ? left * right
          : undefined;
  if (operator === "real/") return left / right;
  if (result === undefined || Number.isSafeInteger(result)) return result;
  return Number.isInteger(left) && Number.isInteger(right) ? undefined : result;
}

function arithmetic(operator: ArithmeticOperator, left: unknown, right: unknown) {
  if (typeof left === "number" && typeof right === "number") {
    const result = quick(operator, left, right);
    if (result !== undefined) return result;
    if (!Number.isInteger(left) || !Number.isInteger(right)) return;
  }
  if (!isInteger(left) || !isInteger(right)) return;
  return exact(operator, BigInt(left), BigInt(right));
}

function isInteger(value: unknown): value is Integer {
  return typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
}

function isNumber(value: unknown): value is Integer {
  return typeof value === "bigint" || typeof value === "number";
}

/** Only A-Z have a lower case. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

type TextOperator = Exclude<YaraBinary, ArithmeticOperator | Comparison>;

function textTest(operator: TextOperator, left: string, right: string): boolean {
  switch (operator) {
    case "contains":
      return left.includes(right);
    case "icontains":
      return lower(left).includes(lower(right));
    case "startswith":
      return left.startsWith(right);
    case "istartswith":
      return lower(left).startsWith(lower(right));
    case "endswith":
      return left.endsWith(right);
    case "iendswith":
      return lower(left).endsWith(lower(right));
    case "iequals":
      return lower(left) === lower(right);
    default:
      return operator satisfies never;
  }
}

/** What an operator makes of two values; undefined if one of them is, or where YARA has no answer. */
export function combine(operator: YaraBinary, left: unknown, right: unknown): Plain | undefined {
  switch (operator) {
    case "<":
    case "<=":
    case ">":
    case ">=":
    case "==":
    case "!=":
      if (typeof left === "string" && typeof right === "string") {
        return compares(operator, left, right);
      }
      return isNumber(left) && isNumber(right) ? compares(operator, left, right) : undefined;
    case "contains":
    case "icontains":
    case "startswith":
    case "istartswith":
    case "endswith":
    case "iendswith":
    case "iequals":
      if (typeof left !== "string" || typeof right !== "string") return;
      return textTest(operator, left, right);
    default:
      return arithmetic(operator, left, right);
  }
}

/** What an operator makes of one value. */
export function apply(operator: YaraUnary, value: unknown): Plain | undefined {
  switch (operator) {
    case "defined":
      return value !== undefined;
    case "not": {
      const is = truth(value);
      return is === undefined ? undefined : !is;
    }
    case "-":
      if (typeof value === "number") return 0 - value;
      return typeof value === "bigint" ? wrap(-value) : undefined;
    case "~":
      return isInteger(value) ? wrap(~BigInt(value)) : undefined;
    default:
      return operator satisfies never;
  }
}
