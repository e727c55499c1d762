import { expect, test } from "bun:test";
import { decodeQuotedPrintable, hexValue } from "../../src/codec/quoted-printable.ts";

test.each([
  ["no escapes", "plain text", "plain text"],
  ["upper and lower case digits", "=41=4a=4A", "AJJ"],
  ["a soft break", "one =\r\ntwo=\nthree=\rfour", "one twothreefour"],
  ["a soft break with white space behind", "one=  \t\r\ntwo", "onetwo"],
  ["a soft break at the end", "one=", "one"],
  ["an escape that is none", "a=ZZb=4", "a=ZZb=4"],
  ["an equals sign alone", "1 = 2", "1 = 2"],
  ["escaped line ends", "a=0D=0Ab", "a\r\nb"],
])("decodeQuotedPrintable() reads %s", (_, input, expected) => {
  expect(Buffer.from(decodeQuotedPrintable(Buffer.from(input))).toString()).toBe(expected);
});

test("decodeQuotedPrintable() gives the input itself where nothing is encoded", () => {
  const input = Buffer.from("nothing to do");
  expect(decodeQuotedPrintable(input)).toBe(input);
});

test("decodeQuotedPrintable() stays linear in white space behind equals signs", () => {
  const input = Buffer.from(`=${" ".repeat(999)}x`.repeat(500));
  const startedAt = performance.now();
  expect(decodeQuotedPrintable(input).length).toBe(input.length);
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

test("hexValue() knows hexadecimal digits only", () => {
  expect([..."09afAF"].map((char) => hexValue(char.charCodeAt(0)))).toEqual([0, 9, 10, 15, 10, 15]);
  expect([..."/:@G`g "].map((char) => hexValue(char.charCodeAt(0)))).toEqual(Array(7).fill(-1));
  expect(hexValue(undefined)).toBe(-1);
});
