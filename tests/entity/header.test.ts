import { expect, test } from "bun:test";
import { readHeader } from "../../src/entity/header.ts";

function read(text: string) {
  const bytes = Buffer.from(text, "latin1");
  const header = readHeader(bytes, 0, bytes.length);
  return {
    body: text.slice(header.bodyStart),
    others: header.otherStarts.map((start) => text.slice(start)),
    types: header.types.map((field) => field.value),
    encodings: header.encodings,
    isCut: header.isCut,
  };
}

test.each([
  ["CRLF", "A: b\r\nC: d\r\n\r\nbody", "body"],
  ["LF", "A: b\nC: d\n\nbody", "body"],
  ["CR", "A: b\rC: d\r\rbody", "body"],
  ["CR CR LF", "A: b\r\r\nC: d\r\r\n\r\r\nbody", "body"],
  ["LF, then CRLF", "A: b\n\r\nbody\n\n", "body\n\n"],
  ["no header at all", "\r\nbody\r\n\r\nmore", "body\r\n\r\nmore"],
  ["no body", "A: b\r\n", ""],
])("readHeader() finds the body behind %s", (_, text, body) => {
  expect(read(text).body).toBe(body);
});

test.each([
  ["a line of white space", "A: b\r\n \t\r\nearly\r\n\r\nlate", [" \t\r\nearly\r\n\r\nlate"]],
  ["a line without colon", "A: b\nearly\n\nlate", ["early\n\nlate"]],
  ["two bare CRs", "A: b\r\rearly\r\nC: d\r\n\r\nlate", ["early\r\nC: d\r\n\r\nlate"]],
  ["nothing odd", "From x\r\nA: b\r\n\tfolded\r\nB :c\r\n\r\nbody", []],
])("readHeader() tells where other readers begin: %s", (_, text, others) => {
  expect(read(text).others).toEqual(others);
});

test("readHeader() reads all Content-* fields, folded, repeated and badly spelt", () => {
  const header = read(
    "content-TYPE: text/plain\r\nContent-Type\t:\r\n text/html\r\nX-Content-Type: no\r\n" +
      "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding : 7bit\r\n" +
      "CONTENT-TRANSFER-ENCODING: Base64\r\n\r\nContent-Type: in/body",
  );
  expect(header.types).toEqual(["text/plain", "text/html"]);
  expect(header.encodings).toEqual(["base64", "identity"]);
});

test("readHeader() says when a limit kept it from the rest", () => {
  expect(read(`${"Content-Type: a/b\r\n".repeat(17)}\r\n`).isCut).toBe(true);
  expect(read(`X: ${"y".repeat(1_100_000)}\r\n\r\nbody`).isCut).toBe(true);
  expect(read("X: y\r\n\r\nbody").isCut).toBe(false);
});

test.each([
  ["no colon", "x".repeat(500_000)],
  ["white space", " ".repeat(500_000)],
  ["short lines", "\r\n \t".repeat(100_000)],
  ["a folded field", `Content-Type: a\r\n${" x\r\n".repeat(100_000)}`],
])("readHeader() is linear in %s", (_, text) => {
  const startedAt = performance.now();
  read(text);
  expect(performance.now() - startedAt).toBeLessThan(1000);
});
