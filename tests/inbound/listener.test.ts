import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Listener } from "../../src/inbound/listener.ts";
import { plainDoor } from "../../src/inbound/settings.ts";
import { makeCertificate } from "../harness/certificate.ts";
import {
  MemoryIntake,
  startInbound,
  TEST_SETTINGS,
  type TestInbound,
  type TestInboundOptions,
} from "../harness/inbound.ts";
import { LineClient } from "../harness/line-client.ts";

let folder = "";
const inbounds: TestInbound[] = [];
const clients: LineClient[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-listener-"));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const { listener } of inbounds.splice(0)) await listener.stop(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(options: TestInboundOptions = {}): Promise<TestInbound> {
  const inbound = await startInbound(options);
  inbounds.push(inbound);
  return inbound;
}

async function connect(port: number, host?: string): Promise<LineClient> {
  const client = await LineClient.connect(port, host);
  clients.push(client);
  await client.expect("220");
  return client;
}

async function untilData(client: LineClient): Promise<void> {
  await client.command("EHLO client.example.net", "250");
  await client.command("MAIL FROM:<a@example.net>", "250");
  await client.command("RCPT TO:<b@example.org>", "250");
  await client.command("DATA", "354");
}

function startOn(listen: string[]): Promise<Listener> {
  const parts = { intake: new MemoryIntake(), log: silentLog, clock: systemClock };
  return Listener.start({ doors: [plainDoor(listen)], settings: TEST_SETTINGS, ...parts });
}

test("start() listens on several addresses, IPv4 and IPv6", async () => {
  const listener = await startOn(["127.0.0.1:0", "[::1]:0"]);
  const [four = 0, six = 0] = listener.ports;
  expect(listener.addresses).toEqual([`127.0.0.1:${four}`, `[::1]:${six}`]);
  await connect(four);
  await connect(six, "::1");
  await listener.stop(0);
});

test("start() takes the same port for IPv4 and IPv6", async () => {
  const first = await startOn(["127.0.0.1:0"]);
  const [port] = first.ports;
  await first.stop(0);
  const both = await startOn([`127.0.0.1:${port}`, `[::1]:${port}`]);
  await both.stop(0);
});

test("start() names an address that is taken, and listens on none then", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  const free = await startOn(["127.0.0.1:0"]);
  const [freePort] = free.ports;
  await free.stop(0);
  await expect(startOn([`127.0.0.1:${freePort}`, `127.0.0.1:${port}`])).rejects.toThrow(
    `cannot listen on 127.0.0.1:${port}: another program listens there`,
  );
  // The first address is free again.
  const again = await startOn([`127.0.0.1:${freePort}`]);
  await again.stop(0);
  taken.close();
});

test.each([
  ["192.0.2.77:0", "cannot listen on 192.0.2.77:0: this host does not have that address"],
  ["localhost:25", 'cannot listen on "localhost:25"'],
  ["127.0.0.1", 'cannot listen on "127.0.0.1"'],
])("start() says why it cannot listen on %s", async (address, message) => {
  await expect(startOn([address])).rejects.toThrow(message);
});

test("start() names a certificate that is missing or bad", async () => {
  const rubbish = join(folder, "rubbish.pem");
  writeFileSync(rubbish, "rubbish");
  const missing = join(folder, "missing.pem");
  const tls = (certificate: string) => startInbound({ tls: { certificate, key: rubbish } });
  await expect(tls(missing)).rejects.toThrow(`cannot read the TLS certificate ${missing}`);
  await expect(tls(rubbish)).rejects.toThrow(`${rubbish} holds no certificate in PEM`);
});

