// Searches for regular expressions: forward for where the match ends, backward for where it starts.
import { type Node, sequence } from "../syntax.ts";
import type { Span } from "../types.ts";
import { DEAD, Dfa, UNKNOWN } from "./dfa.ts";
import { compileProgram, type Program } from "./program.ts";

/** Bytes read between two questions whether work is left. */
const CHUNK = 16_384;
/** Bytes that are read in the time of one step. */
const BYTES_PER_STEP = 4;
/** What a search answers when its work was cut off. */
const UNFINISHED = -2;
const NONE = -1;

/** What is searched, and where. */
export interface Subject {
  readonly bytes: Uint8Array;
  readonly from: number;
  /** The subject's end. */
  readonly to: number;
  readonly spend: (steps: number) => boolean;
}

/** How matches are chosen: by the order of the alternatives, or by their length. */
export type Choosing = "preferred" | "longest" | "shortest";

/** Finds where the next literal stands at `from` or behind, -1 if nowhere. */
export type Skip = (bytes: Uint8Array, from: number, to: number) => number;

interface Run {
  readonly state: number;
  readonly at: number;
  /** Where to stop reading, if before the subject's end. */
  readonly stop: number;
  readonly isFirstEnough: boolean;
  /** In the state `state`, what is before the next literal is of no interest. */
  readonly skip?: Skip | undefined;
}

function costOf(bytesRead: number, dfa: Dfa): number {
  return Math.ceil(bytesRead / BYTES_PER_STEP) + dfa.takeWork();
}

// Where the last match of a forward run ends.
function runForward(dfa: Dfa, subject: Subject, run: Run): number {
  const { bytes, to, spend } = subject;
  const { classes } = dfa.program;
  const { epoch } = dfa;
  const home = run.skip === undefined ? UNKNOWN : run.state;
  // The last byte is read apart where it matters that it is the last one.
  const fastEnd = Math.min(run.stop, dfa.knowsLast ? to - 1 : to);
  let { state, at } = run;
  let { table } = dfa;
  let found = NONE;
  let answered = at;
  while (at < run.stop) {
    if (state === home && epoch === dfa.epoch) {
      at = (run.skip as Skip)(bytes, at, to);
      if (at < 0) return found;
    }
    const chunkEnd = Math.min(at + CHUNK, fastEnd);
    while (at < chunkEnd) {
      let next = table[state + (classes[bytes[at] as number] as number)] as number;
      if (next <= DEAD) {
        if (next === UNKNOWN) {
          next = dfa.entry(state, classes[bytes[at] as number] as number);
          table = dfa.table;
        }
        if (next < UNKNOWN) {
          found = at;
          if (run.isFirstEnough) return found;
          next = -2 - next;
        }
        if (next === DEAD) return found;
      }
      state = next;
      at++;
      if (state === home) break;
    }
    if (at >= fastEnd && at < run.stop) {
      const next = dfa.entry(state, dfa.symbolOf(bytes[at] as number, at === to - 1));
      table = dfa.table;
      if (next < UNKNOWN) found = at;
      if (next === DEAD || next === -2 || (run.isFirstEnough && found >= 0)) return found;
      state = next < UNKNOWN ? -2 - next : next;
      at++;
    }
    if (!spend(costOf(at - answered, dfa))) return UNFINISHED;
    answered = at;
  }
  const isEdge = at === to;
  const symbol = isEdge ? dfa.edge : dfa.symbolOf(bytes[at] as number, at === to - 1);
  return dfa.entry(state, symbol) < UNKNOWN ? at : found;
}

// The least start of a match that ends at `end`.
function runBackward(dfa: Dfa, subject: Subject, end: number): number {
  const { bytes, from, to, spend } = subject;
  const symbolAt = (at: number) => dfa.symbolOf(bytes[at] as number, at === to - 1);
  const { classes, start } = dfa.program;
  let state = dfa.startState(start, end === to ? dfa.edge : symbolAt(end));
  let found = NONE;
  let answered = end;
  for (let at = end; at > from; at--) {
    const byte = bytes[at - 1] as number;
    const symbol = at === to ? symbolAt(at - 1) : (classes[byte] as number);
    const next = dfa.entry(state, symbol);
    if (next < UNKNOWN) found = at;
    state = next < UNKNOWN ? -2 - next : next;
    if (state === DEAD) return found;
    if (answered - at >= CHUNK) {
      if (!spend(costOf(answered - at, dfa))) return UNFINISHED;
      answered = at;
    }
  }
  if (!spend(costOf(answered - from, dfa))) return UNFINISHED;
  const last = from === 0 ? dfa.edge : symbolAt(from - 1);
  return dfa.entry(state, last) < UNKNOWN ? from : found;
}

