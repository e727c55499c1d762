// `gw queue …`: the mail that waits, looked at and steered beside a running gateway.
import type { ArgsDef } from "citty";
import {
  LIST_MAX,
  type QueueEntry,
  type QueueFilter,
  type QueueItem,
  type QueueRows,
} from "../../store/queue-rows.ts";
import { printable } from "../../text/printable.ts";
import { roundDuration, roundSize } from "../../text/units.ts";
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
    description: "only messages with a recipient that contains this",
  },
  state: {
    type: "enum",
    options: [...STATES],
    valueHint: STATES.join("|"),
    description: "only messages with recipients in this state",
  },
} as const satisfies ArgsDef;

interface FilterArgs {
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  readonly state?: string | undefined;
}

function filterOf(args: FilterArgs): QueueFilter {
  const state = STATES.find((each) => each === args.state);
  return {
    ...(args.sender !== undefined && { sender: args.sender }),
    ...(args.recipient !== undefined && { recipient: args.recipient }),
    ...(state !== undefined && { state }),
  };
}

function stateOf(entry: QueueEntry): string {
  if (entry.state === "held") return "held";
  return entry.attempts > 0 ? "deferred" : "queued";
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
      first === undefined ? "" : stateOf(first),
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
      [entry.lastHost, entry.lastReply].filter((part) => part !== "").join(": "),
    ]);
    const columns = ["RECIPIENT", "STATE", "ATTEMPTS", "NEXT", "LAST REPLY"];
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

type Verb = (queue: QueueRows, ids: readonly string[] | "all") => number;

// Messages are named by their ids, by filters, or all: never all because nothing was said.
function verb(did: string, work: Verb) {
  const args = {
    all: { type: "boolean", description: "all messages of the queue" },
    ...FILTERS,
    ...PLACE,
  } as const satisfies ArgsDef;
  return command(args, (given, terminal) =>
    withStore(given, ({ queue }) => {
      const filter = filterOf(given);
      const ids = given._;
      const isFiltered = Object.keys(filter).length > 0;
      if ([given.all === true, isFiltered, ids.length > 0].filter(Boolean).length !== 1) {
        throw new CliError("name messages by their ids, or by filters, or take --all");
      }
      const missing = ids.filter((id) => queue.show(id) === undefined);
      for (const id of missing) terminal.err(`gw: no message ${printable(id)} is in the queue\n`);
      const chosen = isFiltered ? queue.list(filter).map(({ id }) => id) : ids;
      const count = work(queue, given.all === true ? "all" : chosen);
      terminal.out(`${counted(count, "message")} ${did}\n`);
      if (isFiltered && chosen.length >= LIST_MAX) {
        terminal.err(`gw: these are the oldest ${LIST_MAX}; there may be more that match\n`);
      }
      return missing.length > 0 ? EXIT.error : EXIT.good;
    }),
  );
}

/** `gw queue retry` */
export const retry = verb("will be tried now", (queue, ids) => queue.retry(ids));

/** `gw queue hold` */
export const hold = verb("held", (queue, ids) => queue.hold(ids));

/** `gw queue release` */
export const release = verb("released", (queue, ids) => queue.release(ids));

/** `gw queue delete` */
export const remove = verb("deleted", (queue, ids) => queue.delete(ids));
