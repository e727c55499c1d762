// A running gateway steered from outside, through the compiled binary: status, reload, pauses, drain,
// counters and stop. Needs `npm run build` before (`npm test` does it).
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stats, Status } from "../../src/admin/protocol.ts";
import { GatewayProcess, gatewayConfig } from "../harness/gateway-process.ts";
import { openSession, type SendOutcome, toWire } from "../harness/generator.ts";
import { freePort, until } from "../harness/process.ts";
import { type Sink, startSink } from "../harness/sink.ts";

const WAIT_MS = 15_000;
const LARGE = "a line of a large message\r\n".repeat(4000);

let folder = "";
let sink: Sink;
let gateway: GatewayProcess;
let port = 0;
let metricsPort = 0;
let arrived = 0;

const settings = () => ({
  dataFolder: join(folder, "data"),
  port,
  nextHopPort: sink.port,
  settings: { "log.level": "info", "server.metrics_listen": `127.0.0.1:${metricsPort}` },
});

/** Writes the gateway's configuration anew, with more settings. */
function configure(more: Readonly<Record<string, string | number>>): void {
  const { settings: usual, ...setting } = settings();
  writeFileSync(gateway.configFile, gatewayConfig({ ...setting, settings: { ...usual, ...more } }));
}

async function send(text = "hello"): Promise<SendOutcome> {
  const opening = await openSession({ port });
  if (opening.kind === "failed") return opening.outcome;
  const wire = toWire(Buffer.from(`Subject: test\r\n\r\n${text}\r\n`));
  const recipients = ["bob@example.org"];
  const outcome = await opening.session.send({ sender: "alice@example.net", recipients, wire });
  await opening.session.quit();
  return outcome;
}

const code = (outcome: SendOutcome) => (outcome.kind === "replied" ? outcome.code : outcome.kind);

async function ask(...words: readonly string[]) {
  const { stdout, stderr, code: exitCode } = await gateway.command(...words);
  return { stdout, stderr, exitCode };
}

const json = async <T>(...words: readonly string[]) =>
  JSON.parse((await ask(...words, "--json")).stdout) as T;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-control-"));
  sink = startSink({
    onMessage: () => {
      arrived++;
      return "250 2.0.0 OK";
    },
  });
  port = freePort();
  metricsPort = freePort();
  gateway = new GatewayProcess(folder, settings());
  await gateway.start();
});

