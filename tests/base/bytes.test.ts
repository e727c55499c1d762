import { expect, test } from "bun:test";
import { asBuffer, isBlank, lineEnd, skipLineEnd } from "../../src/base/bytes.ts";

test("asBuffer() is a view of the same memory", () => {
  const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  const buffer = asBuffer(bytes);
  bytes[0] = 9;
  expect([...buffer]).toEqual([9, 3]);
  expect(asBuffer(buffer)).toBe(buffer);
});

test.each([
  ["", true],
  [" \t\r\n\v\f\0", true],
  [" x", false],
  ["\x01", false],
  ["\x80", false],
])("isBlank() on %j", (text, expected) => {
  expect(isBlank(Buffer.from(text, "latin1"))).toBe(expected);
});

test("lineEnd() and skipLineEnd() know CRLF, LF, CR and the end", () => {
  const text = Buffer.from("a\r\nb\nc\rd");
  const lines: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = lineEnd(text, at, text.length);
    lines.push(text.toString("latin1", at, end));
    at = skipLineEnd(text, end, text.length);
  }
  expect(lines).toEqual(["a", "b", "c", "d"]);
});
