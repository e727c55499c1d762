// What a report is made of: the sum of a period, and its course in stretches that fit a picture.
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../base/clock.ts";
import type { HistoryRows, Span } from "../../store/rows/history-rows.ts";
import type { Stretch } from "../history/course.ts";
import { beginOf } from "../history/history.ts";
import { addSummary, emptySummary, readSummary, type Summary } from "../history/summary.ts";

/** A period, milliseconds since the epoch; `to` is not in it. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** All figures of a report. */
export interface Figures extends Period {
  readonly hostname: string;
  readonly madeAt: number;
  /** Length of the stretches. */
  readonly span: Span;
  readonly course: readonly Stretch[];
  readonly sum: Summary;
  /** Sum of the period of the same length before; for comparison. */
  readonly before: Summary;
}

/** Longest period that is shown by minutes, and by hours. */
const BY_MINUTE_MAX = 3 * HOUR_MS;
const BY_HOUR_MAX = 8 * DAY_MS;
/** Stretches of a picture; beyond that several are one bar. */
const STRETCHES_MAX = 400;

function spanOf({ from, to }: Period): Span {
  const length = to - from;
  return length <= BY_MINUTE_MAX ? "minute" : length <= BY_HOUR_MAX ? "hour" : "day";
}

// The beginnings of all stretches, also of those in which nothing happened.
function beginsOf(span: Span, { from, to }: Period): number[] {
  const begins: number[] = [];
  const step = span === "minute" ? MINUTE_MS : span === "hour" ? HOUR_MS : DAY_MS;
  let at = beginOf(span, from);
  while (at < to && begins.length < STRETCHES_MAX) {
    begins.push(at);
    // Days of the host's zone have 23 to 25 hours.
    at = beginOf(span, at + step + (span === "day" ? 2 * HOUR_MS : 0));
  }
  return begins;
}

function sumOfRows(rows: HistoryRows, span: Span, { from, to }: Period): Summary {
  const sum = emptySummary();
  for (const { summary } of rows.read(span, from, to)) addSummary(sum, readSummary(summary));
  return sum;
}

/** Reads the figures of a period. */
export function readFigures(
  rows: HistoryRows,
  period: Period,
  about: { readonly hostname: string; readonly madeAt: number },
): Figures {
  const span = spanOf(period);
  const begins = beginsOf(span, period);
  const course = begins.map((at) => ({ at, summary: emptySummary() }));
  const sum = emptySummary();
  // Stretches begin where the first one does, so that what is longer than the period is in it.
  const from = Math.min(period.from, begins[0] ?? period.from);
  let index = 0;
  for (const { at, summary } of rows.read(span, from, period.to)) {
    while (index < course.length - 1 && (course[index + 1]?.at ?? 0) <= at) index++;
    const read = readSummary(summary);
    addSummary(sum, read);
    const stretch = course[index];
    if (stretch !== undefined) addSummary(stretch.summary, read);
  }
  const length = period.to - from;
  const before = sumOfRows(rows, span, { from: from - length, to: from });
  return { ...period, from, ...about, span, course, sum, before };
}

/** A counter of a summary. */
export function countIn({ counts }: Summary, name: string): number {
  return counts[name] ?? 0;
}
