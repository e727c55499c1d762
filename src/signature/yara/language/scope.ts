// What a condition may speak of while it is read: the rule's strings, imported modules, variables of
// loops, rules before it; and limits that keep conditions evaluable.
import type { StringRef, YaraNode } from "../../../gwdb/yara-judgement.ts";
import { SourceError } from "../../source.ts";
import type { Lexer, Position, Token } from "./lexer.ts";
import type { StringDeclaration } from "./string.ts";
import { nameOf, type ValueType } from "./types.ts";

/** How deep parentheses, loops and calls may nest. */
const NESTING_MAX = 48;
/** Parts of one condition, with those of rules it refers to. */
const NODES_MAX = 20_000;
const STRINGS_MAX = 10_000;

/** A part of a condition and what it yields. */
export interface Typed {
  readonly node: YaraNode;
  readonly type: ValueType;
}

/** What may be a quantifier: `50%` or `2`. */
export interface Quantity extends Typed {
  readonly isPercent: boolean;
}

/** A rule that has been read. */
export interface Rule extends Position {
  readonly name: string;
  readonly file: string;
  readonly isPrivate: boolean;
  readonly isGlobal: boolean;
  readonly tags: readonly string[];
  readonly meta: ReadonlyMap<string, string | number | boolean>;
  /** Its strings, then those of the rules it refers to. */
  readonly strings: readonly StringDeclaration[];
  readonly condition: YaraNode;
  /** Parts of the condition, and slots that its loops use. */
  readonly size: number;
  readonly slots: number;
}

/** Rules of one file and of what it includes. A rule that could not be read is null. */
export type Namespace = Map<string, Rule | null>;

/** The parsers that a condition's parts need of each other. */
export interface ConditionReader {
  readonly lexer: Lexer;
  readonly scope: Scope;
  expression(): Typed;
  /** Anything that binds tighter than a comparison. */
  value(): Typed;
  /** The same, but an `of` behind it is left where it is. */
  quantity(): Quantity;
  /** An integer value. */
  integer(): YaraNode;
}

/** Thrown for a rule that is right but needs what gw does not have; the message says what. */
export class UnsupportedRule extends SourceError {}

function fail(message: string, at: Position, expected?: string): never {
  throw new SourceError(message, at, expected);
}

/** Throws unless the type is one of these. */
export function needType(typed: Typed, at: Position, ...types: readonly ValueType[]): void {
  if (types.includes(typed.type)) return;
  fail(`this is ${nameOf(typed.type)}`, at, types.map(nameOf).join(" or "));
}

/** The names within one rule. */
export class Scope {
  readonly strings: StringDeclaration[];
  readonly modules: ReadonlySet<string>;
  readonly rules: Namespace;
  readonly #variables: { name: string; slot: number; type: ValueType }[] = [];
  /** Loops over strings around this point: there `$` stands for one of them. */
  #stringLoops = 0;
  #depth = 0;
  #size = 0;
  #slots = 0;

  constructor(strings: StringDeclaration[], modules: ReadonlySet<string>, rules: Namespace) {
    this.strings = strings;
    this.modules = modules;
    this.rules = rules;
  }

  get size(): number {
    return this.#size;
  }

  get slots(): number {
    return this.#slots;
  }

  /** Counts a part of the condition, or `count` of them. */
  grow(at: Position, count = 1): void {
    this.#size += count;
    if (this.#size > NODES_MAX) fail("the condition is too large", at, `${NODES_MAX} parts`);
  }

  /** Reads something nested. */
  nested<T>(at: Position, read: () => T): T {
    this.grow(at);
    if (++this.#depth > NESTING_MAX) {
      fail("the condition nests too deeply", at, `at most ${NESTING_MAX} levels`);
    }
    const result = read();
    this.#depth--;
    return result;
  }

  /** Reads the body of a loop over these variables; gives their slots with it. */
  withVariables<T>(names: readonly Token[], types: readonly ValueType[], read: () => T) {
    const slots = names.map((token, i) => {
      if (this.variable(token.text) !== undefined) fail(`${token.text} is taken`, token);
      this.#variables.push({ name: token.text, slot: this.#slots, type: types[i] ?? "integer" });
      return this.#slots++;
    });
    const body = read();
    this.#variables.length -= names.length;
    return { slots, body };
  }

  /** Reads the body of a loop over strings. */
  withStrings<T>(read: () => T): T {
    this.#stringLoops++;
    const body = read();
    this.#stringLoops--;
    return body;
  }

  variable(name: string): Typed | undefined {
    const found = this.#variables.find((variable) => variable.name === name);
    return found && { node: { op: "variable", slot: found.slot }, type: found.type };
  }

  /** The string that `$a`, `#a`, `@a` or `!a` speaks of. */
  string(token: Token): StringRef {
    const name = token.text.slice(1);
    if (name === "") {
      if (this.#stringLoops === 0) fail(`${token.text} stands outside of a loop`, token, "$name");
      return "current";
    }
    const index = this.strings.findIndex((string) => string.name === name);
    if (index < 0) fail(`there is no string $${name}`, token);
    return index;
  }

  /** The strings that `$a` or `$a*` in a set speaks of. */
  matching(token: Token): number[] {
    const name = token.text.slice(1);
    if (!name.endsWith("*")) {
      const one = this.string(token);
      return typeof one === "number" ? [one] : fail("a set needs names", token, "$a or $a*");
    }
    const prefix = name.slice(0, -1);
    const found = [...this.own()].filter((i) => this.strings[i]?.name.startsWith(prefix));
    if (found.length === 0) fail(`no string is called ${token.text}`, token);
    return found;
  }

  /** The strings of this rule itself. */
  *own(): Generator<number> {
    for (const [i, string] of this.strings.entries()) {
      if (!string.isForeign) yield i;
    }
  }

  /** A rule that stands before this one, as a part of this condition. */
  rule(token: Token): YaraNode | undefined {
    const rule = this.rules.get(token.text);
    if (rule === null) fail(`the rule ${token.text} has mistakes of its own`, token);
    return rule && this.inline(rule, token);
  }

  /** Takes a rule's condition and strings in, so that this rule stands alone. */
  inline(rule: Rule, at: Position): YaraNode {
    this.grow(at, rule.size);
    if (this.strings.length + rule.strings.length > STRINGS_MAX) fail("too many strings", at);
    const node = shifted(rule.condition, this.strings.length, this.#slots) as YaraNode;
    this.#slots += rule.slots;
    this.strings.push(...rule.strings.map((string) => ({ ...string, isForeign: true })));
    return node;
  }
}

// A condition in plain JSON with other numbers for its strings and slots.
function shifted(part: unknown, strings: number, slots: number): unknown {
  if (Array.isArray(part)) return part.map((item) => shifted(item, strings, slots));
  if (typeof part !== "object" || part === null) return part;
  const moved: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(part)) {
    if (key === "string") moved[key] = typeof value === "number" ? value + strings : value;
    else if (key === "strings") moved[key] = value.map((string: number) => string + strings);
    else if (key === "slot") moved[key] = value + slots;
    else if (key === "slots") moved[key] = value.map((slot: number) => slot + slots);
    else moved[key] = shifted(value, strings, slots);
  }
  return moved;
}
