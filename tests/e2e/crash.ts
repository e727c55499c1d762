// Kills the compiled binary again and again while mail flows in and out, then counts:
// `bun tests/e2e/crash.ts [rounds] [seed]`. Run by hand; 20 rounds take about half a minute.
// A message that was answered with 250 must reach the next hop, whatever happens in between.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Findings, runScript, tally } from "../harness/findings.ts";
import { GatewayProcess } from "../harness/gateway-process.ts";
import { openSession, toWire } from "../harness/generator.ts";
import { Ledger } from "../harness/ledger.ts";
import { freePort, until } from "../harness/process.ts";
import {
  composeMail,
  eicarFile,
  noise,
  pick,
  seededRandom,
  wordyText,
} from "../harness/sample-mail.ts";
import { type SinkMessage, startSink } from "../harness/sink.ts";

const SESSIONS = 8;
const ROUNDS_DEFAULT = 20;
const LIFE_MS = { shortest: 50, longest: 1500 };
/** One kill in so many comes while the gateway is still starting. */
const START_UP_SHARE = 0.2;
const START_UP_MS = { shortest: 2, longest: 150 };
/** Senders wait while more than this is under way, so that the end comes in sight. */
const UNDER_WAY_MAX = 3000;
const RECONNECT_MS = 10;
/** Time for what a killed process has sent to be read before the next one starts. */
const READ_OUT_MS = 20;
const DRAIN_TIMEOUT_MS = 180_000;
/** Late doubles may still come after the last message has. */
const AFTERMATH_MS = 3000;
/** A delivery that ended so shortly before a kill may not have been noted: it is repeated. */
const IN_FLIGHT_MS = 1000;

const ACCEPTED = "250 2.0.0 OK";
const LATER = "451 4.3.2 Try again later";

/** Everything that happens between the first start and the last look. */
class CrashRun {
  readonly #random;
  readonly #rounds: number;
  readonly #ledger = new Ledger();
  readonly #gateway: GatewayProcess;
  readonly #port = freePort();
  readonly #sink;
  readonly #text: string;
  readonly #large: Buffer;
  /** When each start of the gateway was killed. */
  readonly #killedAt: number[] = [];
  readonly #startMs: number[] = [];
  #start = -1;
  #startUpKills = 0;
  #count = 0;
  #isSending = true;

