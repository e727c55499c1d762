// One cell of the table: one system, one load, one number of sessions, sent once.
import { join } from "node:path";
import type { Subprocess } from "bun";
import { freePort, until, waitForGreeting } from "../../harness/process.ts";
import type { LoadAnswer, LoadRequest } from "./load-process.ts";
import type { Load } from "./mail-set.ts";
import { cpuSeconds, diskFlushes, MemoryWatch } from "./measure.ts";
import { type BenchSystem, findCommand, type SystemName, type SystemSetting } from "./systems.ts";

/** What one run of a cell gave. */
export interface CellResult {
  readonly system: SystemName;
  readonly load: Load;
  readonly sessions: number;
  readonly messages: number;
  /** Of the messages that were accepted, those that reached the next hop. */
  readonly delivered: number;
  /** Accepted and delivered; the clock stops when the next hop has the last one. */
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
  readonly acceptedPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuPerThousand: number;
  readonly rss: number;
  readonly pss: number;
  readonly flushesPerMessage: number | undefined;
  readonly generatorCpuSeconds: number;
  readonly refusals: Readonly<Record<string, number>>;
}

/** Nothing delivered for so long means that nothing more will come. */
const STALL_MS = 60_000;
/** Time for a system to finish what it does after the last delivery. */
const SETTLE_MS = 300;
const steady = () => performance.timeOrigin + performance.now();

/** The generator's process. */
export class LoadProcess {
  readonly #child: Subprocess;
  #answered: ((answer: LoadAnswer) => void) | undefined;

  constructor() {
    this.#child = Bun.spawn({
      cmd: [process.execPath, join(import.meta.dir, "load-process.ts")],
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (answer: LoadAnswer) => this.#answered?.(answer),
      onExit: (_child, code) => {
        if (this.#answered !== undefined) throw new Error(`the generator ended with ${code}`);
      },
    });
  }

  /** Sends a request and waits for its answer; one at a time. */
  async ask<Kind extends LoadAnswer["kind"]>(
    request: LoadRequest,
    kind: Kind,
  ): Promise<Extract<LoadAnswer, { kind: Kind }>> {
    const answer = await new Promise<LoadAnswer>((resolve) => {
      this.#answered = resolve;
      this.#child.send(request);
    });
    this.#answered = undefined;
    if (answer.kind !== kind) throw new Error(`the generator said ${answer.kind}`);
    return answer as Extract<LoadAnswer, { kind: Kind }>;
  }

  stop(): void {
    this.#child.disconnect();
  }
}

/** smtp-sink, which takes everything and counts it; next hop of all systems alike. */
class NextHop {
  readonly port = freePort();
  readonly #child: Subprocess<"ignore", "pipe", "inherit">;
  readonly #killLeft = () => this.#child.kill("SIGKILL");
  count = 0;
  lastAt = 0;

  constructor() {
    const drop = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
    const command = findCommand("smtp-sink");
    if (command === undefined) throw new Error("smtp-sink is missing: apt install postfix");
    this.#child = Bun.spawn({
      cmd: [command, ...drop, "-c", `127.0.0.1:${this.port}`, "1000"],
      stdio: ["ignore", "pipe", "inherit"],
    });
    process.on("exit", this.#killLeft);
    void this.#read();
  }

  async #read(): Promise<void> {
    let tail = "";
    for await (const chunk of this.#child.stdout) {
      const text = tail + Buffer.from(chunk).toString("latin1");
      // The counters are written over each other with CR; a line may be cut anywhere.
      const at = text.lastIndexOf("mesg=", text.lastIndexOf("\r"));
      tail = text.slice(text.lastIndexOf("\r") + 1);
      const count = at < 0 ? this.count : Number.parseInt(text.slice(at + 5), 10);
      if (count > this.count) {
        this.count = count;
        this.lastAt = steady();
      }
    }
  }

  async ready(): Promise<void> {
    await waitForGreeting(this.port, {
      name: "smtp-sink",
      logFile: "/dev/null",
      hasExited: () => this.#child.exitCode !== null,
    });
  }

  /** Waits until `target` messages have come; gives up when nothing moves any more. */
  async reach(target: number): Promise<void> {
    let before = -1;
    while (before < this.count) {
      before = this.count;
      if (await until(() => this.count >= target, STALL_MS)) return;
    }
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.exited;
    process.off("exit", this.#killLeft);
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** What to send in a cell. */
export interface CellPlan {
  readonly system: BenchSystem;
  readonly load: Load;
  readonly sessions: number;
  readonly count: number;
  readonly warmUp: number;
}

/** Starts the system, warms it up, sends the load, waits for the last delivery, stops it. */
export async function runCell(
  plan: CellPlan,
  setting: Omit<SystemSetting, "nextHopPort">,
  load: LoadProcess,
): Promise<CellResult> {
  const nextHop = new NextHop();
  await nextHop.ready();
  const system = await plan.system.start({ ...setting, nextHopPort: nextHop.port });
  try {
    const { port } = system;
    const { sessions, warmUp, count } = plan;
    const warm = await load.ask(
      { kind: "send", port, sessions, isWarmUp: true, count: warmUp },
      "sent",
    );
    await nextHop.reach(warm.accepted);
    await Bun.sleep(SETTLE_MS);
    const base = nextHop.count;
    const cpuBefore = cpuSeconds(system.pids);
    const flushesBefore = diskFlushes(setting.folder);
    const memory = new MemoryWatch(system.pids);
    const sent = await load.ask({ kind: "send", port, sessions, isWarmUp: false, count }, "sent");
    await nextHop.reach(base + sent.accepted);
    await Bun.sleep(SETTLE_MS);
    const cpu = cpuSeconds(system.pids) - cpuBefore;
    const flushes = diskFlushes(setting.folder);
    const { rss, pss } = memory.stop();
    const seconds = (Math.max(nextHop.lastAt, sent.endedAt) - sent.startedAt) / 1000;
    const sorted = [...sent.dataMs].sort((a, b) => a - b);
    const accepted = Math.max(1, sent.accepted);
    return {
      system: plan.system.name,
      load: plan.load,
      sessions,
      messages: sent.accepted,
      delivered: nextHop.count - base,
      perSecond: sent.accepted / seconds,
      megabytesPerSecond: sent.bytes / 1e6 / seconds,
      acceptedPerSecond: (sent.accepted * 1000) / (sent.endedAt - sent.startedAt),
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      cpuPerThousand: (cpu * 1000) / accepted,
      rss,
      pss,
      flushesPerMessage:
        flushes === undefined || flushesBefore === undefined
          ? undefined
          : (flushes - flushesBefore) / accepted,
      generatorCpuSeconds: sent.cpuSeconds,
      refusals: sent.refusals,
    };
  } finally {
    await system.stop();
    await nextHop.stop();
  }
}
