// The trigger of a rule: the tightest condition over what the core finds that holds whenever the
// rule's own condition does. Where the two are the same, the rule needs no judgement.

import type { Comparison } from "../../gwdb/comparison.ts";
import type { StringRef, YaraNode, YaraQuantifier } from "../../gwdb/yara-judgement.ts";
import type { Expression } from "../source.ts";
import { Needs } from "./needs.ts";
import type { CompiledString, PatternTable } from "./pattern-table.ts";

/** What a part of a condition comes to; `expression` null: nothing is known. */
export interface Approximation {
  readonly expression: Expression | null;
  /** The expression holds exactly where the part does. */
  readonly isExact: boolean;
  /** It is no more than a look at a fixed place: not worth it beside anything else. */
  readonly isPlaced?: boolean;
}

/** The core's stack holds twice that. */
const DEPTH_MAX = 12;
const SIZE_MAX = 0x7fffffff;
const COUNT_MAX = 10_000;
/** Loops over more strings than this are not unrolled. */
const UNROLL_MAX = 256;

const COMPARISONS: readonly string[] = ["<", "<=", ">", ">=", "==", "!="];
const MIRRORED: Readonly<Record<string, Comparison>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "==": "==",
  "!=": "!=",
};

const UNKNOWN: Approximation = { expression: null, isExact: false };

type NodeOf<Op extends YaraNode["op"]> = Extract<YaraNode, { op: Op }>;

/** The conjunction or disjunction of expressions; null for none. */
export function joined(kind: "and" | "or", parts: readonly Expression[]): Expression | null {
  return parts.reduce<Expression | null>(
    (left, right) => (left === null ? right : { kind, left, right }),
    null,
  );
}

/** Derives triggers for one rule. */
export class TriggerFinder {
  readonly #strings: readonly CompiledString[];
  readonly #table: PatternTable;
  readonly #needs: Needs;
  #depth = 0;
  #current: StringRef = "current";

  constructor(strings: readonly CompiledString[], table: PatternTable) {
    this.#strings = strings;
    this.#table = table;
    this.#needs = new Needs(table, (string) => this.#found(string).expression);
  }

  find(node: YaraNode): Approximation {
    if (this.#depth >= DEPTH_MAX) return UNKNOWN;
    this.#depth++;
    const found = this.#find(node);
    this.#depth--;
    return found;
  }

  #find(node: YaraNode): Approximation {
    switch (node.op) {
      case "found": {
        const found = this.#found(node.string);
        if (node.place === undefined) return found;
        return found.expression === null ? this.#placed(node) : { ...found, isExact: false };
      }
      case "and":
        return this.#and(node.nodes.map((part) => this.find(part)));
      case "or":
        return this.#or(node.nodes.map((part) => this.find(part)));
      case "unary":
        return this.#unary(node);
      case "binary":
        return this.#binary(node);
      case "of":
        return this.#of(node);
      case "of-nodes":
        return this.#quantified(node.quantifier, () => node.nodes.map((part) => this.find(part)));
      case "for-of":
        return this.#forOf(node);
      case "for-in": {
        const loop = this.#quantified(node.quantifier, () => [this.find(node.body)]);
        const { iterator } = node;
        const parts =
          iterator.kind === "collection"
            ? [iterator.of]
            : iterator.kind === "range"
              ? [iterator.low, iterator.high]
              : [];
        return this.#and([{ ...loop, isExact: false }, this.#needed(...parts)]);
      }
      default:
        return this.#needed(node);
    }
  }

  #needed(...nodes: readonly YaraNode[]): Approximation {
    const parts = nodes.flatMap((node) => this.#needs.of(node));
    return { expression: joined("and", parts), isExact: false };
  }

