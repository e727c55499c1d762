// YARA's conditions: read and type-checked in one pass, into what the judge evaluates. Operators by
// precedence, loosest first: or, and, not, equality and text, order, | ^ & shifts, sums, products.
import type { YaraBinary, YaraNode, YaraPlace, YaraUnary } from "../../../gwdb/yara-judgement.ts";
import { SourceError } from "../../source.ts";
import type { Lexer, Position } from "./lexer.ts";
import { readChain } from "./member.ts";
import { FOREIGN_MODULES, FOREIGN_VARIABLES } from "./modules.ts";
import { forExpression, ofExpression, QUANTIFIER_WORDS, readPlace } from "./quantified.ts";
import {
  type ConditionReader,
  needType,
  type Quantity,
  type Scope,
  type Typed,
  UnsupportedRule,
} from "./scope.ts";
import { regexOf } from "./string.ts";
import { EXTERNALS } from "./types.ts";

/** Operators in a row on one level: `1 + 1 + …`. */
const CHAIN_MAX = 512;

const TEXT_OPERATORS: readonly string[] = [
  ...["contains", "icontains", "startswith", "istartswith"],
  ...["endswith", "iendswith", "iequals"],
];
const EQUALITY: readonly string[] = ["==", "!=", ...TEXT_OPERATORS, "matches"];
const ORDER: readonly string[] = ["<", "<=", ">", ">="];
/** Loosest first; all between numbers. */
const LEVELS: readonly (readonly string[])[] = [
  ["|"],
  ["^"],
  ["&"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "\\", "%"],
];
const FRACTIONS: readonly string[] = ["+", "-", "*", "\\"];
const READ = /^(u?)int(8|16|32)(be)?$/;

class ConditionParser implements ConditionReader {
  readonly lexer: Lexer;
  readonly scope: Scope;
  /** `50%` has been read, and `of` comes next. */
  #isPercent = false;

  constructor(lexer: Lexer, scope: Scope) {
    this.lexer = lexer;
    this.scope = scope;
  }

  expression(): Typed {
    return this.#connected("or", () => this.#connected("and", () => this.#negated()));
  }

