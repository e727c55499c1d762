// The two threads together.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Carrier, type CarrierOptions } from "../../src/outbound/carrier.ts";
import { NextHopServer } from "../harness/next-hop.ts";
import { BODY, brief, deliveryTo, keptLog, recipients, TRACE } from "./parts.ts";

let server: NextHopServer;
let carrier: Carrier | undefined;
let log = keptLog();

beforeEach(async () => {
  server = await NextHopServer.start();
  log = keptLog();
});
afterEach(async () => {
  await carrier?.stop(0);
  await server.stop();
});

async function start(options: Partial<CarrierOptions> = {}): Promise<Carrier> {
  carrier = await Carrier.start({ hostname: "gw.test", log, ...options });
  return carrier;
}

function fakeWorker(source: string): () => Worker {
  return () => new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
}

test("deliver() sends from memory and from a file, and answers per recipient", async () => {
  const one = await start();
  const folder = mkdtempSync(join(tmpdir(), "gw-carrier-"));
  const path = join(folder, "segment");
  writeFileSync(path, `before${BODY}after`);
  server.script = { rcpt: (_, count) => (count % 2 === 0 ? "550 no" : "250 ok") };
  const body = { kind: "file", path, offset: 6, size: BODY.length } as const;
  const two = recipients("a@x.example", "b@x.example");
  const first = await one.deliver(deliveryTo(server, { body, recipients: two }));
  const second = await one.deliver(deliveryTo(server, { recipients: two }));
  expect([brief(first), brief(second)]).toEqual([
    ["delivered 250", "failed 550"],
    ["delivered 250", "failed 550"],
  ]);
  expect(server.messages.map(({ message }) => String(message))).toEqual([
    TRACE + BODY,
    TRACE + BODY,
  ]);
  rmSync(folder, { recursive: true });
});

test("capacity() falls with what is in flight, per next hop", async () => {
  const one = await start({ sessionsPerHostMax: 3 });
  const { nextHop } = deliveryTo(server);
  expect(one.capacity(nextHop)).toBe(6);
  const all = Array.from({ length: 8 }, () => one.deliver(deliveryTo(server)));
  expect(one.inFlight).toBe(8);
  expect(one.capacity(nextHop)).toBe(0);
  expect(one.capacity({ kind: "mx", domain: "example.org" })).toBe(6);
  await Promise.all(all);
  expect(one.inFlight).toBe(0);
  expect(one.capacity(nextHop)).toBe(6);
});

test("what the worker logs appears in our log", async () => {
  const one = await start();
  server.script = { end: { act: "drop" } };
  await one.deliver(deliveryTo(server));
  expect(log.events).toContain("maybe-duplicate");
});

test("stop() waits for what is under way, and defers what is later", async () => {
  const one = await start();
  const all = [1, 2, 3].map(() => one.deliver(deliveryTo(server)));
  while (server.messages.length === 0) await new Promise<void>((resolve) => setTimeout(resolve, 1));
  await one.stop(5000);
  const kinds = (await Promise.all(all)).flatMap(brief);
  expect(kinds.filter((kind) => kind === "delivered 250").length).toBe(server.messages.length);
  expect(brief(await one.deliver(deliveryTo(server)))).toEqual(["deferred 451"]);
});

test("stop() does not wait longer than it may", async () => {
  const one = await start();
  server.script = { end: { act: "hang" } };
  const waiting = one.deliver(deliveryTo(server));
  while (!server.verbs.includes("DATA"))
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  await one.stop(10);
  expect(brief(await waiting)).toEqual(["deferred 451"]);
});

test("a worker that dies defers what it had, and is replaced", async () => {
  let count = 0;
  const dying = fakeWorker(
    "onmessage = ({ data }) => { if (data.kind === 'start') postMessage({ isReady: true }); else throw new Error('bug'); };",
  );
  const good = () => new Worker(new URL("../../src/outbound/carrier-worker.ts", import.meta.url));
  const one = await start({ spawn: () => (count++ === 0 ? dying() : good()) });
  const two = recipients("a@x.example", "b@x.example");
  const lost = await one.deliver(deliveryTo(server, { recipients: two }));
  expect(brief(lost)).toEqual(["deferred 451", "deferred 451"]);
  expect(brief(await one.deliver(deliveryTo(server)))).toEqual(["deferred 451"]);
  while (!log.events.includes("carrier-restarted")) {
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  }
  expect(log.events).toEqual(["carrier-lost", "carrier-restarted"]);
  expect(brief(await one.deliver(deliveryTo(server)))).toEqual(["delivered 250"]);
});

test("a worker that answers for fewer recipients than there are is not believed", async () => {
  const lying = fakeWorker(
    "onmessage = ({ data }) => { if (data.kind === 'start') postMessage({ isReady: true }); else for (const { number } of data.deliveries ?? []) postMessage({ ends: [{ number, outcomes: [] }, { number: 99, outcomes: [] }] }); };",
  );
  const one = await start({ spawn: lying });
  expect(brief(await one.deliver(deliveryTo(server)))).toEqual(["deferred 451"]);
});

test("start() rejects if the thread does not come up, or a DNS server is no address", async () => {
  const broken = fakeWorker("throw new Error('broken')");
  await expect(start({ spawn: broken })).rejects.toThrow("the sending thread did not start");
  await expect(start({ dnsServers: ["dns.example"] })).rejects.toThrow(
    'not a DNS server: "dns.example"',
  );
});
