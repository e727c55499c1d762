// Bodies pass through in buffers of megabytes whose memory the collector counts late: left alone, a
// thread holds a gigabyte of buffers that nobody needs. Whoever handles large buffers tells how many
// bytes came by, and now and then all that is no longer needed goes at once.

/** Bytes of buffers that may have become garbage before it is collected. */
const COLLECT_AFTER = 48 * 1024 * 1024;

/** Collects garbage by the bytes that were handled, one for each thread. */
export class GarbagePacer {
  readonly #collect: () => void;
  #bytes = 0;

  constructor(collect: () => void = () => Bun.gc(true)) {
    this.#collect = collect;
  }

  /** Notes `bytes` that were handled in buffers which are not needed any more, or soon will not be. */
  passed(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < COLLECT_AFTER) return;
    this.#bytes = 0;
    this.#collect();
  }
}
