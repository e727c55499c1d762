// Many sessions at once, through the compiled binary: idle ones, busy ones, and clients that send
// byte by byte. Prints the gateway's memory and how soon a new session is answered in between.
//
//   bun tests/e2e/sessions.ts [idle = 2000] [busy = 500] [slow = 300] [seconds = 20]
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket } from "bun";
import { GatewayProcess } from "../harness/gateway-process.ts";
import { openSession, toWire } from "../harness/generator.ts";
import { freePort } from "../harness/process.ts";
import { startSink } from "../harness/sink.ts";

const [idleCount = 2000, busyCount = 500, slowCount = 300, seconds = 20] = process.argv
  .slice(2)
  .map(Number);
/** A new session must be answered within this time, whatever goes on. */
const ANSWER_MAX_MS = 2000;
const OPEN_AT_ONCE = 100;

const folder = mkdtempSync(join(tmpdir(), "gw-sessions-"));
const port = freePort();
let delivered = 0;
const sink = startSink({
  onMessage: () => {
    delivered++;
    return "250 2.0.0 OK";
  },
});
const gateway = new GatewayProcess(folder, {
  dataFolder: join(folder, "data"),
  port,
  nextHopPort: sink.port,
  settings: { "inbound.sessions_max": 5000, "inbound.sessions_per_address_max": 5000 },
});
const running = await gateway.start();

function memory(): string {
  const status = readFileSync(`/proc/${running.pid}/status`, "utf8");
  const [, kilobytes = "0"] = /VmRSS:\s+(\d+)/.exec(status) ?? [];
  return `${Math.round(Number(kilobytes) / 1024)} MB`;
}

interface Talk {
  isGreeted: boolean;
  readonly onGreeting: () => void;
}

/** A session that says EHLO and nothing more. */
function openIdle(): Promise<Socket<Talk>> {
  return new Promise((resolve, reject) => {
    void Bun.connect<Talk>({
      hostname: "127.0.0.1",
      port,
      socket: {
        open(socket) {
          socket.data = { isGreeted: false, onGreeting: () => resolve(socket) };
        },
        data(socket, bytes) {
          if (socket.data.isGreeted) return;
          socket.data.isGreeted = true;
          if (!bytes.toString("latin1").startsWith("220")) reject(new Error(bytes.toString()));
          socket.write("EHLO idle.example.net\r\n");
          socket.data.onGreeting();
        },
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  });
}

async function many<T>(count: number, open: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < count) {
    const batch = Math.min(OPEN_AT_ONCE, count - all.length);
    all.push(...(await Promise.all(Array.from({ length: batch }, open))));
  }
  return all;
}

/** Opens sessions until told to stop; how long the greetings took. */
async function probe(isOver: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!isOver()) {
    const startedAt = performance.now();
    const socket = await openIdle();
    times.push(performance.now() - startedAt);
    socket.terminate();
    await Bun.sleep(50);
  }
  return times.sort((a, b) => a - b);
}

async function busy(isOver: () => boolean): Promise<number> {
  const wire = toWire(Buffer.from(`Subject: busy\r\n\r\n${"a line of text\r\n".repeat(200)}`));
  const opening = await openSession({ port });
  if (opening.kind === "failed") throw new Error("no session");
  let sent = 0;
  while (!isOver()) {
    const recipients = ["bob@example.org"];
    const outcome = await opening.session.send({ sender: "a@example.net", recipients, wire });
    if (outcome.kind !== "replied" || outcome.code !== 250) throw new Error("not taken");
    sent++;
  }
  await opening.session.quit();
  return sent;
}

function told(name: string, times: readonly number[]): number {
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  const [median = 0, most = 0] = [at(0.5), times.at(-1)];
  const share = `${times.length} new sessions, median ${median.toFixed(0)} ms`;
  console.log(
    `${name.padEnd(28)} ${memory().padStart(7)}  ${share}, longest ${most.toFixed(0)} ms`,
  );
  return most;
}

async function during(name: string, work: (isOver: () => boolean) => Promise<unknown>) {
  const endsAt = performance.now() + seconds * 1000;
  const isOver = () => performance.now() > endsAt;
  const [times] = await Promise.all([probe(isOver), work(isOver)]);
  return told(name, times);
}

let longest = 0;
try {
  console.log(`${"nothing".padEnd(28)} ${memory().padStart(7)}`);
  const idle = await many(idleCount, openIdle);
  console.log(`${`${idle.length} idle sessions`.padEnd(28)} ${memory().padStart(7)}`);
  let sent = 0;
  const work = async (isOver: () => boolean) => {
    const counts = await Promise.all(Array.from({ length: busyCount }, () => busy(isOver)));
    sent = counts.reduce((sum, count) => sum + count, 0);
  };
  longest = Math.max(longest, await during(`and ${busyCount} busy ones`, work));
  console.log(`${sent} messages taken, ${delivered} delivered so far`);
  const slow = await many(slowCount, openIdle);
  for (const socket of slow) {
    socket.write("MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n");
  }
  const drip = setInterval(() => {
    for (const socket of slow) socket.write("x");
  }, 250);
  longest = Math.max(longest, await during(`and ${slowCount} byte by byte`, work));
  clearInterval(drip);
  console.log(`${sent} messages taken beside them, ${delivered} delivered so far`);
  for (const socket of [...idle, ...slow]) socket.terminate();
} finally {
  await gateway.stop();
  sink.stop();
  rmSync(folder, { recursive: true, force: true });
}
if (longest > ANSWER_MAX_MS) {
  console.log(`FAILED: a new session waited ${longest.toFixed(0)} ms`);
  process.exit(1);
}
