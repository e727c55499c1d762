// `gw update …`: fetches signatures and puts them into use, goes back to earlier ones, and tells how
// old they are. A gateway that runs on the same data folder turns to them at once.
import { setPriority } from "node:os";
import type { ArgsDef } from "citty";
import { systemClock } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";
import { ConfigError } from "../../../config/file/text-file.ts";
import { loadConfig } from "../../../config/load.ts";
import type { Config } from "../../../config/schema.ts";
import { sourceOf } from "../../../pipeline/update/feeds.ts";
import {
  exitOf,
  type FeedOutcome,
  UPDATE_EXIT,
  type UpdateReport,
} from "../../../pipeline/update/outcome.ts";
import { type FeedStatus, updateStatus } from "../../../pipeline/update/state/status.ts";
import { Updater, type UpdaterParts } from "../../../pipeline/update/updater.ts";
import { printable } from "../../../text/printable.ts";
import { roundDuration, roundSize } from "../../../text/units.ts";
import type { FeedSet } from "../../../update/shelf/shelf.ts";
import { type Progress, UpdateError } from "../../../update/source.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { tryAsk } from "../../control/client.ts";
import { becomeOwner } from "../../service/privilege.ts";
import { counted, drawTable } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";

const ARGS = { config: OPTIONS.config, json: OPTIONS.json } as const satisfies ArgsDef;
const PROGRESS_EVERY_MS = 100;
const NICE = 10;

/** What an update says while it works, on a terminal: one line that changes. */
export class TransferView {
  readonly #terminal: Terminal;
  #shownAt = 0;
  #isShown = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(feed: string, { what, done, total }: Progress): void {
    const now = performance.now();
    if (!this.#terminal.isWatched || now - this.#shownAt < PROGRESS_EVERY_MS) return;
    this.#shownAt = now;
    const of = total === undefined ? "" : ` of ${roundSize(total)}`;
    const line = `${feed}: ${printable(what)} ${roundSize(done)}${of}`;
    this.clear();
    this.#terminal.err(line.slice(0, this.#terminal.columns - 1));
    this.#isShown = true;
  }

