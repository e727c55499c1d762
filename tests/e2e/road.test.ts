// The whole road through the compiled binary: swaks hands mail over, a sink takes it, EICAR stays
// behind, in every wrapping. Needs `npm run build` before (`npm test` does it).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { GatewayProcess } from "../harness/gateway-process.ts";
import { freePort, runCommand, until } from "../harness/process.ts";
import { type Sink, type SinkMessage, startSink } from "../harness/sink.ts";

const EICAR = [
  "X5O!P%@AP[4\\PZX54(P^)7CC)7}$",
  "EICAR-STANDARD-ANTIVIRUS",
  "-TEST-FILE!$H+H*",
].join("");
const WAIT_MS = 15_000;

let folder = "";
let sink: Sink;
let gateway: GatewayProcess;
let port = 0;
const arrived: SinkMessage[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-road-"));
  sink = startSink({
    onMessage: (message) => {
      arrived.push(message);
      return "250 2.0.0 OK";
    },
  });
  port = freePort();
  gateway = new GatewayProcess(folder, {
    dataFolder: join(folder, "data"),
    port,
    nextHopPort: sink.port,
    settings: { "log.level": "info" },
  });
  await gateway.start();
});

afterAll(async () => {
  await gateway?.stop();
  sink?.stop();
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

/** A zip archive with one member. */
function zip(name: string, content: Uint8Array): Buffer {
  const packed = deflateRawSync(content);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), packed]);
  const tail = Buffer.alloc(14);
  const entry = [Buffer.from("PK\x01\x02\x14\x00"), common, tail, Buffer.from(name)];
  const directory = Buffer.concat(entry);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, directory, Buffer.from("PK\x05\x06"), end]);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("base64")
    .replaceAll(/.{76}(?=.)/g, "$&\r\n");
}

function quotedPrintable(text: string): string {
  const hex = [...Buffer.from(text)].map((byte) => `=${byte.toString(16).toUpperCase()}`);
  return hex.join("").replaceAll(/(?:=..){20}(?=.)/g, "$&=\r\n");
}

function uuencode(name: string, bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 45) {
    const line = bytes.subarray(at, at + 45);
    let text = String.fromCharCode(32 + line.length);
    for (let i = 0; i < line.length; i += 3) {
      const bits = ((line[i] ?? 0) << 16) | ((line[i + 1] ?? 0) << 8) | (line[i + 2] ?? 0);
      for (const shift of [18, 12, 6, 0]) {
        text += String.fromCharCode(((bits >> shift) & 63) + 32).replace(" ", "`");
      }
    }
    lines.push(text);
  }
  return [`begin 644 ${name}`, ...lines, "`", "end"].join("\r\n");
}

interface Part {
  readonly type?: string;
  readonly encoding?: string;
  readonly name?: string;
  readonly body: string;
}

function mail(subject: string, ...parts: readonly Part[]): string {
  const head =
    "From: Alice <alice@example.org>\r\nTo: Bob <bob@example.net>\r\n" +
    `Subject: ${subject}\r\nMessage-ID: <${subject}@example.org>\r\nMIME-Version: 1.0\r\n`;
  const text = parts.map(({ type = "text/plain", encoding, name, body }) => {
    const file = name === undefined ? "" : `; name="${name}"`;
    const transfer = encoding === undefined ? "" : `Content-Transfer-Encoding: ${encoding}\r\n`;
    return `Content-Type: ${type}${file}\r\n${transfer}\r\n${body}\r\n`;
  });
  if (text.length === 1) return `${head}${text[0]}`;
  const joined = text.map((one) => `--next\r\n${one}`).join("");
  return `${head}Content-Type: multipart/mixed; boundary="next"\r\n\r\n${joined}--next--\r\n`;
}

async function swaks(name: string, data: string) {
  const file = join(folder, `${name}.eml`);
  writeFileSync(file, data);
  return runCommand([
    "swaks",
    "--server",
    `127.0.0.1:${port}`,
    "--from",
    "alice@example.org",
    "--to",
    "bob@example.net",
    "--data",
    `@${file}`,
  ]);
}

