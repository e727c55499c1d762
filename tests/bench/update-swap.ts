// Updates of a large set while mail flows, through the compiled binary:
// `bun tests/bench/update-swap.ts [updates] [signatures] [mails a second]`. Run by hand; ten updates of
// 100,000 signatures take about three minutes. Prints how long DATA takes with and without updates, and
// the gateway's memory before, at its peak and after.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Findings, runScript } from "../harness/findings.ts";
import { GatewayProcess } from "../harness/gateway-process.ts";
import { type GeneratorSession, openSession, toWire } from "../harness/generator.ts";
import { freePort } from "../harness/process.ts";
import { composeMail, seededRandom, wordyText } from "../harness/sample-mail.ts";
import { startSink } from "../harness/sink.ts";

const SESSIONS = 4;
const MAILS_PER_SESSION = 20;
const FIRST_MS = 8_000;
const ALONE_MS = 6_000;
/** Unit of the times in /proc. */
const TICK_MS = 10;
const RATE_DEFAULT = 40;
const MAIL_SIZE = 16_384;
const AFTER_MS = 5_000;
const MEMORY_EVERY_MS = 50;
/** How much longer the slowest hundredth may take during updates. */
const SLOWER_MAX = 1.2;

/** Steady mail: so many a second, whatever the gateway does. */
class MailLoad {
  readonly refused: string[] = [];
  #times: number[] = [];
  #isRunning = true;
  readonly #work: Promise<unknown>;

  constructor(port: number, wire: Uint8Array, perSecond: number) {
    const pauseMs = (1000 * SESSIONS) / perSecond;
    const clients = Array.from({ length: SESSIONS }, () => this.#client(port, wire, pauseMs));
    this.#work = Promise.all(clients);
  }

  /** One session after the other: none may be used for ever. */
  async #client(port: number, wire: Uint8Array, pauseMs: number): Promise<void> {
    while (this.#isRunning) {
      const opened = await openSession({ port });
      if (opened.kind === "open") await this.#send(opened.session, wire, pauseMs);
      else this.refused.push(JSON.stringify(opened.outcome));
    }
  }

  async #send(session: GeneratorSession, wire: Uint8Array, pauseMs: number): Promise<void> {
    let due = performance.now();
    for (let n = 0; n < MAILS_PER_SESSION && this.#isRunning; n++, due += pauseMs) {
      const early = due - performance.now();
      if (early > 0) await Bun.sleep(early);
      const outcome = await session.send({
        ...{ sender: "a@example.net", recipients: ["b@example.org"], wire },
      });
      if (outcome.kind === "replied" && outcome.code === 250) this.#times.push(outcome.dataMs);
      else this.refused.push(JSON.stringify(outcome));
      if (outcome.kind === "lost") return;
    }
    await session.quit();
  }

  /** Times since the last call, ms, in order of length. */
  times(): number[] {
    const times = this.#times.sort((a, b) => a - b);
    this.#times = [];
    return times;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#work;
  }
}

const at = (times: readonly number[], share: number) =>
  times[Math.floor(share * (times.length - 1))] ?? 0;

function told(times: readonly number[]): string {
  const [median, slow, longest] = [at(times, 0.5), at(times, 0.99), at(times, 1)];
  return `${times.length} mails, median ${median.toFixed(1)} ms, 99 % ${slow.toFixed(1)}, longest ${longest.toFixed(1)}`;
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
}

/** Patterns of random bytes: what they are looked for in is text. */
function hashesAndPatterns(version: number, count: number): string {
  const random = seededRandom(version);
  const byte = () =>
    Math.floor(random() * 256)
      .toString(16)
      .padStart(2, "0");
  const hex = () => Array.from({ length: 20 }, byte).join("");
  return Array.from({ length: count }, (_, n) => `T.V${version}.N${n}:0:*:${hex()}\n`).join("");
}

