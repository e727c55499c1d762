import { expect, test } from "bun:test";
import { hexBytes, lineOf, unescaped, utf8Of } from "../../../src/unpack/pdf/strings.ts";
import { FIRST, Name, Parser, Ref, type Value } from "../../../src/unpack/pdf/syntax.ts";

const bytesOf = (text: string) => Buffer.from(text, "latin1");

/** A value in a form that reads well: strings as `(…)`, names as `/…`. */
function shown(value: Value): unknown {
  if (value instanceof Name) return `/${value.text}`;
  if (value instanceof Ref) return `${value.num} ${value.gen} R`;
  if (Buffer.isBuffer(value)) return `(${value.toString("latin1")})`;
  if (Array.isArray(value)) return value.map(shown);
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [key, shown(item)]));
  }
  return value;
}

const read = (text: string) => shown(new Parser(bytesOf(text)).value());

test.each<[string, unknown]>([
  ["12 ", 12],
  ["-7.5", -7],
  ["+.5", 0],
  ["true", null],
  ["[true false null]", [true, false, null]],
  ["/Name", "/Name"],
  ["/J#61va#53cript", "/JavaScript"],
  ["/A#zz#4", "/A#zz#4"],
  ["12 0 R", "12 0 R"],
  ["12 0", 12],
  ["[1 2 0 R 3]", [1, "2 0 R", 3]],
  ["(a (b) c)", "(a (b) c)"],
  ["(a\\)\\(\\n\\101\\7x\\q)", "(a)(\nA\x07xq)"],
  ["(a\\\r\nb\r\nc\rd)", "(ab\nc\nd)"],
  ["<48 65 6C6c 6F 7>", "(Hellop)"],
  ["<</A/B/C(d)/E[<</F 1 0 R>>]>>", { A: "/B", C: "(d)", E: [{ F: "1 0 R" }] }],
  ["% comment\n<< % (\n/A 1 >>", { A: 1 }],
  ["<< /A 1 /B >>", { A: 1 }],
  ["<< 5 /A 1 >>", { A: 1 }],
  ["<< /A [1 2 >> endobj", { A: [1, 2] }],
  ["<< /A (x) stream", { A: "(x)" }],
  ["<< /A 1 ", { A: 1 }],
  ["(never closed", "(never closed)"],
  ["] ) >> 5", null],
  ["", null],
])("Parser reads %j", (text, value) => {
  expect(read(text)).toEqual(value);
});

test("Parser keeps both values of a key that is given twice", () => {
  const value = new Parser(bytesOf("<< /JS (one) /JS (two) /JS (three) /X 1 >>")).value();
  expect(shown(value)).toMatchObject({ JS: "(three)", X: 1, [FIRST]: { JS: "(one)" } });
});

test("Parser tells what was cut and which watched names it met", () => {
  const cut = new Parser(bytesOf("<< /A [ 1"), new Set(["JS"]));
  cut.value();
  expect([cut.isCut, cut.hasWatched]).toEqual([true, false]);
  const whole = new Parser(bytesOf("[/J#53]"), new Set(["JS"]));
  whole.value();
  expect([whole.isCut, whole.hasWatched]).toEqual([false, true]);
});

test("Parser is not brought down by depth or number", () => {
  for (const text of ["[".repeat(1_000_000), "<</A".repeat(500_000)]) {
    const parser = new Parser(bytesOf(text));
    parser.value();
    expect(parser.isCut).toBe(true);
  }
  const many = new Parser(bytesOf(`[${"1 ".repeat(2_500_000)}]`));
  many.value();
  expect(many.isTooLarge).toBe(true);
});

test.each<[string, string]>([
  ["\xfe\xff\0a\0p\0p\x20\xac", "app€"],
  ["\xff\xfea\0b\0", "ab"],
  ["\xef\xbb\xbfab", "ab"],
  ["plain", "plain"],
  ["\xfe\xff\0", ""],
])("utf8Of(%j) is %j", (raw, text) => {
  expect(utf8Of(bytesOf(raw)).toString("utf8")).toBe(text);
});

test("lineOf() makes one line of bounded length", () => {
  expect(lineOf(bytesOf(" a\r\n\0b\x1bc "), 100)).toBe("a b c");
  expect(lineOf(bytesOf("\xfe\xff\x4e\x00\x4e\x8c"), 100)).toBe("一二");
  expect(lineOf(Buffer.alloc(100_000, "x"), 50)).toHaveLength(50);
});

test("hexBytes() and unescaped() pass what they do not know", () => {
  expect(hexBytes(bytesOf("4g1 4"))).toEqual(bytesOf("A@"));
  expect(unescaped(bytesOf("a\\"))).toEqual(bytesOf("a"));
  expect(unescaped(bytesOf("\\400\\18"))).toEqual(bytesOf("\0\x018"));
});
