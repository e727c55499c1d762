// Members of modules: `pe.sections[0].name`, `math.entropy(0, filesize)`, checked against what is
// known of the module.
import type { YaraNode } from "../../../gwdb/yara-judgement.ts";
import { SourceError } from "../../source.ts";
import type { Position, Token } from "./lexer.ts";
import { CONSTANT, MODULES } from "./modules.ts";
import { type ConditionReader, needType, type Typed } from "./scope.ts";
import { letterOf, type Structured, typeOf, type ValueType } from "./types.ts";

const LINKS_MAX = 32;
const ARGUMENTS_MAX = 8;

function isModule(start: Typed | Token): start is Token {
  return "text" in start;
}

/** Reads what follows a module's name or a loop's variable; yields a plain value. */
export function readChain(reader: ConditionReader, start: Typed | Token): Typed {
  const chain = readMembers(reader, start);
  if (typeof chain.type === "string") return chain;
  throw new SourceError(`this is ${chain.type.kind}`, reader.lexer.position, "a single value");
}

/** The same, where an array, a dictionary or a structure may come out of it. */
export function readMembers(reader: ConditionReader, start: Typed | Token): Typed {
  let current: Typed = isModule(start)
    ? {
        node: { op: "module", name: start.text },
        type: { kind: "struct", fields: MODULES[start.text] ?? {} },
      }
    : start;
  for (let links = 0; ; links++) {
    const at = reader.lexer.position;
    if (links > LINKS_MAX) throw new SourceError("too many members in a row", at);
    const next = link(reader, current, at);
    if (next === null) return current;
    reader.scope.grow(at);
    current = next;
  }
}

function link(reader: ConditionReader, { node, type }: Typed, at: Position): Typed | null {
  const { lexer } = reader;
  if (typeof type === "string") return null;
  if (type.kind === "struct" && lexer.accept(".")) {
    const { text } = lexer.expect("word", "a field");
    return { node: { op: "field", of: node, name: text }, type: fieldType(type, text, at) };
  }
  if (type.kind === "function" && lexer.accept("(")) return call(reader, node, type, at);
  if ((type.kind === "array" || type.kind === "dictionary") && lexer.accept("[")) {
    const key = reader.scope.nested(at, () => reader.value());
    needType(key, at, type.kind === "array" ? "integer" : "text");
    lexer.need("]");
    return { node: { op: "index", of: node, at: key.node }, type: typeOf(type.of) };
  }
  return null;
}

function fieldType(
  type: Extract<Structured, { kind: "struct" }>,
  name: string,
  at: Position,
): ValueType {
  const shape = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
  if (shape !== undefined) return typeOf(shape);
  if (CONSTANT.test(name)) return "integer";
  throw new SourceError(`there is no field ${name}`, at, Object.keys(type.fields).join(" "));
}

function call(
  reader: ConditionReader,
  of: YaraNode,
  type: Extract<Structured, { kind: "function" }>,
  at: Position,
): Typed {
  const given: Typed[] = [];
  while (!reader.lexer.accept(")")) {
    if (given.length > ARGUMENTS_MAX) throw new SourceError("too many arguments", at);
    if (given.length > 0) reader.lexer.need(",");
    given.push(reader.scope.nested(at, () => reader.expression()));
  }
  const letters = given.map((argument) => letterOf(argument.type)).join("");
  const isFit = type.forms.some((form) => form === letters || form === asFloats(letters, form));
  if (!isFit) {
    throw new SourceError("these arguments don't fit", at, `one of (${type.forms.join(") (")})`);
  }
  const node: YaraNode = { op: "call", of, given: given.map((argument) => argument.node) };
  return { node, type: typeOf(type.result) };
}

// Integers pass where floats are asked for.
function asFloats(letters: string, form: string): string {
  return letters.replace(/i/g, (letter, at: number) => (form[at] === "f" ? "f" : letter));
}
