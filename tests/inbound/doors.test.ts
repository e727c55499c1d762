// Doors of every kind, through sockets: who a session is taken for, and what it is let do.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { makeCertificate } from "../harness/certificate.ts";
import { startInbound, type TestInbound, type TestInboundOptions } from "../harness/inbound.ts";
import { LineClient } from "../harness/line-client.ts";
import { proxyV2 } from "../harness/proxy-v2.ts";

let folder = "";
const inbounds: TestInbound[] = [];
const clients: LineClient[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-doors-"));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const { listener } of inbounds.splice(0)) await listener.stop(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(options: TestInboundOptions): Promise<TestInbound> {
  const inbound = await startInbound(options);
  inbounds.push(inbound);
  return inbound;
}

async function connect(port: number, early: string | Uint8Array = ""): Promise<LineClient> {
  const client = await LineClient.connect(port, "127.0.0.1", early);
  clients.push(client);
  return client;
}

async function send(client: LineClient, recipient = "b@example.org"): Promise<void> {
  await client.command("EHLO client.example.net", "250");
  await client.command("MAIL FROM:<a@example.net>", "250");
  await client.command(`RCPT TO:<${recipient}>`, "250");
  await client.command("DATA", "354");
  await client.command("Subject: x\r\n\r\nx\r\n.", "250");
}

const BALANCED = { door: { proxyNetworks: ["127.0.0.0/8"] } };

test.each([
  ["version 1", Buffer.from("PROXY TCP4 203.0.113.9 127.0.0.1 4711 25\r\n")],
  ["version 2", proxyV2({ address: "203.0.113.9", port: 4711 })],
])("a balancer's header of %s names the client", async (_, header) => {
  const { port, intake } = await start(BALANCED);
  const client = await connect(port, header);
  await client.expect("220");
  await send(client);
  expect(intake.messages[0]?.client).toMatchObject({ address: "203.0.113.9", port: 4711 });
  expect(intake.messages[0]?.trace).toContain("([203.0.113.9])");
});

test("a client behind a balancer gets its own rights, not the balancer's", async () => {
  const { port } = await start({
    ...BALANCED,
    settings: { relayNetworks: ["127.0.0.0/8", "192.0.2.0/24"] },
  });
  const stranger = await connect(port, proxyV2({ address: "203.0.113.9", port: 1 }));
  await stranger.expect("220");
  await stranger.command("EHLO x", "250");
  await stranger.command("MAIL FROM:<a@example.net>", "250");
  await stranger.command("RCPT TO:<b@elsewhere.example>", "550 5.7.1");
  const own = await connect(port, proxyV2({ address: "192.0.2.7", port: 1 }));
  await own.expect("220");
  await send(own, "b@elsewhere.example");
});

test("the balancer's own checks keep its own address", async () => {
  const { port, intake } = await start(BALANCED);
  const client = await connect(port, proxyV2({ address: "203.0.113.9", port: 1, command: 0 }));
  await client.expect("220");
  await send(client);
  expect(intake.messages[0]?.client.address).toBe("127.0.0.1");
});

test("header, greeting and commands in one segment: talking too soon is told all the same", async () => {
  const { port, intake } = await start(BALANCED);
  const bytes = Buffer.concat([
    proxyV2({ address: "203.0.113.9", port: 1 }),
    Buffer.from("EHLO x\r\nMAIL FROM:<a@example.net>\r\n"),
  ]);
  const client = await connect(port, bytes);
  await client.expect("554");
  await client.closed();
  expect(intake.refusals[0]?.client.address).toBe("203.0.113.9");
});

test.each([
  ["no header", "EHLO client\r\n"],
  ["a header of nobody", "PROXY TCP4 nonsense 127.0.0.1 1 25\r\n"],
  ["a line without end", `PROXY TCP4 ${"1".repeat(200)}`],
])("a balancer that sends %s is cut off, with one line in the log", async (_, bytes) => {
  const { port, log } = await start(BALANCED);
  const client = await connect(port, bytes);
  await client.closed();
  const lines = log.lines.filter(({ event }) => event === "session-failed");
  expect(lines).toHaveLength(1);
  expect(String(lines[0]?.fields["cause"])).toStartWith("PROXY header: ");
});

