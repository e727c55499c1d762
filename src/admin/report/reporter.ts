// Reports on their way to the administrator: by the calendar, or because somebody asks. A report that
// can't be sent is logged, tried again, and never stops mail.
import type { Clock } from "../../base/clock.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { MessageIds } from "../../base/message-id.ts";
import type { Store } from "../../store/store.ts";
import { beginOf } from "../history/history.ts";
import { type Period, readFigures } from "./figures.ts";
import { reportMail } from "./mail.ts";

/** What reports are sent with. */
export interface ReporterParts {
  readonly store: Pick<Store, "history" | "draft" | "commit">;
  readonly ids: MessageIds;
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the configuration says; asked each time, since it may change while gw runs. */
export interface ReporterSettings {
  readonly every: "never" | "daily" | "weekly";
  /** Hour of the day, in the zone of the host. */
  readonly hour: number;
  /** "" if there is nobody. */
  readonly to: string;
  readonly from: string;
}

const DONE = "report";
const MONDAY = 1;
const DAYS = { daily: 1, weekly: 7 } as const;

/** The last moment at or before `now` at which a report was due. */
export function dueAt(every: "daily" | "weekly", hour: number, now: number): number {
  const date = new Date(now);
  date.setHours(hour, 0, 0, 0);
  if (date.getTime() > now) date.setDate(date.getDate() - 1);
  if (every === "weekly") date.setDate(date.getDate() - ((date.getDay() - MONDAY + 7) % 7));
  return date.getTime();
}

/** The whole days that a report of this moment is about. */
export function periodOf(every: "daily" | "weekly", due: number): Period {
  const to = beginOf("day", due);
  const from = new Date(to);
  from.setDate(from.getDate() - DAYS[every]);
  return { from: from.getTime(), to };
}

/** Sends reports. */
export class Reporter {
  readonly #parts: ReporterParts;
  readonly #settings: () => ReporterSettings;
  #isSending = false;

  constructor(parts: ReporterParts, settings: () => ReporterSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Sends the report that is due, if one is; never rejects. Called once a minute. */
  async tend(): Promise<void> {
    const { store, clock, log } = this.#parts;
    const { every, hour, to } = this.#settings();
    if (every === "never" || to === "" || this.#isSending) return;
    this.#isSending = true;
    try {
      const now = clock.now();
      const due = dueAt(every, hour, now);
      const last = store.history.doneAt(DONE);
      // A gateway that was never asked for reports begins with the next one.
      if (last === 0) store.history.done(DONE, now);
      else if (last < due) {
        await this.send(periodOf(every, due));
        store.history.done(DONE, due);
      }
    } catch (error) {
      log.error("report-failed", { recipient: to, cause: describeError(error) });
    } finally {
      this.#isSending = false;
    }
  }

  /** Puts a report into the queue; whom it goes to. Throws if there is nobody, or no room. */
  async send(period: Period): Promise<{ readonly id: string; readonly to: string }> {
    const { store, ids, hostname, clock, log } = this.#parts;
    const { to, from } = this.#settings();
    if (to === "") throw new Error("nobody to send it to: set report.to, or notice.admin");
    const id = ids.next();
    const figures = readFigures(store.history, period, { hostname, madeAt: clock.now() });
    const { bytes, record } = reportMail(figures, { id, from, to });
    const draft = store.draft(id);
    try {
      await draft.write(bytes);
      await draft.finish();
      await store.commit(draft, record, "queue");
    } catch (error) {
      draft.discard();
      throw error;
    }
    log.info("report", { id, recipient: to });
    return { id, to };
  }
}
