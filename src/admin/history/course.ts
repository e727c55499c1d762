// The stored history, stretch by stretch: all that was counted in one minute, hour or day.
import { DAY_MS, HOUR_MS } from "../../base/clock.ts";
import type { HistoryRows, Span } from "../../store/rows/history-rows.ts";
import { beginOf, KEPT_MS, sumRows } from "./history.ts";
import type { Summary } from "./summary.ts";

/** What was counted from `at` on. */
export interface Stretch {
  readonly at: number;
  readonly summary: Summary;
}

/** When the oldest stretch of this length begins that is still kept. */
export function oldestOf(span: Span, now: number): number {
  return beginOf(span, now - KEPT_MS[span]);
}

// Where what is read in one go ends. Each question for the history writes a row, so that there may be
// far more rows than stretches. Days have 23 to 25 hours; 26 always lead to a later one.
function partEnd(span: Span, at: number, to: number): number {
  if (span === "minute") return at + HOUR_MS;
  return span === "hour" ? beginOf("day", at + DAY_MS + 2 * HOUR_MS) : to;
}

/**
 * The stretches that begin from `from` (rounded down to a whole one) until before `to`, the oldest
 * first. One that is not there is one in which no gateway ran. What is no longer kept is left out.
 */
export function* readCourse(
  rows: Pick<HistoryRows, "read">,
  span: Span,
  { from, to, now }: { readonly from: number; readonly to: number; readonly now: number },
): Generator<Stretch> {
  const end = Math.min(to, now + DAY_MS);
  let at = Math.max(beginOf(span, from), oldestOf(span, now));
  while (at < end) {
    const next = Math.min(partEnd(span, at, end), end);
    const stretches = Map.groupBy(rows.read(span, at, next), (row) => beginOf(span, row.at));
    for (const [begin, parts] of stretches) yield { at: begin, summary: sumRows(parts) };
    at = next;
  }
}
