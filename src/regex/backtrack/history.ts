// What the executor has done and not yet tried: registers, and the stack of how to go back.

/** Words of the stack. */
const STACK_MAX = 1 << 22;
const STACK_FIRST = 1024;

/** Words of an entry: two values and the kind. */
export const ENTRY_SIZE = 3;

/** Kinds of entry. */
export const ENTRY = {
  /** Go on at this instruction, from this position. */
  branch: 0,
  /** Give this register its value back. */
  register: 1,
  /** A run that may give back: instruction, position; its least position lies below. */
  giveBack: 2,
  /** A run that may take more; its last position lies below. */
  takeMore: 3,
  /** The bound that belongs to the entry above. */
  bound: 4,
  /** Be again in the call of that number; how many calls are remembered. */
  call: 5,
} as const;

/** Thrown inside: there is no more work, or no more room. */
export class Unfinished extends Error {}

/** Registers and stack of one run. */
export class History {
  readonly registers: Int32Array;
  /** Number of the call that runs, -1 for none, and how many are remembered. */
  call = -1;
  callCount = 0;
  stack = new Int32Array(STACK_FIRST);
  height = 0;

  constructor(registerCount: number) {
    this.registers = new Int32Array(registerCount);
  }

  /** Begins anew, with all registers unset. */
  reset(): void {
    this.registers.fill(-1);
    this.height = 0;
    this.call = -1;
    this.callCount = 0;
  }

  push(kind: number, a: number, b: number): void {
    const { height } = this;
    if (height + ENTRY_SIZE > this.stack.length) {
      if (this.stack.length >= STACK_MAX) throw new Unfinished();
      const grown = new Int32Array(2 * this.stack.length);
      grown.set(this.stack);
      this.stack = grown;
    }
    this.stack[height] = a;
    this.stack[height + 1] = b;
    this.stack[height + 2] = kind;
    this.height = height + ENTRY_SIZE;
  }

  /** Sets a register such that going back gives it its value back. */
  write(register: number, value: number): void {
    this.push(ENTRY.register, register, this.registers[register] as number);
    this.registers[register] = value;
  }

  /** Enters or leaves a call, such that going back undoes that. */
  setCall(call: number, count: number): void {
    this.push(ENTRY.call, this.call, this.callCount);
    this.call = call;
    this.callCount = count;
  }

  /** Undoes an entry that was taken from the stack, if there is something to undo. */
  restore(kind: number, a: number, b: number): void {
    if (kind === ENTRY.register) this.registers[a] = b;
    if (kind === ENTRY.call) {
      this.call = a;
      this.callCount = b;
    }
  }

  /** Forgets the ways not gone since `height`; what has to be undone later stays. */
  commit(height: number): void {
    const { stack } = this;
    let to = height;
    for (let from = height; from < this.height; from += ENTRY_SIZE) {
      const kind = stack[from + 2];
      if (kind !== ENTRY.register && kind !== ENTRY.call) continue;
      stack.copyWithin(to, from, from + ENTRY_SIZE);
      to += ENTRY_SIZE;
    }
    this.height = to;
  }

  /** Undoes all that was done since `height`. */
  undo(height: number): void {
    const { stack } = this;
    while (this.height > height) {
      this.height -= ENTRY_SIZE;
      const at = this.height;
      this.restore(stack[at + 2] as number, stack[at] as number, stack[at + 1] as number);
    }
  }
}
