// Counts what the log's events tell into the summary of the present minute.
import type { LogFields, LogObserver } from "../../base/log.ts";
import {
  addName,
  addSummary,
  addTime,
  type Dimension,
  emptySummary,
  type Peaks,
  type Summary,
} from "./summary.ts";

/** Recipients of one message that are counted by name. */
const RECIPIENTS_MAX = 10;
const REASON_MAX = 90;

function textOf(value: LogFields[string]): string {
  return typeof value === "string" ? value : "";
}

function plainAddress(text: string): string {
  return text.replace(/^<(.*)>$/s, "$1").toLowerCase() || "<>";
}

/**
 * A reply as a reason: without what is different each time (ids, addresses, numbers), so that equal
 * refusals are counted together.
 */
export function reasonOf(reply: string): string {
  return reply
    .slice(0, 4 * REASON_MAX)
    .replace(/<[^<>]*>|\S+@\S+/g, "…")
    .replace(/\b(?=\w*\d)(?=\w*[a-z])\w{8,}\b/gi, "…")
    .replace(/(?<=^\d{3}[ -][245]\.\d{1,3}\.\d{1,3} .*)\b\d[\d.:]{2,}/g, "…")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, REASON_MAX);
}

/** Counts events. */
export class Collector implements LogObserver {
  #summary = emptySummary();
  #counted: Readonly<Record<string, number>>;
  readonly #counters: () => Readonly<Record<string, number>>;
  #sessions = 0;

  /** `counters` are the totals since the start. */
  constructor(counters: () => Readonly<Record<string, number>>) {
    this.#counters = counters;
    this.#counted = { ...counters() };
  }

  /** Counts an event. */
  note(event: string, fields: LogFields): void {
    switch (event) {
      case "session-begun":
        this.#sessions = Math.max(this.#sessions, Number(fields["sessions"] ?? 0));
        break;
      case "accepted":
        this.#add("senders", plainAddress(textOf(fields["sender"])));
        this.#add("clients", textOf(fields["client"]));
        break;
      case "refused":
      case "session-refused":
      case "session-ended":
        this.#add("refusals", reasonOf(textOf(fields["reply"])));
        break;
      case "scanned":
        this.#scanned(fields);
        break;
      case "delivered":
        this.#add("recipients", textOf(fields["recipient"]).toLowerCase());
        this.#add("hosts", textOf(fields["host"]));
        addTime(this.#summary, "delivery", Number(fields["age"] ?? 0));
        break;
      case "deferred":
      case "failed":
        this.#add("failures", `${textOf(fields["host"])}: ${reasonOf(textOf(fields["reply"]))}`);
        break;
      default:
        break;
    }
  }

  /** What was counted by name and time since `take`. */
  get present(): Readonly<Summary> {
    return this.#summary;
  }

  /** How much a counter went up since `take`. */
  countSoFar(name: string): number {
    const more = (this.#counters()[name] ?? 0) - (this.#counted[name] ?? 0);
    return more + (this.#summary.counts[name] ?? 0);
  }

  /** What was counted since the last time this was asked. */
  take(levels: Omit<Peaks, "sessions"> & { readonly sessions?: number }): Summary {
    const summary = this.#summary;
    const now = this.#counters();
    for (const [name, count] of Object.entries(now)) {
      const more = count - (this.#counted[name] ?? 0);
      if (more > 0) summary.counts[name] = (summary.counts[name] ?? 0) + more;
    }
    const sessions = Math.max(this.#sessions, levels.sessions ?? 0);
    summary.peaks = { ...levels, sessions };
    this.#summary = emptySummary();
    this.#counted = { ...now };
    this.#sessions = 0;
    return summary;
  }

  /** Takes a summary back that could not be written. */
  giveBack(summary: Summary): void {
    addSummary(this.#summary, summary);
  }

  #scanned(fields: LogFields): void {
    const ms = fields["ms"];
    if (typeof ms === "number") addTime(this.#summary, "scan", ms);
    const names = textOf(fields["names"]);
    if (names === "") return;
    for (const name of names.split(",")) this.#add("signatures", name);
    this.#add("sources", textOf(fields["client"]));
    const targets = textOf(fields["to"]).split(",").slice(0, RECIPIENTS_MAX);
    for (const target of targets) this.#add("targets", target.toLowerCase());
  }

  #add(dimension: Dimension, name: string): void {
    if (name !== "") addName(this.#summary, dimension, name);
  }
}