test.each([
  ["TLSv1.1", false],
  ["TLSv1.2", true],
  ["TLSv1.3", true],
] as const)("STARTTLS with %s succeeds: %p", async (version, expected) => {
  const { port } = await start({ tls: makeCertificate(folder, "versions.example.org") });
  const client = await connect(port);
  await client.command("EHLO client.example.net", "250");
  await client.command("STARTTLS", "220");
  const socket = client.release();
  const isSecure = await new Promise<boolean>((resolve) => {
    const versions = { minVersion: version, maxVersion: version };
    const secure = connectTls({ socket, ...versions, rejectUnauthorized: false }, () =>
      resolve(secure.getProtocol() === version),
    );
    secure.once("error", () => resolve(false));
    secure.once("close", () => resolve(false));
  });
  expect(isSecure).toBe(expected);
});

test("reloadCertificate() takes a renewed certificate, and keeps the old if it is bad", async () => {
  const tls = makeCertificate(folder, "renewed.example.org");
  const { port, listener, log } = await start({ tls });
  const nameOf = async () => {
    const client = await connect(port);
    await client.command("EHLO client.example.net", "250");
    await client.command("STARTTLS", "220");
    await client.startTls();
    await client.command("EHLO client.example.net", "250");
    return client.certificateName;
  };
  expect(await nameOf()).toBe("renewed.example.org");
  writeFileSync(tls.certificate, "half a certifi");
  listener.reloadCertificate();
  expect(log.lines.at(-1)).toMatchObject({ level: "error", event: "certificate-not-loaded" });
  expect(await nameOf()).toBe("renewed.example.org");
  const next = makeCertificate(folder, "next.example.org");
  copyFileSync(next.certificate, tls.certificate);
  copyFileSync(next.key, tls.key);
  listener.reloadCertificate();
  expect(log.lines.at(-1)).toMatchObject({ level: "info", event: "certificate-loaded" });
  expect(await nameOf()).toBe("next.example.org");
});

test("a certificate that ends soon is warned of", async () => {
  const in20Days = Date.now() + 20 * 86_400_000;
  const clock = { now: () => in20Days, steady: () => 0 };
  const { log } = await start({ tls: makeCertificate(folder, "soon.example.org"), clock });
  expect(log.lines[0]).toMatchObject({ level: "warn", event: "certificate-expires" });
  expect(log.lines[0]?.fields["days"]).toBe(9);
});

test("reload() changes the rules for sessions that begin from then on", async () => {
  const { port, listener } = await start();
  const old = await connect(port);
  const settings = { ...TEST_SETTINGS, messageSizeMax: 5000, relayDomains: ["new.example"] };
  listener.reload(settings);
  const fresh = await connect(port);
  expect((await fresh.command("EHLO x", "250")).last).toBe("250 SIZE 5000");
  await fresh.command("MAIL FROM:<a@example.net>", "250");
  await fresh.command("RCPT TO:<b@example.org>", "550");
  await fresh.command("RCPT TO:<b@new.example>", "250");
  await old.command("EHLO x", "250");
  await old.command("MAIL FROM:<a@example.net>", "250");
  await old.command("RCPT TO:<b@example.org>", "250");
  expect(() => listener.reload({ ...settings, relayNetworks: ["nonsense"] })).toThrow("nonsense");
});

test("stop() says 421 to idle sessions and lets a message arrive", async () => {
  const { port, listener, intake } = await startInbound();
  const idle = await connect(port);
  const sending = await connect(port);
  await untilData(sending);
  const stopped = listener.stop(10_000);
  await idle.expect("421 4.3.2");
  await idle.closed();
  await expect(LineClient.connect(port)).rejects.toThrow();
  await sending.command("last words\r\n.", "250 2.0.0 OK: queued");
  await sending.expect("421 4.3.2");
  await sending.closed();
  await stopped;
  expect(intake.messages).toHaveLength(1);
});

test("stop() does not wait for ever", async () => {
  const { port, listener, intake } = await startInbound();
  const sending = await connect(port);
  await untilData(sending);
  await listener.stop(20);
  expect(intake.messages).toEqual([]);
  expect(listener.sessions).toBe(0);
});
