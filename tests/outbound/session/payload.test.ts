import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Body } from "../../../src/message.ts";
import { CHUNK_SIZE, Payload } from "../../../src/outbound/session/payload.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-payload-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileBody(bytes: Buffer, before = 0, after = 0): Body {
  const path = join(folder, `${Math.random()}`);
  writeFileSync(path, Buffer.concat([Buffer.alloc(before, "?"), bytes, Buffer.alloc(after, "?")]));
  return { kind: "file", path, offset: before, size: bytes.length };
}

// Sends to a reader that is slow now and then, so that sockets fill up; gives back what arrived.
async function arrived(payload: Payload, pauseMs = 0): Promise<{ bytes: Buffer; ended: unknown }> {
  const chunks: Buffer[] = [];
  let ended: unknown = "not called";
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("data", (chunk: Buffer) => {
      chunks.push(Buffer.from(chunk));
      if (pauseMs === 0) return;
      socket.pause();
      setTimeout(() => socket.resume(), pauseMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await new Promise<void>((resolve) => client.once("connect", resolve));
  await new Promise<void>((resolve) => {
    payload.sendTo(
      client,
      () => {},
      (error) => {
        ended = error;
        client.end();
      },
    );
    const wait = setInterval(() => {
      if (sockets[0]?.readyState === "open" && ended === "not called") return;
      if (sockets[0]?.destroyed !== true && sockets[0]?.readyState !== "closed") return;
      clearInterval(wait);
      resolve();
    }, 5);
  });
  server.close();
  return { bytes: Buffer.concat(chunks), ended };
}

// RFC 5321 §4.5.2 for a message of whole lines.
function stuffed(message: Buffer): string {
  return `${message.toString("latin1").replace(/(^|\n)\./g, "$1..")}.\r\n`;
}

// Lines with dots where chunks are cut, and random bytes between.
function dottyMessage(size: number): Buffer {
  const bytes = Buffer.alloc(size, "0123456789abcdef\r\n");
  let seed = 7;
  for (let at = 0; at + 3 < size; at += 1 + (seed % 97)) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    if (bytes[at] === 10) bytes[at + 1] = 0x2e;
    else if (bytes[at] !== 13) bytes[at] = 0x80 + (seed % 0x80);
  }
  for (let cut = CHUNK_SIZE; cut + 4 < size; cut += CHUNK_SIZE)
    bytes.write("\r\n.\r\n", cut - 2 - (cut % 3));
  bytes.write("\r\n", size - 2);
  return Buffer.from(bytes.toString("latin1").replace(/\r\n|\r|\n/g, "\r\n"), "latin1");
}

const TRACE = "X-Trace: yes\r\n";
const SIZES = [
  0,
  1,
  2,
  1000,
  CHUNK_SIZE - TRACE.length,
  CHUNK_SIZE,
  CHUNK_SIZE + 1,
  3 * CHUNK_SIZE + 77,
];

test.each(SIZES)(
  "a message of %d bytes arrives byte for byte, from memory and from a file",
  async (size) => {
    const bytes = size < 10 ? Buffer.alloc(size, ".") : dottyMessage(size);
    const expected = stuffed(Buffer.concat([Buffer.from(TRACE), bytes]));
    const ending = size === 0 || size >= 10 ? expected : expected.replace(/\.\r\n$/, "\r\n.\r\n");
    for (const body of [{ kind: "bytes", bytes } as const, fileBody(bytes, 13, 100)]) {
      const payload = Payload.open(TRACE, body);
      expect(payload.size).toBe(TRACE.length + bytes.length);
      const { bytes: got, ended } = await arrived(payload);
      expect(ended).toBeUndefined();
      expect(got.toString("latin1") === ending).toBe(true);
      payload.close();
    }
  },
);

test("a large message arrives byte for byte at a slow reader", async () => {
  const bytes = dottyMessage(12 * CHUNK_SIZE + 5);
  const payload = Payload.open(TRACE, fileBody(bytes));
  const { bytes: got } = await arrived(payload, 1);
  payload.close();
  expect(got.toString("latin1") === stuffed(Buffer.concat([Buffer.from(TRACE), bytes]))).toBe(true);
});

test("open() throws for a body that is not there, or not whole", () => {
  const body = fileBody(Buffer.alloc(100));
  if (body.kind !== "file") throw new Error("not a file");
  expect(() => Payload.open("", { ...body, path: join(folder, "missing") })).toThrow("ENOENT");
  expect(() => Payload.open("", { ...body, size: 101 })).toThrow("incomplete");
  expect(() => Payload.open("", { ...body, offset: 1 })).toThrow("incomplete");
});

test("a body that gets shorter while it is sent ends with an error, and without a dot", async () => {
  const body = fileBody(Buffer.alloc(4 * CHUNK_SIZE, "x\r\n"));
  if (body.kind !== "file") throw new Error("not a file");
  const payload = Payload.open("", body);
  writeFileSync(body.path, Buffer.alloc(CHUNK_SIZE, "x\r\n"));
  const { bytes, ended } = await arrived(payload);
  payload.close();
  expect(String(ended)).toContain("incomplete");
  expect(bytes.length).toBe(CHUNK_SIZE);
  expect(bytes.includes("\r\n.\r\n")).toBe(false);
});

test("no descriptor is left open", async () => {
  const count = () => readdirSync("/dev/fd").length;
  const body = fileBody(dottyMessage(3 * CHUNK_SIZE));
  await arrived(Payload.open("", { kind: "bytes", bytes: Buffer.alloc(1) }));
  const before = count();
  for (let i = 0; i < 50; i++) {
    const payload = Payload.open("", body);
    if (i % 2 === 0)
      payload.sendTo(
        { write() {} } as unknown as Socket,
        () => {},
        () => {},
      );
    payload.close();
    payload.close();
  }
  expect(() => Payload.open("", { ...body, size: 1e9 } as Body)).toThrow();
  expect(count()).toBeLessThanOrEqual(before);
});

const HEADERS: [string, string, boolean][] = [
  ["an ASCII header and an 8-bit body", "Subject: a\r\n\r\n\xe4\r\n", true],
  ["an 8-bit header", "Subject: \xe4\r\n\r\na\r\n", false],
  ["no body", "Subject: a\r\n", true],
  ["no body and an 8-bit header", "Subject: \xe4\r\n", false],
];

test.each(HEADERS)("isHeaderAscii(): %s", (_, text, expected) => {
  const bytes = Buffer.from(text, "latin1");
  const large = Buffer.concat([
    bytes,
    Buffer.alloc(text.includes("\r\n\r\n") ? CHUNK_SIZE : 0, "x"),
  ]);
  for (const each of [bytes, large]) {
    for (const body of [{ kind: "bytes", bytes: each } as const, fileBody(each)]) {
      const payload = Payload.open(TRACE, body);
      expect(payload.isHeaderAscii()).toBe(expected);
      payload.close();
    }
  }
});

test("isHeaderAscii() is not sure of a header without an end in sight", () => {
  const payload = Payload.open("", { kind: "bytes", bytes: Buffer.alloc(2 * CHUNK_SIZE, "x") });
  expect(payload.isHeaderAscii()).toBe(false);
  payload.close();
});
