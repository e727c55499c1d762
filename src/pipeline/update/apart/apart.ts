// An update in a thread of its own with low priority. A gateway is busy with mail: to fetch, verify,
// compile and try large sets in the thread that takes it would make mail wait.
import { describeError, type Log, type LogFields, type LogLevel } from "../../../base/log.ts";
import { workerUrl } from "../../../base/worker-url.ts";
import type { Config } from "../../../config/schema.ts";
import type { CoreModule } from "../../../gwdb/core.ts";
import type { FeedSet } from "../../../update/shelf/shelf.ts";
import { UpdateError, type UpdateFault } from "../../../update/source.ts";
import type { UpdateReport } from "../outcome.ts";
import type { ReadySet, UpdaterParts } from "../updater.ts";

/** What the thread is given to do. */
export interface ApartOrder {
  readonly config: Config;
  /** Names of feeds. */
  readonly feeds: readonly string[];
  readonly arenas: number;
  readonly core: CoreModule;
}

/** What the thread is told: first its order, then how its set was taken, or to leave off. */
export type ApartWord =
  | { readonly kind: "begin"; readonly order: ApartOrder }
  /** `fault` is "" if the set is in use. */
  | { readonly kind: "taken"; readonly fault: string }
  | { readonly kind: "stop" };

/** What the thread says. After "set" it waits for "taken"; "done" and "failed" are its last words. */
export type ApartNews =
  | {
      readonly kind: "log";
      readonly level: LogLevel;
      readonly event: string;
      readonly fields: LogFields;
    }
  | { readonly kind: "set"; readonly set: FeedSet; readonly ready: ReadySet }
  | { readonly kind: "done"; readonly report: UpdateReport }
  | { readonly kind: "failed"; readonly fault: UpdateFault; readonly cause: string };

/** What an update has of the gateway. */
export interface ApartParts {
  readonly log: Log;
  readonly onSet: UpdaterParts["onSet"];
  /** Ends what is being fetched. */
  readonly signal: AbortSignal;
}

const TIME_MAX_MS = 2 * 3_600_000;

/** Updates feeds; throws UpdateError as `Updater.update()` does, or if the thread breaks. */
export async function updateApart(order: ApartOrder, parts: ApartParts): Promise<UpdateReport> {
  const { log, onSet, signal } = parts;
  const worker = new Worker(workerUrl("pipeline/update/apart/update-worker.ts"));
  const tell = (word: ApartWord) => worker.postMessage(word);
  const ended = Promise.withResolvers<UpdateReport>();
  const fail = (fault: UpdateFault, cause: string) => ended.reject(new UpdateError(fault, cause));
  const take = async ({ set, ready }: Extract<ApartNews, { kind: "set" }>) => {
    const fault = await onSet(set, ready).then(() => "", describeError);
    tell({ kind: "taken", fault });
  };
  worker.onmessage = ({ data: news }: MessageEvent<ApartNews>) => {
    if (news.kind === "log") log[news.level](news.event, news.fields);
    else if (news.kind === "set") void take(news);
    else if (news.kind === "done") ended.resolve(news.report);
    else fail(news.fault, news.cause);
  };
  worker.onerror = (event: ErrorEvent) => {
    event.preventDefault?.();
    fail("invalid", event.message || "the thread that updates broke");
  };
  const timer = setTimeout(() => fail("invalid", "the update took too long"), TIME_MAX_MS);
  const stop = () => tell({ kind: "stop" });
  signal.addEventListener("abort", stop);
  try {
    tell({ kind: "begin", order });
    if (signal.aborted) stop();
    return await ended.promise;
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(timer);
    worker.terminate();
  }
}