afterAll(async () => {
  await gateway?.stop();
  sink?.stop();
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

test("gw status tells how the gateway is, and only its own user may ask", async () => {
  const status = await json<Status>("status");
  expect(status).toMatchObject({
    config: gateway.configFile,
    listen: [`127.0.0.1:${port}`],
    paused: [],
    queue: { messages: 0, recipients: 0 },
  });
  expect(status.signatures.count).toBeGreaterThan(50);
  expect((await ask("status")).stdout).toContain("paused         nothing");
  expect(statSync(join(folder, "data", "control.sock")).mode & 0o777).toBe(0o600);
});

test("gw reload takes what can be taken and says what needs a restart", async () => {
  configure({ "inbound.message_size_max": "64KB", "scan.depth_max": 7 });
  expect(await json("reload")).toMatchObject({
    changed: ["inbound.message_size_max"],
    waiting: ["scan.depth_max"],
  });
  expect(code(await send(LARGE))).toBe(552);
  expect((await ask("reload")).stdout).toContain("needs a restart: scan.depth_max");
});

test("a bad file changes nothing, and its line is named", async () => {
  writeFileSync(gateway.configFile, "[inbound]\nrecipients_max = 5\nfrobnicate = 1\n");
  const { stderr, exitCode } = await ask("reload", "--data", join(folder, "data"));
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${gateway.configFile}:3:1: unknown setting inbound.frobnicate`);
  expect(code(await send(LARGE))).toBe(552);
  configure({});
});

test("SIGHUP does the same, and a session goes on over it", async () => {
  const opening = await openSession({ port });
  if (opening.kind === "failed") throw new Error("no session");
  gateway.running?.signal("SIGHUP");
  const isReloaded = () => readFileSync(gateway.logFile, "utf8").split(" reloaded").length > 3;
  expect(await until(isReloaded, WAIT_MS)).toBe(true);
  const wire = toWire(Buffer.from("Subject: over\r\n\r\nhello\r\n"));
  const mail = { sender: "alice@example.net", recipients: ["x@example.org"], wire };
  expect(code(await opening.session.send(mail))).toBe(250);
  await opening.session.quit();
});

test.each(["receive", "scan"])(
  "with %s paused mail is refused for the time being",
  async (stage) => {
    expect((await ask("pause", stage)).stdout).toBe(`paused: ${stage}\n`);
    expect(code(await send())).toBe(451);
    expect((await ask("resume", stage)).stdout).toBe("paused: nothing\n");
    expect(code(await send())).toBe(250);
  },
);

test("with sending paused mail waits, and nothing is lost", async () => {
  expect(await until(() => arrived === 3, WAIT_MS)).toBe(true);
  await ask("pause", "send");
  expect(code(await send())).toBe(250);
  expect((await json<Status>("status")).queue.messages).toBe(1);
  const drain = await ask("drain", "--wait", "--timeout", "1s");
  expect(drain.exitCode).toBe(1);
  expect(drain.stdout).toContain("1 recipient left to send");
  await ask("resume", "send");
  expect((await ask("drain", "--wait", "--timeout", "15s")).stdout).toContain("drained");
  expect(arrived).toBe(4);
  expect(code(await send())).toBe(451);
  await ask("resume", "all");
});

test("counters tell what was done, to people, scripts and Prometheus", async () => {
  const stats = await json<Stats>("stats");
  expect(stats).toMatchObject({
    mta_received_messages: 4,
    mta_received_recipients: 4,
    mta_sent_messages: 4,
    mta_sent_recipients: 4,
    mta_stored_messages_current: 0,
    av_messages_clean: 4,
    mta_receivings_deferred: 3,
    mta_receivings_refused_for_message_size_limit: 2,
    mta_receivings_refused_total: 5,
  });
  // Two of the sessions were the ones of a message that was too large.
  expect(stats["mta_incoming_connections_total"]).toBeGreaterThanOrEqual(9);
  expect(stats["mta_incoming_connections_maximum"]).toBe(1);
  expect(stats["mta_outgoing_connections_total"]).toBeGreaterThanOrEqual(1);
  expect(stats["mta_outgoing_connections_maximum"]).toBeGreaterThanOrEqual(1);
  expect((await ask("stats")).stdout).toContain("mta_sent_messages=4\n");
  const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(page).toContain("# TYPE gw_mta_sent_messages counter\ngw_mta_sent_messages 4\n");
  expect((await fetch(`http://127.0.0.1:${metricsPort}/health`)).status).toBe(200);
  await ask("pause", "receive");
  const health = await fetch(`http://127.0.0.1:${metricsPort}/health`);
  expect([health.status, await health.text()]).toEqual([503, "paused: receive\n"]);
  await ask("resume", "all");
});

test("a stage that does not exist, or no stage, is an error", async () => {
  expect((await ask("pause", "everything")).stderr).toContain("is no stage");
  expect((await ask("pause")).exitCode).toBe(2);
});

test("gw reload opens another door and shuts it again, while its session lives on", async () => {
  const other = freePort();
  appendFileSync(gateway.configFile, `\n[[listener]]\nlisten = ["127.0.0.1:${other}"]\n`);
  expect(await json("reload")).toMatchObject({ changed: ["listener"], waiting: [] });
  const both = [`127.0.0.1:${port}`, `127.0.0.1:${other}`];
  expect((await json<Status>("status")).listen).toEqual(both);
  const opening = await openSession({ port: other });
  if (opening.kind === "failed") throw new Error("no session");
  configure({});
  expect(await json("reload")).toMatchObject({ changed: ["listener"], waiting: [] });
  expect((await openSession({ port: other })).kind).toBe("failed");
  const wire = toWire(Buffer.from("Subject: shut\r\n\r\nhello\r\n"));
  const mail = { sender: "alice@example.net", recipients: ["x@example.org"], wire };
  expect(code(await opening.session.send(mail))).toBe(250);
  await opening.session.quit();
});

test("gw stop ends the gateway in good order, and then there is nobody to ask", async () => {
  expect((await ask("stop")).exitCode).toBe(0);
  expect(await gateway.running?.exited).toBe(0);
  const { stderr, exitCode } = await ask("status");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("no gateway runs with this data folder");
});