async function quarantined(): Promise<{ id: string; subject: string; findings: string[] }[]> {
  const { stdout, stderr, code } = await gateway.command("quarantine", "list", "--json");
  if (code !== 0) throw new Error(stderr);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

const bySubject = (subject: string) => (message: SinkMessage) =>
  message.bytes.includes(`\r\nSubject: ${subject}\r\n`);

const HELLO: Part = { body: "Hello Bob,\r\nplease find the file below." };
const CLEAN: readonly (readonly [string, string])[] = [
  ["clean-text", mail("clean-text", { body: "Hello.\r\n.\r\n..two dots\r\nBye." })],
  [
    "clean-attachments",
    mail(
      "clean-attachments",
      HELLO,
      { type: "application/zip", encoding: "base64", name: "a.zip", body: "" },
      { type: "image/png", encoding: "base64", name: "b.png", body: base64(Buffer.alloc(5000, 7)) },
      { type: "text/html", body: "<p>Grüße</p>", encoding: "8bit" },
    ),
  ],
  [
    "clean-zip",
    mail("clean-zip", HELLO, {
      type: "application/zip",
      encoding: "base64",
      name: "a.zip",
      body: base64(zip("readme.txt", Buffer.from("nothing to see"))),
    }),
  ],
];

test.each(CLEAN)("a mail without anything bad arrives unchanged: %s", async (subject, data) => {
  const sent = await swaks(subject, data);
  expect(sent.stdout).toMatch(/<~? +250 2\.0\.0 OK: queued as \w+|<- {2}250 2\.0\.0/);
  expect(sent.code).toBe(0);
  await until(() => arrived.some(bySubject(subject)), WAIT_MS);
  const received = arrived.filter(bySubject(subject));
  expect(received.length).toBe(1);
  const bytes = received[0]?.bytes.toString("latin1") ?? "";
  // swaks puts a line end before the final dot, whether or not the file has one.
  const original = Buffer.from(data).toString("latin1");
  expect(bytes.slice(bytes.indexOf("From: Alice")) === `${original}\r\n`).toBe(true);
  const trace = bytes.slice(0, bytes.indexOf("From: Alice"));
  expect(trace).toMatch(/^Received: from .* by gw\.example\.net with ESMTP/);
  expect(trace).toMatch(/^X-Gw-Scan: clean; id=\w+/m);
});

const inZip = zip("eicar.com", Buffer.from(EICAR));
const octets = "application/octet-stream";
const attachedZip: Part = {
  type: octets,
  encoding: "base64",
  name: "a.zip",
  body: base64(inZip),
};

const INFECTED: readonly (readonly [string, string])[] = [
  ["eicar-body", mail("eicar-body", { body: EICAR })],
  [
    "eicar-attachment",
    mail("eicar-attachment", HELLO, { type: octets, name: "eicar.com", body: EICAR }),
  ],
  [
    "eicar-base64",
    mail("eicar-base64", HELLO, {
      type: octets,
      encoding: "base64",
      name: "eicar.com",
      body: base64(Buffer.from(EICAR)),
    }),
  ],
  [
    "eicar-quoted-printable",
    mail("eicar-quoted-printable", HELLO, {
      type: octets,
      encoding: "quoted-printable",
      name: "eicar.com",
      body: quotedPrintable(EICAR),
    }),
  ],
  [
    "eicar-uuencoded",
    mail("eicar-uuencoded", {
      body: `See below.\r\n\r\n${uuencode("eicar.com", Buffer.from(EICAR))}`,
    }),
  ],
  ["eicar-zip", mail("eicar-zip", HELLO, attachedZip)],
  [
    "eicar-zip-nested",
    mail("eicar-zip-nested", HELLO, {
      type: "message/rfc822",
      body: mail("inner", HELLO, {
        type: "message/rfc822",
        body: mail("innermost", HELLO, attachedZip),
      }),
    }),
  ],
  [
    "eicar-zip-in-zip",
    mail("eicar-zip-in-zip", HELLO, {
      type: "application/zip",
      encoding: "base64",
      name: "outer.zip",
      body: base64(zip("inner.zip", inZip)),
    }),
  ],
];

test.each(INFECTED)("a mail with EICAR is kept in quarantine: %s", async (subject, data) => {
  const sent = await swaks(subject, data);
  expect(sent.code).toBe(0);
  const kept = (await quarantined()).find((one) => one.subject === subject);
  expect(kept?.findings.join()).toContain("EICAR");
});

test("nothing infected reached the next hop, and nothing arrived twice", async () => {
  await swaks("last", mail("last", HELLO));
  await until(() => arrived.some(bySubject("last")), WAIT_MS);
  expect(arrived.length).toBe(CLEAN.length + 1);
  for (const { bytes } of arrived) expect(bytes.includes("EICAR-STANDARD")).toBe(false);
});

test("quarantine show, release and delete do as they say", async () => {
  const [first, second] = await quarantined();
  if (first === undefined || second === undefined) throw new Error("quarantine is empty");
  const shown = await gateway.command("quarantine", "show", first.id);
  expect(shown.stdout).toContain(first.subject);
  const released = await gateway.command("quarantine", "release", first.id);
  expect(released.code).not.toBe(0);
  expect((await quarantined()).map((one) => one.id)).toContain(first.id);
  const deleted = await gateway.command("quarantine", "delete", second.id);
  expect(deleted.code).toBe(0);
  expect((await quarantined()).map((one) => one.id)).not.toContain(second.id);
});
