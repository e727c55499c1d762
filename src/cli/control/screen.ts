// What `gw top` draws: a screen of lines that fits its terminal, made of two looks at the gateway.
import type { Activity, Ranking, Stats } from "../../admin/protocol.ts";
import { printable, printableUpTo } from "../../text/printable.ts";
import { roundDuration, roundSize } from "../../text/units.ts";
import { shortNumber, sparkline } from "../view/chart.ts";
import type { Paint } from "../view/terminal.ts";

/** What a screen is drawn for. */
export interface ScreenOptions {
  readonly columns: number;
  readonly rows: number;
  /** Colours a text; gives it back as it is where there are no colours. */
  readonly paint: (paint: Paint, text: string) => string;
  /** Only characters of ASCII. */
  readonly isPlain: boolean;
}

const VERDICTS = [
  "clean",
  "infected",
  "suspicious",
  "disinfected",
  "filtered",
  "protected",
  "damaged",
  "unscanned",
] as const;
const BAD = new Set<string>(["infected", "suspicious"]);
const HALVES_MIN = 60;
const ROWS_MIN = 10;

function count(stats: Stats | undefined, name: string): number {
  const value = stats?.[name];
  return typeof value === "number" ? value : 0;
}

/** Per second between two looks; 0 as long as there is only one. */
export function rateOf(now: Activity, before: Activity | undefined, name: string): number {
  if (before === undefined || now.at <= before.at) return 0;
  const more = count(now.stats, name) - count(before.stats, name);
  return Math.max(0, (more * 1000) / (now.at - before.at));
}

// Cut to the width before it is coloured: colours have no width.
function fit(text: string, width: number): string {
  return printableUpTo(text, Math.max(1, width)).padEnd(width);
}

// For terminals that know no other characters: what is not of ASCII is one question mark each.
function plain(line: string): string {
  const isKnown = (char: string) => char === "\u001b" || (char >= " " && char <= "~");
  return Array.from(line.replaceAll("…", "~"), (char) => (isKnown(char) ? char : "?")).join("");
}

function ranking(title: string, rows: Ranking, size: { width: number; height: number }): string[] {
  const { width, height } = size;
  const lines = rows
    .slice(0, height - 1)
    .map(([name, times]) => `${fit(name, width - 6)} ${shortNumber(times).padStart(5)}`);
  const empty = lines.length === 0 ? [fit("  none", width)] : [];
  const filled = [fit(title, width), ...lines, ...empty];
  while (filled.length < height) filled.push(" ".repeat(width));
  return filled.slice(0, height);
}

function headLines(now: Activity, options: ScreenOptions): string[] {
  const { status } = now;
  const { columns, paint } = options;
  const up = roundDuration(now.at - status.startedAt);
  const time = new Date(now.at - new Date(now.at).getTimezoneOffset() * 60_000);
  const clock = time.toISOString().slice(11, 19);
  const title = fit(`gw ${status.version}  up ${up}  ${status.listen.join(" ")}`, columns - 10);
  const state =
    status.paused.length > 0
      ? paint("warn", fit(`paused: ${status.paused.join(", ")}`, columns))
      : status.warnings.length > 0
        ? paint("warn", fit(`warning: ${status.warnings[0]}`, columns))
        : paint("good", fit("all stages run", columns));
  return [`${paint("strong", title)}  ${clock}`, state];
}

function rateLines(now: Activity, before: Activity | undefined, columns: number): string[] {
  const per = (name: string) => shortNumber(Math.round(rateOf(now, before, name) * 10) / 10);
  const bytes = (name: string) => `${roundSize(Math.round(rateOf(now, before, name)))}/s`;
  const { status, stats } = now;
  const cells = [
    `in ${per("mta_received_messages").padStart(5)}/s ${bytes("mta_received_bytes").padStart(9)}`,
    `out ${per("mta_sent_messages").padStart(5)}/s ${bytes("mta_sent_bytes").padStart(9)}`,
    `refused ${per("mta_receivings_refused_total").padStart(5)}/s`,
    `objects ${per("av_objects").padStart(5)}/s`,
  ];
  const { queue, quarantine } = status;
  const most = count(stats, "mta_incoming_connections_maximum");
  return [
    fit(cells.join("   "), columns),
    fit(
      `sessions ${status.sessions} (most ${most})   scanning ${status.scanning}   sending ${status.sending}`,
      columns,
    ),
    fit(
      `queue ${queue.messages} messages, ${queue.recipients} recipients   quarantine ${quarantine.messages} messages, ${roundSize(quarantine.bytes)}`,
      columns,
    ),
    fit(`signatures ${status.signatures.count} (${status.signatures.identity})`, columns),
  ];
}

function verdictLines({ stats }: Activity, { columns, paint }: ScreenOptions): string[] {
  const width = Math.floor(columns / 4);
  const cells = VERDICTS.map((name) => {
    const times = count(stats, `av_messages_${name}`);
    const text = fit(`${name} ${shortNumber(times)}`, width);
    return BAD.has(name) && times > 0 ? paint("bad", text) : text;
  });
  return [cells.slice(0, 4).join(""), cells.slice(4).join("")];
}

/** The lines of a screen, none wider and not more of them than there is room for. */
export function drawScreen(
  now: Activity,
  before: Activity | undefined,
  options: ScreenOptions,
): string[] {
  const { columns, rows, paint } = options;
  const minutes = now.minutes.slice(-Math.min(60, columns - 22));
  const history = `accepted per minute ${sparkline(minutes, options.isPlain)}`;
  const lines = [
    ...headLines(now, options),
    "",
    ...rateLines(now, before, columns),
    "",
    ...verdictLines(now, options),
    printable(fit(history, columns)),
    "",
  ];
  const left = Math.max(0, rows - lines.length - 1);
  const height = Math.floor(left / 2);
  if (height >= 2 && columns >= HALVES_MIN && rows >= ROWS_MIN) {
    const width = Math.floor((columns - 2) / 2);
    const size = { width, height };
    const sides = (one: readonly string[], other: readonly string[]) =>
      one.map((text, n) => {
        const pair = [text, other[n] ?? ""] as const;
        return pair.map((half) => (n === 0 ? paint("strong", half) : half)).join("  ");
      });
    lines.push(
      ...sides(
        ranking("Signatures, last hour", now.signatures, size),
        ranking("Refusals, last hour", now.refusals, size),
      ),
      ...sides(
        ranking("Senders, last hour", now.senders, size),
        ranking("Next hops, last hour", now.hosts, size),
      ),
    );
  }
  const shown = lines.slice(0, Math.max(1, rows - 1));
  while (shown.length < rows - 1) shown.push("");
  const all = [...shown, paint("faint", fit("q quits", columns - 1))].slice(0, rows);
  return options.isPlain ? all.map(plain) : all;
}