  #connected(word: "and" | "or", read: () => Typed): Typed {
    const first = read();
    if (!this.lexer.isNext(word)) return first;
    const nodes = [first.node];
    while (this.lexer.accept(word)) nodes.push(read().node);
    return { node: { op: word, nodes }, type: "boolean" };
  }

  #negated(): Typed {
    const at = this.lexer.position;
    for (const operator of ["not", "defined"] as const) {
      if (!this.lexer.accept(operator)) continue;
      const of = this.scope.nested(at, () => this.#negated()).node;
      return { node: { op: "unary", operator, of }, type: "boolean" };
    }
    return this.#equality();
  }

  #next(operators: readonly string[]): string | undefined {
    return operators.find((operator) => this.lexer.isNext(operator));
  }

  #equality(): Typed {
    let left = this.#ordered();
    for (;;) {
      const operator = this.#next(EQUALITY);
      if (operator === undefined) return left;
      const at = this.lexer.take();
      this.scope.grow(at);
      if (operator === "matches") left = this.#matches(left, at);
      else left = this.#compared(operator, left, this.#ordered(), at);
    }
  }

  #matches(left: Typed, at: Position): Typed {
    needType(left, at, "text");
    const token = this.lexer.regex();
    if (token === null) return this.lexer.unexpected("/a regular expression/");
    return { node: { op: "matches", of: left.node, regex: regexOf(token) }, type: "boolean" };
  }

  #ordered(): Typed {
    let left = this.value();
    for (;;) {
      const operator = this.#next(ORDER);
      if (operator === undefined) return left;
      const at = this.lexer.take();
      this.scope.grow(at);
      left = this.#compared(operator, left, this.value(), at);
    }
  }

  #compared(operator: string, left: Typed, right: Typed, at: Position): Typed {
    const isText = TEXT_OPERATORS.includes(operator) || left.type === "text";
    for (const side of [left, right]) {
      if (isText) needType(side, at, "text");
      else needType(side, at, "integer", "float");
    }
    return { node: binary(operator, left.node, right.node), type: "boolean" };
  }

  value(): Typed {
    const at = this.lexer.position;
    const value = this.quantity();
    if (!this.lexer.isNext("of")) return value;
    needType(value, at, "integer");
    const kind = value.isPercent ? "percent" : "number";
    return ofExpression(this, { kind, value: value.node });
  }

  quantity(): Quantity {
    const value = this.#level(0);
    const isPercent = this.#isPercent;
    this.#isPercent = false;
    return { ...value, isPercent };
  }

  #level(level: number): Typed {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#level(level + 1);
    for (let count = 0; !this.#isPercent; count++) {
      const operator = this.#next(operators);
      if (operator === undefined) return left;
      const at = this.lexer.take();
      this.scope.grow(at);
      if (count > CHAIN_MAX) throw new SourceError("too many operators in a row", at);
      if (operator === "%" && this.lexer.isNext("of")) {
        this.#isPercent = true;
        return left;
      }
      left = arithmetic(operator, left, this.#level(level + 1), at);
    }
    return left;
  }

  #unary(): Typed {
    const at = this.lexer.position;
    for (const operator of ["-", "~"] as const satisfies readonly YaraUnary[]) {
      if (!this.lexer.accept(operator)) continue;
      const operand = this.scope.nested(at, () => this.#unary());
      needType(operand, at, "integer", ...(operator === "-" ? ["float" as const] : []));
      return { ...operand, node: { op: "unary", operator, of: operand.node } };
    }
    this.scope.grow(at);
    return this.#primary();
  }

  #primary(): Typed {
    const at = this.lexer.position;
    const regex = this.lexer.regex();
    if (regex !== null) return { node: { op: "regex", regex: regexOf(regex) }, type: "regex" };
    const { kind, text, value } = this.lexer.peek();
    switch (kind) {
      case "string":
        return this.#string();
      case "number":
        this.lexer.take();
        return { node: integerNode(value), type: "integer" };
      case "float":
        this.lexer.take();
        return { node: { op: "number", value: Number(text) }, type: "float" };
      case "text":
        this.lexer.take();
        return { node: { op: "text", value: text }, type: "text" };
      case "word":
        return this.#word(text);
      case "mark":
        if (text === "(") return this.scope.nested(at, () => this.#parenthesised());
        break;
      default:
    }
    return this.lexer.unexpected("a value or a condition");
  }

  #parenthesised(): Typed {
    this.lexer.need("(");
    const inner = this.expression();
    this.lexer.need(")");
    return inner;
  }

  #word(text: string): Typed {
    const at = this.lexer.position;
    const read = READ.exec(text);
    if (read !== null) {
      this.lexer.take();
      return this.#read(read);
    }
    if (QUANTIFIER_WORDS.includes(text)) {
      this.lexer.take();
      return ofExpression(this, { kind: text as "any" | "all" | "none" });
    }
    switch (text) {
      case "true":
      case "false":
        this.lexer.take();
        return { node: { op: "boolean", value: text === "true" }, type: "boolean" };
      case "filesize":
      case "entrypoint":
        this.lexer.take();
        return { node: { op: text }, type: "integer" };
      case "for":
        return this.scope.nested(at, () => forExpression(this));
      default:
        return this.#name();
    }
  }

  #name(): Typed {
    const token = this.lexer.take();
    const variable = this.scope.variable(token.text);
    if (variable !== undefined) return readChain(this, variable);
    if (FOREIGN_MODULES.includes(token.text) && this.scope.modules.has(token.text)) {
      throw new UnsupportedRule(`needs the module ${token.text}`, token);
    }
    if (this.scope.modules.has(token.text)) return readChain(this, token);
    const rule = this.scope.rule(token);
    if (rule !== undefined) return { node: rule, type: "boolean" };
    if ((EXTERNALS as readonly string[]).includes(token.text)) {
      return { node: { op: "external", name: token.text }, type: "text" };
    }
    if (FOREIGN_VARIABLES.includes(token.text)) {
      throw new UnsupportedRule(`needs the variable ${token.text} of VirusTotal`, token);
    }
    throw new SourceError(`${token.text} is not known`, token, "a module, rule or variable");
  }

  #read([, sign = "", bits, order]: RegExpExecArray): Typed {
    this.lexer.need("(");
    const at = this.integer();
    this.lexer.need(")");
    const size = (Number(bits) / 8) as 1 | 2 | 4;
    const isBigEndian = order !== undefined;
    return {
      node: { op: "read", size, isSigned: sign === "", isBigEndian, at },
      type: "integer",
    };
  }

  integer(): YaraNode {
    const at = this.lexer.position;
    const value = this.scope.nested(at, () => this.value());
    needType(value, at, "integer");
    return value.node;
  }

  #string(): Typed {
    const token = this.lexer.take();
    const string = this.scope.string(token);
    if (token.text.startsWith("$")) {
      return { node: { op: "found", string, ...this.#place(true) }, type: "boolean" };
    }
    if (token.text.startsWith("#")) {
      return { node: { op: "count", string, ...this.#place(false) }, type: "integer" };
    }
    let nth: YaraNode = { op: "number", value: 1 };
    if (this.lexer.accept("[")) {
      nth = this.integer();
      this.lexer.need("]");
    }
    const op = token.text.startsWith("@") ? "offset" : "length";
    return { node: { op, string, nth }, type: "integer" };
  }

  #place(canBeAt: boolean): { place?: YaraPlace } {
    if (!canBeAt && this.lexer.isNext("at")) return {};
    const place = readPlace(this);
    return place === null ? {} : { place };
  }
}

function integerNode(value: bigint): YaraNode {
  const short = Number(value);
  if (Number.isSafeInteger(short)) return { op: "number", value: short };
  return { op: "big", value: value.toString() };
}

function binary(operator: string, left: YaraNode, right: YaraNode): YaraNode {
  return { op: "binary", operator: operator as YaraBinary, left, right };
}

function arithmetic(operator: string, left: Typed, right: Typed, at: Position): Typed {
  const types = FRACTIONS.includes(operator)
    ? (["integer", "float"] as const)
    : (["integer"] as const);
  needType(left, at, ...types);
  needType(right, at, ...types);
  const type = left.type === "float" || right.type === "float" ? "float" : "integer";
  const exact = operator === "\\" && type === "float" ? "real/" : operator;
  return { node: binary(exact, left.node, right.node), type };
}

/** Reads a whole condition, which must be true or false for every object. */
export function readCondition(lexer: Lexer, scope: Scope): YaraNode {
  const at = lexer.position;
  const condition = new ConditionParser(lexer, scope).expression();
  needType(condition, at, "boolean", "integer", "float", "text");
  return condition.node;
}
