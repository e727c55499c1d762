import { expect, test } from "bun:test";
import { explodeMbox } from "../../src/unpack/mbox.ts";
import { budgetOf, drain, textOf } from "../harness/extracts.ts";

const messagesIn = (text: string) =>
  drain(explodeMbox(Buffer.from(text), budgetOf())).extracts.map(({ bytes }) => textOf(bytes));

test.each([
  ["one message", "From a Mon\nA: b\n\nc\n", ["A: b\n\nc\n"]],
  ["two", "From a Mon\nA: b\n\nc\n\nFrom b Tue\nD: e\n\nf\n", ["A: b\n\nc\n\n", "D: e\n\nf\n"]],
  ["CRLF", "From a Mon\r\nA: b\r\n\r\nc\r\nFrom b\r\nD: e", ["A: b\r\n\r\nc\r\n", "D: e"]],
  ["escaped From lines", "From a\nA: b\n\n>From here\n", ["A: b\n\n>From here\n"]],
  ["no From line", "A: b\n\nc", ["A: b\n\nc"]],
  ["nothing", "", []],
])("explodeMbox() of %s", (_, text, expected) => {
  expect(messagesIn(text)).toEqual(expected);
});

test("explodeMbox() stops where the budget does", () => {
  const text = Buffer.from("From a\nA: b\n\nc\n".repeat(50));
  const found = drain(explodeMbox(text, budgetOf({ objectCountMax: 10 })));
  expect(found.extracts.length).toBe(10);
  expect(found.status).toBe("unscanned");
});
