// `gw quarantine …`: the mail that was kept back, and what becomes of it.
import type { ArgsDef } from "citty";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { loadConfig } from "../../config/load.ts";
import type { Body } from "../../message.ts";
import { type Release, release as rescan } from "../../pipeline/release.ts";
import { Policy } from "../../policy/policy.ts";
import type { KeptPlace, QuarantineFilter } from "../../store/quarantine-rows.ts";
import { LIST_MAX } from "../../store/queue-rows.ts";
import type { Store } from "../../store/store.ts";
import { printable } from "../../text/printable.ts";
import { roundSize } from "../../text/units.ts";
import { Quarantine, type QuarantineDetails, type QuarantineItem } from "../../vault/quarantine.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { configFile } from "../config-file.ts";
import { startInspection } from "../inspection.ts";
import { countOf, PLACE, type PlaceArgs, timeOf, withStore } from "../place.ts";
import { readMailHeader } from "../view/mail-header.ts";
import { paintStatus } from "../view/scan-report.ts";
import { counted, drawTable, showRecipients, showSender, showTime } from "../view/table.ts";
import type { Terminal } from "../view/terminal.ts";

const FILTERS = {
  sender: { type: "string", valueHint: "TEXT", description: "only senders that contain this" },
  recipient: { type: "string", valueHint: "TEXT", description: "only recipients with this" },
  subject: { type: "string", valueHint: "TEXT", description: "only subjects that contain this" },
  signature: { type: "string", valueHint: "TEXT", description: "only findings with this name" },
  since: { type: "string", valueHint: "TIME", description: "only from then on: 7d, 2026-11-22" },
  before: { type: "string", valueHint: "TIME", description: "only older than that" },
} as const satisfies ArgsDef;

type FilterName = keyof typeof FILTERS;
type FilterArgs = Readonly<Partial<Record<FilterName, string | undefined>>>;

function filterOf(args: FilterArgs): QuarantineFilter {
  const filter: { -readonly [K in keyof QuarantineFilter]: QuarantineFilter[K] } = {};
  for (const name of ["sender", "recipient", "subject", "signature"] as const) {
    if (args[name] !== undefined) filter[name] = args[name];
  }
  for (const name of ["since", "before"] as const) {
    if (args[name] !== undefined) filter[name] = timeOf(args[name], Date.now());
  }
  return filter;
}

// Which of the stores of kept mail is meant; ids are good for all of them.
const KEPT = {
  store: {
    type: "enum",
    options: ["quarantine", "backup", "archive"],
    description: "another store than the quarantine: backup or archive",
  },
} as const satisfies ArgsDef;

function withQuarantine(
  args: PlaceArgs,
  work: (quarantine: Quarantine, store: Store) => number | Promise<number>,
): Promise<number> {
  return withStore(args, (store) => work(new Quarantine(store.quarantine), store));
}

function showList(terminal: Terminal, items: readonly QuarantineItem[]): string {
  const rows = items.map((item) => [
    item.id,
    showTime(item.receivedAt),
    roundSize(item.size),
    showSender(item.sender),
    showRecipients(item.recipients, item.recipients.length),
    item.findings.length > 0 ? item.findings.join(", ") : item.status,
    item.subject,
  ]);
  const columns = [
    { title: "ID" },
    { title: "RECEIVED" },
    { title: "SIZE" },
    { title: "SENDER", max: 40 },
    { title: "RECIPIENTS", max: 40 },
    { title: "FOUND", max: 60 },
    { title: "SUBJECT", max: 60 },
  ];
  return drawTable(terminal, columns, rows);
}

function placeOf(store: string | undefined): KeptPlace {
  return (store ?? "quarantine") as KeptPlace;
}

/** `gw quarantine list` */
export const list = command(
  {
    ...FILTERS,
    ...KEPT,
    limit: { type: "string", valueHint: "N", description: "at most so many messages" },
    json: OPTIONS.json,
    ...PLACE,
  },
  (args, terminal) =>
    withQuarantine(args, (quarantine) => {
      const limit = args.limit === undefined ? {} : { limit: countOf(args.limit) };
      const place = placeOf(args.store);
      const items = quarantine.list({ ...filterOf(args), ...limit, place });
      if (args.json === true) {
        for (const item of items) terminal.out(`${JSON.stringify(item)}\n`);
        return EXIT.good;
      }
      if (items.length > 0) terminal.out(showList(terminal, items));
      const { messages, bytes } = quarantine.counts(place);
      terminal.out(
        `${items.length} of ${counted(messages, "message")} (${roundSize(bytes)} in all)\n`,
      );
      return EXIT.good;
    }),
);

function find(quarantine: Quarantine, id: string): QuarantineDetails {
  const message = quarantine.show(id);
  if (message === undefined) throw new CliError(`no message ${printable(id)} is in quarantine`);
  return message;
}

