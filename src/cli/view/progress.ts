// A progress bar on standard error, for people who wait.
import { printable } from "../../text/printable.ts";
import type { Terminal } from "./terminal.ts";

const INTERVAL_MS = 100;
const BAR_WIDTH = 24;

/** Draws `[#####-----] 12/48 name`; nothing at all if nobody looks. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #total: number;
  readonly #steady: () => number;
  #done = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  constructor(terminal: Terminal, total: number, steady: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#total = total;
    this.#steady = steady;
  }

  /** Counts one step and shows what is at work, a few times a second. */
  step(name: string): void {
    this.#done++;
    if (!this.#terminal.isWatched || this.#steady() - this.#drawnAt < INTERVAL_MS) return;
    this.#drawnAt = this.#steady();
    const filled = Math.round((BAR_WIDTH * Math.min(this.#done, this.#total)) / this.#total);
    const bar = "#".repeat(filled).padEnd(BAR_WIDTH, "-");
    const line = `[${bar}] ${this.#done}/${this.#total} ${printable(name)}`;
    this.clear();
    this.#terminal.err(line.slice(0, this.#terminal.columns - 1));
    this.#isDrawn = true;
  }

  /** Takes the bar away, so that a line can be printed. */
  clear(): void {
    if (this.#isDrawn) this.#terminal.err("\r\u001b[K");
    this.#isDrawn = false;
  }
}
