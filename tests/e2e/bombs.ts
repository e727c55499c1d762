// Bombs, through the compiled binary: `bun tests/e2e/bombs.ts [--docs] [WORD]`. Each is scanned with
// `gw scan --json` and sent through a gateway with default settings; it must end in time, in bounded
// memory, and be neither clean nor delivered. --docs writes the table into docs/bombs.md; WORD
// chooses those with it in their name.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../src/message.ts";
import { base64Lines } from "../harness/encode.ts";
import { Findings, runScript } from "../harness/findings.ts";
import { GatewayProcess, gatewayBinary } from "../harness/gateway-process.ts";
import { openSession, toWire } from "../harness/generator.ts";
import { freePort } from "../harness/process.ts";
import { startSink } from "../harness/sink.ts";
import { ARCHIVE_BOMBS } from "./bombs/archives.ts";
import type { Bomb } from "./bombs/bomb.ts";
import { DOCUMENT_BOMBS } from "./bombs/documents.ts";
import { MAIL_BOMBS } from "./bombs/mails.ts";
import { STREAM_BOMBS } from "./bombs/streams.ts";

/** `scan.time_max` with its grace, and start-up. */
const TIME_MAX_MS = 65_000;
/** What docs/bombs.md promises for one message. */
const MEMORY_MAX_MIB = 1536;
const POLL_MS = 10;
const DOCS = join("docs", "bombs.md");

interface Seen {
  readonly ms: number;
  readonly mib: number;
  readonly result: string;
  readonly note: string;
}

interface ScanLine {
  readonly verdict: Status;
  readonly objects: readonly { readonly status: Status; readonly notes?: readonly string[] }[];
}

async function scanned(file: string): Promise<Seen> {
  const beganAt = performance.now();
  const run = Bun.spawn([gatewayBinary(), "scan", "--json", file], {
    stdout: "pipe",
    stderr: "pipe",
    timeout: 2 * TIME_MAX_MS,
  });
  let mib = 0;
  // What the system says of a process that has ended holds what the one that began it had.
  const timer = setInterval(() => {
    mib = Math.max(mib, peakMib(run.pid));
  }, POLL_MS);
  const [out, err] = await Promise.all([run.stdout.text(), run.stderr.text()]);
  const code = await run.exited;
  clearInterval(timer);
  const ms = performance.now() - beganAt;
  const [line = ""] = out.split("\n");
  if (line === "") return { ms, mib, result: `exit ${code}`, note: err.trim().slice(0, 200) };
  const { verdict, objects } = JSON.parse(line) as ScanLine;
  const worst = objects.find(({ status }) => status === verdict);
  return { ms, mib, result: verdict, note: worst?.notes?.[0] ?? "" };
}

/** The mail that carries a bomb. */
function mailOf(bomb: Bomb, bytes: Buffer): Buffer {
  if (bomb.isMail === true) return bytes;
  const head = [
    ...["From: a@example.org", "To: b@example.org", "Subject: bomb", "MIME-Version: 1.0"],
    ...["Content-Type: application/octet-stream; name=bomb.bin"],
    ...["Content-Transfer-Encoding: base64", "", ""],
  ];
  return Buffer.from(`${head.join("\r\n")}${base64Lines(bytes)}\r\n`, "latin1");
}

// Linux keeps the most memory that a process ever had, until it is told to forget it.
function peakMib(pid: number): number {
  try {
    const [, kib = "0"] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kib) / 1024;
  } catch {
    // It has ended between two looks.
    return 0;
  }
}

