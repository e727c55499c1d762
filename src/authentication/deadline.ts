// The end of the time that one check may take, to be raced against whatever it waits for.

/** Fires once. `clear()` it when the work is done. */
export class Deadline {
  /** Resolves when the time is over, never before. */
  readonly over: Promise<"over">;
  #isOver = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.over = new Promise((resolve) => {
      this.#timer = setTimeout(() => {
        this.#isOver = true;
        resolve("over");
      }, ms);
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
