import { expect, test } from "bun:test";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import type { Limits } from "../../src/base/budget.ts";
import type { Finding } from "../../src/message.ts";
import { inspect, MESSAGE, type ObjectScanner } from "../../src/pipeline/inspect.ts";
import { buildZip } from "../unpack/build-zip.ts";
import { encryptTraditional } from "../unpack/zip/pack-legacy.ts";

const LIMITS: Limits = {
  objectSizeMax: 1 << 20,
  expandedSizeMax: 8 << 20,
  objectCountMax: 200,
  depthMax: 5,
  timeMaxMs: 10_000,
};
const MARKER = "bad-content-here";
const text = (value: string) => new TextEncoder().encode(value);

/** Finds MARKER; fails on demand. */
const scanner: ObjectScanner = {
  identity: "test",
  scan({ bytes }) {
    const content = Buffer.from(bytes).toString("latin1");
    if (content.includes("BREAK-THE-ENGINE")) throw new Error("engine broke");
    const findings: Finding[] = [];
    const offset = content.indexOf(MARKER);
    if (offset >= 0) findings.push({ signature: "Test.Marker", severity: "infected", offset });
    return { findings, scanned: bytes.length, isComplete: !content.includes("TOO-HARD") };
  },
};

function mail(body: string, type = "text/plain"): Uint8Array {
  return text(
    `From: a@example.org\r\nTo: b@example.org\r\nSubject: s\r\nMIME-Version: 1.0\r\n` +
      `Content-Type: ${type}\r\n\r\n${body}`,
  );
}

function look(bytes: Uint8Array, limits: Partial<Limits> = {}) {
  const subject = { name: "message", declaredType: MESSAGE, bytes };
  return inspect(subject, scanner, { ...LIMITS, ...limits });
}

function attached(bytes: Uint8Array, name: string): Uint8Array {
  const body = Buffer.from(bytes).toString("base64").replaceAll(/.{76}/g, "$&\r\n");
  return mail(
    `--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n` +
      `Content-Type: application/octet-stream; name="${name}"\r\n` +
      `Content-Transfer-Encoding: base64\r\n\r\n${body}\r\n--b--\r\n`,
    'multipart/mixed; boundary="b"',
  );
}

test("inspect() calls a plain mail clean, and has seen all of it", () => {
  const bytes = mail("hello\r\n");
  const verdict = look(bytes);
  expect(verdict.status).toBe("clean");
  expect(verdict.objects[0]).toMatchObject({ type: "mail", parent: null, scanned: bytes.length });
  expect(verdict.objects.length).toBeGreaterThan(1);
  for (const object of verdict.objects) expect(object.scanned).toBe(object.size);
});

test("inspect() finds content in an attachment and says where it is", () => {
  const verdict = look(attached(text(MARKER), "a.txt"));
  const found = verdict.objects.find((one) => one.findings.length > 0);
  expect(verdict.status).toBe("infected");
  expect(found?.path).toBe("message › a.txt");
  expect(found?.findings).toEqual([{ signature: "Test.Marker", severity: "infected", offset: 0 }]);
});

test("inspect() goes through gzip in a mail in a mail", () => {
  const inner = attached(gzipSync(text(`x ${MARKER}`)), "a.gz");
  const outer = mail(Buffer.from(inner).toString("latin1"), "message/rfc822");
  const found = look(outer).objects.find((one) => one.findings.length > 0);
  expect(found?.path.split(" › ").length).toBe(4);
});

test("inspect() opens an archive with a password that stands behind it in the mail", () => {
  const packed = encryptTraditional(text(MARKER), "open-sesame", crc32(text(MARKER)) >>> 24);
  const zip = buildZip([{ name: "a", bytes: text(MARKER), flags: 1, method: 0, packed }]);
  const body = Buffer.from(zip).toString("base64");
  const message = (words: string) =>
    mail(
      `--b\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n` +
        `${body}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>${words}</p>\r\n--b--\r\n`,
      'multipart/mixed; boundary="b"',
    );
  const verdict = look(message("Password: <b>open</b>-sesame"));
  expect(verdict.status).toBe("infected");
  const archive = verdict.objects.find((object) => object.type === "zip");
  expect(archive?.notes).toEqual(['opened with the password "open-sesame"']);
  expect(archive?.status).toBe("clean");
  expect(look(message("Password: by telephone")).status).toBe("protected");
});

test("inspect() treats what came over SMTP as a message whatever it looks like", () => {
  expect(look(text("no header at all")).objects[0]?.type).toBe("mail");
});

test.each([
  ["BREAK-THE-ENGINE", "scan failed"],
  ["TOO-HARD", "could not be completed"],
])("inspect() says unscanned, not clean, when the engine says %s", (content, note) => {
  const verdict = look(mail(content));
  expect(verdict.status).toBe("unscanned");
  expect(verdict.objects[0]?.notes.join()).toContain(note);
});

test("inspect() says unscanned when an object is larger than the limit", () => {
  expect(look(mail("x".repeat(5000)), { objectSizeMax: 1000 }).status).toBe("unscanned");
});

test("inspect() says unscanned when mails lie deeper in each other than the limit", () => {
  let bytes = mail("hello");
  for (let depth = 0; depth < 8; depth++) {
    bytes = mail(Buffer.from(bytes).toString("latin1"), "message/rfc822");
  }
  expect(look(bytes).status).toBe("unscanned");
  expect(look(bytes, { depthMax: 20 }).status).toBe("clean");
});

test("inspect() says unscanned for a bomb, and still reports what it found before", () => {
  const bomb = gzipSync(Buffer.concat([text(MARKER), Buffer.alloc(4 << 20)]));
  const verdict = look(attached(bomb, "bomb.gz"));
  expect(["unscanned", "infected"]).toContain(verdict.status);
  expect(verdict.objects.some((one) => one.status === "unscanned")).toBe(true);
});

test("inspect() says unscanned when there are more objects than the limit", () => {
  const parts = Array.from({ length: 50 }, (_, index) => `--b\r\n\r\npart ${index}\r\n`).join("");
  const bytes = mail(`${parts}--b--\r\n`, 'multipart/mixed; boundary="b"');
  expect(look(bytes, { objectCountMax: 10 }).status).toBe("unscanned");
  expect(look(bytes).status).toBe("clean");
});

test("inspect() stops when time is up", () => {
  let now = 0;
  const subject = {
    name: "message",
    declaredType: MESSAGE,
    bytes: attached(deflateRawSync(text("x")), "a.bin"),
  };
  const verdict = inspect(subject, scanner, { ...LIMITS, timeMaxMs: 1 }, { steady: () => now++ });
  expect(verdict.status).toBe("unscanned");
});

test("inspect() reads bytes that are two things at once as both", () => {
  const zipped = buildZip([{ name: "a.txt", bytes: text(MARKER) }]);
  const picture = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
  const verdict = look(attached(Buffer.concat([picture, Buffer.alloc(200, 1), zipped]), "a.png"));
  const found = verdict.objects.find((one) => one.findings.length > 0);
  expect(found?.path).toBe("message › a.png › a.txt");
});
