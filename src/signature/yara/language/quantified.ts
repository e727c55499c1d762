// `of` and `for`: how many of a set of strings, rules or values must hold.
import type { YaraNode, YaraPlace, YaraQuantifier } from "../../../gwdb/yara-judgement.ts";
import { SourceError } from "../../source.ts";
import type { Position, Token } from "./lexer.ts";
import { readMembers } from "./member.ts";
import { type ConditionReader, needType, type Typed } from "./scope.ts";
import { nameOf, typeOf, type ValueType } from "./types.ts";

/** Quantifiers that are words. */
export const QUANTIFIER_WORDS: readonly string[] = ["any", "all", "none"];

const ITEMS_MAX = 1000;

/** What stands behind `of`: strings, or rules' conditions. */
type Members = { readonly strings: readonly number[] } | { readonly nodes: readonly YaraNode[] };

function readStrings({ lexer, scope }: ConditionReader): number[] {
  const strings: number[] = [];
  // A string that is named twice counts twice, as in YARA.
  do {
    const token = lexer.expect("string", "$a or $a*");
    strings.push(...scope.matching(token));
    scope.grow(token, strings.length);
  } while (lexer.accept(","));
  return strings;
}

function readRules({ lexer, scope }: ConditionReader): YaraNode[] {
  const nodes: YaraNode[] = [];
  do {
    const token = lexer.expect("word", "$a, $a*, rule or rule*");
    const isPrefix = lexer.accept("*");
    const names = isPrefix
      ? [...scope.rules.keys()].filter((name) => name.startsWith(token.text))
      : [token.text];
    for (const name of names) {
      const node = scope.rule({ ...token, text: name });
      if (node !== undefined) nodes.push(node);
    }
    if (nodes.length === 0) throw new SourceError(`there is no rule ${token.text}`, token);
  } while (lexer.accept(","));
  return nodes;
}

function readMembersOf(reader: ConditionReader): Members {
  const { lexer, scope } = reader;
  const at = lexer.position;
  if (lexer.accept("them")) {
    const strings = [...scope.own()];
    if (strings.length === 0) throw new SourceError("the rule has no strings", at);
    return { strings };
  }
  lexer.need("(");
  const isStrings = lexer.peek().kind === "string";
  const members: Members = isStrings
    ? { strings: readStrings(reader) }
    : { nodes: readRules(reader) };
  lexer.need(")");
  return members;
}

/** Reads on behind a quantifier, at `of`. */
export function ofExpression(reader: ConditionReader, quantifier: YaraQuantifier): Typed {
  const { lexer } = reader;
  lexer.need("of");
  const members = readMembersOf(reader);
  if ("nodes" in members) {
    return { node: { op: "of-nodes", quantifier, nodes: members.nodes }, type: "boolean" };
  }
  const place = readPlace(reader);
  const node: YaraNode = {
    op: "of",
    quantifier,
    strings: members.strings,
    ...(place === null ? {} : { place }),
  };
  return { node, type: "boolean" };
}

/** Reads `at offset` or `in (low..high)` if one is there. */
export function readPlace(reader: ConditionReader): YaraPlace | null {
  const { lexer } = reader;
  if (lexer.accept("at")) return { low: reader.integer() };
  if (!lexer.accept("in")) return null;
  lexer.need("(");
  const low = reader.integer();
  lexer.need("..");
  const high = reader.integer();
  lexer.need(")");
  return { low, high };
}

function readQuantifier(reader: ConditionReader): YaraQuantifier {
  const { lexer } = reader;
  const { text } = lexer.peek();
  if (QUANTIFIER_WORDS.includes(text)) {
    lexer.take();
    return { kind: text as "any" | "all" | "none" };
  }
  // `of` may follow, which value() would take for its own.
  const at = lexer.position;
  const value = reader.quantity();
  needType(value, at, "integer");
  return { kind: value.isPercent ? "percent" : "number", value: value.node };
}

/** Reads a loop, at `for`. */
export function forExpression(reader: ConditionReader): Typed {
  const { lexer, scope } = reader;
  lexer.need("for");
  const quantifier = readQuantifier(reader);
  if (!lexer.accept("of")) return forIn(reader, quantifier);
  const at = lexer.position;
  const members = readMembersOf(reader);
  if ("nodes" in members) throw new SourceError("a loop goes through strings", at, "($a, $b*)");
  const body = scope.withStrings(() => readBody(reader));
  return {
    node: { op: "for-of", quantifier, strings: members.strings, body },
    type: "boolean",
  };
}

function readBody(reader: ConditionReader): YaraNode {
  const { lexer } = reader;
  lexer.need(":");
  lexer.need("(");
  const { node } = reader.expression();
  lexer.need(")");
  return node;
}

function forIn(reader: ConditionReader, quantifier: YaraQuantifier): Typed {
  const { lexer, scope } = reader;
  const names: Token[] = [];
  do names.push(lexer.expect("word", "the name of a variable"));
  while (lexer.accept(",") && names.length < 2);
  lexer.need("in");
  const at = lexer.position;
  const { iterator, types } = readIterator(reader, at);
  if (types.length !== names.length) {
    throw new SourceError("this loop has other variables", at, `${types.length} of them`);
  }
  const { slots, body } = scope.withVariables(names, types, () => readBody(reader));
  return { node: { op: "for-in", quantifier, iterator, slots, body }, type: "boolean" };
}

interface Iteration {
  readonly iterator: Extract<YaraNode, { op: "for-in" }>["iterator"];
  readonly types: readonly ValueType[];
}

function readIterator(reader: ConditionReader, at: Position): Iteration {
  const { lexer, scope } = reader;
  if (lexer.accept("(")) return readItems(reader);
  const token = lexer.expect("word", "(low..high), a list or an array");
  const variable = scope.variable(token.text);
  if (variable === undefined && !scope.modules.has(token.text)) {
    throw new SourceError(`${token.text} is not known`, token, "a module or a variable");
  }
  const { node, type } = readMembers(reader, variable ?? token);
  if (typeof type === "string" || (type.kind !== "array" && type.kind !== "dictionary")) {
    throw new SourceError(`this is ${nameOf(type)}`, at, "an array or a dictionary");
  }
  const inner = typeOf(type.of);
  const types: ValueType[] = type.kind === "array" ? [inner] : ["text", inner];
  return { iterator: { kind: "collection", of: node }, types };
}

// Behind the bracket: `low..high)` or `a, b, c)`.
function readItems(reader: ConditionReader): Iteration {
  const { lexer } = reader;
  const at = lexer.position;
  const first = reader.value();
  needType(first, at, "integer", "text");
  if (lexer.accept("..")) {
    const high = reader.integer();
    lexer.need(")");
    return { iterator: { kind: "range", low: first.node, high }, types: ["integer"] };
  }
  const items = [first.node];
  while (lexer.accept(",")) {
    const item = reader.value();
    needType(item, at, first.type);
    items.push(item.node);
    if (items.length > ITEMS_MAX) throw new SourceError("the list is too long", at);
  }
  lexer.need(")");
  return { iterator: { kind: "list", items }, types: [first.type] };
}
