// Another plan for a listener that runs: new places are open before old ones close, places that stay keep
// their port, and sessions that have begun live on.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashPassword, UsersFile } from "../../../src/inbound/login/users.ts";
import { type DoorPlan, type ListenerPlan, plainDoor } from "../../../src/inbound/settings.ts";
import { makeCertificate, type TestCertificate } from "../../harness/certificate.ts";
import { startInbound, TEST_SETTINGS, type TestInbound } from "../../harness/inbound.ts";
import { LineClient } from "../../harness/line-client.ts";
import { freePort } from "../../harness/process.ts";

let folder = "";
let tls: TestCertificate;
let users = "";
let inbound: TestInbound;
const clients: LineClient[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-reload-"));
  tls = makeCertificate(folder, "gw.example.org");
  users = join(folder, "users");
  writeFileSync(users, `ann:${await hashPassword("secret")}\n`);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await inbound.listener.stop(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function connect(port: number): Promise<LineClient> {
  const client = await LineClient.connect(port, "127.0.0.1");
  clients.push(client);
  return client;
}

async function greeted(port: number): Promise<LineClient> {
  const client = await connect(port);
  await client.expect("220");
  return client;
}

const door = (port: number, more: Partial<DoorPlan> = {}): DoorPlan => {
  return { ...plainDoor([`127.0.0.1:${port}`]), ...more };
};

async function change(doors: readonly DoorPlan[], more: Partial<ListenerPlan> = {}): Promise<void> {
  const ready = await inbound.listener.prepare({ doors, settings: TEST_SETTINGS, ...more });
  ready.commit();
}

async function start(): Promise<number> {
  const port = freePort();
  inbound = await startInbound({ door: { listen: [`127.0.0.1:${port}`] } });
  return port;
}

async function extensions(client: LineClient): Promise<string> {
  const { lines } = await client.command("EHLO client.example.net", "250");
  return lines.join("\n");
}

async function finish(client: LineClient): Promise<void> {
  await client.command("EHLO client.example.net", "250");
  await client.command("MAIL FROM:<a@example.net>", "250");
  await client.command("RCPT TO:<b@example.org>", "250");
  await client.command("DATA", "354");
  await client.command("Subject: x\r\n\r\nx\r\n.", "250");
}

test("a place moves: the new one is open, the old one is shut, its session lives on", async () => {
  const port = await start();
  const before = await greeted(port);
  const next = freePort();
  await change([door(next)]);
  expect(inbound.listener.addresses).toEqual([`127.0.0.1:${next}`]);
  await finish(await greeted(next));
  await expect(connect(port)).rejects.toThrow();
  await finish(before);
  expect(inbound.intake.messages.length).toBe(2);
});

test("a place that stays gets new rules for new sessions only", async () => {
  const port = await start();
  const before = await greeted(port);
  expect(await extensions(before)).not.toContain("STARTTLS");
  await change([door(port, { role: "submission", auth: "required" })], {
    certificates: [tls],
    directories: [new UsersFile(users, () => {})],
    loginKey: "users",
  });
  const after = await greeted(port);
  expect(await extensions(after)).toContain("STARTTLS");
  await after.command("MAIL FROM:<a@example.net>", "530");
  await after.command("STARTTLS", "220");
  await after.startTls();
  expect(await extensions(after)).toContain("AUTH PLAIN LOGIN");
  const login = Buffer.from("\0ann\0secret").toString("base64");
  await after.command(`AUTH PLAIN ${login}`, "235");
  expect(await extensions(before)).not.toContain("STARTTLS");
  await finish(before);
});

test("rules change again and again at one place", async () => {
  const port = await start();
  for (const protocol of ["lmtp", "smtp", "lmtp", "smtp"] as const) {
    await change([door(port, { protocol })]);
    const client = await greeted(port);
    await client.command("LHLO client.example.net", protocol === "lmtp" ? "250" : "500");
  }
  await finish(await greeted(port));
});

test("TLS from the first byte on comes to a place without a moment in which it is shut", async () => {
  const port = await start();
  await change([door(port, { tls: "implicit" })], { certificates: [tls] });
  const client = await connect(port);
  await client.startTls();
  await client.expect("220");
  await change([door(port)], { certificates: [] });
  expect(await extensions(await greeted(port))).not.toContain("STARTTLS");
});

const TAKEN = [""];
const MISSING = { certificate: "/nonexistent.pem", key: "/nonexistent.key" };

test.each([
  [
    "a place that is taken",
    (port: number) => [door(freePort()), door(port, { listen: TAKEN })],
    {},
  ],
  ["a certificate that is not there", (port: number) => [door(port)], { certificates: [MISSING] }],
])("%s: nothing changes", async (_, doors, more) => {
  const port = await start();
  const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  TAKEN[0] = `127.0.0.1:${other.port}`;
  const plan = { doors: doors(port), settings: TEST_SETTINGS, ...more };
  await expect(inbound.listener.prepare(plan)).rejects.toThrow();
  other.stop(true);
  expect(inbound.listener.addresses).toEqual([`127.0.0.1:${port}`]);
  await finish(await greeted(port));
});

test("stop() ends sessions of places that are shut as well", async () => {
  const port = await start();
  const before = await greeted(port);
  await change([door(freePort())]);
  await inbound.listener.stop(0);
  await before.expect("421");
  expect(inbound.listener.sessions).toBe(0);
});
