// Makes a set of signatures ready to be used, in a thread that ends with it: neither the mail nor the
// memory of those who go on pay for it.
import { workerUrl } from "../../base/worker-url.ts";
import type { CoreModule } from "../../gwdb/core.ts";
import type { SharedSet } from "../../scan/signature-set.ts";
import type { GatherOptions } from "../signatures/gather.ts";
import type { TrialOptions } from "./trial/trial.ts";

/** What is to be made ready. */
export interface PrepareOrder {
  readonly places: GatherOptions;
  readonly arenas: number;
  readonly arenaSize: number;
  /** The core that runs already, if one does; the system's compiler knows it then. */
  readonly core?: CoreModule;
  /** How it is tried; without it, it is not. */
  readonly trial?: TrialOptions;
}

/** What became of a feed's files. */
export interface FeedLoad {
  readonly feed: string;
  readonly files: number;
  readonly loaded: number;
  readonly skipped: number;
  readonly malformed: number;
}

/** What came of it. */
export type Prepared =
  | {
      readonly kind: "ready";
      readonly set: SharedSet;
      readonly problems: readonly string[];
      readonly loads: readonly FeedLoad[];
    }
  /** It did not pass the trial. */
  | { readonly kind: "rejected"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

const TIME_MAX_MS = 30 * 60_000;

/** Makes a set ready; never rejects. */
export async function prepareSet(order: PrepareOrder): Promise<Prepared> {
  const worker = new Worker(workerUrl("pipeline/update/prepare-worker.ts"));
  const answered = Promise.withResolvers<Prepared>();
  worker.onmessage = ({ data }: MessageEvent<Prepared>) => answered.resolve(data);
  worker.onerror = (event: ErrorEvent) => {
    event.preventDefault?.();
    answered.resolve({ kind: "failed", reason: event.message || "the thread broke" });
  };
  const late = () => answered.resolve({ kind: "failed", reason: "it took too long" });
  const timer = setTimeout(late, TIME_MAX_MS);
  try {
    worker.postMessage(order);
    return await answered.promise;
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}
