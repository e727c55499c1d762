// Sends SIGHUP again and again while mail flows, the file in turn good and bad:
// `bun tests/e2e/hups.ts [signals]`. Run by hand; 1,000 signals take a minute or two. No session may be
// lost, nothing accepted may be missing, and each good file must be taken, each bad one refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Findings, runScript } from "../harness/findings.ts";
import { GatewayProcess, gatewayConfig } from "../harness/gateway-process.ts";
import { openSession, toWire } from "../harness/generator.ts";
import { freePort, until } from "../harness/process.ts";
import { startSink } from "../harness/sink.ts";

const SIGNALS_DEFAULT = 1000;
const SESSIONS = 8;
/** Messages of one session, so that sessions begin and end all the time. */
const MESSAGES = 5;
const WAIT_MS = 20_000;
const DRAIN_MS = 60_000;

const signals = Number(process.argv[2] ?? SIGNALS_DEFAULT);
const folder = mkdtempSync(join(tmpdir(), "gw-hups-"));
const seen = { sessions: 0, lost: 0, accepted: 0, refused: 0, delivered: 0 };
const sink = startSink({
  onMessage: () => {
    seen.delivered++;
    return "250 2.0.0 OK";
  },
});
const port = freePort();
const options = {
  dataFolder: join(folder, "data"),
  port,
  nextHopPort: sink.port,
  settings: { "log.level": "info" },
};
const gateway = new GatewayProcess(folder, options);
let isSending = true;

async function sendForEver(number: number): Promise<void> {
  const wire = toWire(Buffer.from(`Subject: ${number}\r\n\r\n${"hello ".repeat(200)}\r\n`));
  while (isSending) {
    const opening = await openSession({ port });
    seen.sessions++;
    if (opening.kind === "failed") {
      seen.lost++;
      continue;
    }
    for (let count = 0; count < MESSAGES; count++) {
      const recipients = ["bob@example.org"];
      const outcome = await opening.session.send({ sender: "a@example.net", recipients, wire });
      if (outcome.kind === "lost") seen.lost++;
      else if (outcome.code === 250) seen.accepted++;
      else seen.refused++;
      if (outcome.kind === "lost") break;
    }
    await opening.session.quit();
  }
}

function configure(settings: Readonly<Record<string, string>>): void {
  writeFileSync(gateway.configFile, gatewayConfig({ ...options, settings }));
}

/** How many reloads the log tells of: taken, and refused. */
function reloads(): readonly [number, number] {
  const log = readFileSync(gateway.logFile, "utf8");
  return [log.split("info  reloaded").length - 1, log.split("error not-reloaded").length - 1];
}

async function main(): Promise<number> {
  await gateway.start();
  const senders = Array.from({ length: SESSIONS }, (_, number) => sendForEver(number));
  const startedAt = performance.now();
  let unanswered = 0;
  for (let count = 1; count <= signals; count++) {
    const isGood = count % 2 === 0;
    const size = `${10 + (count % 7)}MB`;
    configure({ "log.level": "info", "inbound.message_size_max": isGood ? size : "much" });
    gateway.running?.signal("SIGHUP");
    const isAnswered = () => reloads()[0] + reloads()[1] >= count - unanswered;
    if (!(await until(isAnswered, WAIT_MS))) unanswered++;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  isSending = false;
  await Promise.all(senders);
  const isWhole = await until(() => seen.delivered >= seen.accepted, DRAIN_MS);
  const [taken, notTaken] = reloads();
  const findings = new Findings();
  findings.row("signals", `${signals} in ${seconds.toFixed(1)} s`);
  findings.row("sessions", seen.sessions);
  findings.row("messages accepted", seen.accepted);
  findings.must("no session lost", seen.lost === 0, `${seen.lost} lost`);
  findings.must("no message refused", seen.refused === 0, `${seen.refused} refused`);
  findings.must("all accepted mail delivered", isWhole, `${seen.delivered} delivered`);
  findings.must("each signal answered", unanswered === 0, `${unanswered} were not`);
  findings.must("good files taken", taken === Math.floor(signals / 2), `${taken} were`);
  findings.must("bad files refused", notTaken === Math.ceil(signals / 2), `${notTaken} were`);
  return findings.print("hups");
}

await runScript(async () => {
  try {
    return await main();
  } finally {
    await gateway.stop();
    sink.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