/** Processor time of this process and of the gateway, milliseconds. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const { user, system } = process.cpuUsage();
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS + (user + system) / 1000;
}

interface Versions {
  readonly folder: string;
  readonly count: number;
  readonly signatures: number;
}

/** All versions are written beforehand: this process sends and takes the mail. */
function writeVersions({ folder, count, signatures }: Versions): (version: number) => string {
  mkdirSync(folder);
  const path = (version: number) => join(folder, `${version}.ndb`);
  for (let version = 0; version <= count; version++) {
    writeFileSync(path(version), hashesAndPatterns(version, signatures));
  }
  return path;
}

async function bench(folder: string, updates: number, signatures: number, rate: number) {
  const sink = startSink({});
  const feed = join(folder, "feed");
  mkdirSync(feed);
  const pathOf = writeVersions({ folder: join(folder, "versions"), count: updates, signatures });
  const gateway = new GatewayProcess(folder, {
    ...{ dataFolder: join(folder, "data"), port: freePort(), nextHopPort: sink.port },
    settings: { "update.automatic": false },
  });
  const table = `[[feed]]\nname = "large"\ntype = "files"\nfolder = "${feed}"\n`;
  writeFileSync(gateway.configFile, table, { flag: "a" });
  const took: number[] = [];
  const update = async (version: number) => {
    renameSync(pathOf(version), join(feed, "large.ndb"));
    const began = performance.now();
    const { code, stdout, stderr } = await gateway.command("update");
    took.push(performance.now() - began);
    if (code !== 1) throw new Error(`gw update ended with ${code}: ${stdout}${stderr}`);
  };
  await update(0);
  const { pid } = await gateway.start();
  const text = wordyText(seededRandom(1), MAIL_SIZE);
  const mail = composeMail({ messageId: "1@example.net", text });
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(readFileSync(gateway.configFile, "utf8"))?.[1]);
  const load = new MailLoad(port, toWire(mail), rate);
  const findings = new Findings();
  await Bun.sleep(FIRST_MS);
  load.times();
  const before = residentMegabytes(pid);
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMegabytes(pid));
  }, MEMORY_EVERY_MS);
  // In turns, so that whatever else the machine does falls on both alike.
  const alone: number[] = [];
  const during: number[] = [];
  let [busyMs, aloneMs] = [0, 0];
  for (let version = 1; version <= updates; version++) {
    const [busyBefore, began] = [processorMs(pid), performance.now()];
    await Bun.sleep(ALONE_MS);
    busyMs += processorMs(pid) - busyBefore;
    aloneMs += performance.now() - began;
    alone.push(...load.times());
    await update(version);
    during.push(...load.times());
  }
  clearInterval(watch);
  await Bun.sleep(AFTER_MS);
  const after = residentMegabytes(pid);
  await load.stop();
  await gateway.stop();
  sink.stop();
  const byTime = (a: number, b: number) => a - b;
  for (const times of [alone, during, took]) times.sort(byTime);
  const use = Math.round((100 * busyMs) / aloneMs);
  findings.row("processor time of gateway, sender and next hop", `${use} % of one core`);
  findings.row("DATA to 250, without updates", told(alone));
  findings.row(`the same during ${updates} updates`, told(during));
  findings.row("an update, ms (median)", Math.round(at(took, 0.5)));
  findings.row("memory of the gateway, MB", `${before} before, ${peak} at most, ${after} after`);
  findings.mustBeNone("mails refused", load.refused);
  const ratio = at(during, 0.99) / at(alone, 0.99);
  findings.must(`99 % at most ${SLOWER_MAX} times as long`, ratio <= SLOWER_MAX, ratio.toFixed(2));
  return findings.print(`update-swap, ${signatures} signatures, ${rate} mails a second`);
}

await runScript(async () => {
  const [updates = 10, signatures = 100_000, rate = RATE_DEFAULT] = process.argv
    .slice(2)
    .map(Number);
  const folder = mkdtempSync(join(tmpdir(), "gw-update-swap-"));
  try {
    return await bench(folder, updates, signatures, rate);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
