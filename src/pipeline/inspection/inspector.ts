// The doorway to inspection: a body goes in, a verdict comes out, whatever happens to the threads
// behind it. A thread that overruns its deadline or dies makes the body "unscanned".

import type { Limits } from "../../base/budget.ts";
import type { Log } from "../../base/log.ts";
import { type JobEnd, WorkerPool } from "../../base/worker-pool.ts";
import { workerUrl } from "../../base/worker-url.ts";
import type { CoreModule } from "../../gwdb/core.ts";
import { openImage } from "../../gwdb/image.ts";
import type { Body } from "../../message.ts";
import { loadSet, type SharedSet } from "../../scan/signature-set.ts";
import type { TreatmentResult } from "../../treat/treat.ts";
import {
  type Inspected,
  type InspectJob,
  type InspectStart,
  type TreatmentWork,
  unscanned,
} from "./job.ts";

/** `timeoutMs` is the hard deadline after which the thread is killed. */
export interface InspectorOptions {
  readonly set: SharedSet;
  readonly workers: number;
  readonly limits: Limits;
  readonly timeoutMs: number;
  /** The administrator's list, for what is encrypted. */
  readonly passwords: readonly string[];
  /** Whether links in mail are held against lists; they are if it is left out. */
  readonly isPhishingChecked?: boolean;
  /** It is for a file or two: nothing is prepared for more. */
  readonly isBrief?: boolean;
  readonly log: Log;
}

// The inspection's own clock stops it first; the kill is for what does not look at the clock.
const KILL_GRACE_MS = 2000;

/** Runs inspections in worker threads. */
export class Inspector {
  readonly #pool: WorkerPool<InspectJob, Inspected>;
  readonly #options: InspectorOptions;
  #set: SharedSet;

  private constructor(options: InspectorOptions) {
    const { set, log } = options;
    this.#options = options;
    this.#set = set;
    this.#pool = new WorkerPool({
      size: options.workers,
      timeoutMs: options.timeoutMs + KILL_GRACE_MS,
      spawn: (arena) => {
        const worker = new Worker(workerUrl("pipeline/inspection/inspect-worker.ts"));
        worker.postMessage(this.#startOf(arena));
        return worker;
      },
      onLoss: (slot, reason) => log.error("scan-worker-lost", { slot, reason }),
    });
  }

  // Also for threads that replace lost ones: they start with the set of that moment.
  #startOf(arena: number): InspectStart {
    const { limits, passwords, isPhishingChecked = true, isBrief = false } = this.#options;
    return { set: this.#set, arena, limits, passwords, isPhishingChecked, isBrief };
  }

  /** Makes the threads; bodies may be handed over at once. */
  static start(options: InspectorOptions): Inspector {
    return new Inspector(options);
  }

  /** Identity of the signatures that scans begun now are made with. */
  get identity(): string {
    return this.#set.identity;
  }

  /** The core in use: what was learnt of it while it ran serves the next set as well. */
  get core(): CoreModule {
    return this.#set.core;
  }

  /** How many threads there are; a set has an arena for each. */
  get workers(): number {
    return this.#options.workers;
  }

  /** Loads a compiled set and turns to it; throws ImageError if the image can't be used. */
  async replaceSignatures(image: Uint8Array): Promise<void> {
    const { core, arenas, arenaSize } = this.#set;
    if (openImage(image).identity === this.#set.identity) return;
    await this.replaceSet(loadSet(image, { core, arenas: arenas.length, arenaSize }));
  }

  /**
   * Has the threads turn to another set, each between two messages, when it is ready for that: until
   * then scans are made with the old one, which is freed when the last has ended. Resolves then. The
   * set in use is not taken again.
   */
  async replaceSet(set: SharedSet): Promise<void> {
    const { arenas, arenaSize, identity } = this.#set;
    if (set.identity === identity) return;
    if (set.arenas.length < arenas.length || set.arenaSize < arenaSize) {
      throw new RangeError("the set has too little room for the threads that scan");
    }
    this.#set = set;
    await this.#pool.tell((arena) => this.#startOf(arena));
  }

  /** How many signatures those are. */
  get signatureCount(): number {
    return this.#set.signatureCount;
  }

  /** Inspections that have not ended. */
  get pendingCount(): number {
    return this.#pool.pendingCount;
  }

  /** Takes a body apart and scans it; never rejects. */
  async inspect(job: InspectJob): Promise<Inspected> {
    const size = job.body.kind === "bytes" ? job.body.bytes.length : job.body.size;
    const end = await this.#pool.run(job);
    if (end.kind === "done") return end.result;
    return {
      verdict: unscanned({ name: job.name, size, identity: this.#set.identity }, noteOf(end)),
      summary: { messageId: "", subject: "", hops: 0 },
    };
  }

  /** Treats a message; never rejects. */
  async treat(body: Body, treatment: TreatmentWork): Promise<TreatmentResult> {
    const end = await this.#pool.run({ body, name: "message", isMessage: true, treatment });
    if (end.kind !== "done") return { kind: "untreatable", reason: noteOf(end) };
    return end.result.treated ?? { kind: "untreatable", reason: "it was not treated" };
  }

  stop(): void {
    this.#pool.stop();
  }
}

function noteOf(end: Exclude<JobEnd<Inspected>, { kind: "done" }>): string {
  return end.kind === "timeout" ? "the time limit was reached" : `scan failed: ${end.reason}`;
}
