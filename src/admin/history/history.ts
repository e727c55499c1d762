// The history of what was counted, in the store: minutes that are added up to hours, and hours to
// days, each kept for its time. Mail never waits for it, and goes on if it can't be written.
import { type Clock, DAY_MS, HOUR_MS, MINUTE_MS } from "../../base/clock.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { HistoryRow, HistoryRows, Span } from "../../store/rows/history-rows.ts";
import type { Collector } from "./collector.ts";
import {
  addSummary,
  emptySummary,
  isEmpty,
  NAMES_MAX,
  type Peaks,
  readSummary,
  type Summary,
  trimSummary,
  writeSummary,
} from "./summary.ts";

/** What the history works with. */
export interface HistoryParts {
  readonly rows: HistoryRows;
  readonly collector: Collector;
  /** What is true now. */
  readonly levels: () => Peaks;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after each minute. */
  readonly onMinute?: () => void;
}

/** How long stretches are kept, milliseconds: the size of the history is bounded by it. */
export const KEPT_MS: Readonly<Record<Span, number>> = {
  minute: 2 * DAY_MS,
  hour: 62 * DAY_MS,
  day: 5 * 366 * DAY_MS,
};

/** Open stretches that are added up in one go; more come with the next one. */
const PARTS_MAX = 5_000;

/** Where the stretch of a moment begins; hours and days are those of the host's zone. */
export function beginOf(span: Span, at: number): number {
  if (span === "minute") return at - (((at % MINUTE_MS) + MINUTE_MS) % MINUTE_MS);
  const date = new Date(at);
  if (span === "hour") return date.setMinutes(0, 0, 0);
  return date.setHours(0, 0, 0, 0);
}

/** The sum of stored stretches. */
export function sumRows(rows: readonly HistoryRow[]): Summary {
  const sum = emptySummary();
  for (const { summary } of rows) addSummary(sum, readSummary(summary));
  return sum;
}

/** Writes the history of one gateway. */
export class History {
  readonly #parts: HistoryParts;
  #lastHour: { at: number; summary: Summary }[] = [];
  #minute: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    const now = parts.clock.now();
    this.#minute = beginOf("minute", now);
    const rows = parts.rows.read("minute", now - HOUR_MS, now);
    this.#lastHour = rows.map(({ at, summary }) => ({ at, summary: readSummary(summary) }));
  }

  start(): void {
    const { clock } = this.#parts;
    const wait = MINUTE_MS - (clock.now() - beginOf("minute", clock.now()));
    this.#timer = setTimeout(() => {
      this.flush();
      this.#parts.onMinute?.();
      this.start();
    }, wait);
    this.#timer.unref?.();
  }

  /** Writes down what was counted so far. */
  stop(): void {
    clearTimeout(this.#timer);
    this.flush();
  }

  /** Writes the present minute down, adds up what is complete, throws away what is old. */
  flush(): void {
    const { collector, levels, rows, clock, log } = this.#parts;
    const now = clock.now();
    const summary = collector.take(levels());
    try {
      if (!isEmpty(summary) || beginOf("minute", now) !== this.#minute) {
        trimSummary(summary, NAMES_MAX.minute);
        rows.add("minute", { at: this.#minute, summary: writeSummary(summary) });
        this.#remember(summary, now);
      }
      this.#minute = beginOf("minute", now);
      this.#addUp("minute", "hour", now);
      this.#addUp("hour", "day", now);
      for (const [span, kept] of Object.entries(KEPT_MS)) rows.purge(span as Span, now - kept);
    } catch (error) {
      // A full disk, or a command that holds the database: counted into the next minute.
      collector.giveBack(summary);
      log.warn("history-not-written", { cause: describeError(error) });
    }
  }

  /** The sum of the last hour. */
  lastHour(): Summary {
    const sum = emptySummary();
    for (const { summary } of this.#lastHour) addSummary(sum, summary);
    addSummary(sum, this.#parts.collector.present);
    return sum;
  }

  /** A counter in each minute of the last hour, the present one last. */
  minutesOf(counter: string): readonly number[] {
    const { collector, clock } = this.#parts;
    const counts = new Map<number, number>();
    const add = (at: number, count: number) => counts.set(at, (counts.get(at) ?? 0) + count);
    for (const { at, summary } of this.#lastHour) add(at, summary.counts[counter] ?? 0);
    const present = beginOf("minute", clock.now());
    add(this.#minute, collector.countSoFar(counter));
    const first = Math.max(Math.min(...counts.keys()), present - HOUR_MS);
    const length = Math.floor((present - first) / MINUTE_MS) + 1;
    return Array.from({ length }, (_, n) => counts.get(first + n * MINUTE_MS) ?? 0);
  }

  #remember(summary: Summary, now: number): void {
    this.#lastHour.push({ at: this.#minute, summary });
    this.#lastHour = this.#lastHour.filter(({ at }) => at > now - HOUR_MS).slice(-120);
  }

  #addUp(part: Span, whole: "hour" | "day", now: number): void {
    const { rows } = this.#parts;
    const open = rows.open(part, beginOf(whole, now), PARTS_MAX);
    const wholes = Map.groupBy(open, ({ at }) => beginOf(whole, at));
    for (const [at, parts] of wholes) {
      const sum = sumRows(parts);
      trimSummary(sum, NAMES_MAX[whole]);
      rows.add(whole, { at, summary: writeSummary(sum) }, parts);
    }
  }
}
