// A deterministic automaton that is made while it runs: a state is the list of places where the
// program may be, in order of preference. States are kept within bounds, and forgotten when those
// are reached, so that a search costs time linear in the bytes it reads.
//
// A match is noticed one byte late: only then are the assertions at its end known to hold.
import { isWordByte } from "../byte-set.ts";
import type { Assertion } from "../syntax.ts";
import type { Direction, Program } from "./program.ts";

/** States kept at a time. */
const STATES_MAX = 2048;
/** Entries of the table kept at a time. */
const TABLE_MAX = 1 << 16;
/** What it costs to compute one place of a state. */
const STEPS_PER_PLACE = 4;
/** Places of all states kept at a time. */
const PLACES_MAX = 1 << 17;

/** In the table: the step has not been computed. Less: a match before the byte, -2 - state. */
export const UNKNOWN = -1;
/** The state that leads nowhere. */
export const DEAD = 0;

// What lies on one side of a place between bytes.
const EDGE = 1;
const NEWLINE = 2;
const WORD = 4;
const LAST_NEWLINE = 8;

function holds(assertion: Assertion, left: number, right: number): boolean {
  switch (assertion) {
    case "start":
      return (left & EDGE) !== 0;
    case "end":
      return (right & EDGE) !== 0;
    case "last":
      return (right & (EDGE | LAST_NEWLINE)) !== 0;
    case "lineStart":
      return (left & EDGE) !== 0 || ((left & NEWLINE) !== 0 && (right & EDGE) === 0);
    case "lineEnd":
      return (right & (EDGE | NEWLINE)) !== 0;
    case "word":
      return ((left ^ right) & WORD) !== 0;
    case "notWord":
      return ((left ^ right) & WORD) === 0;
    case "from":
      return false;
    default:
      return assertion satisfies never;
  }
}

/** What `byte` is to the assertions beside it. */
function aspectOf(byte: number): number {
  return (byte === 10 ? NEWLINE : 0) | (isWordByte(byte) ? WORD : 0);
}

interface State {
  readonly places: Int32Array;
  /** The side that has been passed: the left one, running forward. */
  readonly passed: number;
}

/** The automaton of one program in one way of choosing. */
export class Dfa {
  readonly program: Program;
  /** Symbols: the classes of bytes, the subject's edge, a line feed as its last byte. */
  readonly edge: number;
  readonly lastNewline: number;
  /** Where a line feed at the very end makes a difference. */
  readonly knowsLast: boolean;
  readonly stride: number;
  /** By state + symbol: the next state, or what is above. */
  table: Int32Array;
  readonly #isForward: boolean;
  readonly #isPreferring: boolean;
  readonly #states: State[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #aspects: number[];
  readonly #aspectMask: number;
  readonly #seen: Uint32Array;
  #generation = 0;
  #placesKept = 0;
  readonly #stack: number[] = [];
  /** Counts how often all states were forgotten; numbers of states are good in one epoch only. */
  epoch = 0;
  #work = 0;

  /** `isPreferring`: the first match by preference ends a search; else all are noticed. */
  constructor(program: Program, direction: Direction, isPreferring: boolean) {
    this.program = program;
    this.#isForward = direction === "forward";
    this.#isPreferring = isPreferring;
    this.edge = program.members.length;
    this.lastNewline = this.edge + 1;
    this.stride = this.edge + 2;
    this.#aspects = [...program.members.map(aspectOf), EDGE, NEWLINE | LAST_NEWLINE];
    this.#aspectMask = program.assertions.size === 0 ? 0 : EDGE | NEWLINE | WORD | LAST_NEWLINE;
    this.knowsLast = program.assertions.has("last");
    this.#seen = new Uint32Array(program.instructions.length);
    this.table = new Int32Array(8 * this.stride).fill(UNKNOWN);
    this.#forget();
  }

