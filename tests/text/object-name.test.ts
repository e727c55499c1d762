import { expect, test } from "bun:test";
import { cleanName, joinNames } from "../../src/text/object-name.ts";

test.each([
  ["an ordinary name", "report.pdf", "report.pdf"],
  ["control characters", "a\r\nb\0.txt\x1b[0m", "ab.txt[0m"],
  ["text turned round", "invoice\u202efdp.exe", "invoicefdp.exe"],
  ["zero-width characters", "a.e\u200bx\ufeffe", "a.exe"],
  ["white space around", "  a.txt \t", "a.txt"],
  ["path separators, which stay", "../../etc/passwd", "../../etc/passwd"],
])("cleanName() on %s", (_, name, expected) => {
  expect(cleanName(name)).toBe(expected);
});

test("cleanName() keeps the ends of a name that is too long", () => {
  const name = cleanName(`start${"x".repeat(1000)}.exe`);
  expect(name.length).toBeLessThan(250);
  expect(name).toStartWith("startxxx");
  expect(name).toEndWith("xxx.exe");
});

test.each([
  ["nothing", [], ""],
  ["one name twice", ["a.txt", " a.txt"], "a.txt"],
  ["what runs last", ["a.exe", "a.txt"], "a.txt | a.exe"],
  ["harmless names in order", ["b.txt", "a.txt", ""], "b.txt | a.txt"],
])("joinNames() gives %s", (_, names, expected) => {
  expect(joinNames(names)).toBe(expected);
});
