// What an administrator has stopped for a while: receiving, scanning or sending. Nothing is lost by
// it: mail that is not taken now is refused for the time being, mail that is not sent waits.

import type { Log } from "../base/log.ts";

/** Stages of the road that can be paused one by one. */
export const STAGES = ["receive", "scan", "send"] as const;
export type Stage = (typeof STAGES)[number];

/** Which stages are paused; all run after a start. */
export class Gate {
  readonly #paused = new Set<Stage>();
  #onResume: (stage: Stage) => void = () => {};

  /** Calls `callback` with a stage whenever it goes on. */
  onResume(callback: (stage: Stage) => void): void {
    this.#onResume = callback;
  }

  isPaused(stage: Stage): boolean {
    return this.#paused.has(stage);
  }

  /** Paused stages, in the order of the road. */
  get paused(): readonly Stage[] {
    return STAGES.filter((stage) => this.#paused.has(stage));
  }

  /** Pauses stages, or lets them go on, and says so in the log. */
  turn(verb: "pause" | "resume", stages: readonly Stage[], log: Log): void {
    for (const stage of stages) this[verb](stage);
    if (verb === "pause") log.warn("paused", { stages: this.paused.join(" ") });
    else log.info("resumed", { paused: this.paused.join(" ") || "nothing" });
  }

  pause(stage: Stage): void {
    this.#paused.add(stage);
  }

  resume(stage: Stage): void {
    if (this.#paused.delete(stage)) this.#onResume(stage);
  }
}
