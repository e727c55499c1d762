// Control files: an empty file with a known name in a folder asks for something, as in version 5.5. It
// is deleted first and its wish done then, so that one that can't be deleted is not done for ever.
import { existsSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../base/file/atomic-file.ts";
import { describeError, type Log } from "../base/log.ts";
import type { Handler } from "./control-server.ts";
import { statsLines } from "./metrics.ts";
import type { Request, Stats } from "./protocol.ts";

/** How often the folder is looked at, milliseconds. */
const LOOK_MS = 1_000;
/** Statistics hold no secrets: whoever watches the host may read them. */
const STATS_MODE = 0o644;

const WISHES: Readonly<Record<string, Request>> = {
  ".c_stats": { verb: "stats" },
  ".c_recv_on": { verb: "resume", stages: ["receive"] },
  ".c_recv_off": { verb: "pause", stages: ["receive"] },
  ".c_avir_on": { verb: "resume", stages: ["scan"] },
  ".c_avir_off": { verb: "pause", stages: ["scan"] },
  ".c_send_on": { verb: "resume", stages: ["send"] },
  ".c_send_off": { verb: "pause", stages: ["send"] },
  ".c_db_reload": { verb: "reload" },
};

/** Where control files are looked for, and where statistics go. */
export interface ControlFolder {
  readonly folder: string;
  /** "" for `stats` in the folder. */
  readonly statsFile: string;
}

/** Does what control files ask for, as long as the gateway runs. */
export class ControlFiles {
  readonly #places: ControlFolder;
  readonly #handler: Handler;
  readonly #log: Log;
  /** Files that could not be deleted, so that each is complained of once. */
  readonly #stuck = new Set<string>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isBusy = false;

  constructor(places: ControlFolder, handler: Handler, log: Log) {
    this.#places = places;
    this.#handler = handler;
    this.#log = log;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks once, and does what is asked, one thing after the other. */
  async look(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (const [name, wish] of Object.entries(WISHES)) {
        if (this.#take(name)) await this.#grant(name, wish);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  #take(name: string): boolean {
    const path = join(this.#places.folder, name);
    if (!existsSync(path)) return false;
    try {
      unlinkSync(path);
      this.#stuck.delete(name);
      return true;
    } catch (error) {
      if (!this.#stuck.has(name)) {
        this.#log.error("control-file-stuck", { file: path, cause: describeError(error) });
      }
      this.#stuck.add(name);
      return false;
    }
  }

  async #grant(name: string, wish: Request): Promise<void> {
    const { folder, statsFile } = this.#places;
    try {
      const answer = await this.#handler(wish);
      if (wish.verb === "stats") {
        writeAtomically(
          statsFile || join(folder, "stats"),
          statsLines(answer as Stats),
          STATS_MODE,
        );
      }
      this.#log.info("control-file", { name });
    } catch (error) {
      this.#log.error("control-file-failed", { name, cause: describeError(error) });
    }
  }
}
