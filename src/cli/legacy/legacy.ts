// The commands of SMTP-Gateway 5.5: when gw is called by one of their names (through a link), it takes
// their options, does the same with gw's own commands, and ends with their exit codes.
import { basename } from "node:path";
import { UPDATE_EXIT } from "../../pipeline/update/outcome.ts";
import { LIST_MAX } from "../../store/rows/queue-filter.ts";
import { printable } from "../../text/printable.ts";
import { CliError, EXIT } from "../command.ts";
import { withStore } from "../place.ts";
import { explain, run } from "../program.ts";
import { showSender, showTime } from "../view/table.ts";
import type { Terminal } from "../view/terminal.ts";
import { type LegacyOption, readOptions, type Typed } from "./options.ts";
import { CONFIG, placeOf, placeWords } from "./place.ts";
import { keepup2date, licensemanager } from "./updating.ts";

/** Exit codes of klmailq and klmaila: the arguments, the folder, the system, not done. */
const QUEUE_EXIT = { arguments: 1, folder: 2, system: 3, notDone: 4 } as const;
/** Exit codes of smtpgw: any error, and another one that runs. */
const SERVER_EXIT = { error: 1, runsAlready: 41 } as const;

const MAIL_OPTIONS: readonly LegacyOption[] = [
  CONFIG,
  { long: "show-all" },
  { long: "show-id", hasValue: true },
  { long: "remove-all", short: "r" },
  { long: "remove-id", short: "d", hasValue: true },
  { long: "send-all", short: "a" },
  { long: "send-id", short: "o", hasValue: true },
];
const VERBS = ["show-id", "remove-all", "remove-id", "send-all", "send-id"];

/** The one thing that is asked for; undefined for a listing. */
function verbOf(typed: Typed, known: readonly string[]): string | undefined {
  if (typed.rest.length > 0)
    throw new CliError(`unexpected argument "${printable(typed.rest[0] ?? "")}"`);
  const given = known.filter((verb) => typed.options.has(verb));
  if (given.length > 1) throw new CliError(`--${given.join(" and --")} don't go together`);
  return given[0];
}

async function smtpgw(words: readonly string[], terminal: Terminal): Promise<number> {
  const typed = readOptions(words, [
    CONFIG,
    { long: "no-pid-file", short: "n" },
    { long: "no-change-owner", short: "o" },
    { long: "user", short: "u", hasValue: true },
  ]);
  const user = typed.options.get("user");
  const userWords = user === undefined ? [] : ["--user", user];
  return await run(["serve", ...placeWords(typed), ...userWords], terminal);
}

const MAIL_STATUS = { waiting: "WFS", deferred: "QUE" } as const;

// ID STATUS SIZE DATE IP <SENDER> -> <RECIPIENT>
function mailLine(fields: readonly (string | number)[], sender: string, recipient: string): string {
  return `${fields.join(" ")} ${printable(showSender(sender))} -> <${printable(recipient)}>\n`;
}

async function listQueue(typed: Typed, terminal: Terminal): Promise<number> {
  return await withStore(placeOf(typed), ({ queue }) => {
    for (const { id } of queue.list({ limit: LIST_MAX })) {
      const item = queue.show(id);
      if (item === undefined) continue;
      const { record, recipients } = item;
      for (const { address, attempts } of recipients) {
        const status = attempts > 0 ? MAIL_STATUS.deferred : MAIL_STATUS.waiting;
        const date = showTime(item.receivedAt);
        const fields = [id, status, item.size, date, record.client.address || "-"];
        terminal.out(mailLine(fields, item.sender, address));
      }
    }
    return 0;
  });
}

/** Runs a command of gw's that can leave something undone. */
async function done(words: string[], terminal: Terminal): Promise<number> {
  return (await run(words, terminal)) === 0 ? 0 : QUEUE_EXIT.notDone;
}

async function klmailq(words: readonly string[], terminal: Terminal): Promise<number> {
  const typed = readOptions(words, MAIL_OPTIONS);
  const verb = verbOf(typed, VERBS);
  const id = verb === undefined ? "" : (typed.options.get(verb) ?? "");
  const commands: Readonly<Record<string, readonly string[]>> = {
    "show-id": ["show", id],
    "remove-all": ["delete", "--all"],
    "remove-id": ["delete", id],
    "send-all": ["retry", "--all"],
    "send-id": ["retry", id],
  };
  if (verb === undefined) return await listQueue(typed, terminal);
  return await done(["queue", ...(commands[verb] ?? []), ...placeWords(typed)], terminal);
}

const STORES: Readonly<Record<string, string>> = {
  quarantine: "quarantine",
  backup: "backup",
  arch_in: "incoming",
  arch_out: "outgoing",
};

const STATUS_LETTERS: Readonly<Record<string, string>> = {
  clean: "CLN",
  disinfected: "CRD",
  suspicious: "SSP",
  protected: "PRT",
  damaged: "ERR",
  unscanned: "ERR",
  filtered: "FLT",
  infected: "INF",
};

