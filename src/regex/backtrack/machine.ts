// The executor that goes back. Its stack is its own, so that no input can exhaust another; it has
// a greatest height, and every instruction counts as work.
import { lowerCase } from "../byte-set.ts";
import type { Choosing } from "../dfa/search.ts";
import type { Span } from "../types.ts";
import { holdsAt, type Surroundings } from "./assertion.ts";
import { ENTRY, ENTRY_SIZE, History, Unfinished } from "./history.ts";
import { type BacktrackProgram, ENDLESS, GREED, INSTRUCTION_SIZE, OP } from "./program.ts";

/** Calls within calls. */
const CALLS_MAX = 1000;
/** Instructions between two questions whether work is left. */
const SPEND_EVERY = 4096;
/** What one of them costs. */
const STEPS_PER_INSTRUCTION = 6;

const NO_CALL = -1;

interface Call {
  readonly group: number;
  /** Where to go on behind it. */
  readonly next: number;
  readonly outer: number;
  readonly at: number;
  readonly depth: number;
  readonly registers: Int32Array;
}

/** What is searched, and by which rule among several matches from one place. */
export interface BacktrackSubject extends Surroundings {
  readonly spend: (steps: number) => boolean;
  readonly choosing: Choosing;
  /** Matches that are chosen by their length are at most so long. */
  readonly lengthMax: number;
}

/** A match and its groups, 0 being the match. */
export type Groups = readonly (Span | null)[];

/** Runs one program over one subject. */
export class Machine {
  readonly #program: BacktrackProgram;
  readonly #bytes: Uint8Array;
  readonly #subject: BacktrackSubject;
  readonly #to: number;
  readonly #history: History;
  readonly #registers: Int32Array;
  readonly #calls: Call[] = [];
  #steps = 0;
  #at = 0;
  /** Where the best match so far ends, if length decides. */
  #chosen = -1;

  constructor(program: BacktrackProgram, subject: BacktrackSubject) {
    this.#program = program;
    this.#subject = subject;
    this.#bytes = subject.bytes;
    this.#to = subject.to;
    this.#history = new History(program.registerCount);
    this.#registers = this.#history.registers;
  }

  /** The match that starts looking at `start`. */
  matchAt(start: number): Groups | null | "unfinished" {
    this.#history.reset();
    this.#registers[0] = start;
    this.#at = start;
    this.#chosen = -1;
    try {
      return this.#run() ? this.#groups() : null;
    } catch (error) {
      if (error instanceof Unfinished) return "unfinished";
      throw error;
    }
  }

  /** Accounts for what was done since it was last asked; false if there is no more work. */
  settle(): boolean {
    const steps = this.#steps * STEPS_PER_INSTRUCTION;
    this.#steps = 0;
    return this.#subject.spend(steps);
  }

  // Length decides: remembers this match if it is better, and goes on looking.
  #weigh(): number {
    const { choosing, lengthMax } = this.#subject;
    const isAllowed = this.#at - (this.#registers[0] as number) <= lengthMax;
    const isLonger = this.#at > this.#chosen;
    if (isAllowed && (this.#chosen < 0 || isLonger === (choosing === "longest"))) {
      this.#chosen = this.#at;
    }
    return -1;
  }

