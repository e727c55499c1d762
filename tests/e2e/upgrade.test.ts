// `gw upgrade` with the compiled binary: sessions end in the old process, clients that come meanwhile
// are served by the new one, and what is not fit to take over is refused with its reason.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../src/admin/protocol.ts";
import { tryAsk } from "../../src/cli/control/client.ts";
import { gatewayBinary, gatewayConfig } from "../harness/gateway-process.ts";
import { LineClient } from "../harness/line-client.ts";
import { freePort, runCommand, startProcess, until, waitForGreeting } from "../harness/process.ts";
import { type Sink, type SinkMessage, startSink } from "../harness/sink.ts";

const WAIT_MS = 60_000;
let folder: string;
let binary: string;
let config: string;
let port: number;
let sink: Sink;
const arrived: SinkMessage[] = [];

const status = () => tryAsk<Status>(join(folder, "data"), { verb: "status" });
const upgrade = (...words: string[]) =>
  runCommand([binary, "upgrade", "--config", config, ...words]);

async function begun(): Promise<LineClient> {
  const client = await LineClient.connect(port);
  client.waitMs = WAIT_MS;
  await client.expect("220");
  await client.command("EHLO client.example", "250");
  return client;
}

/** A session in the middle of its message. */
async function midway(): Promise<LineClient> {
  const client = await begun();
  await client.command("MAIL FROM:<a@from.example>", "250");
  await client.command("RCPT TO:<b@to.example>", "250");
  await client.command("DATA", "354");
  return client;
}

const finish = (client: LineClient, subject: string) =>
  client.command(`Subject: ${subject}\r\n\r\ntext\r\n.`);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-upgrade-test-"));
  arrived.length = 0;
  binary = join(folder, "gw");
  copyFileSync(gatewayBinary(), binary);
  chmodSync(binary, 0o755);
  sink = startSink({
    onMessage: (message) => {
      arrived.push(message);
      return "250 2.0.0 OK";
    },
  });
  port = freePort();
  config = join(folder, "gw.toml");
  const settings = { "log.level": "info" };
  const place = { dataFolder: join(folder, "data"), port, nextHopPort: sink.port, settings };
  writeFileSync(config, gatewayConfig(place));
  const running = startProcess({
    name: "gw",
    command: [binary, "serve", "--config", config, "--pid-file", join(folder, "pid")],
    logFile: join(folder, "log"),
  });
  await waitForGreeting(port, running);
});

afterEach(async () => {
  await runCommand([binary, "stop", "--config", config]);
  const pid = Number(existsSync(join(folder, "pid")) ? readFileSync(join(folder, "pid")) : 0);
  if (pid > 1) await until(() => !existsSync(`/proc/${pid}`), WAIT_MS);
  sink.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a session with a message ends in the old gw, the next is served by the new one", async () => {
  const before = await status();
  const other = join(folder, "other-gw");
  copyFileSync(gatewayBinary(), other);
  const busy = await midway();
  const idle = await begun();
  const upgraded = upgrade("--binary", other);
  await idle.closed();
  // Nobody takes it yet; it is neither refused nor lost.
  const early = LineClient.connect(port);
  expect((await finish(busy, "old")).code).toBe(250);
  const client = await early;
  client.waitMs = WAIT_MS;
  await client.expect("220");
  const { stdout, code } = await upgraded;
  expect([code, stdout]).toEqual([0, expect.stringContaining("serves as process")]);
  const now = await status();
  expect(now?.pid).not.toBe(before?.pid);
  expect(readFileSync(join(folder, "pid"), "utf8").trim()).toBe(String(now?.pid));
  expect(existsSync(`${binary}.previous`)).toBe(true);
  client.close();
  expect((await finish(await midway(), "new")).code).toBe(250);
  await until(() => arrived.length >= 1, WAIT_MS);
  // An attempt that was cut by the change waits for its next one.
  const waiting = (await status())?.queue.messages ?? 0;
  expect(arrived.length + waiting).toBeGreaterThanOrEqual(2);
  // The successor can be succeeded.
  const third = await upgrade();
  expect([third.code, (await status())?.pid !== now?.pid]).toEqual([0, true]);
}, 120_000);

test("nothing changes when a session does not end in time, and it goes on", async () => {
  const before = await status();
  const busy = await midway();
  const { code, stderr } = await upgrade("--timeout", "1s");
  expect([code, stderr]).toEqual([2, expect.stringContaining("1 sessions have not ended in 1 s")]);
  expect((await finish(busy, "late")).code).toBe(250);
  expect((await finish(await midway(), "after")).code).toBe(250);
  await until(() => arrived.length === 2, WAIT_MS);
  expect((await status())?.pid).toBe(before?.pid ?? 0);
}, 120_000);

test.each<[string, (file: string) => void, RegExp]>([
  ["a text", (file) => writeFileSync(file, "#!/bin/sh\n"), /no executable of this kind of system/],
  ["nothing", () => {}, /no such file/i],
  [
    "an executable for another processor",
    (file) => {
      const bytes = Buffer.from(readFileSync(gatewayBinary()).subarray(0, 4096));
      bytes.writeUInt16LE(243, 18);
      writeFileSync(file, bytes);
    },
    /for another processor \(ELF machine 243/,
  ],
  ["another program", (file) => copyFileSync(process.execPath, file), /no gw that runs here/],
])("%s is refused, and nothing is changed", async (_, make, reason) => {
  const file = join(folder, "fresh");
  make(file);
  const { code, stderr } = await upgrade("--binary", file);
  expect([code, stderr]).toEqual([2, expect.stringMatching(reason)]);
  expect(existsSync(`${binary}.new`)).toBe(false);
  expect((await status())?.program).toBe(binary);
});

test("what the other gw can't take stops it before a session is touched", async () => {
  const database = new Database(join(folder, "data", "gw.db"));
  const { user_version: version } = database
    .query<{ user_version: number }, []>("PRAGMA user_version")
    .get() ?? { user_version: 0 };
  database.run(`PRAGMA user_version = ${version + 1}`);
  const idle = await begun();
  const { code, stderr } = await upgrade();
  database.run(`PRAGMA user_version = ${version}`);
  database.close();
  expect([code, stderr]).toEqual([2, expect.stringContaining("use the newer gw")]);
  expect((await idle.command("NOOP")).code).toBe(250);
  idle.close();
});