async function writeBody(terminal: Terminal, trace: string, body: Body): Promise<void> {
  if (terminal.isTerminal) {
    throw new CliError("--raw is not for terminals: redirect it, as in `… --raw > message.eml`");
  }
  await terminal.write(Buffer.from(trace));
  if (body.kind === "bytes") {
    await terminal.write(body.bytes);
    return;
  }
  const file = Bun.file(body.path).slice(body.offset, body.offset + body.size);
  for await (const chunk of file.stream()) await terminal.write(chunk);
}

async function showDetails(terminal: Terminal, message: QuarantineDetails): Promise<string> {
  const { record, body } = message;
  const { client, envelope } = record;
  const header = await readMailHeader(body);
  const lines: (readonly [string, string])[] = [
    ["Id", record.id],
    ["Received", showTime(record.receivedAt)],
    ["Client", `${client.address} (${client.helo}) ${client.protocol} ${client.tls ?? ""}`],
    ["Sender", showSender(envelope.sender)],
    ...envelope.recipients.map(({ address }) => ["Recipient", address] as const),
    ["Size", roundSize(record.size)],
    ["Found", record.findings.join(", ")],
    ...header,
    ["Message-ID", record.messageId],
  ];
  const shown = lines
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${`${name}:`.padEnd(12)}${printable(value).trimEnd()}\n`);
  return `${shown.join("")}${"Status:".padEnd(12)}${paintStatus(terminal, record.status)}\n`;
}

/** `gw quarantine show` */
export const show = command(
  {
    raw: { type: "boolean", description: "the message itself, with the trace fields of gw" },
    json: OPTIONS.json,
    ...PLACE,
  },
  (args, terminal) =>
    withQuarantine(args, async (quarantine) => {
      const message = find(quarantine, args._[0] ?? "");
      if (args.raw === true) await writeBody(terminal, message.record.trace, message.body);
      else if (args.json === true) terminal.out(`${JSON.stringify(message)}\n`);
      else terminal.out(await showDetails(terminal, message));
      return EXIT.good;
    }),
);

function sayKept(terminal: Terminal, id: string, end: Extract<Release, { kind: "kept" }>): void {
  const { verdict, disposition } = end;
  const status = paintStatus(terminal, verdict.status);
  const reason = "reason" in disposition ? ` (${printable(disposition.reason)})` : "";
  terminal.err(`gw: ${id} is still ${status}${reason}; --force releases it all the same\n`);
}

/** `gw quarantine release` */
export const release = command(
  {
    force: { type: "boolean", description: "deliver without another scan, whatever was found" },
    to: { type: "string", valueHint: "ADDRESS", description: "deliver to this address instead" },
    ...PLACE,
  },
  (args, terminal) =>
    withQuarantine(args, async (quarantine, store) => {
      const ids = [...new Set(args._)];
      // All must be there before the first one goes.
      for (const id of ids) find(quarantine, id);
      const to = args.to === undefined ? undefined : [addressOf(args.to)];
      let released = 0;
      if (args.force === true) released = quarantine.release(ids, to).done.length;
      else {
        const config = loadConfig(configFile(args.config));
        const { inspector } = await startInspection(config, { workersMax: 1 });
        const policy = new Policy(config, { clock: systemClock, log: silentLog });
        const exemptions = () => store.exemptions.active(Date.now());
        const parts = { quarantine, inspector, policy, exemptions };
        try {
          for (const id of ids) {
            const end = await rescan(parts, to === undefined ? { id } : { id, recipients: to });
            if (end.kind === "released") released++;
            if (end.kind === "kept") sayKept(terminal, id, end);
          }
        } finally {
          inspector.stop();
        }
      }
      terminal.out(`${released} of ${counted(ids.length, "message")} released\n`);
      return released === ids.length ? EXIT.good : EXIT.found;
    }),
);

function addressOf(text: string): string {
  if (!/^[^\s<>@]+@[^\s<>@]+$/.test(text)) {
    throw new CliError(`--to needs an address such as user@example.org, not "${printable(text)}"`);
  }
  return text;
}

/** `gw quarantine delete` */
export const remove = command({ ...FILTERS, ...KEPT, ...PLACE }, (args, terminal) =>
  withQuarantine(args, (quarantine) => {
    const filter = filterOf(args);
    const isFiltered = Object.keys(filter).length > 0;
    if (isFiltered === args._.length > 0) {
      throw new CliError("name messages by their ids, or by filters such as --before 90d");
    }
    const place = placeOf(args.store);
    const ids = isFiltered ? quarantine.list({ ...filter, place }).map(({ id }) => id) : args._;
    const { done, missing } = quarantine.delete(ids);
    for (const id of missing) terminal.err(`gw: no message ${printable(id)} is in quarantine\n`);
    terminal.out(`${counted(done.length, "message")} deleted\n`);
    if (isFiltered && ids.length >= LIST_MAX) {
      terminal.err(`gw: these are the newest ${LIST_MAX}; there may be more that match\n`);
    }
    return missing.length > 0 ? EXIT.error : EXIT.good;
  }),
);
