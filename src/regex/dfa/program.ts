// A regular tree as a nondeterministic automaton: Thompson's construction, with the order of
// choices kept (R. Cox, "Regular Expression Matching: the Virtual Machine Approach").
import { ByteSet, isWordByte } from "../byte-set.ts";
import type { Assertion, Node } from "../syntax.ts";

/** Instructions; larger expressions are left to the other executor. */
const PROGRAM_SIZE_MAX = 12_000;

/** One instruction: `next` and, of a split, `other` are the numbers of instructions. */
export type Instruction =
  | { readonly op: "byte"; readonly set: ByteSet; next: number }
  | { readonly op: "split"; next: number; other: number }
  | { readonly op: "assert"; readonly assertion: Assertion; next: number }
  | { readonly op: "match" };

/** Whether a program runs through the subject from its start on, or backwards. */
export type Direction = "forward" | "backward";

/** An automaton. */
export interface Program {
  readonly instructions: readonly Instruction[];
  readonly start: number;
  /** Start of the same with "any bytes before it"; whatever starts earlier is preferred. */
  readonly searchStart: number;
  /** By byte: bytes of one class are never told apart. */
  readonly classes: Uint8Array;
  /** A byte of each class. */
  readonly members: readonly number[];
  readonly assertions: ReadonlySet<Assertion>;
}

class TooLarge extends Error {}

/** Compiles back to front: each part is told where to go on. */
class Compiler {
  readonly instructions: Instruction[] = [{ op: "match" }];
  readonly #direction: Direction;

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  add(instruction: Instruction): number {
    if (this.instructions.length >= PROGRAM_SIZE_MAX) throw new TooLarge();
    return this.instructions.push(instruction) - 1;
  }

  /** Compiles `node` to go on at `next`; where it begins. */
  compile(node: Node, next: number): number {
    switch (node.kind) {
      case "set":
        return this.add({ op: "byte", set: node.set, next });
      case "assert":
        return this.add({ op: "assert", assertion: node.assertion, next });
      case "group":
        return this.compile(node.item, next);
      case "sequence": {
        const isForward = this.#direction === "forward";
        const order = isForward ? node.items.toReversed() : node.items;
        return order.reduce((at, item) => this.compile(item, at), next);
      }
      case "choice":
        return this.#compileChoice(node.items, next);
      case "repeat":
        return this.#compileRepeat(node, next);
      default:
        throw new TypeError(`${node.kind} is not regular`);
    }
  }

  #compileChoice(items: readonly Node[], next: number): number {
    const starts = items.map((item) => this.compile(item, next));
    const last = starts.pop();
    // No alternative at all: what never matches.
    if (last === undefined) return this.add({ op: "byte", set: ByteSet.where(() => false), next });
    return starts.reduceRight((other, start) => this.#split(start, other, true), last);
  }

  #split(body: number, out: number, isGreedy: boolean): number {
    const [next, other] = isGreedy ? [body, out] : [out, body];
    return this.add({ op: "split", next, other });
  }

  #compileRepeat(node: Node & { kind: "repeat" }, next: number): number {
    const isGreedy = node.greed !== "lazy";
    let at = next;
    if (node.max === Number.POSITIVE_INFINITY) at = this.#compileLoop(node, at, isGreedy);
    else {
      for (let i = node.min; i < node.max; i++) {
        at = this.#split(this.compile(node.item, at), next, isGreedy);
      }
    }
    const isLooped = node.max === Number.POSITIVE_INFINITY;
    const copies = isLooped ? Math.max(0, node.min - 1) : node.min;
    for (let i = 0; i < copies; i++) at = this.compile(node.item, at);
    return at;
  }

  // One pass or more, and for a minimum of 0 perhaps none. Also "none or more" is made so: an
  // empty pass then ends the loop, as in PCRE.
  #compileLoop(node: Node & { kind: "repeat" }, next: number, isGreedy: boolean): number {
    const loop = this.#split(0, next, isGreedy) as number;
    const body = this.compile(node.item, loop);
    const split = this.instructions[loop] as Instruction & { op: "split" };
    if (isGreedy) split.next = body;
    else split.other = body;
    return node.min === 0 ? this.#split(body, next, isGreedy) : body;
  }
}

// Refines one class, of all bytes, by each set that tells bytes apart.
function classify(sets: Iterable<ByteSet>): { classes: Uint8Array; members: number[] } {
  let classes = new Uint8Array(256);
  for (const set of sets) {
    const refined = new Uint8Array(256);
    const numbers = new Map<number, number>();
    for (let byte = 0; byte < 256; byte++) {
      const mixed = (classes[byte] as number) * 2 + (set.has(byte) ? 1 : 0);
      const number = numbers.get(mixed) ?? numbers.size;
      numbers.set(mixed, number);
      refined[byte] = number;
    }
    classes = refined;
  }
  const members: number[] = [];
  for (let byte = 0; byte < 256; byte++) members[classes[byte] as number] ??= byte;
  return { classes, members };
}

/** The automaton of a regular tree; undefined if it would be too large. */
export function compileProgram(root: Node, direction: Direction): Program | undefined {
  const compiler = new Compiler(direction);
  let start: number;
  try {
    start = compiler.compile(root, 0);
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
  const split = { op: "split" as const, next: start, other: 0 };
  const searchStart = compiler.instructions.push(split) - 1;
  split.other = compiler.instructions.length;
  const any = ByteSet.where(() => true);
  compiler.instructions.push({ op: "byte", set: any, next: searchStart });

  const sets = new Map<string, ByteSet>();
  const assertions = new Set<Assertion>();
  for (const instruction of compiler.instructions) {
    if (instruction.op === "byte") sets.set(instruction.set.key, instruction.set);
    if (instruction.op === "assert") assertions.add(instruction.assertion);
  }
  if (assertions.size > 0) {
    for (const set of [ByteSet.range(10), ByteSet.where(isWordByte)]) sets.set(set.key, set);
  }
  const { instructions } = compiler;
  return { instructions, start, searchStart, assertions, ...classify(sets.values()) };
}