test("who is no balancer cannot claim to be another", async () => {
  const { port } = await start({ door: { proxyNetworks: ["192.0.2.0/24"] } });
  const client = await connect(port, "PROXY TCP4 192.0.2.1 127.0.0.1 1 25\r\n");
  await client.expect("554");
});

test.each([
  ["after a PROXY header", BALANCED.door, proxyV2({ address: "203.0.113.9", port: 1 })],
  ["from the first byte on", {}, ""],
])("TLS %s", async (_, door, header) => {
  const tls = makeCertificate(folder, "implicit.example.org");
  const { port, intake } = await start({ tls, door: { ...door, tls: "implicit" } });
  const client = await connect(port, header);
  await client.startTls();
  await client.expect("220");
  await send(client);
  const { address, protocol, tls: cipher } = intake.messages[0]?.client ?? {};
  expect(address).toBe(header === "" ? "127.0.0.1" : "203.0.113.9");
  expect(protocol).toBe("ESMTPS");
  expect(cipher).toStartWith("TLSv1.3 ");
});

test("plain text where TLS is expected is cut off, with one line in the log", async () => {
  const tls = makeCertificate(folder, "plain.example.org");
  const { port, log } = await start({ tls, door: { tls: "implicit" } });
  const client = await connect(port, "EHLO client.example.net\r\n");
  await client.closed();
  const lines = log.lines.filter(({ event }) => event === "session-failed");
  expect(lines.map(({ fields }) => fields["client"])).toEqual(["127.0.0.1"]);
});

test("connections that wait for TLS are bounded for each address", async () => {
  const tls = makeCertificate(folder, "waiting.example.org");
  const settings = { sessionsPerAddressMax: 2 };
  const { port, log } = await start({ tls, settings, door: { tls: "implicit" } });
  await connect(port);
  await connect(port);
  const surplus = await connect(port);
  await surplus.closed();
  expect(log.lines.at(-1)?.fields["cause"]).toBe("too many connections wait for TLS");
});

