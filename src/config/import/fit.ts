// Values that are each right and don't go together here are made to: what the old file says counts,
// and a default of gw's gives way to it.
import { formatDuration, formatSize } from "../../text/units.ts";
import type { Schema } from "../field.ts";
import { SCHEMA } from "../schema.ts";
import type { Draft } from "./draft.ts";
import type { Report } from "./entry.ts";

/** `low` must not be more than `high`. */
interface Rule {
  readonly low: string;
  readonly high: string;
}

const RULES: readonly Rule[] = [
  { low: "inbound.message_size_max", high: "scan.object_size_max" },
  { low: "inbound.sessions_per_address_max", high: "inbound.sessions_max" },
  { low: "queue.retry_min", high: "queue.retry_max" },
  { low: "queue.retry_min", high: "queue.lifetime" },
];

function numberOf(draft: Draft, key: string): number {
  const schema: Schema = SCHEMA;
  const field = schema[key] as Schema[string];
  const reading = field.type.read(draft.settings.get(key) ?? field.default);
  return reading.kind === "value" ? Number(reading.value) : Number.NaN;
}

function writtenFor(key: string, value: number): string | number {
  const schema: Schema = SCHEMA;
  const { name } = (schema[key] as Schema[string]).type;
  return name === "size" ? formatSize(value) : name === "duration" ? formatDuration(value) : value;
}

/** Makes values fit each other; each change is in the report of the parameter that asked for it. */
export function fit(draft: Draft, report: Report): void {
  const { settings } = draft;
  for (const { low, high } of RULES) {
    const [lowest, highest] = [numberOf(draft, low), numberOf(draft, high)];
    if (!(lowest > highest)) continue;
    // The one that the file does not name gives way; of two that it names, the lower one.
    const [changed, because] = settings.has(high) ? [low, high] : [high, low];
    const value = changed === high ? lowest : highest;
    const cause = settings.held.get(because)?.from[0];
    if (cause === undefined) continue;
    settings.set(changed, writtenFor(changed, value), cause);
    report.note(cause, "changed", [because, changed], `${changed} has to follow it`);
  }
}
