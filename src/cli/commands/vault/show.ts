// `gw vault show`: all that is known of a kept message, as text that no terminal acts upon.
import { loadConfig } from "../../../config/load.ts";
import type { Config } from "../../../config/schema.ts";
import type { Verdict } from "../../../message.ts";
import { readableTexts } from "../../../mime/texts.ts";
import { limitsOf } from "../../../pipeline/scanning.ts";
import type { Release } from "../../../store/rows/release-rows.ts";
import { printable, printableUpTo } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import type { Vault, VaultDetails } from "../../../vault/vault.ts";
import { CliError, type Command, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { startInspection } from "../../inspection.ts";
import { PLACE } from "../../place.ts";
import { readMailHeader } from "../../view/mail-header.ts";
import { drawObjects, paintStatus } from "../../view/scan-report.ts";
import { showSender, showTime } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { byOf, find, REASON, type Scope, withVault } from "./common.ts";

const TEXT_LINES_MAX = 200;
const LINE_LENGTH_MAX = 400;

/** The bytes of a message that was there a moment ago. */
export async function bytesOf(vault: Vault, id: string): Promise<Uint8Array> {
  const bytes = await vault.read(id);
  if (bytes === undefined) throw new CliError(`${printable(id)} has just been deleted`);
  return bytes;
}

/** A message's objects, as today's signatures see them. */
export async function inspectKept(config: Config, bytes: Uint8Array): Promise<Verdict> {
  const { inspector } = await startInspection(config, { workersMax: 1 });
  try {
    const body = { kind: "bytes", bytes } as const;
    return (await inspector.inspect({ body, name: "message", isMessage: true })).verdict;
  } finally {
    inspector.stop();
  }
}

async function drawAbout(message: VaultDetails, bytes: Uint8Array): Promise<string> {
  const { client, envelope } = message.record;
  const stored = message.stored === message.size ? "" : `, ${roundSize(message.stored)} on disk`;
  const lines: (readonly [string, string])[] = [
    ["Id", message.id],
    ["Store", message.store],
    ["Received", showTime(message.receivedAt)],
    ["Client", `${client.address} (${client.helo}) ${client.protocol} ${client.tls ?? ""}`],
    ["Sender", showSender(message.sender)],
    ...envelope.recipients.map(({ address }) => ["Recipient", address] as const),
    ["Size", `${roundSize(message.size)}${stored}`],
    ["Found", message.findings.join(", ")],
    ...(await readMailHeader({ kind: "bytes", bytes })),
    ["Message-ID", message.messageId],
  ];
  return lines
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${`${name}:`.padEnd(12)}${printable(value).trimEnd()}\n`)
    .join("");
}

/** What became of a release, in a line for each recipient. */
export function drawRelease(release: Release): string {
  const { id, at, who, reason, kind, object, isChecked, recipients, state } = release;
  const what = kind === "object" ? `object ${printable(object)}` : kind;
  const unchecked = isChecked ? "" : ", not checked";
  const why = reason === "" ? "" : `: ${printable(reason)}`;
  const lines = [`  ${showTime(at)}  ${what} as ${id} by ${printable(who)}${unchecked}${why}`];
  if (release.cause !== undefined) lines.push(`    given up: ${printable(release.cause)}`);
  for (const address of recipients) {
    const outcome = release.outcomes.find(({ recipient }) => recipient === address);
    const word = outcome === undefined || state === "withdrawn" ? state : outcome.kind;
    const said = outcome === undefined ? "" : `: ${printable(outcome.reply)}`;
    lines.push(`    ${printable(address)} ${word}${said}`);
  }
  return `${lines.join("\n")}\n`;
}

function drawText(bytes: Uint8Array, config: Config): string {
  const limits = limitsOf(config);
  const lines: string[] = [];
  for (const text of readableTexts(bytes, limits, () => performance.now())) {
    for (const line of text.split(/\r?\n/)) {
      if (lines.length >= TEXT_LINES_MAX) return `${[...lines, "  …"].join("\n")}\n`;
      lines.push(`  ${printableUpTo(line, LINE_LENGTH_MAX)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

async function writeRaw(terminal: Terminal, trace: string, bytes: Uint8Array): Promise<void> {
  await terminal.write(Buffer.from(trace));
  await terminal.write(bytes);
}

async function draw(
  terminal: Terminal,
  message: VaultDetails,
  seen: { readonly bytes: Uint8Array; readonly verdict: Verdict },
): Promise<void> {
  terminal.out(await drawAbout(message, seen.bytes));
  terminal.out(`${"Status:".padEnd(12)}${paintStatus(terminal, message.status)}\n`);
  terminal.out("Objects, as the signatures of today see them:\n");
  terminal.out(drawObjects(terminal, seen.verdict));
  if (message.releases.length > 0) terminal.out("Releases:\n");
  for (const release of message.releases) terminal.out(drawRelease(release));
  const others = message.acts.filter(({ verb }) => verb !== "release");
  if (others.length > 0) terminal.out("Acts:\n");
  for (const { at, verb, who, detail, reason } of others) {
    const said = printable([verb, detail, `by ${who}`, reason].filter(Boolean).join(" "));
    terminal.out(`  ${showTime(at)}  ${said}\n`);
  }
}

/** `gw vault show` */
export function show(scope: Scope): Command {
  return command(
    {
      text: { type: "boolean", description: "also what a reader of the message would read" },
      raw: { type: "boolean", description: "the message itself, with the trace fields of gw" },
      reason: REASON,
      json: OPTIONS.json,
      ...PLACE,
    },
    (args, terminal) =>
      withVault(args, async (vault) => {
        const message = find(vault, args._[0] ?? "", scope);
        const bytes = await bytesOf(vault, message.id);
        if (args.raw === true) {
          if (terminal.isTerminal) {
            throw new CliError("--raw is not for terminals: redirect it, as in `… > message.eml`");
          }
          vault.note([{ ...byOf(args.reason), entry: message.id, verb: "extract", detail: "raw" }]);
          await writeRaw(terminal, message.record.trace, bytes);
          return EXIT.good;
        }
        const config = loadConfig(configFile(args.config));
        const verdict = await inspectKept(config, bytes);
        if (args.json === true) {
          const { objects } = verdict;
          terminal.out(`${JSON.stringify({ ...message, objects })}\n`);
          return EXIT.good;
        }
        await draw(terminal, message, { bytes, verdict });
        if (args.text === true) terminal.out(`Text:\n${drawText(bytes, config)}`);
        return EXIT.good;
      }),
  );
}
