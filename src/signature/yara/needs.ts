// What must be in an object for a value to be defined, or a comparison with a module's field to hold:
// the type of file that the module reads, matches whose place is asked for, and texts that the field
// can only have if they stand in the file.
import type { StringRef, YaraNode } from "../../gwdb/yara-judgement.ts";
import type { Expression } from "../source.ts";
import { widened } from "./encoding.ts";
import { CONSTANT } from "./language/modules.ts";
import type { PatternTable } from "./pattern-table.ts";

/** The type of file that a module's fields are defined for. */
const TYPES: Readonly<Record<string, string>> = { pe: "pe", dotnet: "pe", elf: "elf" };
/** Members that are defined for every file. */
const EVERYWHERE: readonly string[] = ["is_pe", "is_dotnet"];
const STRICT: readonly string[] = ["<", "<=", ">", ">=", "==", "!="];
const AT = { line: 0, column: 0 } as const;

type NodeOf<Op extends YaraNode["op"]> = Extract<YaraNode, { op: Op }>;

const latin = (text: string) => Buffer.from(text, "latin1");

/** A serial number as YARA writes it, `00:a1:…`, as it stands in a certificate. */
function serialBytes(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2})+$/.test(text)) return;
  return Buffer.from(text.replaceAll(":", ""), "hex");
}

/** A GUID as it stands in a file: its first three numbers are little-endian. */
function guidBytes(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return;
  const bytes = Buffer.from(text.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** Fields whose text stands in the file, and how; by their path without subscripts. */
const TEXTS: Readonly<Record<string, (text: string) => Uint8Array | undefined>> = {
  "pe.signatures.serial": serialBytes,
  "pe.sections.name": latin,
  "pe.pdb_path": latin,
  "pe.dll_name": latin,
  "pe.export_details.name": latin,
  "pe.version_info": (text) => widened(latin(text)),
  "dotnet.guids": guidBytes,
  "dotnet.typelib": latin,
  "dotnet.assembly.name": latin,
  "dotnet.module_name": latin,
  "dotnet.modulerefs": latin,
};

/** Finds what the parts of one rule's condition need. */
export class Needs {
  readonly #table: PatternTable;
  readonly #found: (string: StringRef) => Expression | null;

  constructor(table: PatternTable, found: (string: StringRef) => Expression | null) {
    this.#table = table;
    this.#found = found;
  }

  /** Expressions that hold wherever the value is defined and true. */
  of(node: YaraNode): Expression[] {
    switch (node.op) {
      case "field":
      case "index":
        return this.#member(node);
      case "call":
        return [...this.#call(node)];
      case "offset":
      case "length": {
        const found = this.#found(node.string);
        return [...(found === null ? [] : [found]), ...this.of(node.nth)];
      }
      case "read":
        return this.of(node.at);
      case "matches":
        return this.of(node.of);
      case "unary":
        return this.#unary(node);
      case "binary":
        return this.#binary(node);
      default:
        return [];
    }
  }

  // A call that yields false or 0 is true under "not"; the rest is undefined under it as well.
  #unary(node: NodeOf<"unary">): Expression[] {
    const { of } = node;
    if (node.operator !== "not") return this.of(of);
    const isStrict = of.op === "binary" && STRICT.includes(of.operator);
    if (of.op === "field" || of.op === "index") return this.of(of);
    return isStrict ? [...this.of(of.left), ...this.of(of.right)].filter(isType) : [];
  }

  #binary(node: NodeOf<"binary">): Expression[] {
    const needs = [...this.#operand(node.left), ...this.#operand(node.right)];
    if (node.operator !== "==" && node.operator !== "contains") return needs;
    const [field, text] =
      node.left.op === "text" ? [node.right, node.left] : [node.left, node.right];
    if (text.op !== "text" || (node.operator === "contains" && field === node.right)) return needs;
    const path = pathOf(field);
    // A part of a serial number may begin or end within a byte's digits, or with a colon.
    const isWhole = node.operator === "==" || path === "pe.pdb_path" || path === "pe.version_info";
    const bytes = isWhole ? TEXTS[path]?.(text.value) : undefined;
    const pattern = bytes && this.#table.literal(bytes, AT);
    if (pattern !== undefined) needs.push({ kind: "pattern", pattern });
    return needs;
  }

  // An operand need only be defined: what a call needs to be true says nothing here.
  #operand(node: YaraNode): Expression[] {
    return node.op === "call" ? this.of(node).filter(isType) : this.of(node);
  }

  #member(node: NodeOf<"field" | "index">): Expression[] {
    const inner = node.op === "index" ? this.of(node.at) : [];
    const module = moduleOf(node);
    const isEverywhere =
      node.op === "field" && (CONSTANT.test(node.name) || EVERYWHERE.includes(node.name));
    const type = module === undefined || isEverywhere ? undefined : TYPES[module];
    return type === undefined ? inner : [...inner, { kind: "type", type }];
  }

  *#call(node: NodeOf<"call">): Generator<Expression> {
    const path = pathOf(node.of);
    const type = TYPES[path.split(".")[0] ?? ""];
    if (type !== undefined) yield { kind: "type", type };
    const texts = node.given.filter((argument) => argument.op === "text");
    const [first] = texts;
    if (path !== "pe.exports" && path !== "pe.imports") return;
    if (first === undefined) return;
    // Imports by number get names that don't stand in the file; names of libraries always do.
    const isFolded = path === "pe.imports";
    const pattern = this.#table.literal(latin(first.value), AT, { isFolded });
    if (pattern !== undefined) yield { kind: "pattern", pattern };
  }
}

/** Whether a condition holds for nothing but objects that begin with "MZ". */
export function needsProgram(node: YaraNode): boolean {
  if (node.op === "and") return node.nodes.some(needsProgram);
  if (node.op === "or") return node.nodes.length > 0 && node.nodes.every(needsProgram);
  if (node.op !== "binary" || node.operator !== "==") return false;
  const [read, value] = node.left.op === "read" ? [node.left, node.right] : [node.right, node.left];
  if (read.op !== "read" || read.size !== 2 || value.op !== "number") return false;
  const isAtStart = read.at.op === "number" && read.at.value === 0;
  return isAtStart && value.value === (read.isBigEndian ? 0x4d5a : 0x5a4d);
}

function isType(expression: Expression): boolean {
  return expression.kind === "type";
}

function moduleOf(node: YaraNode): string | undefined {
  let at = node;
  while (at.op === "field" || at.op === "index" || at.op === "call") at = at.of;
  return at.op === "module" ? at.name : undefined;
}

/** `pe.signatures[i].serial` as "pe.signatures.serial"; "" if it is no module's. */
function pathOf(node: YaraNode): string {
  const names: string[] = [];
  let at = node;
  for (; at.op === "field" || at.op === "index"; at = at.of) {
    if (at.op === "field") names.unshift(at.name);
  }
  return at.op === "module" ? [at.name, ...names].join(".") : "";
}
