// The machinery of runs that kill: mail flows in from several senders and out to a next hop, while
// the gateway is killed with -9, and a ledger keeps book of what became of each message.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FaultyHop } from "./faulty-hop.ts";
import { Findings, tally } from "./findings.ts";
import { GatewayProcess } from "./gateway-process.ts";
import { openSession, toWire } from "./generator.ts";
import { Ledger } from "./ledger.ts";
import { freePort, until } from "./process.ts";
import { composeMail, eicarFile, noise, seededRandom, wordyText } from "./sample-mail.ts";

const SESSIONS = 8;
/** One kill in so many comes while the gateway is still starting. */
const START_UP_SHARE = 0.2;
const START_UP_MS = { shortest: 2, longest: 150 };
/** Senders wait while more than this is under way, so that the end comes in sight. */
const UNDER_WAY_MAX = 3000;
const RECONNECT_MS = 10;
/** Time for what a killed process has sent to be read before the next one starts. */
const READ_OUT_MS = 20;
const DRAIN_TIMEOUT_MS = 180_000;
const MESSAGES_TIMEOUT_MS = 600_000;
/** Late doubles may still come after the last message has. */
const AFTERMATH_MS = 3000;
/** A delivery that ended so shortly before a kill may not have been noted: it is repeated. */
const IN_FLIGHT_MS = 1000;

/** What a run is to do. */
export interface CrashOptions {
  readonly name: string;
  readonly roundsDefault: number;
  /** How long the gateway lives between two kills. */
  readonly lifeMs: { readonly shortest: number; readonly longest: number };
  readonly isHopFaulty: boolean;
  /** Mail flows until so many messages have been begun, beyond the last kill if need be. */
  readonly messagesMin: number;
}

/** Everything that happens between the first start and the last look. */
class CrashRun {
  readonly #random;
  readonly #options: CrashOptions;
  readonly #rounds: number;
  readonly #ledger = new Ledger();
  readonly #gateway: GatewayProcess;
  readonly #port = freePort();
  readonly #hop: FaultyHop;
  readonly #text: string;
  readonly #large: Buffer;
  /** When each start of the gateway was killed. */
  readonly #killedAt: number[] = [];
  readonly #startMs: number[] = [];
  #start = -1;
  #startUpKills = 0;
  #count = 0;
  #isSending = true;

  constructor(folder: string, rounds: number, options: CrashOptions & { readonly seed: number }) {
    const { seed } = options;
    this.#options = options;
    this.#rounds = rounds;
    this.#random = seededRandom(seed);
    this.#text = wordyText(this.#random, 4_500);
    this.#large = noise(this.#random, 740_000);
    this.#hop = new FaultyHop({
      random: seededRandom(seed + 1),
      isFaulty: options.isHopFaulty,
      onAccepted: (message, start) => this.#ledger.deliver(message, start),
      tag: () => this.#start,
    });
    this.#gateway = new GatewayProcess(folder, {
      dataFolder: join(folder, "data"),
      port: this.#port,
      nextHopPort: this.#hop.port,
      settings: {
        "policy.infected": "quarantine",
        "queue.retry_min": "1s",
        "queue.retry_max": "3s",
      },
    });
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
      const range = isStartUp ? START_UP_MS : this.#options.lifeMs;
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
    await until(() => this.#count >= this.#options.messagesMin, MESSAGES_TIMEOUT_MS);
    this.#isSending = false;
    this.#hop.recover();
    await Promise.all(senders);
    const drainedFrom = performance.now();
    await until(() => this.#ledger.missingCount === 0, DRAIN_TIMEOUT_MS);
    const drainMs = performance.now() - drainedFrom;
    await Bun.sleep(AFTERMATH_MS);
    const quarantine = await this.#gateway.command("quarantine", "list", "--json");
    await this.#gateway.stop();
    this.#hop.stop();
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
    if (this.#options.isHopFaulty) {
      const { busy, hangs, dead } = this.#hop.counts;
      findings.row("next hop: killed, hung, busy", `${dead}, ${hangs}, ${busy} times`);
    }
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
    return findings.print(this.#options.name);
  }

  // RFC 5321 §6.1: a server that has taken a message answers for it, and a client that has not
  // heard so must send it again; so a kill between the next hop's 250 and gw's own note of it
  // makes a double. Any other double is a mistake.
  #reportDoubles(findings: Findings): void {
    const gaps: number[] = [];
    const unexplained: string[] = [];
    let cutCount = 0;
    for (const { messageId, first, again } of this.#ledger.doubles()) {
      const gap = (this.#killedAt[first.start] ?? Number.NaN) - first.at;
      const cut = this.#hop.cutAt.find((at) => at >= first.at && at - first.at <= IN_FLIGHT_MS);
      if (again.start > first.start && gap <= IN_FLIGHT_MS) gaps.push(gap);
      else if (cut !== undefined && again.at >= cut) cutCount++;
      else {
        const starts = `starts ${first.start} and ${again.start}`;
        const times = `${(again.at - first.at).toFixed(0)} ms apart, ${gap.toFixed(0)} ms to the kill`;
        unexplained.push(`${messageId} to ${first.recipient}, ${starts}, ${times}`);
      }
    }
    const widest = gaps.length === 0 ? "" : `, at most ${Math.max(...gaps).toFixed(0)} ms before`;
    findings.row("doubles: said 250 as gw was killed", `${gaps.length}${widest}`);
    if (this.#options.isHopFaulty) {
      findings.row("doubles: said 250 as the next hop was killed", cutCount);
    }
    findings.mustBeNone("doubles without such a reason", unexplained);
  }
}

/** Runs a script of this kind with its arguments; resolves with the exit code. */
export async function runCrashScript(options: CrashOptions): Promise<number> {
  const { name, roundsDefault } = options;
  const [
    rounds = String(roundsDefault),
    seed = String(Date.now() % 1_000_000),
    messages = String(options.messagesMin),
  ] = process.argv.slice(2);
  // A run of no rounds proves nothing and would pass.
  const isValid = /^[1-9]\d{0,4}$/.test(rounds) && /^\d+$/.test(seed) && /^\d{1,7}$/.test(messages);
  if (!isValid) {
    process.stderr.write(`usage: bun tests/e2e/${name}.ts [rounds, 1 or more] [seed] [messages]\n`);
    return 2;
  }
  process.stdout.write(`${name}: ${rounds} rounds, seed ${seed}\n`);
  const folder = mkdtempSync(join(tmpdir(), `gw-${name}-`));
  const given = { ...options, messagesMin: Number(messages), seed: Number(seed) };
  const code = await new CrashRun(folder, Number(rounds), given).run();
  if (code === 0) rmSync(folder, { recursive: true });
  else process.stdout.write(`data and log are kept in ${folder}\n`);
  return code;
}
