// `gw trace`: the SMTP dialogue and what is decided, as it happens.
import type { ArgsDef } from "citty";
import type { TraceLine } from "../../admin/trace/watcher.ts";
import { printable } from "../../text/printable.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { PLACE } from "../place.ts";
import type { Terminal } from "../view/terminal.ts";
import { listen } from "./client.ts";

const ARGS = {
  ...PLACE,
  ip: { type: "string", valueHint: "ADDRESS|NETWORK", description: "only clients from there" },
  from: { type: "string", valueHint: "MASK", description: "only mail of this envelope sender" },
  to: { type: "string", valueHint: "MASK", description: "only mail for this envelope recipient" },
  count: { type: "string", valueHint: "N", description: "end after so many lines" },
  json: OPTIONS.json,
} as const satisfies ArgsDef;

/** Fields that stand in front of the line, or are of use to programs only. */
const LEFT_OUT = new Set(["client", "session"]);

function showFields(fields: Extract<TraceLine, { kind: "event" }>["fields"]): string {
  return Object.entries(fields)
    .filter(([name, value]) => value !== undefined && !LEFT_OUT.has(name))
    .map(([name, value]) => {
      const text = printable(String(value));
      return ` ${name}=${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`;
    })
    .join("");
}

/** One line as people read it; `at` in the zone of the host. */
export function showTraceLine(terminal: Terminal, line: TraceLine): string {
  const date = new Date(line.at);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const time = clock.map((part) => String(part).padStart(2, "0")).join(":");
  const start = `${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  if (line.kind === "lost") {
    return `${start} ${terminal.paint("warn", `${line.count} lines left out: too many at once`)}\n`;
  }
  const session = printable(line.session.replace(" ", ":"));
  if (line.kind === "event") {
    const client = session || printable(String(line.fields["client"] ?? "-"));
    const what = terminal.paint("strong", line.event);
    return `${start} ${client} == ${what}${showFields(line.fields)}\n`;
  }
  const text = printable(line.text);
  const isRefusal = line.side === "S" && /^[45]/.test(line.text);
  return `${start} ${session} ${line.side}: ${isRefusal ? terminal.paint("bad", text) : text}\n`;
}

/** `gw trace` */
export const trace = command(ARGS, async (args, terminal) => {
  const { ip = "", from = "", to = "" } = args;
  const max = args.count === undefined ? Number.POSITIVE_INFINITY : Number(args.count);
  if (!(max >= 1)) throw new CliError("--count needs a number such as 100");
  const ending = new AbortController();
  const onSignal = () => ending.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  let shown = 0;
  const onValue = (line: TraceLine) => {
    if (args.json) terminal.out(`${JSON.stringify(line)}\n`);
    else terminal.out(showTraceLine(terminal, line));
    if (++shown >= max) ending.abort();
  };
  if (terminal.isWatched && args.json !== true) {
    terminal.err("watching; Ctrl-C ends it\n");
  }
  try {
    await listen<TraceLine>(
      args,
      { verb: "trace", ip, from, to },
      { onValue, signal: ending.signal },
    );
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
  if (!ending.signal.aborted) throw new CliError("the gateway has ended");
  return EXIT.good;
});
