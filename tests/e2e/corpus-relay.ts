// Relays every mail file of the corpus through the compiled binary: `bun tests/e2e/corpus-relay.ts`.
// GW_CORPUS names the corpus (default: ../shared/corpus). Whatever oddity a mail has, it arrives
// once and byte for byte below gw's trace fields, or it is refused or kept with a reason.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join, relative } from "node:path";
import { Findings, runScript, tally } from "../harness/findings.ts";
import { GatewayProcess } from "../harness/gateway-process.ts";
import { type GeneratorSession, openSession, toWire } from "../harness/generator.ts";
import { freePort, until } from "../harness/process.ts";
import { type Sink, startSink } from "../harness/sink.ts";

const FOLDERS = ["mime", "ham"];
const MAIL_EXTENSIONS = [".eml", ".msg", ".txt"];
const SETTLE_TIMEOUT_MS = 60_000;
/** Doubles may come after the last message has. */
const AFTERMATH_MS = 2000;
const LISTED_MAX = 200;
const [CARRIAGE_RETURN, LINE_FEED] = [0x0d, 0x0a];

/** One mail of the corpus and what became of it. */
interface Case {
  readonly name: string;
  /** What a client hands over: all lines end in CRLF. */
  readonly bytes: Buffer;
  readonly recipient: string;
  /** Bare CR or NUL in it: refused by default. RFC 5321 §2.3.8, RFC 5322 §2.2. */
  readonly isMalformed: boolean;
  reply: string;
  isAccepted: boolean;
  readonly received: Buffer[];
}

// A field name and a colon, or the line that mailbox files begin messages with.
function looksLikeMail(bytes: Buffer): boolean {
  return /^(From |[!-9;-~]+[ \t]*:)/.test(bytes.toString("latin1", 0, 200));
}

// Bare LF becomes CRLF, as any SMTP client makes it; nothing else is touched.
function withCrlf(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
    if (bytes[at - 1] === CARRIAGE_RETURN && at > start) continue;
    pieces.push(bytes.subarray(start, at), Buffer.from("\r\n"));
    start = at + 1;
  }
  const rest = bytes.subarray(start);
  const isEnded = rest.length === 0 || rest.subarray(-2).equals(Buffer.from("\r\n"));
  return Buffer.concat([...pieces, rest, Buffer.from(isEnded ? "" : "\r\n")]);
}

function isMalformed(bytes: Buffer): boolean {
  if (bytes.includes(0)) return true;
  for (
    let at = bytes.indexOf(CARRIAGE_RETURN);
    at >= 0;
    at = bytes.indexOf(CARRIAGE_RETURN, at + 1)
  ) {
    if (bytes[at + 1] !== LINE_FEED) return true;
  }
  return false;
}

function readCases(corpus: string): Case[] {
  const files = FOLDERS.flatMap((folder) => {
    const root = join(corpus, folder);
    if (!existsSync(root)) return [];
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  });
  const cases: Case[] = [];
  for (const file of files.sort()) {
    const raw = readFileSync(file);
    const extension = extname(file);
    const isMail = MAIL_EXTENSIONS.includes(extension) || (extension === "" && looksLikeMail(raw));
    if (!isMail || raw.length === 0) continue;
    const bytes = withCrlf(raw);
    cases.push({
      name: relative(corpus, file),
      bytes,
      recipient: `case-${cases.length}@example.org`,
      isMalformed: isMalformed(bytes),
      reply: "",
      isAccepted: false,
      received: [],
    });
  }
  return cases;
}

async function sendAll(cases: readonly Case[], port: number): Promise<void> {
  let session: GeneratorSession | undefined;
  for (const one of cases) {
    if (session === undefined || session.isGone) {
      const opening = await openSession({ port });
      if (opening.kind === "failed") throw new Error("the gateway takes no connection");
      session = opening.session;
    }
    const outcome = await session.send({
      sender: "corpus@sender.example.net",
      recipients: [one.recipient],
      wire: toWire(one.bytes),
      parameters: "BODY=8BITMIME",
    });
    one.reply = outcome.kind === "lost" ? `connection lost at ${outcome.stage}` : outcome.text;
    one.isAccepted = outcome.kind === "replied" && outcome.code === 250;
  }
  await session?.quit();
}

/** What `gw quarantine list --json` tells of one message; one object per line. */
interface Kept {
  readonly recipients: readonly string[];
  readonly status: string;
  readonly findings: readonly string[];
}

function readQuarantine(stdout: string): Kept[] {
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : (JSON.parse(line) as Kept)));
}

