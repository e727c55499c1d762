// Space that is held back, as a file, for the hour when the disk is full: rows must still be written
// then, or nothing that is delivered could be forgotten and nothing that was deferred be tried again.
import { randomFillSync } from "node:crypto";
import { rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Disk } from "./disk.ts";

/** Enough for the database to take what the queue says while it drains. */
export const RESERVE_SIZE = 4 * 1024 * 1024;
const CHUNK = 1024 * 1024;
/** Left over when the reserve is taken, so that taking it does not fill the disk again. */
const MARGIN = 1024 * 1024;

/** What a reserve is made of. */
export interface ReserveOptions {
  readonly disk: Disk;
  readonly path: string;
  /** Bytes; 0 holds nothing back. */
  readonly size: number;
  /** Bytes that must be left over when it is made. */
  readonly freeSpaceMin: number;
}

/** The file that holds space back. */
export class Reserve {
  readonly #options: ReserveOptions;
  #isHeld: boolean;
  #isInUse = false;

  constructor(options: ReserveOptions) {
    this.#options = options;
    // What the last run left still holds the space back.
    const size = statSync(options.path, { throwIfNoEntry: false })?.size;
    this.#isHeld = options.size > 0 && size === options.size;
  }

  /** Whether it was given up and not yet taken again: no mail may use that space up. */
  get isInUse(): boolean {
    return this.#isInUse;
  }

  /** Holds the space back if it is not held already and the disk has enough. */
  async keep(): Promise<void> {
    const { disk, path, size, freeSpaceMin } = this.#options;
    if (this.#isHeld || size === 0) return;
    await disk.remove(path);
    if (disk.freeBytes(dirname(path)) < freeSpaceMin + size + MARGIN) return;
    const file = await disk.create(path);
    try {
      // Not zeros: file systems that compress would hold nothing back.
      const chunk = randomFillSync(Buffer.allocUnsafe(Math.min(CHUNK, size)));
      for (let at = 0; at < size; at += chunk.length) await disk.write(file, chunk, at);
      await disk.sync(file);
      this.#isHeld = true;
      this.#isInUse = false;
    } finally {
      await disk.close(file);
      if (!this.#isHeld) await disk.remove(path);
    }
  }

  /** Gives the space up, at once. */
  giveUp(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#isInUse = true;
    rmSync(this.#options.path, { force: true });
  }
}