  clear(): void {
    if (this.#isShown) this.#terminal.err("\r\u001b[K");
    this.#isShown = false;
  }
}

/** Errors and warnings go to people; what went well is in the report. */
function terminalLog(terminal: Terminal, view: TransferView): Log {
  const tell = (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
    if (event === "feed-failed") return; // It is in the report.
    view.clear();
    terminal.err(`gw: ${event}: ${printable(String(fields["cause"] ?? ""))}\n`);
  };
  return { error: tell, warn: tell, info() {}, debug() {} };
}

/**
 * Loads the configuration; a wrong one has an exit code of its own. What stops the work is told on
 * the terminal, and to programs as JSON if they want that.
 */
export async function withConfig(
  file: string | undefined,
  terminal: Terminal,
  work: (config: Config) => Promise<number>,
  isJson = false,
): Promise<number> {
  let config: Config;
  try {
    config = loadConfig(configFile(file));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    terminal.err(`${error.message}\n`);
    return UPDATE_EXIT.config;
  }
  try {
    return await work(config);
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    const { kind, message } = error;
    if (isJson) terminal.out(`${JSON.stringify({ error: { kind, message } })}\n`);
    terminal.err(`gw: ${printable(message)}\n`);
    return error.kind === "invalid" ? UPDATE_EXIT.config : UPDATE_EXIT.critical;
  }
}

// Compiling takes a while; the mail of a gateway on the same host comes first.
function stepBack(): void {
  try {
    setPriority(NICE);
  } catch {
    // A system without priorities, or a sandbox: it is done all the same.
  }
}

/** What updates the feeds of a data folder; `from` says from where, if not from their addresses. */
export function updaterOf(
  config: Config,
  terminal: Terminal,
  view: TransferView,
  from?: UpdaterParts["sourceOf"],
): Updater {
  const dataDir = config["server.data_dir"];
  return new Updater({
    ...{ config, clock: systemClock, log: terminalLog(terminal, view), arenas: 1 },
    sourceOf: from ?? ((feed) => sourceOf(feed, { dataDir, clock: systemClock })),
    // What was just put on disk is what the gateway reads; it need not compile it again.
    onSet: async () => {
      await tryAsk(dataDir, { verb: "signatures" });
    },
  });
}

function lineOf(terminal: Terminal, outcome: FeedOutcome): string {
  const { feed, kind, transferred, load } = outcome;
  const before = printable(outcome.before);
  const version = printable(outcome.version);
  const reason = printable(outcome.reason);
  const came = transferred > 0 ? `, ${roundSize(transferred)} transferred` : "";
  switch (kind) {
    case "updated": {
      const from = before === "" ? "" : `${before} -> `;
      const parts = load === undefined ? "" : `, ${loadText(load)}`;
      return `${feed}: ${terminal.paint("good", "updated")} ${from}${version}${parts}${came}`;
    }
    case "current":
      return `${feed}: up to date${version === "" ? "" : ` (${version})`}${came}`;
    case "paused":
      return `${feed}: ${reason}`;
    default:
      return `${feed}: ${terminal.paint("bad", kind)}: ${reason}`;
  }
}

function loadText({ loaded, skipped, malformed }: NonNullable<FeedOutcome["load"]>): string {
  const less = skipped + malformed;
  const rest = less === 0 ? "" : ` (${less} can't be used; see gw signatures import)`;
  return `${counted(loaded, "signature")}${rest}`;
}

/** Prints what came of an update. */
export function showReport(terminal: Terminal, report: UpdateReport): void {
  for (const outcome of report.outcomes) {
    terminal.out(`${lineOf(terminal, outcome)}\n`);
  }
  const { set, postCommand = "" } = report;
  if (set !== undefined) {
    terminal.out(`set ${set.number} is in use: ${counted(set.signatures, "signature")}\n`);
  }
  if (postCommand !== "") terminal.err(`gw: update.post_command: ${printable(postCommand)}\n`);
}

/** `gw update` */
export const update = command(
  {
    ...ARGS,
    force: {
      type: "boolean",
      description: "fetch everything anew, and try again what was withheld",
    },
  },
  async (args, terminal) =>
    await withConfig(
      args.config,
      terminal,
      async (config) => {
        if (config.feed.length === 0) {
          throw new UpdateError(
            "invalid",
            "no [[feed]] is configured; see gw config describe feed",
          );
        }
        stepBack();
        becomeOwner(config["server.data_dir"], config["server.user"]);
        const view = new TransferView(terminal);
        const stopping = new AbortController();
        const stop = () => stopping.abort();
        process.once("SIGINT", stop);
        process.once("SIGTERM", stop);
        try {
          const report = await updaterOf(config, terminal, view).update({
            feeds: args._.length === 0 ? undefined : args._,
            isForced: args.force === true,
            signal: stopping.signal,
            progress: (feed, step) => view.show(feed, step),
          });
          view.clear();
          if (args.json === true) terminal.out(`${JSON.stringify(report)}\n`);
          else showReport(terminal, report);
          return exitOf(report);
        } finally {
          view.clear();
          process.off("SIGINT", stop);
          process.off("SIGTERM", stop);
        }
      },
      args.json === true,
    ),
);

function showSet(terminal: Terminal, set: FeedSet): void {
  const feeds = Object.entries(set.feeds).map(([name, { version }]) => `${name} ${version}`);
  const what = feeds.length === 0 ? "only what ships with gw" : feeds.join(", ");
  terminal.out(`set ${set.number} is in use: ${printable(what)}\n`);
}

/** `gw update rollback` */
export const rollback = command(ARGS, async (args, terminal) => {
  const steps = args._[0] ?? "1";
  if (!/^[1-9]\d{0,2}$/.test(steps)) throw new CliError("how many sets? a whole number from 1 on");
  return await withConfig(args.config, terminal, async (config) => {
    becomeOwner(config["server.data_dir"], config["server.user"]);
    const updater = updaterOf(config, terminal, new TransferView(terminal));
    const set = await updater.rollback(Number(steps)).catch((error: unknown) => {
      throw error instanceof UpdateError ? new CliError(error.message, { cause: error }) : error;
    });
    if (args.json === true) terminal.out(`${JSON.stringify(set)}\n`);
    else showSet(terminal, set);
    return EXIT.good;
  });
});

function resultText({ result, warning }: FeedStatus): string {
  if (warning !== "") return warning;
  const { kind, reason } = result;
  return reason === "" ? kind : `${kind}: ${reason}`;
}

/** `gw update status` */
export const status = command(ARGS, async (args, terminal) => {
  return await withConfig(args.config, terminal, async (config) => {
    const now = Date.now();
    const state = updateStatus(config, now);
    if (args.json === true) {
      terminal.out(`${JSON.stringify(state)}\n`);
      return EXIT.good;
    }
    const ago = (time: number) => (time === 0 ? "never" : `${roundDuration(now - time)} ago`);
    const nextOf = ({ nextAt }: FeedStatus) =>
      nextAt === 0 ? "-" : nextAt <= now ? "due" : `in ${roundDuration(nextAt - now)}`;
    const titles = ["FEED", "VERSION", "FETCHED", "UP TO DATE", "NEXT", "LAST RESULT"];
    const rows = state.feeds.map((feed) => [
      ...[feed.feed, feed.version || "-", ago(feed.fetchedAt), ago(feed.currentAt)],
      ...[feed.enabled ? nextOf(feed) : "off", resultText(feed)],
    ]);
    if (rows.length === 0) terminal.out("no [[feed]] is configured\n");
    else
      terminal.out(
        drawTable(
          terminal,
          titles.map((title) => ({ title })),
          rows,
        ),
      );
    if (state.set > 0) {
      const sum = counted(state.signatures, "signature");
      const since = `since ${ago(state.installedAt)}`.replace(" ago", "");
      terminal.out(`set ${state.set} (${state.cause}), ${sum}, ${since}; `);
      terminal.out(`${state.earlier} to go back to\n`);
    }
    return state.feeds.some(({ warning }) => warning !== "") ? EXIT.found : EXIT.good;
  });
});
