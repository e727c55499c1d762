// The logical expressions of .ldb signatures, `(0&1)|2>3&(4|5|6)>2,2`. There is no precedence: an
// expression is cut at its first & or | outside parentheses, and all that follows is the right side.
// What parentheses hold is cut at its last one, as ClamAV does (and its users rely on, unknowing).
import type { CountTest, LogicalNode } from "../../gwdb/clamav-judgement.ts";
import { SourceError } from "../source.ts";
import { behind, type Where } from "./pattern/units.ts";

const LENGTH_MAX = 8192;
const OPERATORS_MAX = 400;
const NESTING_MAX = 32;
/** Subsignatures of one signature. */
export const SUBSIGNATURES_MAX = 64;
const TEST = /^([=<>])(\d{1,9})(?:,(\d{1,4}))?$/;
const ID = /^(\d{1,4})(?:([=<>])(\d{1,9}))?(?:,\d{1,4})?$/;

interface Cut {
  readonly at: number;
  readonly kind: "and" | "or";
}

class ExpressionReader {
  readonly #text: string;
  readonly #at: Where;
  #operators = 0;

  constructor(text: string, at: Where) {
    this.#text = text;
    this.#at = at;
  }

  /** Reads `from` to `to`; the right sides of a chain are taken in a loop. */
  read(from: number, to: number, depth: number): LogicalNode {
    if (depth > NESTING_MAX) this.#fail("the expression nests too deeply", from);
    const cuts = this.#cuts(from, to, 0);
    let start = from;
    const parts = [...cuts.map(({ at }) => at), to].map((end) => {
      const part = this.#part(start, end, depth);
      start = end + 1;
      return part;
    });
    let node = parts.at(-1) as LogicalNode;
    for (let i = cuts.length - 1; i >= 0; i--) {
      node = { kind: cuts[i]?.kind ?? "and", left: parts[i] as LogicalNode, right: node };
    }
    return node;
  }

  /** The operators at `level` of parentheses. */
  #cuts(from: number, to: number, level: number): Cut[] {
    const cuts: Cut[] = [];
    let open = 0;
    for (let i = from; i < to; i++) {
      const c = this.#text[i];
      if (c === "(") open++;
      else if (c === ")") open--;
      else if ((c === "&" || c === "|") && open === level) {
        cuts.push({ at: i, kind: c === "&" ? "and" : "or" });
      }
      if (open < 0) this.#fail("( is missing", i);
    }
    if (open > 0) this.#fail(") is missing", to);
    this.#operators += cuts.length;
    if (this.#operators > OPERATORS_MAX) this.#fail("the expression is too long", from);
    return cuts;
  }

  /** A piece without operators outside parentheses. */
  #part(from: number, to: number, depth: number): LogicalNode {
    const text = this.#text.slice(from, to);
    if (!text.startsWith("(")) return this.#count(text, from);
    const close = text.lastIndexOf(")");
    const suffix = text.slice(close + 1);
    const test = suffix === "" ? undefined : this.#test(suffix, from + close + 1);
    const last = this.#cuts(from, from + close + 1, 1).at(-1);
    if (last === undefined) {
      if (test !== undefined) this.#fail("a single part in ( ) can't be counted", from);
      return this.read(from + 1, from + close, depth + 1);
    }
    const left = this.read(from + 1, last.at, depth + 1);
    const right = this.read(last.at + 1, from + close, depth + 1);
    const of: LogicalNode = { kind: last.kind, left, right };
    return test === undefined ? of : { kind: "block", of, test };
  }

  #count(text: string, from: number): LogicalNode {
    const match = ID.exec(text);
    if (match === null) this.#fail(`${text || "nothing"} is no subsignature`, from);
    const id = Number(match[1]);
    if (id >= SUBSIGNATURES_MAX) this.#fail(`there can be no subsignature ${id}`, from);
    const operator = match[2] as CountTest["operator"] | undefined;
    if (operator === undefined) return { kind: "count", id };
    return { kind: "count", id, test: { operator, value: Number(match[3]) } };
  }

  #test(text: string, from: number): CountTest {
    const match = TEST.exec(text);
    if (match === null) this.#fail(`unexpected ${text}`, from);
    const [, operator, value, distinct] = match;
    const test = { operator: operator as CountTest["operator"], value: Number(value) };
    return distinct === undefined ? test : { ...test, distinct: Number(distinct) };
  }

  #fail(message: string, index: number): never {
    throw new SourceError(message, behind(this.#at, index), "subsignatures, & | ( ) = < >");
  }
}

/** Reads an expression whose first character stands at `at`; throws SourceError. */
export function parseLogic(text: string, at: Where): LogicalNode {
  if (text.length > LENGTH_MAX) throw new SourceError("the expression is too long", at);
  return new ExpressionReader(text, at).read(0, text.length, 0);
}

/** The highest subsignature that the expression speaks of. */
export function highestId(node: LogicalNode): number {
  let highest = -1;
  const open = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === "count") highest = Math.max(highest, next.id);
    else if (next.kind === "block") open.push(next.of);
    else open.push(next.left, next.right);
  }
  return highest;
}
