// What happened in a stretch of time: counts, who and what came most often, how long things took.
// Summaries of short stretches are added up to those of long ones. Their size is bounded whatever
// senders make up, and what is cut off is counted, so that sums stay right.

/** What is counted by name. The keys stand in the store: they are added to, never renamed. */
export const DIMENSIONS = {
  signatures: "Signatures found",
  sources: "Clients that sent what was found",
  targets: "Recipients of what was found",
  senders: "Senders",
  recipients: "Recipients",
  clients: "Clients",
  hosts: "Hosts that mail was sent to",
  refusals: "Refusals by reason",
  failures: "Deliveries put off or failed, by answer",
} as const;

/** What is counted by name. */
export type Dimension = keyof typeof DIMENSIONS;

/** Bounds of the classes of times in milliseconds; one more class is for all beyond. */
export const TIME_BOUNDS = {
  /** From the last byte of a message to its verdict. */
  scan: [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000],
  /** From accepting a message to the next hop taking it. */
  delivery: [1_000, 5_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000],
} as const;

/** What is timed. */
export type Timed = keyof typeof TIME_BOUNDS;

/** Levels of which the highest is kept. */
export interface Peaks {
  readonly sessions: number;
  readonly queue: number;
  readonly quarantine: number;
  /** Seconds since the signatures were last known to be up to date; -1 if that is not known. */
  readonly signatureAge: number;
}

/** Counters, by names of our own. */
export type Counts = Record<string, number>;

/** One stretch of time. Only what is not zero is there. */
export interface Summary {
  counts: Counts;
  tops: Partial<Record<Dimension, Map<string, number>>>;
  /** What was cut off of `tops`. */
  others: Partial<Record<Dimension, number>>;
  times: Partial<Record<Timed, number[]>>;
  peaks: Peaks;
}

/** Names kept of each dimension while a minute is counted, and when it is written down. */
export const NAMES_MAX = { counting: 2_000, minute: 100, hour: 100, day: 200 } as const;
const NAME_LENGTH_MAX = 200;

/** A stretch in which nothing happened. */
export function emptySummary(): Summary {
  return { counts: {}, tops: {}, others: {}, times: {}, peaks: NO_PEAKS };
}

const NO_PEAKS: Peaks = { sessions: 0, queue: 0, quarantine: 0, signatureAge: -1 };

/** True if nothing was counted. */
export function isEmpty({ counts, tops }: Summary): boolean {
  return Object.keys(counts).length === 0 && Object.keys(tops).length === 0;
}

/** Counts a name; beyond `NAMES_MAX.counting` of them the rarer half goes to the others. */
export function addName(summary: Summary, dimension: Dimension, name: string, count = 1): void {
  const names = summary.tops[dimension] ?? new Map<string, number>();
  summary.tops[dimension] = names;
  const key = name.slice(0, NAME_LENGTH_MAX).toWellFormed();
  names.set(key, (names.get(key) ?? 0) + count);
  if (names.size > NAMES_MAX.counting) cut(summary, dimension, NAMES_MAX.counting / 2);
}

/** Counts a time into its class. */
export function addTime(summary: Summary, timed: Timed, ms: number): void {
  const bounds: readonly number[] = TIME_BOUNDS[timed];
  const classes = summary.times[timed] ?? new Array<number>(bounds.length + 1).fill(0);
  summary.times[timed] = classes;
  const found = bounds.findIndex((bound) => ms <= bound);
  const index = found < 0 ? bounds.length : found;
  classes[index] = (classes[index] ?? 0) + 1;
}

/** A summary as it is stored. */
export function writeSummary(summary: Summary): string {
  const tops = Object.entries(summary.tops).map(([name, counts]) => [name, [...counts]]);
  return JSON.stringify({ ...summary, tops: Object.fromEntries(tops) });
}

/** A stored summary; an empty one if it can't be read. */
export function readSummary(text: string): Summary {
  try {
    const { tops, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const maps = Object.entries(tops as Record<string, [string, number][]>);
    const named = Object.fromEntries(maps.map(([name, counts]) => [name, new Map(counts)]));
    return { ...emptySummary(), ...rest, tops: named };
  } catch {
    return emptySummary(); // Damaged: one stretch is missing in reports.
  }
}

/** Adds `more` to `sum`. */
export function addSummary(sum: Summary, more: Summary): void {
  addCounts(sum.counts, more.counts);
  for (const dimension of dimensions()) {
    for (const [name, count] of more.tops[dimension] ?? []) {
      addName(sum, dimension, name, count);
    }
    const others = (sum.others[dimension] ?? 0) + (more.others[dimension] ?? 0);
    if (others > 0) sum.others[dimension] = others;
  }
  for (const timed of timedThings()) {
    const added = more.times[timed];
    if (added === undefined) continue;
    const classes = sum.times[timed] ?? [];
    sum.times[timed] = added.map((count, index) => count + (classes[index] ?? 0));
  }
  const [a, b] = [sum.peaks, more.peaks];
  sum.peaks = {
    sessions: Math.max(a.sessions, b.sessions),
    queue: Math.max(a.queue, b.queue),
    quarantine: Math.max(a.quarantine, b.quarantine),
    signatureAge: Math.max(a.signatureAge, b.signatureAge),
  };
}

/** Keeps the most frequent names of each dimension. */
export function trimSummary(summary: Summary, max: number): void {
  for (const dimension of dimensions()) cut(summary, dimension, max);
}

/** The most frequent names, most frequent first. */
export function topOf(summary: Summary, dimension: Dimension, max: number): [string, number][] {
  return ranked(summary.tops[dimension] ?? new Map()).slice(0, max);
}

/** All that was counted in a dimension. */
export function sumOf({ tops, others }: Summary, dimension: Dimension): number {
  let sum = others[dimension] ?? 0;
  for (const count of tops[dimension]?.values() ?? []) sum += count;
  return sum;
}

/** All names of dimensions. */
export function dimensions(): readonly Dimension[] {
  return Object.keys(DIMENSIONS) as Dimension[];
}

function timedThings(): readonly Timed[] {
  return Object.keys(TIME_BOUNDS) as Timed[];
}

function ranked(names: ReadonlyMap<string, number>): [string, number][] {
  return [...names].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}

function addCounts(sum: Counts, more: Counts): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
}

function cut(summary: Summary, dimension: Dimension, max: number): void {
  const names = summary.tops[dimension];
  if (names === undefined || names.size <= max) return;
  const order = ranked(names);
  const rest = order.slice(max).reduce((sum, [, count]) => sum + count, 0);
  summary.tops[dimension] = new Map(order.slice(0, max));
  summary.others[dimension] = (summary.others[dimension] ?? 0) + rest;
}