function certificateFor(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", servername, rejectUnauthorized: false };
    const socket = connectTls(options, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

test.each([
  ["other.example.net", "other.example.net"],
  ["OTHER.example.net", "other.example.net"],
  ["deep.example.com", "*.example.com"],
  ["too.deep.example.com", "main.example.org"],
  ["main.example.org", "main.example.org"],
  ["unknown.example", "main.example.org"],
])("a client that asks for %s gets the certificate of %s", async (name, expected) => {
  const tls = makeCertificate(folder, "main.example.org");
  const moreTls = ["other.example.net", "*.example.com"].map((each) =>
    makeCertificate(folder, each),
  );
  const { port } = await start({ tls, moreTls, door: { tls: "implicit" } });
  expect(await certificateFor(port, name)).toBe(expected);
});

test("the internal door serves the site's own networks and turns others away", async () => {
  const own = { relayNetworks: ["127.0.0.0/8"] };
  const inside = await start({ door: { role: "internal" }, settings: own });
  const client = await connect(inside.port);
  await client.expect("220");
  await send(client, "b@elsewhere.example");
  expect(inside.intake.messages[0]?.client.role).toBe("internal");
  const outside = await start({ door: { role: "internal" } });
  const stranger = await connect(outside.port);
  await stranger.expect("554 Access denied");
  await stranger.closed();
  expect(outside.log.lines.at(-1)).toMatchObject({ event: "session-refused" });
});

test("a socket in the file system is a client on this host", async () => {
  const path = join(folder, "in.sock");
  const settings = { relayNetworks: ["127.0.0.0/8"] };
  const { listener, intake } = await start({ door: { listen: [`unix:${path}`] }, settings });
  expect(listener.addresses).toEqual([`unix:${path}`]);
  const socket = await new Promise<Socket>((resolve) => {
    const made = connectTcp(path, () => resolve(made));
  });
  const client = LineClient.over(socket);
  clients.push(client);
  await client.expect("220");
  await send(client, "b@elsewhere.example");
  expect(intake.messages[0]?.client.address).toBe("127.0.0.1");
});

const RELAYED = { door: { xclientNetworks: ["127.0.0.0/8"] } };

test("XCLIENT gives the session to the client it names, with that client's rights", async () => {
  const { port, intake } = await start({
    ...RELAYED,
    settings: { relayNetworks: ["127.0.0.0/8"] },
  });
  const client = await connect(port);
  await client.expect("220");
  const ehlo = await client.command("EHLO relay.example.org", "250");
  expect(ehlo.lines).toContain("XCLIENT NAME ADDR PORT PROTO HELO LOGIN");
  await client.command("XCLIENT ADDR=203.0.113.9 PORT=4711 NAME=[UNAVAILABLE]", "220");
  await client.command("EHLO client.example.net", "250");
  await client.command("XCLIENT ADDR=127.0.0.1", "550");
  await client.command("MAIL FROM:<a@example.net>", "250");
  await client.command("RCPT TO:<b@elsewhere.example>", "550 5.7.1");
  await client.command("RSET", "250");
  await send(client);
  expect(intake.messages[0]?.client).toMatchObject({ address: "203.0.113.9", port: 4711 });
});

test("XCLIENT is counted for the client it names", async () => {
  const settings = { sessionsPerAddressMax: 1 };
  const { port, listener } = await start({ ...RELAYED, settings });
  const first = await connect(port);
  await first.expect("220");
  await first.command("XCLIENT ADDR=203.0.113.9", "220");
  const second = await connect(port);
  await second.expect("220");
  await second.command("XCLIENT ADDR=203.0.113.9", "421");
  await second.closed();
  expect(listener.sessions).toBe(1);
});

test("XFORWARD tells of the client, for one message, and changes no rights", async () => {
  const { port, intake } = await start({
    ...RELAYED,
    settings: { relayNetworks: ["127.0.0.0/8"] },
  });
  const client = await connect(port);
  await client.expect("220");
  await client.command("EHLO relay.example.org", "250");
  await client.command("XFORWARD NAME=x ADDR=203.0.113.9 PORT=4711", "250 2.0.0");
  await client.command("XFORWARD HELO=client.example.net", "250 2.0.0");
  for (const recipient of ["b@elsewhere.example", "c@elsewhere.example"]) {
    await client.command("MAIL FROM:<a@example.net>", "250");
    await client.command(`RCPT TO:<${recipient}>`, "250");
    await client.command("XFORWARD ADDR=203.0.113.10", "503");
    await client.command("DATA", "354");
    await client.command("x\r\n.", "250");
  }
  const [told, untold] = intake.messages;
  expect(told?.client).toMatchObject({
    address: "203.0.113.9",
    port: 4711,
    helo: "client.example.net",
    via: { address: "127.0.0.1", helo: "relay.example.org" },
  });
  expect(told?.trace).toContain("from relay.example.org ([127.0.0.1])");
  expect(untold?.client.address).toBe("127.0.0.1");
  expect(untold?.client.via).toBeUndefined();
});

test.each(["XCLIENT ADDR=127.0.0.1", "XFORWARD ADDR=127.0.0.1"])(
  "%s of a stranger is not heard",
  async (line) => {
    const { port } = await start({ door: { xclientNetworks: ["192.0.2.0/24"] } });
    const client = await connect(port);
    await client.expect("220");
    const ehlo = await client.command("EHLO x", "250");
    expect(ehlo.lines.some((each) => each.startsWith("X"))).toBe(false);
    await client.command(line, "550");
    const plain = await start({});
    const other = await connect(plain.port);
    await other.expect("220");
    await other.command(line, "500");
  },
);
