// The thread of a gateway's own updates: an updater that logs, and hands its set over, by messages.
import { setPriority } from "node:os";
import { systemClock } from "../../../base/clock.ts";
import { describeError, LOG_LEVELS, type Log, type LogFields } from "../../../base/log.ts";
import { UpdateError } from "../../../update/source.ts";
import { sourceOf } from "../feeds.ts";
import type { UpdateReport } from "../outcome.ts";
import { Updater } from "../updater.ts";
import type { ApartNews, ApartOrder, ApartWord } from "./apart.ts";

declare const self: Worker;

/** As that of `gw update`. */
const NICE = 10;

const say = (news: ApartNews) => self.postMessage(news);

// On Linux a priority is a thread's, and threads that it makes inherit it; elsewhere it would be that
// of the whole gateway.
function stepBack(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(NICE);
  } catch {
    // A sandbox may forbid it: it is done all the same.
  }
}

function logToGateway(): Log {
  const [error, warn, info, debug] = LOG_LEVELS.map(
    (level) =>
      (event: string, fields: LogFields = {}) =>
        say({ kind: "log", level, event, fields }),
  ) as [Log["error"], Log["warn"], Log["info"], Log["debug"]];
  return { error, warn, info, debug };
}

/** What the gateway answers while the update goes on. */
class Answers {
  readonly stopping = new AbortController();
  #taken = Promise.withResolvers<void>();

  hear(word: Exclude<ApartWord, { kind: "begin" }>): void {
    if (word.kind === "stop") this.stopping.abort();
    else if (word.fault === "") this.#taken.resolve();
    else this.#taken.reject(new Error(word.fault));
  }

  taken(): Promise<void> {
    this.#taken = Promise.withResolvers<void>();
    return this.#taken.promise;
  }
}

async function update(order: ApartOrder, answers: Answers): Promise<UpdateReport> {
  const { config, feeds, arenas, core } = order;
  const clock = systemClock;
  const updater = new Updater({
    ...{ config, log: logToGateway(), clock, arenas, core },
    sourceOf: (feed) => sourceOf(feed, { dataDir: config["server.data_dir"], clock }),
    onSet: async (set, ready) => {
      const taken = answers.taken();
      say({ kind: "set", set, ready });
      await taken;
    },
  });
  return await updater.update({ feeds, signal: answers.stopping.signal });
}

function begin(): void {
  stepBack();
  const answers = new Answers();
  self.onmessage = async ({ data: word }: MessageEvent<ApartWord>) => {
    if (word.kind !== "begin") {
      answers.hear(word);
      return;
    }
    try {
      say({ kind: "done", report: await update(word.order, answers) });
    } catch (error) {
      const fault = error instanceof UpdateError ? error.kind : "invalid";
      say({ kind: "failed", fault, cause: describeError(error) });
    }
  };
}

begin();
