// The patience of a transfer: how long a silence may last, and how slow a body may come.
import { UpdateError } from "../source.ts";

/** Bounds of a transfer's time. */
export interface Pace {
  /** Longest silence, in the middle of a body or before it. */
  readonly silenceMs: number;
  /** Bytes that must have come in each second of `silenceMs`: slower is as good as not at all. */
  readonly rateMin: number;
}

/** Ends a request that is silent for too long, or too slow. */
export class Watch {
  readonly #settings: Pace;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #onOuter = () => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout>;
  #isLate = false;

  constructor(settings: Pace, outer: AbortSignal) {
    this.#settings = settings;
    this.#outer = outer;
    outer.addEventListener("abort", this.#onOuter);
    if (outer.aborted) this.#controller.abort();
    this.#timer = this.#wait();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  #wait(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#isLate = true;
      this.#controller.abort();
    }, this.#settings.silenceMs);
  }

  async *chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { rateMin, silenceMs } = this.#settings;
    // The first stretch begins with the answer; each that brings enough begins another.
    const enough = (rateMin * silenceMs) / 1000;
    let came = 0;
    this.#again();
    for await (const chunk of body) {
      came += chunk.length;
      if (came >= enough) {
        came = 0;
        this.#again();
      }
      yield chunk;
    }
  }

  #again(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#wait();
  }

  /** An error as what it was: ours, the clock's, the caller's wish, or the network's. */
  explain(url: URL, error: unknown): unknown {
    if (error instanceof UpdateError) return error;
    if (this.#outer.aborted) return new UpdateError("unreachable", "the update was stopped");
    const seconds = Math.round(this.#settings.silenceMs / 1000);
    const late = `nothing, or too little, came for ${seconds} seconds`;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const why = this.#isLate ? late : code || String(error);
    return new UpdateError("unreachable", `${url.href}: ${why}`, { cause: error });
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#onOuter);
    this.#controller.abort();
  }
}