class Road {
  readonly #folder: string;
  readonly #port = freePort();
  readonly #gateway: GatewayProcess;
  readonly #sink: ReturnType<typeof startSink>;
  delivered = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#sink = startSink({
      onMessage: () => {
        this.delivered++;
        return "250 2.0.0 OK";
      },
    });
    const options = { dataFolder: join(folder, "data"), port: this.#port };
    this.#gateway = new GatewayProcess(folder, { ...options, nextHopPort: this.#sink.port });
  }

  start(): Promise<unknown> {
    return this.#gateway.start();
  }

  async send(mail: Buffer): Promise<Seen> {
    const pid = this.#gateway.running?.pid;
    if (pid === undefined) throw new Error(`the gateway is gone: ${this.#folder}/gw.log`);
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
    const opened = await openSession({ port: this.#port });
    if (opened.kind === "failed") throw new Error(JSON.stringify(opened.outcome));
    const wire = toWire(mail);
    const recipients = ["b@example.org"];
    const outcome = await opened.session.send({ sender: "a@example.org", recipients, wire });
    await opened.session.quit();
    const mib = peakMib(pid);
    if (outcome.kind === "lost") return { ms: 0, mib, result: "lost", note: outcome.stage };
    return { ms: outcome.dataMs, mib, result: String(outcome.code), note: outcome.text };
  }

  async stop(): Promise<void> {
    await this.#gateway.stop();
    this.#sink.stop();
  }
}

const cell = (value: number) => Math.round(value).toString();

function rowOf(bomb: Bomb, size: number, alone: Seen, sent: Seen | undefined): string {
  const why = alone.result === "clean" ? bomb.harmless : undefined;
  const note = (why ?? alone.note).replaceAll("|", "/").slice(0, 70);
  const kb = size < 10_000 ? `${size} B` : `${Math.round(size / 1000)} kB`;
  const road = sent === undefined ? ["–", "–", "–"] : [cell(sent.ms), cell(sent.mib), sent.result];
  const columns = [
    ...[bomb.name, kb, bomb.wouldBe, alone.result, note],
    ...[cell(alone.ms), cell(alone.mib), ...road],
  ];
  return `| ${columns.join(" | ")} |`;
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const word = words.find((one) => !one.startsWith("--")) ?? "";
  const all = [...ARCHIVE_BOMBS, ...STREAM_BOMBS, ...DOCUMENT_BOMBS, ...MAIL_BOMBS];
  const bombs = all.filter(({ name }) => name.includes(word));
  const folder = mkdtempSync(join(tmpdir(), "gw-bombs-"));
  const road = new Road(folder);
  const rows: string[] = [];
  const wrong = { clean: [] as string[], late: [] as string[], large: [] as string[] };
  const accepted: string[] = [];
  let whole = 0;
  try {
    await road.start();
    for (const bomb of bombs) {
      const bytes = bomb.build();
      const file = join(folder, "bomb");
      writeFileSync(file, bytes);
      const alone = await scanned(file);
      const mail = mailOf(bomb, bytes);
      // A gateway takes mail of 50 MB.
      const sent = mail.length > 50e6 ? undefined : await road.send(mail);
      rows.push(rowOf(bomb, bytes.length, alone, sent));
      process.stdout.write(`${rows.at(-1)}\n`);
      const isClean = alone.result === "clean" && bomb.harmless === undefined;
      const isOpen = isClean || alone.result.startsWith("exit");
      if (bomb.harmless !== undefined) whole++;
      if (isOpen) wrong.clean.push(`${bomb.name}: ${alone.result} ${alone.note}`);
      const [ms, mib] = [Math.max(alone.ms, sent?.ms ?? 0), Math.max(alone.mib, sent?.mib ?? 0)];
      if (ms > TIME_MAX_MS) wrong.late.push(`${bomb.name}: ${cell(ms)} ms`);
      if (mib > MEMORY_MAX_MIB) wrong.large.push(`${bomb.name}: ${cell(mib)} MiB`);
      if (sent?.result === "lost") accepted.push(`${bomb.name}: the connection was lost`);
    }
  } finally {
    await road.stop();
    rmSync(folder, { recursive: true });
  }
  if (words.includes("--docs")) writeDocs(rows);
  const findings = new Findings();
  findings.row("bombs", bombs.length);
  findings.mustBeNone("clean, or no verdict", wrong.clean);
  findings.mustBeNone(`slower than ${TIME_MAX_MS} ms`, wrong.late);
  findings.mustBeNone(`more than ${MEMORY_MAX_MIB} MiB`, wrong.large);
  findings.mustBeNone("lost in the session", accepted);
  const isDelivered = road.delivered > whole;
  findings.must("none but the harmless delivered", !isDelivered, `${road.delivered} were`);
  return findings.print("bombs");
}

function writeDocs(rows: readonly string[]): void {
  const [begin, end] = ["<!-- bombs:begin -->", "<!-- bombs:end -->"];
  const before = readFileSync(DOCS, "utf8");
  const head =
    "| bomb | size | would be | `gw scan` | why | ms | peak MiB | gateway: ms | peak MiB | reply |\n" +
    "|---|---|---|---|---|---|---|---|---|---|";
  const table = `${begin}\n\n${head}\n${rows.join("\n")}\n\n${end}`;
  const [first = "", rest = ""] = before.split(begin);
  writeFileSync(DOCS, `${first}${table}${rest.slice(rest.indexOf(end) + end.length)}`);
}

await runScript(main);