  constructor(folder: string, rounds: number, seed: number) {
    this.#rounds = rounds;
    this.#random = seededRandom(seed);
    this.#text = wordyText(this.#random, 4_500);
    this.#large = noise(this.#random, 740_000);
    this.#sink = startSink({
      onRecipient: () => (this.#random() < 0.02 ? LATER : ACCEPTED),
      onMessage: (message) => this.#arrived(message, this.#start),
    });
    this.#gateway = new GatewayProcess(folder, {
      dataFolder: join(folder, "data"),
      port: this.#port,
      nextHopPort: this.#sink.port,
      settings: {
        "policy.infected": "quarantine",
        "queue.retry_min": "1s",
        "queue.retry_max": "3s",
      },
    });
  }

  async #arrived(message: SinkMessage, start: number): Promise<string> {
    if (this.#random() < 0.05) await Bun.sleep(20 + pick(this.#random, 280));
    if (this.#random() < 0.02) return LATER;
    this.#ledger.deliver(message, start);
    return ACCEPTED;
  }

  #nextMail() {
    const number = ++this.#count;
    const kind = this.#random();
    const isInfected = kind < 0.03;
    const attachments = isInfected
      ? [{ name: "sample.com", data: eicarFile() }]
      : kind < 0.06
        ? [{ name: "data.bin", data: this.#large }]
        : [];
    const messageId = `crash-${number}@sender.example.net`;
    const recipients = [`bob${number}@example.org`];
    if (this.#random() < 0.15) recipients.push(`carol${number}@example.net`);
    const bytes = composeMail({ messageId, text: this.#text, attachments });
    return { bytes, entry: this.#ledger.open({ messageId, recipients, isInfected }, bytes) };
  }

  async #sendForEver(): Promise<void> {
    while (this.#isSending) {
      const opening = await openSession({ port: this.#port });
      if (opening.kind === "failed") {
        await Bun.sleep(RECONNECT_MS);
        continue;
      }
      while (this.#isSending && !opening.session.isGone) {
        if (this.#ledger.missingCount > UNDER_WAY_MAX) {
          await Bun.sleep(RECONNECT_MS);
          continue;
        }
        const { bytes, entry } = this.#nextMail();
        const outcome = await opening.session.send({
          sender: "alice@sender.example.net",
          recipients: entry.recipients,
          wire: toWire(bytes),
        });
        this.#ledger.settle(entry, outcome);
      }
      await opening.session.quit();
    }
  }

  async #startTimed(): Promise<void> {
    this.#start++;
    const before = performance.now();
    await this.#gateway.start();
    this.#startMs.push(performance.now() - before);
  }

  async #killRounds(): Promise<void> {
    for (let round = 0; round < this.#rounds; round++) {
      const isStartUp = this.#random() < START_UP_SHARE;
      const range = isStartUp ? START_UP_MS : LIFE_MS;
      if (isStartUp) {
        this.#start++;
        this.#startUpKills++;
        this.#gateway.spawn();
      } else await this.#startTimed();
      await Bun.sleep(range.shortest + this.#random() * (range.longest - range.shortest));
      if (this.#gateway.running === undefined) throw new Error("the gateway ended by itself");
      this.#killedAt.push(performance.now());
      await this.#gateway.kill();
      await Bun.sleep(READ_OUT_MS);
      process.stderr.write(`\r  ${round + 1} kills, ${this.#count} messages`);
    }
    process.stderr.write("\n");
  }

  /** Runs everything; resolves with the exit code. */
  async run(): Promise<number> {
    const senders = Array.from({ length: SESSIONS }, () => this.#sendForEver());
    await this.#killRounds();
    await this.#startTimed();
    this.#isSending = false;
    await Promise.all(senders);
    const drainedFrom = performance.now();
    await until(() => this.#ledger.missingCount === 0, DRAIN_TIMEOUT_MS);
    const drainMs = performance.now() - drainedFrom;
    await Bun.sleep(AFTERMATH_MS);
    const quarantine = await this.#gateway.command("quarantine", "list", "--json");
    await this.#gateway.stop();
    this.#sink.stop();
    return this.#report(drainMs, quarantine.stdout);
  }

  #report(drainMs: number, quarantine: string): number {
    const findings = new Findings();
    const ledger = this.#ledger;
    const { entries } = ledger;
    const fates = ledger.fates();
    const refusals = entries.filter((one) => one.fate === "refused").map((one) => one.reply);
    const isKnown = (one: (typeof entries)[number]) =>
      one.fate !== "unknown" || one.deliveries.length === 0;
    findings.row("kills, of them during start-up", `${this.#rounds}, ${this.#startUpKills}`);
    const slowest = Math.max(...this.#startMs);
    findings.row("slowest start until greeting", `${slowest.toFixed(0)} ms`);
    findings.row("messages begun", entries.length);
    findings.row("answered with 250", fates.accepted);
    findings.row("refused", `${fates.refused} (${tally(refusals)})`);
    findings.row("connection lost before the end of data", fates.unsent);
    const unknownDelivered = entries.length - entries.filter(isKnown).length;
    findings.row(
      "connection lost before the reply",
      `${fates.unknown}, of them delivered ${unknownDelivered}`,
    );
    findings.row("drained after the last start", `${(drainMs / 1000).toFixed(1)} s`);
    findings.mustBeNone("answered with 250 and lost", ledger.lost());
    findings.mustBeNone("arrived damaged or at a wrong recipient", ledger.damaged());
    findings.mustBeNone("arrived though refused or infected", ledger.unwanted());
    findings.mustBeNone("arrived and never sent", ledger.strangers);
    this.#reportDoubles(findings);
    const infected = entries.filter((one) => one.isInfected && one.fate === "accepted");
    findings.row("infected, answered with 250", infected.length);
    findings.mustBeNone(
      "infected, answered with 250, not in quarantine",
      infected.filter((one) => !quarantine.includes(one.messageId)).map((one) => one.messageId),
    );
    return findings.print("crash");
  }

  // RFC 5321 §6.1: a server that has taken a message answers for it, and a client that has not
  // heard so must send it again; so a kill between the next hop's 250 and gw's own note of it
  // makes a double. Any other double is a mistake.
  #reportDoubles(findings: Findings): void {
    const gaps: number[] = [];
    const unexplained: string[] = [];
    for (const { messageId, first, again } of this.#ledger.doubles()) {
      const gap = (this.#killedAt[first.start] ?? Number.NaN) - first.at;
      if (again.start > first.start && gap <= IN_FLIGHT_MS) gaps.push(gap);
      else {
        const starts = `starts ${first.start} and ${again.start}`;
        const times = `${(again.at - first.at).toFixed(0)} ms apart, ${gap.toFixed(0)} ms to the kill`;
        unexplained.push(`${messageId} to ${first.recipient}, ${starts}, ${times}`);
      }
    }
    const widest = gaps.length === 0 ? "" : `, at most ${Math.max(...gaps).toFixed(0)} ms before`;
    findings.row("doubles that were in flight at a kill", `${gaps.length}${widest}`);
    findings.mustBeNone("doubles without such a reason", unexplained);
  }
}

async function main(): Promise<number> {
  const [rounds = String(ROUNDS_DEFAULT), seed = String(Date.now() % 1_000_000)] =
    process.argv.slice(2);
  // A run of no rounds proves nothing and would pass.
  if (!/^[1-9]\d{0,4}$/.test(rounds) || !/^\d+$/.test(seed)) {
    process.stderr.write("usage: bun tests/e2e/crash.ts [rounds, 1 or more] [seed]\n");
    return 2;
  }
  process.stdout.write(`crash: ${rounds} rounds, seed ${seed}\n`);
  const folder = mkdtempSync(join(tmpdir(), "gw-crash-"));
  const code = await new CrashRun(folder, Number(rounds), Number(seed)).run();
  if (code === 0) rmSync(folder, { recursive: true });
  else process.stdout.write(`data and log are kept in ${folder}\n`);
  return code;
}

await runScript(main);
