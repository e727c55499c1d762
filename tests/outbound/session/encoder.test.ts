import { expect, test } from "bun:test";
import { DataEncoder } from "../../../src/outbound/session/encoder.ts";

function encode(chunks: readonly string[]): string {
  const encoder = new DataEncoder();
  const parts = chunks.map((chunk) => encoder.encode(Buffer.from(chunk, "latin1")));
  return Buffer.concat([...parts, encoder.end()]).toString("latin1");
}

// What RFC 5321 §4.5.2 asks for, said as simply as can be.
function expected(message: string): string {
  const lines = message.replace(/\r\n|\r|\n/g, "\r\n").split("\r\n");
  const last = lines.pop() ?? "";
  if (last !== "") lines.push(last);
  return `${lines.map((line) => `${line.replace(/^\./, "..")}\r\n`).join("")}.\r\n`;
}

const CASES: [string, string][] = [
  ["nothing", ""],
  ["plain lines", "a\r\nb\r\n"],
  ["a last line without its end", "a\r\nb"],
  ["dots at line starts", ".\r\n..\r\n.a\r\na.\r\n"],
  ["a dot at the very start", ".first\r\n"],
  ["dots only", "...."],
  ["a bare LF before a dot", "a\n.\nb\r\n"],
  ["a bare CR before a dot", "a\r.\rb\r\n"],
  ["mixed smuggling", "a\r\n.\nMAIL\r.\r\n\n.\r\n"],
  ["two CR before LF", "a\r\r\nb\r\n"],
  ["a CR at the end", "a\r"],
  ["empty lines", "\r\n\r\n\r\n"],
  ["high bytes", "\xe4\xff\x80\r\n.\xe4\r\n"],
];

test.each(CASES)("DataEncoder: %s, in one piece and cut anywhere", (_, message) => {
  const whole = expected(message);
  expect(encode([message])).toBe(whole);
  expect(encode([...message])).toBe(whole);
  for (let cut = 0; cut <= message.length; cut++) {
    expect(encode([message.slice(0, cut), message.slice(cut)])).toBe(whole);
  }
});

test("DataEncoder never ends data early, whatever the bytes and the cuts", () => {
  const alphabet = ["\r", "\n", ".", "\r\n", "\r\n.", "a", "\xff"];
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  for (let round = 0; round < 3000; round++) {
    const chunks = Array.from({ length: 1 + random(5) }, () =>
      Array.from({ length: random(8) }, () => alphabet[random(alphabet.length)]).join(""),
    );
    const encoded = encode(chunks);
    expect(encoded).toBe(expected(chunks.join("")));
    expect(`\r\n${encoded}`.indexOf("\r\n.\r\n")).toBe(encoded.length + 2 - 5);
    expect(encoded).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
  }
});

test("DataEncoder passes a chunk that needs nothing on without a copy", () => {
  const chunk = Buffer.from("a line\r\nanother one.\r\n");
  expect(new DataEncoder().encode(chunk)).toBe(chunk);
});
