// Taking foreign files apart stays in the process: no other program is started, and nothing is
// written but where gw keeps its data. Told by strace, which sees every thread of the binary.
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { base64Lines } from "../harness/encode.ts";
import { EICAR } from "../harness/extracts.ts";
import { gatewayCommand, gatewayConfig, gatewayPath } from "../harness/gateway-process.ts";
import { openSession, toWire } from "../harness/generator.ts";
import { freePort, startProcess, stopProcess, waitForGreeting } from "../harness/process.ts";
import { startSink } from "../harness/sink.ts";
import { WRAPPERS } from "../unpack/wrappers.ts";

const STRACE = Bun.which("strace");
const folder = mkdtempSync(join(tmpdir(), "gw-confined-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CALLS =
  "execve,execveat,fork,vfork,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2";
/** What may be opened for writing although it lies elsewhere: no files of a disk. */
const NO_FILES = /^\/(?:dev|proc)\//;

// Nothing was started but gw itself, and nothing opened for writing outside `data`.
function expectConfined(trace: string, data: string): void {
  const calls = readFileSync(trace, "utf8").split("\n");
  // The first one is strace starting gw.
  const started = calls.filter((call) => /^\d+ +(?:execve|execveat|fork|vfork)\(/.test(call));
  expect(started.length).toBe(1);
  const written = calls.flatMap((call) => {
    const isWriting = /O_(?:WRONLY|RDWR|CREAT|TRUNC)|^\d+ +(?:creat|mkdir|rename)/.test(call);
    const [, path = ""] = /"((?:[^"\\]|\\.)*)"/.exec(call) ?? [];
    return isWriting && / = (?!-)/.test(call) ? [path] : [];
  });
  expect(written.filter((path) => !path.startsWith(data) && !NO_FILES.test(path))).toEqual([]);
}

function mailOf(name: string, content: Buffer): Buffer {
  const head = [
    ...["From: a@example.org", "To: b@example.org", "Subject: wrapped", "MIME-Version: 1.0"],
    `Content-Type: application/octet-stream; name="${name}"`,
    ...["Content-Transfer-Encoding: base64", "", ""],
  ];
  return Buffer.from(`${head.join("\r\n")}${base64Lines(content)}\r\n`, "latin1");
}

test.skipIf(STRACE === null || !existsSync(gatewayPath()))(
  "a scan starts no process and writes no file outside its data folder",
  () => {
    const [samples, data, trace] = ["samples", "data", "trace"].map((name) => join(folder, name));
    mkdirSync(samples as string);
    mkdirSync(data as string);
    const content = Buffer.from(EICAR, "latin1");
    for (const [i, { wrap }] of WRAPPERS.entries()) {
      writeFileSync(join(samples as string, String(i)), wrap(content));
    }
    const config = join(folder, "gw.toml");
    writeFileSync(config, `[server]\ndata_dir = ${JSON.stringify(data)}\n`);
    const scan = [gatewayPath(), "scan", "--json", "--config", config, samples as string];
    const command = ["strace", "-f", "-qq", "-e", `trace=${CALLS}`, "-o", trace as string, ...scan];
    const run = Bun.spawnSync(command, { stdout: "pipe", stderr: "pipe" });
    const lines = run.stdout.toString().split("\n").filter(Boolean);
    const verdicts = lines.map((line) => JSON.parse(line).verdict);
    expect(verdicts.length).toBe(WRAPPERS.length);
    expect(verdicts.filter((one) => one === "infected").length).toBeGreaterThan(35);

    expectConfined(trace as string, data as string);
  },
  60_000,
);

test.skipIf(STRACE === null || !existsSync(gatewayPath()))(
  "a gateway starts no process and writes no file outside its data folder",
  async () => {
    const [home, data, trace] = ["home", "kept", "trace-serve"].map((name) => join(folder, name));
    mkdirSync(home as string);
    let delivered = 0;
    const sink = startSink({
      onMessage: () => {
        delivered++;
        return "250 2.0.0 OK";
      },
    });
    const port = freePort();
    const setting = { dataFolder: data as string, port, nextHopPort: sink.port };
    const config = join(home as string, "gw.toml");
    writeFileSync(config, gatewayConfig(setting));
    // -D: gw is our child and strace its own, so that what ends gw ends strace too.
    const strace = ["strace", "-D", "-f", "-qq", "-e", `trace=${CALLS}`, "-o", trace as string];
    const command = [...strace, ...gatewayCommand(gatewayPath(), config)];
    const logFile = join(home as string, "gw.log");
    const running = startProcess({ name: "gw", command, logFile });
    try {
      await waitForGreeting(port, running);
      const opened = await openSession({ port });
      if (opened.kind === "failed") throw new Error("no session");
      // Some samples repeat the last byte, and the test file may only be followed by blanks.
      const content = Buffer.from(`${EICAR}\n`, "latin1");
      const codes = new Set<number>();
      for (const { name, takes, wrap } of WRAPPERS) {
        if (takes?.(content) === false) continue;
        const wire = toWire(mailOf(name, wrap(content)));
        const envelope = { sender: "a@example.org", recipients: ["b@example.org"] };
        const outcome = await opened.session.send({ ...envelope, wire });
        if (outcome.kind !== "lost") codes.add(outcome.code);
      }
      await opened.session.quit();
      // Each is kept in quarantine, or refused; none gets through.
      expect([...codes].every((code) => code === 250 || code === 451 || code === 550)).toBe(true);
      expect(delivered).toBe(0);
    } finally {
      await stopProcess(running);
      sink.stop();
    }
    expectConfined(trace as string, data as string);
  },
  120_000,
);