/** What `gw vault list --json` says of a message. */
interface Kept {
  readonly id: string;
  readonly status: string;
  readonly size: number;
  readonly receivedAt: number;
  readonly sender: string;
  readonly recipients: readonly string[];
}

async function listVault(words: readonly string[], terminal: Terminal): Promise<readonly Kept[]> {
  let text = "";
  const kept: Terminal = Object.assign(Object.create(terminal), {
    out: (part: string) => {
      text += part;
    },
  });
  await run(["vault", "list", ...words, "--json"], kept);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Kept);
}

async function klmaila(words: readonly string[], terminal: Terminal): Promise<number> {
  const typed = readOptions(words, [
    ...MAIL_OPTIONS,
    { long: "archive-path", hasValue: true },
    { long: "send-id-without-check", hasValue: true },
  ]);
  const verb = verbOf(typed, [...VERBS, "send-id-without-check"]);
  const path = typed.options.get("archive-path");
  if (path === undefined) throw new CliError("--archive-path=DIR is needed");
  const store = STORES[basename(path)];
  if (store === undefined) {
    const names = Object.keys(STORES).join(", ");
    terminal.err(`klmaila: ${printable(path)}: the last part of it must be one of ${names}\n`);
    return QUEUE_EXIT.folder;
  }
  const place = placeWords(typed);
  const chosen = ["--store", store, ...place];
  const id = verb === undefined ? "" : (typed.options.get(verb) ?? "");
  switch (verb) {
    case "show-id":
      return await done(["vault", "show", id, ...place], terminal);
    case "remove-id":
      return await done(["vault", "delete", id, ...place], terminal);
    case "remove-all":
      return await done(["vault", "delete", ...chosen], terminal);
    case "send-id":
      return await done(["vault", "release", id, ...place], terminal);
    case "send-id-without-check": {
      const why = ["--without-check", "--reason", "klmaila --send-id-without-check"];
      return await done(["vault", "release", id, ...why, ...place], terminal);
    }
    default: {
      const all = await listVault(chosen, terminal);
      if (verb === "send-all") {
        const ids = all.map((each) => each.id);
        return ids.length === 0 ? 0 : await done(["vault", "release", ...ids, ...place], terminal);
      }
      for (const each of all) {
        const letters = STATUS_LETTERS[each.status] ?? "RCV";
        const fields = [each.id, letters, each.size, showTime(each.receivedAt), "-"];
        const [recipient = ""] = each.recipients;
        terminal.out(mailLine(fields, each.sender, recipient));
      }
      return 0;
    }
  }
}

async function kltlv(words: readonly string[], terminal: Terminal): Promise<number> {
  const { rest } = readOptions(words, []);
  if (rest.length === 0) throw new CliError("which template? kltlv FILE…");
  const kinds: Readonly<Record<string, string>> = {
    placeholder: "placeholder",
    disclaimer: "disclaimer",
    dsn: "dsn",
  };
  let worst = 0;
  for (const file of rest) {
    const kind = kinds[basename(file).replace(/\..*$/, "")] ?? "notice-admin";
    worst = Math.max(worst, await run(["template", "check", "--kind", kind, file], terminal));
  }
  return worst === 0 ? 0 : 1;
}

type Tool = (words: readonly string[], terminal: Terminal) => Promise<number>;

const TOOLS: Readonly<Record<string, Tool>> = {
  ...{ smtpgw, klmailq, klmaila, kltlv },
  ...{ keepup2date, licensemanager },
};

/** The exit code that the old tool had for an error. */
function exitOf(name: string, error: unknown): number {
  const { name: kind, message } = error instanceof Error ? error : new Error(String(error));
  if (name === "smtpgw") {
    const isRunning = message.includes("is in use by another");
    return isRunning ? SERVER_EXIT.runsAlready : SERVER_EXIT.error;
  }
  if (name === "kltlv") return 1;
  if (name === "licensemanager") return EXIT.error;
  // What was asked for is as wrong as a configuration can be.
  if (name === "keepup2date")
    return kind === "CliError" ? UPDATE_EXIT.config : UPDATE_EXIT.critical;
  if (kind === "DataFolderError") return QUEUE_EXIT.folder;
  return kind === "CliError" || kind === "ConfigError" ? QUEUE_EXIT.arguments : QUEUE_EXIT.system;
}

/** Runs the old tool called `name`; gives its exit code. Errors are one line, as gw's are. */
export async function runLegacy(
  name: string,
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  try {
    const tool = TOOLS[name];
    if (tool === undefined) throw new CliError(`there is no tool called ${printable(name)}`);
    const code = await tool(words, terminal);
    return code;
  } catch (error) {
    terminal.err(explain(error));
    return exitOf(name, error);
  }
}
