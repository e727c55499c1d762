import { expect, test } from "bun:test";
import {
  parseNumber,
  type Token,
  TokenReader,
  textBytes,
  textString,
  tokenize,
} from "../../src/signature/line.ts";

const at = { line: 1, column: 1 };
const text = (inner: string): Token => ({ kind: "text", text: inner, ...at });

test("tokenize() cuts words, texts and marks, and knows their columns", () => {
  const tokens = tokenize('$a "x y" (#b>=2) 0..EOF-4', 3, 5);
  expect(tokens.map(({ text }) => text)).toEqual([
    "$a",
    "x y",
    "(",
    "#b",
    ">=",
    "2",
    ")",
    "0..EOF-4",
  ]);
  expect(tokens.map(({ column }) => column)).toEqual([5, 8, 14, 15, 17, 19, 20, 22]);
});

test.each(["@", '"open', "a".repeat(3) + " ,".repeat(3000)])("tokenize() refuses %j", (line) => {
  expect(() => tokenize(line.slice(0, 8000), 1, 1)).toThrow();
});

test("a reader tells what it missed, and where", () => {
  const reader = new TokenReader(tokenize("one", 1, 1), { line: 1, column: 9 });
  expect(reader.accept("two")).toBe(false);
  expect(() => reader.expect("text", "a text")).toThrow("unexpected one");
  expect(reader.expect("word", "a word").text).toBe("one");
  expect(reader.at).toEqual({ line: 1, column: 9 });
  expect(() => reader.expect("word", "a word")).toThrow("the line ends here");
});

test.each([
  ["plain", "plain"],
  ['\\n\\r\\t\\0\\\\\\"', '\n\r\t\0\\"'],
  ["\\x41\\xff", "A\xff"],
  ["é", "\xc3\xa9"],
])("textBytes() reads %s", (inner, bytes) => {
  expect(Buffer.from(textBytes(text(inner))).toString("latin1")).toBe(bytes);
});

test("textBytes() refuses unknown escapes", () => {
  expect(() => textBytes(text("\\q"))).toThrow("unknown escape \\q");
  expect(() => textBytes(text("\\x4"))).toThrow("unknown escape \\x");
});

test("textString() keeps what is no escape of its own", () => {
  expect(textString(text('a\\"b\\\\c\\n'))).toBe('a"b\\c\\n');
});

test.each([
  ["12", 12],
  ["0x1F", 31],
  ["64KB", 65_536],
  ["2MB", 2_097_152],
])("parseNumber() reads %s", (word, value) => {
  expect(parseNumber(word, at)).toBe(value);
});

test.each(["", "x", "-1", "1GB", "1.5", "2048MB", "99999999999"])(
  "parseNumber() refuses %j",
  (w) => {
    expect(() => parseNumber(w, at)).toThrow();
  },
);
