// Events for a log host: syslog messages (RFC 3164) whose text is in ArcSight's Common Event Format, which
// collectors read without being told how.
import { type LogEntry, type LogLevel, visible } from "../log.ts";
import { VERSION } from "../version.ts";

/** RFC 3164 §4.1.1: facility 2 is the mail system. */
const FACILITY = 2;
const SEVERITIES: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };
/** The format's own, from 0 to 10. */
const CEF_SEVERITIES: Readonly<Record<LogLevel, number>> = { error: 8, warn: 5, info: 3, debug: 1 };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const VALUE_MAX = 1_000;

/** Names that the format has for fields of ours; others keep theirs. */
const KEYS: Readonly<Record<string, string>> = {
  id: "externalId",
  client: "src",
  sender: "suser",
  recipient: "duser",
  recipients: "duser",
  to: "duser",
  host: "dhost",
  reply: "msg",
  cause: "reason",
  status: "outcome",
  disposition: "act",
  size: "in",
  names: "gwSignatures",
};

function extension(value: string): string {
  return visible(value.slice(0, VALUE_MAX)).replace(/[\\=]/g, (char) => `\\${char}`);
}

function header(value: string): string {
  return visible(value).replace(/[\\|]/g, (char) => `\\${char}`);
}

// RFC 3164 §4.1.2: local time, the day in two columns.
function stamp(at: number): string {
  const date = new Date(at);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const time = clock.map((part) => String(part).padStart(2, "0")).join(":");
  return `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${time}`;
}

/** One syslog message. */
export function cefLine({ at, level, event, fields }: LogEntry, hostname: string): string {
  const priority = FACILITY * 8 + SEVERITIES[level];
  const grave = event === "scanned" && fields["names"] !== undefined ? 7 : CEF_SEVERITIES[level];
  const told = new Set<string>();
  const pairs = [`rt=${at}`];
  for (const [name, value] of Object.entries(fields)) {
    // How many recipients there are is no name of one.
    const known = typeof value === "number" && name !== "size" ? undefined : KEYS[name];
    const key = known ?? `gw${name[0]?.toUpperCase() ?? ""}${name.slice(1)}`;
    if (value === undefined || value === null || told.has(key)) continue;
    told.add(key);
    pairs.push(`${key}=${extension(String(value))}`);
  }
  const product = `CEF:0|gw|gw|${header(VERSION)}|${header(event)}|${header(event)}|${grave}`;
  return `<${priority}>${stamp(at)} ${header(hostname)} ${product}|${pairs.join(" ")}`;
}