// Fields stand above the message: whole lines, each a name with a colon or the rest of one.
function isTrace(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  return text === "" || /^(?:[!-9;-~]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+$/.test(text);
}

function difference(one: Case): string | undefined {
  const [received] = one.received;
  if (received === undefined) return undefined;
  const added = received.length - one.bytes.length;
  if (added < 0) return `${-added} bytes are missing`;
  if (received.subarray(added).equals(one.bytes)) {
    return isTrace(received.subarray(0, added)) ? undefined : "more than trace fields were added";
  }
  let at = 0;
  while (received[received.length - 1 - at] === one.bytes[one.bytes.length - 1 - at]) at++;
  return `differs ${at} bytes before its end`;
}

function report(cases: readonly Case[], quarantine: readonly Kept[]): number {
  const findings = new Findings();
  const reasonOf = (one: Case) => {
    const found = quarantine.find((kept) => kept.recipients.includes(one.recipient));
    return found && [found.status, ...found.findings].join(" ");
  };
  const isKept = (one: Case) => reasonOf(one) !== undefined;
  const refused = cases.filter((one) => !one.isAccepted);
  const kept = cases.filter(isKept);
  for (const one of [...refused, ...kept].slice(0, LISTED_MAX)) {
    const what = isKept(one) ? `quarantine: ${reasonOf(one)}` : one.reply;
    process.stdout.write(`  ${one.name}: ${what}\n`);
  }
  const named = (list: readonly Case[]) => list.map((one) => `${one.name} (${one.reply})`);
  findings.row("mails", cases.length);
  findings.row("delivered", cases.filter((one) => one.received.length > 0).length);
  findings.row("refused", `${refused.length} (${tally(refused.map((one) => one.reply))})`);
  findings.row("quarantined", `${kept.length} (${tally(kept.map((one) => reasonOf(one) ?? ""))})`);
  const malformed = cases.filter((one) => one.isMalformed);
  findings.row("with bare CR or NUL", malformed.length);
  findings.mustBeNone("connections lost", named(cases.filter((one) => /lost/.test(one.reply))));
  findings.mustBeNone(
    "with bare CR or NUL, and not refused",
    named(malformed.filter((one) => one.isAccepted)),
  );
  const lost = cases.filter((one) => one.isAccepted && one.received.length === 0 && !isKept(one));
  findings.mustBeNone("accepted and lost", named(lost));
  findings.mustBeNone("doubled", named(cases.filter((one) => one.received.length > 1)));
  const unwanted = cases.filter(
    (one) => one.received.length > 0 && (!one.isAccepted || isKept(one)),
  );
  findings.mustBeNone("delivered though refused or quarantined", named(unwanted));
  findings.mustBeNone(
    "changed below the trace fields",
    cases.flatMap((one) => {
      const what = difference(one);
      return what === undefined ? [] : `${one.name} ${what}`;
    }),
  );
  return findings.print("corpus-relay");
}

async function main(): Promise<number> {
  const { GW_CORPUS = "../shared/corpus" } = process.env;
  const cases = readCases(GW_CORPUS);
  if (cases.length === 0) {
    process.stdout.write(`corpus-relay: skipped, there is no mail in ${GW_CORPUS}\n`);
    return 0;
  }
  const byRecipient = new Map(cases.map((one) => [one.recipient, one]));
  const sink: Sink = startSink({
    onMessage: (message) => {
      for (const recipient of message.recipients) {
        byRecipient.get(recipient)?.received.push(message.bytes);
      }
      return "250 2.0.0 OK";
    },
  });
  const folder = mkdtempSync(join(tmpdir(), "gw-corpus-"));
  const port = freePort();
  const gateway = new GatewayProcess(folder, {
    dataFolder: join(folder, "data"),
    port,
    nextHopPort: sink.port,
  });
  await gateway.start();
  await sendAll(cases, port);
  const list = async () =>
    readQuarantine((await gateway.command("quarantine", "list", "--json")).stdout);
  const quarantine = await list();
  const arrived = () => cases.filter((one) => one.received.length > 0).length;
  const expected = cases.filter((one) => one.isAccepted).length - quarantine.length;
  await until(() => arrived() >= expected, SETTLE_TIMEOUT_MS);
  await Bun.sleep(AFTERMATH_MS);
  await gateway.stop();
  sink.stop();
  const code = report(cases, quarantine);
  if (code === 0) rmSync(folder, { recursive: true });
  else process.stdout.write(`data and log are kept in ${folder}\n`);
  return code;
}

await runScript(main);
