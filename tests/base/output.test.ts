// The forms of log lines, and the places that take them: nothing hostile gets through, nobody waits.
import { afterEach, expect, test } from "bun:test";
import dgram from "node:dgram";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog, type LogEntry, type LogFields } from "../../src/base/log.ts";
import { cefLine } from "../../src/base/output/cef.ts";
import { classicLine } from "../../src/base/output/classic.ts";
import { isSinkPlace, openSink } from "../../src/base/output/sink.ts";

const AT = new Date(2026, 10, 3, 4, 5, 6).getTime();
const entry = (event: string, fields: LogFields): LogEntry => ({
  ...{ at: AT, level: "info", event, fields },
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

test.each([
  [
    "accepted",
    { id: "M1", sender: "<a@x>", count: 2, size: 9 },
    "M1: RECEIVED from=<a@x> nrcpt=2 size=9",
  ],
  [
    "scanned",
    { id: "M1", group: "g", recipients: 2, status: "clean" },
    "M1: SCANNED group=g nrcpt=2 status=clean srcid=M1",
  ],
  [
    "split",
    { id: "M1", copy: "M2", group: "g", recipients: 1 },
    "M2: SPLITTED domain=g nrcpt=1 srcid=M1",
  ],
  [
    "delivered",
    { id: "M1", recipient: "b@y", host: "h" },
    "M1: DELIVERED rcpt=b@y server=h status=sent",
  ],
  [
    "failed",
    { id: "M1", recipient: "b@y", host: "h" },
    "M1: DELIVERED rcpt=b@y server=h status=failed",
  ],
  ["blocked", { id: "M1", to: "b@y", size: 9 }, "M1: BLOCKED rcpt=b@y size=9"],
  ["reloaded", { changed: "x" }, "-: reloaded changed=x"],
] as const)("classicLine() tells %s as 5.5 did", (event, fields, expected) => {
  expect(classicLine(entry(event, fields))).toBe(`[2026-11-03 04:05:06 INFO] ${expected}`);
});

test("cefLine() escapes what has a meaning in CEF, and names no recipient that is a number", () => {
  const fields = { id: "M1", sender: "<a=b\\@x>", recipients: 2, to: "b@y", client: "192.0.2.1" };
  const line = cefLine(entry("scanned", fields), "gw|1");
  expect(line).toStartWith("<22>Nov  3 04:05:06 gw\\|1 CEF:0|gw|gw|");
  expect(line).toContain("suser=<a\\=b\\\\@x>");
  expect(line).toContain("duser=b@y");
  expect(line).toContain("src=192.0.2.1");
});

test("no form lets a control or direction character through", () => {
  const hostile = "a\r\n2026 error forged\u001b[31m\u0085\u009b\u2028\u202e\u007f";
  const lines: string[] = [];
  for (const format of ["text", "json", classicLine] as const) {
    const log = createLog({
      ...{ format, level: () => "debug" as const, now: () => AT },
      write: (line) => lines.push(line),
      also: (each) => lines.push(`${cefLine(each, "gw")}\n`),
    });
    log.info("refused", { id: hostile, sender: hostile, reply: hostile });
  }
  expect(lines).toHaveLength(6);
  for (const line of lines) {
    expect(line).toEndWith("\n");
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }
  expect(JSON.parse(lines[2] ?? "").sender).toBe(hostile);
});

test.each([
  ["/var/log/gw.log", true],
  ["tcp:127.0.0.1:5140", true],
  ["udp:[::1]:514", true],
  ["unix:/run/log", true],
  ["udp:127.0.0.1", false],
  ["udp:loghost:514", false],
  ["relative.log", false],
  ["unix:relative", false],
])("%s is a place for lines: %p", (place, expected) => {
  expect(isSinkPlace(place)).toBe(expected);
});

test("a file is opened anew after it was moved away, and loses nothing", () => {
  const folder = mkdtempSync(join(tmpdir(), "gw-output-"));
  folders.push(folder);
  const [file, old] = [join(folder, "a.log"), join(folder, "a.log.1")];
  const sink = openSink(file);
  sink.write("one");
  renameSync(file, old);
  sink.reopen();
  sink.write("two");
  sink.close();
  expect(readFileSync(old, "utf8")).toBe("one\n");
  expect(readFileSync(file, "utf8")).toBe("two\n");
  expect(() => openSink(join(folder, "none/a.log"))).toThrow("cannot be opened");
});

test("datagrams carry one line each", async () => {
  const got = Promise.withResolvers<string>();
  const host = dgram.createSocket("udp4").on("message", (bytes) => got.resolve(bytes.toString()));
  await new Promise<void>((resolve) => host.bind(0, "127.0.0.1", () => resolve()));
  const sink = openSink(`udp:127.0.0.1:${host.address().port}`);
  sink.write("a line");
  expect(await got.promise).toBe("a line");
  sink.close();
  host.close();
});

test("a log host that never reads holds nobody up, and is told what was left out", async () => {
  const told = Promise.withResolvers<void>();
  let isReading = false;
  const server = createServer((socket) => {
    if (!isReading) socket.pause();
    let held = "";
    const look = setInterval(() => {
      if (isReading) socket.resume();
    }, 5);
    socket.on("data", (bytes) => {
      held = (held + bytes.toString()).slice(-5_000);
      sink.write("more");
      if (held.includes("lines left out")) told.resolve();
    });
    socket.on("close", () => clearInterval(look));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  const sink = openSink(`tcp:127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
  for (let count = 0; count < 30_000; count++) sink.write("x".repeat(1_000));
  isReading = true;
  await told.promise;
  sink.close();
  server.close();
});
