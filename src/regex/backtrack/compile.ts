// Compiles a tree for the executor that goes back.
import { lengthsOf } from "../shape.ts";
import type { Node, Test } from "../syntax.ts";
import { RegexError } from "../types.ts";
import { ASSERTION_ORDER } from "./assertion.ts";
import {
  type BacktrackProgram,
  ENDLESS,
  GREED,
  INSTRUCTION_SIZE,
  OP,
  SetTable,
} from "./program.ts";

/** Instructions of one expression. */
const PROGRAM_SIZE_MAX = 200_000;
/** Longest look behind, bytes. */
const BEHIND_MAX = 65_535;

const bound = (count: number) => (count === Number.POSITIVE_INFINITY ? ENDLESS : count);

class Compiler {
  readonly #code: number[] = [];
  readonly sets = new SetTable();
  readonly references: (readonly number[])[] = [];
  readonly #groupStarts = new Map<number, number>();
  readonly #calls: { at: number; group: number }[] = [];
  #registers: number;

  constructor(groupCount: number) {
    this.#registers = 2 * (groupCount + 1);
  }

  get registerCount(): number {
    return this.#registers;
  }

  get #next(): number {
    return this.#code.length / INSTRUCTION_SIZE;
  }

  /** Adds an instruction; its number. */
  emit(op: number, ...operands: number[]): number {
    const at = this.#next;
    if (at >= PROGRAM_SIZE_MAX) throw new RegexError("the expression is too large", 0);
    for (let i = 0; i < INSTRUCTION_SIZE; i++)
      this.#code.push(i === 0 ? op : (operands[i - 1] ?? 0));
    return at;
  }

  #patch(at: number, operand: number): void {
    this.#code[at * INSTRUCTION_SIZE + 1 + operand] = this.#next;
  }

  #take(count: number): number {
    this.#registers += count;
    return this.#registers - count;
  }

  compile(node: Node): void {
    switch (node.kind) {
      case "set":
        if (node.set.size === 1) this.emit(OP.byte, node.set.first);
        else this.emit(OP.set, this.sets.numberOf(node.set));
        return;
      case "sequence":
        for (const item of node.items) this.compile(item);
        return;
      case "choice":
        this.#compileChoice(node.items);
        return;
      case "repeat":
        this.#compileRepeat(node);
        return;
      case "group":
        this.#compileGroup(node.group, node.item);
        return;
      case "assert":
        this.emit(OP.assert, ASSERTION_ORDER.indexOf(node.assertion));
        return;
      case "look":
        this.#compileLook(node);
        return;
      case "atomic":
        this.#compileAtomic(() => this.compile(node.item));
        return;
      case "backreference":
        this.emit(OP.reference, this.references.push(node.groups) - 1, node.isFolded ? 1 : 0);
        return;
      case "condition":
        this.#compileCondition(node.test, node);
        return;
      case "call":
        this.#calls.push({ at: this.emit(OP.call, 0, node.group), group: node.group });
        return;
      case "keep":
        this.emit(OP.save, 0);
        return;
      default:
        node satisfies never;
    }
  }

  #compileChoice(items: readonly Node[]): void {
    const last = items.at(-1);
    if (last === undefined) {
      this.emit(OP.fail);
      return;
    }
    const jumps: number[] = [];
    for (const item of items.slice(0, -1)) {
      const split = this.emit(OP.split, this.#next + 1);
      this.compile(item);
      jumps.push(this.emit(OP.jump));
      this.#patch(split, 1);
    }
    this.compile(last);
    for (const jump of jumps) this.#patch(jump, 0);
  }

  #compileGroup(group: number, item: Node): void {
    if (!this.#groupStarts.has(group)) this.#groupStarts.set(group, this.#next);
    // Until it closes, references to the group see its last pass.
    const opened = this.#take(1);
    this.emit(OP.save, opened);
    this.compile(item);
    this.emit(OP.close, group, opened);
    this.emit(OP.return, group);
  }

  #compileRepeat(node: Node & { kind: "repeat" }): void {
    const { item, min, max, greed } = node;
    if (item.kind === "set") {
      this.emit(OP.run, this.sets.numberOf(item.set), min, bound(max), GREED[greed]);
      return;
    }
    if (greed === "possessive") {
      this.#compileAtomic(() => this.#compileRepeat({ ...node, greed: "greedy" }));
      return;
    }
    if (max === 0) {
      // Never matched, but it may be called.
      const jump = this.emit(OP.jump);
      this.compile(item);
      this.#patch(jump, 0);
      return;
    }
    if (min === 0 && max === 1) {
      const split = this.emit(OP.split, this.#next + 1, this.#next + 1);
      this.compile(item);
      this.#patch(split, greed === "lazy" ? 0 : 1);
      return;
    }
    const counter = this.#take(2);
    this.emit(OP.countFrom0, counter);
    const loop = this.emit(OP.count, counter, min, bound(max), 0, greed === "lazy" ? 1 : 0);
    this.emit(OP.pass, counter);
    this.compile(item);
    this.emit(OP.jump, loop);
    this.#patch(loop, 3);
  }

  #compileAtomic(compileBody: () => void): void {
    const height = this.#take(2);
    this.emit(OP.enter, height, height + 1);
    compileBody();
    this.emit(OP.commit, height);
  }

  #compileLook(node: Node & { kind: "look" }): void {
    const height = this.#take(2);
    this.emit(OP.enter, height, height + 1);
    if (node.isNegated) {
      const orElse = this.emit(OP.orElse);
      this.#compileLookBody(node);
      this.emit(OP.refuse, height);
      this.#patch(orElse, 0);
      return;
    }
    this.#compileLookBody(node);
    this.emit(OP.commit, height);
    this.emit(OP.restore, height + 1);
  }

  // What lies behind has a known length in each alternative.
  #compileLookBody(node: Node & { kind: "look" }): void {
    if (!node.isBehind) {
      this.compile(node.item);
      return;
    }
    const items = node.item.kind === "choice" ? node.item.items : [node.item];
    const jumps: number[] = [];
    for (const [i, item] of items.entries()) {
      const { min, max } = lengthsOf(item);
      if (min !== max || max > BEHIND_MAX) {
        throw new RegexError("a look behind must have a fixed length", 0);
      }
      const split = i === items.length - 1 ? undefined : this.emit(OP.split, this.#next + 1);
      this.emit(OP.back, min);
      this.compile(item);
      if (split === undefined) continue;
      jumps.push(this.emit(OP.jump));
      this.#patch(split, 1);
    }
    for (const jump of jumps) this.#patch(jump, 0);
  }

  #compileCondition(test: Test, { yes, no }: { yes: Node; no: Node }): void {
    if (test.kind === "define") {
      const jump = this.emit(OP.jump);
      this.compile(yes);
      this.#patch(jump, 0);
      return;
    }
    if (test.kind === "group") {
      const branch = this.emit(OP.ifGroup, test.group);
      this.#compileBranches(branch, yes, no);
      return;
    }
    // A look that does not hold leads to the other branch instead of failing.
    const height = this.#take(2);
    this.emit(OP.enter, height, height + 1);
    const orElse = this.emit(OP.orElse);
    this.#compileLookBody(test);
    this.emit(OP.commit, height);
    this.emit(OP.restore, height + 1);
    const [first, second] = test.isNegated ? [no, yes] : [yes, no];
    this.compile(first);
    const jump = this.emit(OP.jump);
    this.#patch(orElse, 0);
    this.compile(second);
    this.#patch(jump, 0);
  }

  #compileBranches(branch: number, yes: Node, no: Node): void {
    this.compile(yes);
    const jump = this.emit(OP.jump);
    this.#patch(branch, 1);
    this.compile(no);
    this.#patch(jump, 0);
  }

  finish(): Int32Array {
    const code = Int32Array.from(this.#code);
    for (const { at, group } of this.#calls) {
      // A group that is counted but was not compiled can't be: all groups stand in the tree.
      code[at * INSTRUCTION_SIZE + 1] = this.#groupStarts.get(group) ?? 0;
    }
    return code;
  }
}

/** Compiles a tree. Throws RegexError if it is too large or looks behind without a fixed length. */
export function compileBacktrack(root: Node, groupCount: number): BacktrackProgram {
  const compiler = new Compiler(groupCount);
  compiler.compile(root);
  compiler.emit(OP.match);
  return {
    ...{ code: compiler.finish(), sets: compiler.sets.bytes(), references: compiler.references },
    ...{ registerCount: compiler.registerCount, groupCount },
  };
}
