import { expect, test } from "bun:test";
import { printable, printableUpTo } from "../../src/text/printable.ts";

test.each([
  ["plain Grüße 漢字 🙂", "plain Grüße 漢字 🙂"],
  ["\u001b[31mred", "\\u{1b}[31mred"],
  ["two\r\nlines", "two\\u{d}\\u{a}lines"],
  ["C1 \u009b2J", "C1 \\u{9b}2J"],
  ["turned \u202egpj.exe", "turned \\u{202e}gpj.exe"],
  ["\u2028 \u200b \ud800", "\\u{2028} \\u{200b} \\u{d800}"],
])("printable(%p) is %p", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test.each([
  ["short", "short"],
  ["exactly 10", "exactly 10"],
  ["more than 10", "more than…"],
  ["🙂".repeat(11), `${"🙂".repeat(9)}…`],
  ["\u001b".repeat(100), "\\u{1b}\\u{…"],
])("printableUpTo(%p, 10) is %p", (text, shown) => {
  expect(printableUpTo(text, 10)).toBe(shown);
});