/** The same tree with all its choices made for the shorter. */
function lazily(node: Node): Node {
  switch (node.kind) {
    case "repeat":
      return { ...node, item: lazily(node.item), greed: "lazy" };
    case "group":
      return lazily(node.item);
    case "sequence":
      return sequence(node.items.map(lazily));
    case "choice":
      return { ...node, items: node.items.map(lazily) };
    default:
      return node;
  }
}

/** Searches for one regular expression. */
export class RegularSearch {
  readonly #forward: Program;
  readonly #backward: Program;
  readonly #choosing: Choosing;
  readonly #skip: Skip | undefined;
  // Made when first needed, and kept: what they learn is what makes them fast.
  #searcher: Dfa | undefined;
  #starter: Dfa | undefined;
  #measurer: Dfa | undefined;

  private constructor(programs: [Program, Program], choosing: Choosing, skip: Skip | undefined) {
    [this.#forward, this.#backward] = programs;
    this.#choosing = choosing;
    // With assertions, what lies before a literal may matter.
    this.#skip = this.#forward.assertions.size === 0 ? skip : undefined;
  }

  /** The search for a regular tree; undefined if that is too large. */
  static of(root: Node, choosing: Choosing, skip?: Skip): RegularSearch | undefined {
    // Where length decides, the search itself only has to find the start, soon.
    const forward = compileProgram(choosing === "preferred" ? root : lazily(root), "forward");
    const backward = forward === undefined ? undefined : compileProgram(root, "backward");
    if (forward === undefined || backward === undefined) return undefined;
    return new RegularSearch([forward, backward], choosing, skip);
  }

  /** Where the leftmost match ends, at which other searches may look closer; -1: nowhere. */
  findEnd(subject: Subject): number {
    this.#searcher ??= new Dfa(this.#forward, "forward", true);
    const state = this.#startState(this.#searcher, subject, this.#forward.searchStart);
    const run = { state, at: subject.from, stop: subject.to, isFirstEnough: false };
    return runForward(this.#searcher, subject, { ...run, skip: this.#skip });
  }

  /** Where the leftmost match with that end starts. */
  findStart(subject: Subject, end: number): number {
    this.#starter ??= new Dfa(this.#backward, "backward", false);
    return runBackward(this.#starter, subject, end);
  }

  /** The leftmost match. */
  find(subject: Subject, lengthMax: number): Span | null | "unfinished" {
    for (let from = subject.from; from <= subject.to; ) {
      const rest = from === subject.from ? subject : { ...subject, from };
      const end = this.findEnd(rest);
      if (end === NONE) return null;
      const start = end < 0 ? UNFINISHED : this.findStart(rest, end);
      if (start < 0) return "unfinished";
      if (this.#choosing === "preferred") return { start, length: end - start };
      const span = this.matchAt({ ...subject, from: start }, lengthMax);
      if (span !== null) return span;
      from = start + 1;
    }
    return null;
  }

  /** The match that starts right at the subject's `from`. */
  matchAt(subject: Subject, lengthMax: number): Span | null | "unfinished" {
    const isPreferred = this.#choosing === "preferred";
    let dfa: Dfa;
    if (isPreferred) {
      this.#searcher ??= new Dfa(this.#forward, "forward", true);
      dfa = this.#searcher;
    } else {
      this.#measurer ??= new Dfa(this.#forward, "forward", false);
      dfa = this.#measurer;
    }
    const state = this.#startState(dfa, subject, this.#forward.start);
    const stop = Math.min(subject.to, isPreferred ? subject.to : subject.from + lengthMax);
    const isFirstEnough = this.#choosing === "shortest";
    const end = runForward(dfa, subject, { state, at: subject.from, stop, isFirstEnough });
    if (end === UNFINISHED) return "unfinished";
    return end === NONE ? null : { start: subject.from, length: end - subject.from };
  }

  #startState(dfa: Dfa, { bytes, from, to }: Subject, start: number): number {
    if (from === 0) return dfa.startState(start, dfa.edge);
    return dfa.startState(start, dfa.symbolOf(bytes[from - 1] as number, from === to));
  }
}
