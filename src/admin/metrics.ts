// Counters for monitoring: `name=value` lines, and the text format that Prometheus reads
// (exposition format 0.0.4).

import type { Stats } from "./protocol.ts";
import { COUNTERS, LEVELS_NOW } from "./statistics.ts";

const GAUGES: Readonly<Record<string, string>> = {
  ...LEVELS_NOW,
  time_processing: "seconds since the start",
  mta_incoming_connections_current: "SMTP sessions open now",
  mta_outgoing_recipients_current: "recipients to whom mail is being sent now",
  mta_stored_messages_current: "messages that wait for delivery",
  antiviral_checking_sessions_current: "messages being scanned or waiting for it",
  quarantine_messages_current: "messages in quarantine",
  signatures_current: "signatures in use",
};

/** `name=value`, one per line. */
export function statsLines(stats: Stats): string {
  return Object.entries(stats)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/** What Prometheus scrapes; only numbers have a place in it. */
export function prometheusText(stats: Stats): string {
  let text = "";
  for (const [name, value] of Object.entries(stats)) {
    if (typeof value !== "number") continue;
    const isCounter = Object.hasOwn(COUNTERS, name);
    const help = isCounter ? COUNTERS[name as keyof typeof COUNTERS] : GAUGES[name];
    if (help === undefined) continue;
    const kind = isCounter ? "counter" : "gauge";
    text += `# HELP gw_${name} ${help}\n# TYPE gw_${name} ${kind}\ngw_${name} ${value}\n`;
  }
  return text;
}
