// `gw queue …`: the mail that waits, looked at and steered beside a running gateway.
import type { ArgsDef } from "citty";
import type { QueueEntry, QueueItem, QueueRows, QueueSelection } from "../../store/queue-rows.ts";
import { LIST_MAX, type QueueFilter } from "../../store/rows/queue-filter.ts";
import { parsePlace } from "../../text/mail-route.ts";
import { printable } from "../../text/printable.ts";
import { parseDuration, roundDuration, roundSize } from "../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { countOf, PLACE, withStore } from "../place.ts";
import { counted, drawTable, showRecipients, showSender, showTime } from "../view/table.ts";
import type { Terminal } from "../view/terminal.ts";

const STATES = ["queued", "held", "deferred"] as const;

const FILTERS = {
  sender: { type: "string", valueHint: "TEXT", description: "only senders that contain this" },
  recipient: {
    type: "string",
    valueHint: "TEXT",
    description: "only recipients that contain this",
  },
  state: {
    type: "enum",
    options: [...STATES],
    valueHint: STATES.join("|"),
    description: "only messages with recipients in this state",
  },
  reply: {
    type: "string",
    valueHint: "TEXT",
    description: "only messages whose last reply, or its host, contains this",
  },
  older: {
    type: "string",
    valueHint: "DURATION",
    description: "only messages that have waited for so long: 30m, 2h, 3d",
  },
} as const satisfies ArgsDef;

interface FilterArgs {
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  readonly state?: string | undefined;
  readonly reply?: string | undefined;
  readonly older?: string | undefined;
}

function filterOf(args: FilterArgs): QueueFilter {
  const state = STATES.find((each) => each === args.state);
  return {
    ...(args.sender !== undefined && { sender: args.sender }),
    ...(args.recipient !== undefined && { recipient: args.recipient }),
    ...(state !== undefined && { state }),
    ...(args.reply !== undefined && { reply: args.reply }),
    ...(args.older !== undefined && { queuedBefore: Date.now() - ageOf(args.older) }),
  };
}

function ageOf(text: string): number {
  const age = parseDuration(text);
  if (age !== undefined) return age;
  throw new CliError(`--older: ${printable(text)} is no duration such as 30m, 2h or 3d`);
}

function stateOf(entry: QueueEntry): string {
  if (entry.state === "held") return "held";
  return entry.attempts > 0 ? "deferred" : "queued";
}

// One word if all recipients agree, else how many are in which state.
function statesOf({ states }: QueueItem): string {
  const there = Object.entries(states).filter(([, count]) => count > 0);
  if (there.length === 1) return there[0]?.[0] ?? "";
  return there.map(([state, count]) => `${count} ${state}`).join(", ");
}

function nextOf(entry: QueueEntry, now: number): string {
  if (entry.state === "held") return "-";
  const wait = entry.nextAttemptAt - now;
  return wait <= 0 ? "now" : `in ${roundDuration(wait)}`;
}

function showList(terminal: Terminal, items: readonly QueueItem[], now: number): string {
  const rows = items.map((item) => {
    const [first] = item.recipients;
    return [
      item.id,
      showTime(item.receivedAt),
      roundSize(item.size),
      statesOf(item),
      first === undefined ? "" : nextOf(first, now),
      showSender(item.sender),
      showRecipients(
        item.recipients.map(({ address }) => address),
        item.recipientCount,
      ),
      first?.lastReply ?? "",
    ];
  });
  const columns = [
    { title: "ID" },
    { title: "RECEIVED" },
    { title: "SIZE" },
    { title: "STATE" },
    { title: "NEXT" },
    { title: "SENDER", max: 40 },
    { title: "RECIPIENTS", max: 40 },
    { title: "LAST REPLY", max: 80 },
  ];
  return drawTable(terminal, columns, rows);
}

/** `gw queue list` */
export const list = command(
  {
    ...FILTERS,
    limit: { type: "string", valueHint: "N", description: "at most so many messages" },
    json: OPTIONS.json,
    ...PLACE,
  },
  (args, terminal) =>
    withStore(args, (store) => {
      const limit = args.limit === undefined ? {} : { limit: countOf(args.limit) };
      const items = store.queue.list({ ...filterOf(args), ...limit });
      if (args.json === true) {
        for (const item of items) terminal.out(`${JSON.stringify(item)}\n`);
        return EXIT.good;
      }
      if (items.length > 0) terminal.out(showList(terminal, items, Date.now()));
      const { messages, bytes, held, deferred } = store.queue.counts();
      terminal.out(
        `${items.length} of ${counted(messages, "message")} (${roundSize(bytes)} in all); ` +
          `${counted(held, "recipient")} held, ${deferred} deferred\n`,
      );
      return EXIT.good;
    }),
);

