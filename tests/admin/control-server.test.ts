import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ControlServer } from "../../src/admin/control-server.ts";
import { prometheusText, statsLines } from "../../src/admin/metrics.ts";
import { LINE_MAX, LiveAnswer, SOCKET_NAME } from "../../src/admin/protocol.ts";
import { Statistics } from "../../src/admin/statistics.ts";
import { observedLog, silentLog } from "../../src/base/log.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "gw-socket-"));
  folders.push(folder);
  return folder;
}

/** What comes back until the connection ends or `lines` lines have come. */
function exchange(folder: string, text: string, lines: number): Promise<string[]> {
  const socket = connect(join(folder, SOCKET_NAME));
  let held = "";
  return new Promise((resolve) => {
    socket.on("data", (bytes) => {
      held += bytes.toString();
      if (held.split("\n").length > lines) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(held.split("\n").filter(Boolean)));
    socket.write(text);
  });
}

test.each([
  ['{"verb":"status"}\n', [{ value: { verb: "status" } }]],
  [
    '{"verb":"pause","stages":["send","nonsense"]}\n',
    [{ value: { verb: "pause", stages: ["send"] } }],
  ],
  ['{"verb":"stats"}\n{"verb":"reload"}\n', [{ value: { verb: "stats" } }, { error: "no luck" }]],
  ['{"verb":"fly"}\n', [{ error: 'this gateway knows no request "fly"' }]],
  ["[]\n", [{ error: "no request" }]],
])("%p is answered line by line", async (text, expected) => {
  const folder = dataFolder();
  const server = await ControlServer.start(
    folder,
    (request) => {
      if (request.verb === "reload") throw new Error("no luck");
      return request;
    },
    silentLog,
  );
  const lines = await exchange(folder, text, expected.length);
  expect(lines.map((line) => JSON.parse(line))).toEqual(expected);
  server.stop();
});

test("a line that is no JSON gets an error, one without an end loses the connection", async () => {
  const folder = dataFolder();
  const server = await ControlServer.start(folder, () => ({}), silentLog);
  expect(await exchange(folder, "not json\n", 1)).toEqual([expect.stringContaining('{"error":')]);
  expect(await exchange(folder, "x".repeat(LINE_MAX + 1), 1)).toEqual([]);
  server.stop();
});

test("what lies in the socket's place is replaced, a path that is too long is an error", async () => {
  const folder = dataFolder();
  writeFileSync(join(folder, SOCKET_NAME), "left over");
  const server = await ControlServer.start(folder, () => 1, silentLog);
  expect(await exchange(folder, '{"verb":"status"}\n', 1)).toEqual(['{"value":1}']);
  server.stop();
  const long = join(folder, "x".repeat(100));
  expect(ControlServer.start(long, () => 1, silentLog)).rejects.toThrow(
    "longer than the 103 bytes",
  );
});

test("events are counted whether the log writes them or not", () => {
  const statistics = new Statistics();
  const log = observedLog(silentLog, [statistics]);
  log.debug("session-begun");
  log.info("accepted", { size: 100, count: 3 });
  log.info("refused", { reply: "552 5.3.4 Message exceeds the size limit" });
  log.info("refused", { reply: "451 4.3.2 later" });
  log.debug("scanned", { status: "clean", objects: 4 });
  log.warn("unheard-of");
  expect(statistics.counts).toMatchObject({
    mta_incoming_connections_total: 1,
    mta_received_bytes: 100,
    mta_received_recipients: 3,
    mta_receivings_refused_total: 2,
    mta_receivings_refused_for_message_size_limit: 1,
    mta_receivings_deferred: 1,
    av_messages_clean: 1,
    av_objects: 4,
  });
});

test("counters are shown as lines and in the text format of Prometheus", () => {
  const stats = { time_initialized_iso: "2026-01-01", mta_sent_messages: 5, time_processing: 7 };
  expect(statsLines(stats)).toContain("time_initialized_iso=2026-01-01\nmta_sent_messages=5\n");
  const text = prometheusText(stats);
  expect(text).toContain("# TYPE gw_mta_sent_messages counter\ngw_mta_sent_messages 5\n");
  expect(text).toContain("# TYPE gw_time_processing gauge\n");
  expect(text).not.toContain("iso");
});

test("an answer that goes on ends when the asker goes", async () => {
  const folder = dataFolder();
  const ended = Promise.withResolvers<void>();
  const live = new LiveAnswer<number>(
    (push) => {
      push(1);
      push(2);
      return () => ended.resolve();
    },
    (count) => -count,
  );
  const server = await ControlServer.start(folder, () => live, silentLog);
  const lines = await exchange(folder, '{"verb":"trace"}\n', 2);
  expect(lines.map((line) => JSON.parse(line))).toEqual([{ value: 1 }, { value: 2 }]);
  await ended.promise;
  server.stop();
});

test("whoever reads slowly has lines left out, is told so, and holds nothing up", async () => {
  const folder = dataFolder();
  const line = "x".repeat(1000);
  const begun = Promise.withResolvers<(value: string) => void>();
  const live = new LiveAnswer<string>(
    (push) => {
      begun.resolve(push);
      return () => undefined;
    },
    (count) => `lost ${count}`,
  );
  const server = await ControlServer.start(folder, () => live, silentLog);
  const socket = connect(join(folder, SOCKET_NAME));
  socket.pause();
  socket.write('{"verb":"trace","to":7}\n');
  const push = await begun.promise;
  for (let count = 0; count < 20_000; count++) push(line);
  let held = "";
  const told = Promise.withResolvers<void>();
  socket.on("data", (bytes) => {
    held += bytes.toString();
    // There is room again.
    push("more");
    if (held.includes("lost ")) told.resolve();
  });
  socket.resume();
  await told.promise;
  const [, lost = "0"] = /lost (\d+)/.exec(held) ?? [];
  expect(Number(lost)).toBeGreaterThan(10_000);
  expect(held.length).toBeLessThan(4_000_000);
  socket.destroy();
  server.stop();
});