  /** The state at instruction `start`, with the given symbol passed; undefined: nothing is. */
  startState(start: number, symbol: number | undefined): number {
    const places: number[] = [];
    this.#nextGeneration();
    this.#follow(start, places);
    const passed = symbol === undefined ? 0 : (this.#aspects[symbol] as number);
    return this.#numberOf(places, passed);
  }

  /** The symbol of a byte; `isLast`: it ends the subject. */
  symbolOf(byte: number, isLast: boolean): number {
    return isLast && byte === 10 ? this.lastNewline : (this.program.classes[byte] as number);
  }

  /** The table's entry for a step, computed if need be. */
  entry(state: number, symbol: number): number {
    const entry = this.table[state + symbol] as number;
    return entry === UNKNOWN ? this.#compute(state, symbol) : entry;
  }

  /** Work of the steps that were computed since this was last asked. */
  takeWork(): number {
    const work = this.#work * STEPS_PER_PLACE;
    this.#work = 0;
    return work;
  }

  #forget(): void {
    this.epoch++;
    this.#states.length = 0;
    this.#placesKept = 0;
    this.#numbers.clear();
    this.table.fill(UNKNOWN);
    this.#states.push({ places: new Int32Array(0), passed: 0 });
    this.table.fill(DEAD, 0, this.stride);
  }

  #nextGeneration(): void {
    this.#generation++;
  }

  // Goes on from `at` without reading; places that read, ask or match are added in order.
  #follow(at: number, places: number[]): void {
    const { instructions } = this.program;
    const stack = this.#stack;
    stack.push(at);
    for (let here = stack.pop(); here !== undefined; here = stack.pop()) {
      if (this.#seen[here] === this.#generation) continue;
      this.#seen[here] = this.#generation;
      this.#work++;
      const instruction = instructions[here];
      if (instruction?.op === "split") stack.push(instruction.other, instruction.next);
      else places.push(here);
    }
  }

  #compute(state: number, symbol: number): number {
    const { instructions, members } = this.program;
    const from = this.#states[state / this.stride] as State;
    const ahead = this.#aspects[symbol] as number;
    const [left, right] = this.#isForward ? [from.passed, ahead] : [ahead, from.passed];
    const byte = symbol === this.lastNewline ? 10 : (members[symbol] ?? -1);
    const { here, isMatch } = this.#resolve(from, left, right);
    // Then the byte itself.
    const places: number[] = [];
    this.#nextGeneration();
    for (const at of here) {
      const instruction = instructions[at];
      if (instruction?.op === "byte" && byte >= 0 && instruction.set.has(byte)) {
        this.#follow(instruction.next, places);
      }
    }
    const { epoch } = this;
    const next = this.#numberOf(this.#cut(places), ahead);
    const entry = isMatch ? -2 - next : next;
    if (epoch === this.epoch) this.table[state + symbol] = entry;
    return entry;
  }

  // What is true before the byte: the places that read, assertions that hold being passed.
  #resolve(from: State, left: number, right: number): { here: number[]; isMatch: boolean } {
    const { instructions } = this.program;
    const here: number[] = [];
    let isMatch = false;
    this.#nextGeneration();
    const waiting = [...from.places].reverse();
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      this.#work++;
      const instruction = instructions[at];
      if (instruction?.op === "assert") {
        if (!holds(instruction.assertion, left, right)) continue;
        const behind: number[] = [];
        this.#follow(instruction.next, behind);
        for (const place of behind.reverse()) waiting.push(place);
      } else if (instruction?.op === "match") {
        isMatch = true;
        if (this.#isPreferring) break;
      } else here.push(at);
    }
    return { here, isMatch };
  }

  // Places behind a match that is certain are never preferred.
  #cut(places: number[]): number[] {
    if (!this.#isPreferring) return places;
    for (const [i, at] of places.entries()) {
      const op = this.program.instructions[at]?.op;
      if (op === "match") return places.slice(0, i + 1);
      if (op === "assert") break;
    }
    return places;
  }

  #isRoom(): boolean {
    const count = this.#states.length;
    const isTableFull = count >= STATES_MAX || (count + 1) * this.stride > TABLE_MAX;
    return !isTableFull && this.#placesKept <= PLACES_MAX;
  }

  #numberOf(places: readonly number[], passed: number): number {
    if (places.length === 0) return DEAD;
    const seen = passed & this.#aspectMask;
    const key = `${seen}:${places.join()}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (!this.#isRoom()) this.#forget();
    const number = this.#states.length * this.stride;
    this.#states.push({ places: Int32Array.from(places), passed: seen });
    this.#numbers.set(key, number);
    this.#placesKept += places.length;
    this.#grow(number + this.stride);
    this.#work += places.length;
    return number;
  }

  #grow(size: number): void {
    if (size <= this.table.length) return;
    const grown = new Int32Array(Math.min(2 * size, TABLE_MAX + this.stride)).fill(UNKNOWN);
    grown.set(this.table);
    this.table = grown;
  }
}