  #found(ref: StringRef): Approximation {
    const string = this.#strings[this.#resolve(ref)];
    if (string === undefined || string.needed === null) return UNKNOWN;
    const { needed, isExact } = string;
    const [only] = needed;
    if (only === undefined) return UNKNOWN;
    if (needed.length === 1) return { expression: { kind: "pattern", pattern: only }, isExact };
    return { expression: { kind: "of", needed: 1, patterns: needed }, isExact };
  }

  #resolve(ref: StringRef): number {
    const string = ref === "current" ? this.#current : ref;
    return string === "current" ? -1 : string;
  }

  // `$mz at 0`, where $mz alone is too short to be searched for.
  #placed(node: NodeOf<"found">): Approximation {
    const string = this.#strings[this.#resolve(node.string)];
    const low = node.place?.low;
    if (low?.op !== "number" || node.place?.high !== undefined) return UNKNOWN;
    const [pattern, more] = string?.string.patterns ?? [];
    if (string?.string.regex !== undefined || pattern === undefined || more !== undefined) {
      return UNKNOWN;
    }
    const placed = this.#table.placed(pattern, low.value);
    if (placed === undefined) return UNKNOWN;
    return { expression: { kind: "pattern", pattern: placed }, isExact: false, isPlaced: true };
  }

  #and(parts: readonly Approximation[]): Approximation {
    const known = parts.filter(({ expression }) => expression !== null);
    const strong = known.filter(({ isPlaced }) => isPlaced !== true);
    const isSearched = strong.some(({ expression }) => expression !== null && speaks(expression));
    const kept = isSearched ? strong : known;
    const isExact = kept.length === parts.length && parts.every((part) => part.isExact);
    const expressions = kept.flatMap(({ expression }) => expression ?? []);
    const isPlaced = !isSearched && kept.some((part) => part.isPlaced === true);
    return { expression: joined("and", expressions), isExact, isPlaced };
  }

  #or(parts: readonly Approximation[]): Approximation {
    const expressions = parts.flatMap(({ expression }) => expression ?? []);
    if (expressions.length < parts.length) return UNKNOWN;
    const isExact = parts.every((part) => part.isExact);
    const isPlaced = parts.every((part) => part.isPlaced === true);
    return { expression: joined("or", expressions), isExact, isPlaced };
  }

  #not({ expression, isExact }: Approximation): Approximation {
    if (expression === null || !isExact) return UNKNOWN;
    return { expression: { kind: "not", operand: expression }, isExact: true };
  }

  #unary(node: NodeOf<"unary">): Approximation {
    if (node.operator === "defined") return this.#needed(node.of);
    if (node.operator !== "not") return UNKNOWN;
    const not = this.#not(this.find(node.of));
    // What is undefined stays so under "not".
    return not.expression === null ? this.#needed(node) : not;
  }

  #binary(node: NodeOf<"binary">): Approximation {
    if (COMPARISONS.includes(node.operator)) {
      const operator = node.operator as Comparison;
      const compared =
        this.#compared(node.left, operator, node.right) ??
        this.#compared(node.right, MIRRORED[operator] ?? "==", node.left);
      if (compared !== null) return compared;
    }
    return this.#needed(node);
  }

  #compared(left: YaraNode, operator: Comparison, right: YaraNode): Approximation | null {
    if (right.op !== "number" || !Number.isInteger(right.value)) return null;
    const { value } = right;
    if (left.op === "filesize" && value >= 0 && value <= SIZE_MAX) {
      return {
        expression: { kind: "compare", left: "size", operator, right: value },
        isExact: true,
      };
    }
    if (left.op === "count") return this.#counted(left, operator, value);
    return left.op === "read" && operator === "==" ? this.#equal(left, value) : null;
  }

  // A number at a known place; at another, its bytes must at least be somewhere.
  #equal(read: NodeOf<"read">, value: number): Approximation | null {
    const isPlaced = read.at.op === "number";
    const pattern = this.#table.read(read, value, read.at.op === "number" ? read.at.value : null);
    if (pattern === undefined) return null;
    return { expression: { kind: "pattern", pattern }, isExact: false, isPlaced };
  }

  #counted(left: NodeOf<"count">, operator: Comparison, value: number): Approximation | null {
    const found = this.#found(left.string);
    const isPositive =
      (operator === ">" && value >= 0) || ((operator === ">=" || operator === "==") && value > 0);
    if (found.expression?.kind === "pattern" && left.place === undefined) {
      const { pattern } = found.expression;
      const isCounted = found.isExact && this.#table.isCountable(pattern);
      if (isCounted && value >= 0 && value <= COUNT_MAX) {
        const compare = { kind: "compare" as const, left: { count: pattern }, operator };
        return { expression: { ...compare, right: value }, isExact: true };
      }
    }
    return isPositive ? { ...found, isExact: false } : UNKNOWN;
  }

  /** How many members must hold, as far as that is certain. */
  #least(quantifier: YaraQuantifier, total: number): number {
    switch (quantifier.kind) {
      case "all":
        return total;
      case "any":
        return 1;
      case "none":
        return 0;
      case "number":
      case "percent": {
        const { value } = quantifier;
        if (value.op !== "number") return 0;
        const least = quantifier.kind === "number" ? value.value : (value.value * total) / 100;
        return Math.max(0, Math.ceil(least));
      }
      default:
        return quantifier satisfies never;
    }
  }

  #of(node: NodeOf<"of">): Approximation {
    const found = node.strings.map((string) => this.#found(string));
    if (isNone(node.quantifier)) {
      return node.place === undefined ? this.#not(this.#or(found)) : UNKNOWN;
    }
    const least = this.#least(node.quantifier, found.length);
    const members = this.#members(found, least);
    const isExact = members.isExact && node.place === undefined;
    return { ...members, isExact };
  }

  // At least `least` of these hold. One pattern may serve several strings, so patterns are counted
  // only where each string has its own.
  #members(found: readonly Approximation[], least: number): Approximation {
    if (least <= 0 || least > found.length) return UNKNOWN;
    if (least === found.length) return this.#and(found);
    if (least === 1) return this.#or(found);
    const known = found.filter(({ expression }) => expression !== null);
    const needed = least - (found.length - known.length);
    if (needed <= 0) return UNKNOWN;
    const lists = known.map(({ expression }) => patternsOf(expression));
    const patterns = [...new Set(lists.flat())];
    const isDistinct = patterns.length === lists.flat().length;
    const isExact = isDistinct && lists.every((list) => list.length === 1);
    return {
      expression: { kind: "of", needed: isDistinct ? needed : 1, patterns },
      isExact: isExact && known.length === found.length && found.every((one) => one.isExact),
    };
  }

  #quantified(quantifier: YaraQuantifier, find: () => Approximation[]): Approximation {
    if (isNone(quantifier) || this.#least(quantifier, 1) < 1) return UNKNOWN;
    const parts = find();
    const isAll = quantifier.kind === "all";
    const isSure = isAll || quantifier.kind === "any";
    const together = isAll ? this.#and(parts) : this.#or(parts);
    return { ...together, isExact: isSure && together.isExact };
  }

  #forOf(node: NodeOf<"for-of">): Approximation {
    const outer = this.#current;
    if (node.strings.length > UNROLL_MAX) return UNKNOWN;
    const found = this.#quantified(node.quantifier, () =>
      node.strings.map((string) => {
        this.#current = string;
        return this.find(node.body);
      }),
    );
    this.#current = outer;
    return { ...found, isExact: false };
  }
}

function isNone(quantifier: YaraQuantifier): boolean {
  if (quantifier.kind === "none") return true;
  if (quantifier.kind === "number" || quantifier.kind === "percent") {
    return quantifier.value.op === "number" && quantifier.value.value === 0;
  }
  return false;
}

/** The patterns of which a string's expression wants one. */
function patternsOf(expression: Expression | null): readonly number[] {
  if (expression?.kind === "pattern") return [expression.pattern];
  return expression?.kind === "of" ? expression.patterns : [];
}

/** Whether patterns decide, and not type or size alone. */
function speaks(expression: Expression): boolean {
  switch (expression.kind) {
    case "and":
    case "or":
      return speaks(expression.left) || speaks(expression.right);
    case "not":
      return false;
    default:
      return expression.kind === "pattern" || expression.kind === "of";
  }
}