/** `gw queue show` */
export const show = command({ json: OPTIONS.json, ...PLACE }, (args, terminal) =>
  withStore(args, (store) => {
    const [id = ""] = args._;
    const item = store.queue.show(id);
    if (item === undefined) throw new CliError(`no message ${printable(id)} is in the queue`);
    if (args.json === true) {
      terminal.out(`${JSON.stringify(item)}\n`);
      return EXIT.good;
    }
    const { record } = item;
    const lines = [
      ["Id", record.id],
      ["Received", `${showTime(record.receivedAt)} from ${record.client.address || "gw itself"}`],
      ["Size", roundSize(item.size)],
      ["Status", record.status],
      ["Sender", showSender(item.sender)],
      ["Subject", item.subject],
      ["Message-ID", record.messageId],
    ].map(([name, value]) => `${`${name}:`.padEnd(12)}${printable(value ?? "")}\n`);
    terminal.out(`${lines.join("")}\n`);
    const rows = item.recipients.map((entry) => [
      entry.address,
      stateOf(entry),
      String(entry.attempts),
      nextOf(entry, Date.now()),
      entry.route,
      [entry.lastHost, entry.lastReply].filter((part) => part !== "").join(": "),
    ]);
    const columns = ["RECIPIENT", "STATE", "ATTEMPTS", "NEXT", "ROUTE", "LAST REPLY"];
    terminal.out(
      drawTable(
        terminal,
        columns.map((title) => ({ title, max: 200 })),
        rows,
      ),
    );
    return EXIT.good;
  }),
);

type Verb = (queue: QueueRows, selection: QueueSelection) => number;

const CHOICE = {
  all: { type: "boolean", description: "all messages of the queue" },
  ...FILTERS,
  json: OPTIONS.json,
  ...PLACE,
} as const satisfies ArgsDef;

interface ChoiceArgs extends FilterArgs {
  readonly _: readonly string[];
  readonly all?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly config?: string | undefined;
}

// Messages are named by their ids, by filters, or all: never all because nothing was said. A text
// that recipients contain narrows each of these down to such recipients.
function act(given: ChoiceArgs, terminal: Terminal, did: string, work: Verb) {
  return withStore(given, ({ queue }) => {
    const { recipient, ...others } = filterOf(given);
    const ids = given._;
    const isNamed = ids.length > 0 || given.all === true;
    const isFiltered = Object.keys(others).length > 0 || (recipient !== undefined && !isNamed);
    if ([given.all === true, isFiltered, ids.length > 0].filter(Boolean).length !== 1) {
      throw new CliError("name messages by their ids, or by filters, or take --all");
    }
    const missing = ids.filter((id) => queue.show(id) === undefined);
    for (const id of missing) terminal.err(`gw: no message ${printable(id)} is in the queue\n`);
    const chosen = isFiltered ? queue.list(filterOf(given)).map(({ id }) => id) : ids;
    const count = work(queue, {
      ids: given.all === true ? "all" : chosen,
      ...(recipient !== undefined && { recipient }),
    });
    if (given.json === true) terminal.out(`${JSON.stringify({ recipients: count, missing })}\n`);
    else terminal.out(`${counted(count, "recipient")} ${did}\n`);
    if (isFiltered && chosen.length >= LIST_MAX) {
      terminal.err(`gw: these are the oldest ${LIST_MAX}; there may be more that match\n`);
    }
    return missing.length > 0 ? EXIT.error : EXIT.good;
  });
}

function verb(did: string, work: Verb) {
  return command(CHOICE, (given, terminal) => act(given, terminal, did, work));
}

/** `gw queue retry` */
export const retry = verb("will be tried now", (queue, chosen) => queue.retry(chosen));

/** `gw queue hold` */
export const hold = verb("held", (queue, chosen) => queue.hold(chosen));

/** `gw queue release` */
export const release = verb("released", (queue, chosen) => queue.release(chosen));

/** `gw queue delete` */
export const remove = verb("deleted", (queue, chosen) => queue.delete(chosen));

/** `gw queue flush` */
export const flush = command({ json: OPTIONS.json, ...PLACE }, (given, terminal) => {
  // A domain stands for all recipients there; without one all are meant.
  const domains = given._.map((domain) => `@${domain.replace(/^@/, "")}`);
  return withStore(given, ({ queue }) => {
    let count = 0;
    for (const recipient of domains.length === 0 ? [""] : domains) {
      count += queue.retry({ ids: "all", recipient });
    }
    if (given.json === true) terminal.out(`${JSON.stringify({ recipients: count })}\n`);
    else terminal.out(`${counted(count, "recipient")} will be tried now\n`);
    return EXIT.good;
  });
});

const TO = {
  type: "string",
  valueHint: "HOP",
  description: "a host in brackets, host:port, a name for its MX, unix:/path",
} as const;
const UNDO = { type: "boolean", description: "let the routes say it again" } as const;

/** `gw queue reroute` */
export const reroute = command({ to: TO, undo: UNDO, ...CHOICE }, (given, terminal) => {
  const { to, undo = false } = given;
  if ((to === undefined) !== undo) throw new CliError("say where to: --to HOP, or --undo");
  if (to !== undefined && parsePlace(to) === undefined) {
    throw new CliError(`--to: ${printable(to)} is no next hop such as [192.0.2.1]:25 or a host`);
  }
  const where = to === undefined ? "go by the routes again" : `go to ${to}`;
  return act(given, terminal, where, (queue, chosen) => queue.reroute(chosen, to ?? ""));
});
