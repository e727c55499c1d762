// Conditions: `$a and (#b > 2 or $n) and not size > 128KB and type is pe`. `not` binds tightest, then
// `and`, then `or`.

import type { Comparison } from "../gwdb/comparison.ts";
import { parseNumber, type Token, type TokenReader } from "./line.ts";
import { type Expression, type Pattern, SourceError } from "./source.ts";

/** How deep parentheses and `not` may nest; the core's stack holds that and some more. */
export const NESTING_MAX = 16;
/** Counts are kept up to this. */
export const COUNT_MAX = 10_000;

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
  "=": "==",
  "==": "==",
  "!=": "!=",
};

class ExpressionParser {
  readonly #tokens: TokenReader;
  readonly #patterns: readonly Pattern[];
  #depth = 0;

  constructor(tokens: TokenReader, patterns: readonly Pattern[]) {
    this.#tokens = tokens;
    this.#patterns = patterns;
  }

  or(): Expression {
    let left = this.#and();
    while (this.#tokens.accept("or")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#unary();
    while (this.#tokens.accept("and")) left = { kind: "and", left, right: this.#unary() };
    return left;
  }

  // The only recursion: parentheses and `not`, counted.
  #unary(): Expression {
    const isNot = this.#tokens.accept("not");
    if (!isNot && !this.#tokens.accept("(")) return this.#primary();
    if (++this.#depth > NESTING_MAX) {
      this.#tokens.fail("the condition nests too deeply", `at most ${NESTING_MAX} levels`);
    }
    const inner: Expression = isNot ? { kind: "not", operand: this.#unary() } : this.or();
    if (!isNot && !this.#tokens.accept(")")) this.#tokens.fail("", ")");
    this.#depth--;
    return inner;
  }

  #primary(): Expression {
    const expected = "$id, #id, size, depth, type, container, any of, all of or not";
    const token = this.#tokens.expect("word", expected);
    const { text } = token;
    if (text.startsWith("$")) return { kind: "pattern", pattern: this.#find(token) };
    if (text.startsWith("#")) return this.#comparison({ count: this.#find(token) });
    if (text === "size" || text === "depth") return this.#comparison(text);
    if (text === "type" || text === "container") {
      if (!this.#tokens.accept("is")) this.#tokens.fail("", "is");
      return { kind: text, type: this.#tokens.expect("word", "a file type").text };
    }
    if (this.#tokens.accept("of")) return this.#of(token);
    throw new SourceError(`unexpected ${text}`, token, expected);
  }

  #find(token: Token): number {
    const id = token.text.slice(1);
    const index = this.#patterns.findIndex((pattern) => pattern.id === id);
    if (index < 0) {
      const known = this.#patterns.map((pattern) => `$${pattern.id}`).join(" ");
      throw new SourceError(`there is no pattern ${token.text}`, token, `one of ${known}`);
    }
    return index;
  }

  #comparison(left: "size" | "depth" | { count: number }): Expression {
    const at = this.#tokens.at;
    const operator = COMPARISONS[this.#tokens.take()?.text ?? ""];
    if (operator === undefined) throw new SourceError("no comparison", at, "< <= > >= == !=");
    const token = this.#tokens.expect("word", "a number");
    const right = parseNumber(token.text, token);
    if (typeof left === "object" && right > COUNT_MAX) {
      throw new SourceError("counts end there", token, `at most ${COUNT_MAX}`);
    }
    return { kind: "compare", left, operator, right };
  }

  #of(quantity: Token): Expression {
    const patterns = this.#set();
    const { text } = quantity;
    const needed =
      text === "any" ? 1 : text === "all" ? patterns.length : parseNumber(text, quantity);
    if (needed < 1 || needed > patterns.length) {
      throw new SourceError(`${text} of ${patterns.length} patterns`, quantity, "any, all or less");
    }
    return { kind: "of", needed, patterns };
  }

  /** `them`, or a list such as ($a, $b*). */
  #set(): number[] {
    if (this.#tokens.accept("them")) return [...this.#patterns.keys()];
    if (!this.#tokens.accept("(")) this.#tokens.fail("", "them or ($a, $b*)");
    const set = new Set<number>();
    do {
      const token = this.#tokens.expect("word", "$id or $id*");
      if (!token.text.startsWith("$")) throw new SourceError("no pattern", token, "$id or $id*");
      if (!token.text.endsWith("*")) {
        set.add(this.#find(token));
        continue;
      }
      const prefix = token.text.slice(1, -1);
      const before = set.size;
      this.#patterns.forEach(({ id }, i) => {
        if (id.startsWith(prefix)) set.add(i);
      });
      if (set.size === before) throw new SourceError(`nothing matches ${token.text}`, token);
    } while (this.#tokens.accept(","));
    if (!this.#tokens.accept(")")) this.#tokens.fail("", ")");
    return [...set];
  }
}

/** Reads a whole condition over these patterns. */
export function parseExpression(tokens: TokenReader, patterns: readonly Pattern[]): Expression {
  const expression = new ExpressionParser(tokens, patterns).or();
  tokens.expectEnd();
  return expression;
}

const FIRST_PATTERN: Expression = { kind: "of", needed: 1, patterns: [0] };

/** What holds without a condition: every pattern is there; of hashes, one is enough. */
export function defaultExpression(patterns: readonly Pattern[]): Expression {
  if (patterns.length === 1) return FIRST_PATTERN;
  const isHash = patterns.every(({ kind }) => kind === "hash");
  const all = [...patterns.keys()];
  return { kind: "of", needed: isHash ? 1 : patterns.length, patterns: all };
}
