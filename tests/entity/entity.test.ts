import { expect, test } from "bun:test";
import { describeEntity, isMessageType, looksLikeMessage } from "../../src/entity/entity.ts";
import { readHeader } from "../../src/entity/header.ts";

function describeLines(...lines: readonly string[]) {
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return describeEntity(readHeader(bytes, 0, bytes.length), "fallback/type");
}

test("describeEntity() falls back where nothing is said", () => {
  expect(describeLines("Subject: x")).toEqual({
    types: [{ type: "fallback/type", isMultipart: false, boundaries: [] }],
    encodings: ["identity"],
    name: "",
    protection: "",
    isFragment: false,
  });
});

test.each([
  ["filename alone", ["Content-Disposition: attachment; filename=a.txt"], "a.txt"],
  ["name alone", ["Content-Type: text/plain; name=a.txt"], "a.txt"],
  ["both the same", ["Content-Type: x/y; name=a", "Content-Disposition: x; filename=a"], "a"],
  [
    "both, one runs",
    ["Content-Type: x/y; name=a", "Content-Disposition: x; filename=b.js"],
    "a | b.js",
  ],
  [
    "two dispositions",
    ["Content-Disposition: x; filename=b.js", "Content-Disposition: x; filename=a"],
    "a | b.js",
  ],
  ["turned round", ["Content-Disposition: x; filename*=utf-8''a%E2%80%AEfdp.exe"], "afdp.exe"],
] as const)("describeEntity() names an entity with %s", (_, lines, name) => {
  expect(describeLines(...lines).name).toBe(name);
});

test.each([
  ["Content-Type: multipart/encrypted; boundary=b", "multipart/encrypted"],
  ["Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data", "S/MIME"],
  ["Content-Type: application/pkcs7-mime; smime-type=signed-data", ""],
  ["Content-Type: text/plain; smime-type=enveloped-data", ""],
])("describeEntity() tells what is encrypted: %s", (line, expected) => {
  const { protection } = describeLines(line);
  if (expected === "") expect(protection).toBe("");
  else expect(protection).toContain(expected);
});

test.each([
  ["message/rfc822", true],
  ["message/global", true],
  ["text/rfc822-headers", true],
  ["message/delivery-status", false],
  ["text/plain", false],
])("isMessageType(%j) is %p", (type, expected) => {
  expect(isMessageType(type)).toBe(expected);
});

test.each([
  ["two fields", "From: a\r\nTo: b\r\n\r\n", true],
  ["a mailbox line", "From x Mon\nFrom: a\nDate: b\n\n", true],
  ["one field only", "Subject: x\r\n\r\nFrom: y\r\n", false],
  ["the same field twice", "To: x\r\nTo: y\r\n\r\n", false],
  ["prose", "To whom it may concern:\r\nFrom: me\r\nTo: you\r\n", false],
  ["markup", "<html>From: a\r\nTo: b", false],
])("looksLikeMessage() on %s", (_, text, expected) => {
  expect(looksLikeMessage(Buffer.from(text))).toBe(expected);
});
