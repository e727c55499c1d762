import { expect, test } from "bun:test";
import { findDelimiters, guessBoundary, splitAt } from "../../src/entity/multipart.ts";

function split(text: string, boundary: string, isLenient = false) {
  const bytes = Buffer.from(text, "latin1");
  const range = { start: 0, end: bytes.length };
  const found = splitAt(bytes, range, findDelimiters(bytes, range, boundary), isLenient);
  const textOf = (part: { start: number; end: number }) => text.slice(part.start, part.end);
  return { parts: found.parts.map(textOf), outside: found.outside.map(textOf) };
}

test.each([
  ["CRLF", "--b\r\none\r\n--b\r\ntwo\r\n--b--\r\n", ["one", "two"]],
  ["LF", "--b\none\n--b\ntwo\n--b--\n", ["one", "two"]],
  ["CR", "--b\rone\r--b\rtwo\r--b--\r", ["one", "two"]],
  ["white space behind the boundary", "--b \t\r\none\r\n--b-- \r\n", ["one"]],
  ["no closing delimiter", "--b\r\none\r\n--b\r\ntwo\r\n", ["one", "two\r\n"]],
  ["empty parts", "--b\r\n\r\n--b\r\n--b--", ["", ""]],
  ["parts behind the close", "--b\r\none\r\n--b--\r\nx\r\n--b\r\ntwo\r\n--b--", ["one", "two"]],
  [
    "an inner boundary that is longer",
    "--b\r\n--b2\r\nx\r\n--b2--\r\n--b--",
    ["--b2\r\nx\r\n--b2--"],
  ],
  ["the boundary in mid-line", "--b\r\nno --b here\r\n--b--", ["no --b here"]],
])("splitAt() with %s", (_, text, parts) => {
  expect(split(text, "b").parts).toEqual(parts);
});

test("splitAt() gives prologue and epilogue", () => {
  const text = "before\r\n--b\r\none\r\n--b--\r\nafter\r\n";
  expect(split(text, "b").outside).toEqual(["before", "after\r\n"]);
});

test("splitAt() also splits at loose delimiters when told to", () => {
  const text = "--b\r\none\r\n --b\r\ntwo\r\n--b tail\r\nthree\r\n--b--";
  expect(split(text, "b").parts).toEqual(["one\r\n --b\r\ntwo\r\n--b tail\r\nthree"]);
  expect(split(text, "b", true).parts).toEqual(["one", "two", "three"]);
});

test("findDelimiters() takes the empty boundary strictly only", () => {
  expect(split("--\r\none\r\n--x\r\ntwo\r\n----\r\n", "").parts).toEqual(["one\r\n--x\r\ntwo"]);
});

test("findDelimiters() stays within its range", () => {
  const bytes = Buffer.from("--b\none\n--b\ntwo\n--b--");
  expect(findDelimiters(bytes, { start: 4, end: 12 }, "b").lines.length).toBe(1);
});

test("findDelimiters() gives up on floods, and says so", () => {
  const bytes = Buffer.from("--b\n".repeat(30_000));
  expect(findDelimiters(bytes, { start: 0, end: bytes.length }, "b").isCut).toBe(true);
  const long = Buffer.from(`x${"--b".repeat(1_100_000)}`);
  expect(findDelimiters(long, { start: 0, end: long.length }, "b").isCut).toBe(true);
});

test.each([
  ["prologue\r\n--x y\r\nContent-Type: a/b\r\n\r\n", "x y"],
  ["--abc \ncontent-transfer-encoding: 7bit\n\n", "abc"],
  ["-- \r\nsignature", ""],
  ["no dashes", ""],
])("guessBoundary(%j) is %j", (text, expected) => {
  const bytes = Buffer.from(text);
  expect(guessBoundary(bytes, { start: 0, end: bytes.length })).toBe(expected);
});
