// What stands in a report, whatever it is written in: figures in front, pictures, lists of the most
// frequent. Text, HTML and JSON are made from it.
import { DAY_MS, HOUR_MS } from "../../base/clock.ts";
import {
  type Dimension,
  type Peaks,
  sumOf,
  TIME_BOUNDS,
  type Timed,
  topOf,
} from "../history/summary.ts";
import { countIn, type Figures } from "./figures.ts";

/** A figure in front. */
export interface Tile {
  readonly name: string;
  readonly value: number;
  /** The same of the period before. */
  readonly before: number;
  readonly unit: "count" | "bytes" | "seconds";
}

/** One line or one kind of bars in a picture. */
export interface Row {
  readonly name: string;
  readonly tone: Tone;
  readonly values: readonly number[];
}

/** What a colour says; the page has one for each. */
export const TONES = ["calm", "good", "odd", "bad", "worse", "other", "plain"] as const;
export type Tone = (typeof TONES)[number];

/** A picture of the period's course. */
export interface Picture {
  readonly title: string;
  /** What it shows, in a sentence. */
  readonly about: string;
  readonly kind: "bars" | "line";
  readonly unit: Tile["unit"];
  readonly rows: readonly Row[];
}

/** Times in classes. */
export interface Classes {
  readonly title: string;
  readonly about: string;
  readonly rows: readonly (readonly [name: string, count: number])[];
}

/** The most frequent names. */
export interface List {
  readonly title: string;
  readonly rows: readonly (readonly [name: string, count: number])[];
  /** All that was counted, of which `rows` is a part. */
  readonly total: number;
}

/** All of a report. */
export interface Contents {
  readonly tiles: readonly Tile[];
  readonly pictures: readonly Picture[];
  readonly classes: readonly Classes[];
  readonly lists: readonly List[];
}

const LIST_MAX = 10;

/** Lists, with their titles in the order in which they are shown. */
const LISTS: readonly (readonly [Dimension, string])[] = [
  ["signatures", "Signatures found most often"],
  ["refusals", "Refusals by reason"],
  ["senders", "Senders with most messages"],
  ["recipients", "Recipients who got most messages"],
  ["sources", "Clients that sent what was found"],
  ["targets", "Recipients of what was found"],
  ["clients", "Clients with most messages"],
  ["hosts", "Hosts that most mail went to"],
  ["failures", "Deliveries put off or failed"],
];

const VERDICTS: readonly (readonly [status: string, name: string, tone: Tone])[] = [
  ["infected", "infected", "bad"],
  ["suspicious", "suspicious", "odd"],
  ["disinfected", "disinfected", "good"],
  ["filtered", "filtered", "calm"],
  ["protected", "protected", "worse"],
  ["damaged", "damaged", "other"],
  ["unscanned", "not wholly scanned", "plain"],
];

function tilesOf({ sum, before }: Figures): Tile[] {
  const tile = (name: string, counter: string, unit: Tile["unit"] = "count"): Tile => {
    return { name, unit, value: countIn(sum, counter), before: countIn(before, counter) };
  };
  const peak = (name: string, of: keyof Peaks, unit: Tile["unit"]): Tile => {
    return { name, unit, value: sum.peaks[of], before: before.peaks[of] };
  };
  return [
    tile("messages accepted", "mta_received_messages"),
    tile("bytes accepted", "mta_received_bytes", "bytes"),
    tile("recipients delivered", "mta_sent_recipients"),
    tile("infected", "av_messages_infected"),
    tile("refused", "mta_receivings_refused_total"),
    tile("deliveries failed", "mta_sendings_failed_total"),
    peak("longest queue", "queue", "count"),
    sum.peaks.signatureAge < 0
      ? peak("most sessions", "sessions", "count")
      : peak("oldest signatures", "signatureAge", "seconds"),
  ];
}

function picturesOf({ course }: Figures): Picture[] {
  const row = (name: string, counter: string, tone: Tone): Row => {
    return { name, tone, values: course.map(({ summary }) => countIn(summary, counter)) };
  };
  const found = VERDICTS.map(([status, name, tone]) => row(name, `av_messages_${status}`, tone));
  return [
    {
      title: "Traffic",
      about: "Messages accepted, and commands or messages refused.",
      ...{ kind: "bars", unit: "count" },
      rows: [
        row("accepted", "mta_received_messages", "calm"),
        row("refused", "mta_receivings_refused_total", "odd"),
      ],
    },
    {
      title: "What was seen",
      about: "Messages that were not clean, by the gravest thing in them.",
      ...{ kind: "bars", unit: "count" },
      rows: found.filter(({ values }) => values.some((value) => value > 0)),
    },
    {
      title: "Delivery",
      about: "Recipients delivered, put off and given up.",
      ...{ kind: "bars", unit: "count" },
      rows: [
        row("delivered", "mta_sent_recipients", "good"),
        row("put off", "mta_sendings_deferred", "odd"),
        row("failed", "mta_sendings_failed_total", "bad"),
      ],
    },
    {
      title: "Queue",
      about: "The most messages that waited for delivery.",
      ...{ kind: "line", unit: "count" },
      rows: [
        { name: "waiting", tone: "calm", values: course.map(({ summary }) => summary.peaks.queue) },
      ],
    },
    {
      title: "Age of signatures",
      about: "How long ago the oldest feed was known to be up to date.",
      ...{ kind: "line", unit: "seconds" },
      rows: [
        {
          name: "age",
          tone: "calm",
          values: course.map(({ summary }) => Math.max(0, summary.peaks.signatureAge)),
        },
      ],
    },
  ];
}

function showMs(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${ms / 1_000} s`;
  if (ms < 3_600_000) return `${ms / 60_000} min`;
  return ms < DAY_MS ? `${ms / HOUR_MS} h` : `${ms / DAY_MS} d`;
}

function classesOf({ sum }: Figures): Classes[] {
  const of = (timed: Timed, title: string, about: string): Classes => {
    const bounds: readonly number[] = TIME_BOUNDS[timed];
    const counts = sum.times[timed] ?? [];
    const last = `longer than ${showMs(bounds.at(-1) ?? 0)}`;
    const names = [...bounds.map((bound) => `up to ${showMs(bound)}`), last];
    const rows = names.map((name, index) => [name, counts[index] ?? 0] as const);
    const used = rows.findLastIndex(([, count]) => count > 0);
    return { title, about, rows: rows.slice(0, used + 1) };
  };
  return [
    of("delivery", "Delays", "From accepting a message to the next hop taking it."),
    of("scan", "Scanning", "From the last byte of a message to its verdict."),
  ];
}

/** What stands in a report about these figures. */
export function contentsOf(figures: Figures): Contents {
  const hasAge = figures.sum.peaks.signatureAge >= 0;
  const isShown = ({ rows, unit }: Picture) => rows.length > 0 && (unit !== "seconds" || hasAge);
  return {
    tiles: tilesOf(figures),
    pictures: picturesOf(figures).filter(isShown),
    classes: classesOf(figures).filter(({ rows }) => rows.length > 0),
    lists: LISTS.map(([dimension, title]) => {
      const { sum } = figures;
      return { title, rows: topOf(sum, dimension, LIST_MAX), total: sumOf(sum, dimension) };
    }),
  };
}