  get #end(): number {
    return this.#chosen < 0 ? this.#at : this.#chosen;
  }

  #groups(): Groups {
    const groups: (Span | null)[] = [];
    for (let group = 0; group <= this.#program.groupCount; group++) {
      const start = this.#registers[2 * group] as number;
      const end = group === 0 ? this.#end : (this.#registers[2 * group + 1] as number);
      // With \K in a look ahead a match may end before it starts.
      const length = Math.max(0, end - start);
      groups.push(start < 0 || end < 0 ? null : { start, length });
    }
    return groups;
  }

  #work(steps: number): void {
    this.#steps += steps;
    if (this.#steps < SPEND_EVERY) return;
    if (!this.#subject.spend(this.#steps * STEPS_PER_INSTRUCTION)) throw new Unfinished();
    this.#steps = 0;
  }

  // The instructions up to a match or until no way is left. Each answers where to go on, -1: back.
  #run(): boolean {
    const { code } = this.#program;
    let pc = 0;
    for (;;) {
      if (pc < 0) {
        pc = this.#back();
        if (pc < 0) return this.#chosen >= 0;
      }
      if (++this.#steps >= SPEND_EVERY) this.#work(0);
      const i = pc * INSTRUCTION_SIZE;
      const a = code[i + 1] as number;
      const b = code[i + 2] as number;
      switch (code[i]) {
        case OP.byte:
          pc = this.#at < this.#to && this.#bytes[this.#at] === a ? pc + 1 : -1;
          this.#at++;
          break;
        case OP.set:
          pc = this.#isIn(a, this.#at) ? pc + 1 : -1;
          this.#at++;
          break;
        case OP.run:
          pc = this.#runSet(pc, a);
          break;
        case OP.split:
          this.#history.push(ENTRY.branch, b, this.#at);
          pc = a;
          break;
        case OP.jump:
          pc = a;
          break;
        case OP.match:
          if (this.#history.call !== NO_CALL) pc = this.#return(pc, 0);
          else if (this.#subject.choosing === "preferred") return true;
          else pc = this.#weigh();
          break;
        case OP.save:
          this.#history.write(a, this.#at);
          pc++;
          break;
        default:
          pc = this.#runRare(code[i] as number, pc, [a, b]);
      }
    }
  }

  #runRare(op: number, pc: number, [a, b]: readonly [number, number]): number {
    switch (op) {
      case OP.assert:
        return holdsAt(a, this.#subject, this.#at) ? pc + 1 : -1;
      case OP.reference:
        return this.#matchReference(a, b === 1) ? pc + 1 : -1;
      case OP.enter:
        this.#history.write(b, this.#at);
        this.#history.write(a, 0);
        this.#registers[a] = this.#history.height;
        return pc + 1;
      case OP.commit:
        this.#work((this.#history.height - (this.#registers[a] as number)) >> 2);
        this.#history.commit(this.#registers[a] as number);
        return pc + 1;
      case OP.close:
        this.#history.write(2 * a, this.#registers[b] as number);
        this.#history.write(2 * a + 1, this.#at);
        return pc + 1;
      case OP.restore:
        this.#at = this.#registers[a] as number;
        return pc + 1;
      case OP.refuse:
        this.#history.undo(this.#registers[a] as number);
        return -1;
      case OP.back:
        this.#at -= a;
        return this.#at >= 0 ? pc + 1 : -1;
      case OP.countFrom0:
        this.#history.write(a, 0);
        this.#history.write(a + 1, -1);
        return pc + 1;
      case OP.count:
        return this.#count(pc, a);
      case OP.pass:
        this.#history.write(a, (this.#registers[a] as number) + 1);
        this.#history.write(a + 1, this.#at);
        return pc + 1;
      case OP.call:
        return this.#enterCall(pc, a, b);
      case OP.return:
        return this.#return(pc, a);
      case OP.ifGroup:
        return (this.#registers[2 * a + 1] as number) >= 0 ? pc + 1 : b;
      case OP.orElse:
        this.#history.push(ENTRY.branch, a, this.#at);
        return pc + 1;
      default:
        return -1;
    }
  }

  #isIn(set: number, at: number): boolean {
    return at < this.#to && this.#program.sets[256 * set + (this.#bytes[at] as number)] === 1;
  }

  // How many bytes of the set stand at `at`, up to `max`.
  #countSet(set: number, at: number, max: number): number {
    const { sets } = this.#program;
    const bytes = this.#bytes;
    const base = 256 * set;
    const end = Math.min(this.#to, at + max);
    let here = at;
    while (here < end && sets[base + (bytes[here] as number)] === 1) here++;
    this.#work((here - at) >> 2);
    return here - at;
  }

  #runSet(pc: number, set: number): number {
    const { code } = this.#program;
    const i = pc * INSTRUCTION_SIZE;
    const min = code[i + 2] as number;
    const max = code[i + 3] as number;
    const greed = code[i + 4] as number;
    const start = this.#at;
    const taken = this.#countSet(set, start, greed === GREED.lazy ? min : max);
    if (taken < min) return -1;
    this.#at = start + taken;
    if (greed === GREED.greedy && taken > min) {
      this.#history.push(ENTRY.bound, start + min, 0);
      this.#history.push(ENTRY.giveBack, pc, this.#at);
    }
    if (greed === GREED.lazy && max > min) {
      const last = max === ENDLESS ? this.#to : Math.min(this.#to, start + max);
      this.#history.push(ENTRY.bound, last, 0);
      this.#history.push(ENTRY.takeMore, pc, this.#at);
    }
    return pc + 1;
  }

  // Takes up the last way not yet gone: where it goes on, -1 if there is none.
  #back(): number {
    const history = this.#history;
    const { stack } = history;
    while (history.height > 0) {
      history.height -= ENTRY_SIZE;
      const a = stack[history.height] as number;
      const b = stack[history.height + 1] as number;
      switch (stack[history.height + 2]) {
        case ENTRY.branch:
          this.#at = b;
          return a;
        case ENTRY.giveBack: {
          const next = this.#giveBack(a, b);
          if (next >= 0) return next;
          break;
        }
        case ENTRY.takeMore: {
          const next = this.#takeMore(a, b);
          if (next >= 0) return next;
          break;
        }
        default:
          history.restore(stack[history.height + 2] as number, a, b);
      }
    }
    return -1;
  }

  // One byte less, or so many that the byte behind the run can follow.
  #giveBack(pc: number, from: number): number {
    const { code } = this.#program;
    const history = this.#history;
    const least = history.stack[history.height - ENTRY_SIZE] as number;
    const next = (pc + 1) * INSTRUCTION_SIZE;
    let at = from - 1;
    if (code[next] === OP.byte) {
      const byte = code[next + 1];
      while (at >= least && this.#bytes[at] !== byte) at--;
      this.#work((from - at) >> 2);
    }
    if (at > least) {
      history.height += ENTRY_SIZE;
      history.stack[history.height - ENTRY_SIZE + 1] = at;
    } else history.height -= ENTRY_SIZE;
    this.#at = at;
    return at < least ? -1 : pc + 1;
  }

  #takeMore(pc: number, from: number): number {
    const { code } = this.#program;
    const set = code[pc * INSTRUCTION_SIZE + 1] as number;
    const history = this.#history;
    const last = history.stack[history.height - ENTRY_SIZE] as number;
    const next = (pc + 1) * INSTRUCTION_SIZE;
    let at = from;
    let isOpen = at < last && this.#isIn(set, at);
    if (isOpen) at++;
    if (isOpen && code[next] === OP.byte) {
      const byte = code[next + 1];
      while (this.#bytes[at] !== byte || at >= this.#to) {
        isOpen = at < last && this.#isIn(set, at);
        if (!isOpen) break;
        at++;
      }
      this.#work((at - from) >> 2);
    }
    if (isOpen && at < last) {
      history.height += ENTRY_SIZE;
      history.stack[history.height - ENTRY_SIZE + 1] = at;
    } else history.height -= ENTRY_SIZE;
    this.#at = at;
    return isOpen ? pc + 1 : -1;
  }

  #count(pc: number, counter: number): number {
    const { code } = this.#program;
    const i = pc * INSTRUCTION_SIZE;
    const behind = code[i + 4] as number;
    const passes = this.#registers[counter] as number;
    if (passes < (code[i + 2] as number)) return pc + 1;
    // A pass that took nothing ends the loop: more of the same would not get further.
    if (passes > 0 && this.#registers[counter + 1] === this.#at) return behind;
    if (passes >= (code[i + 3] as number)) return behind;
    const isLazy = code[i + 5] === 1;
    this.#history.push(ENTRY.branch, isLazy ? pc + 1 : behind, this.#at);
    return isLazy ? behind : pc + 1;
  }

  #matchReference(list: number, isFolded: boolean): boolean {
    const groups = this.#program.references[list] ?? [];
    const group = groups.find((number) => (this.#registers[2 * number + 1] as number) >= 0);
    if (group === undefined) return false;
    const start = this.#registers[2 * group] as number;
    const length = (this.#registers[2 * group + 1] as number) - start;
    if (length > this.#to - this.#at) return false;
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const a = bytes[start + i] as number;
      const b = bytes[this.#at + i] as number;
      if (a !== b && !(isFolded && lowerCase(a) === lowerCase(b))) {
        this.#work(i >> 2);
        return false;
      }
    }
    this.#work(length >> 2);
    this.#at += Math.max(0, length);
    return true;
  }

  // Calls see the groups as they are and leave them so. A call of what is being called already at
  // the same place would never end: this way fails.
  #enterCall(pc: number, target: number, group: number): number {
    const depth = (this.#calls[this.#history.call]?.depth ?? 0) + 1;
    if (depth > CALLS_MAX) throw new Unfinished();
    for (let outer = this.#history.call; outer !== NO_CALL; ) {
      const call = this.#calls[outer] as Call;
      if (call.group === group && call.at === this.#at) return -1;
      if (call.at !== this.#at) break;
      outer = call.outer;
    }
    const registers = this.#registers.slice();
    this.#work(registers.length);
    const number = this.#history.callCount;
    const outer = this.#history.call;
    // What is behind that number belongs to ways that have been left.
    this.#calls.length = number;
    this.#calls.push({ group, next: pc + 1, outer, at: this.#at, depth, registers });
    this.#history.setCall(number, number + 1);
    return target;
  }

  #return(pc: number, group: number): number {
    const call = this.#calls[this.#history.call];
    if (call === undefined || call.group !== group) return pc + 1;
    for (let register = 1; register < this.#registers.length; register++) {
      const value = call.registers[register] as number;
      if (this.#registers[register] !== value) this.#history.write(register, value);
    }
    this.#history.setCall(call.outer, this.#history.callCount);
    return call.next;
  }
}
