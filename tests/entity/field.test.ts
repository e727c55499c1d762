import { describe, expect, test } from "bun:test";
import { boundaryCandidates, parameterTexts, parseField } from "../../src/entity/field.ts";

test.each([
  [" text/plain; charset=utf-8", "text/plain"],
  ["TEXT/HTML", "text/html"],
  [" multipart / mixed ; boundary=x", "multipart/mixed"],
  [" (a comment) multipart/mixed (another)", "multipart/mixed"],
  [' "text/plain"', "text/plain"],
  ["text/plain;charset=x", "text/plain"],
  [" attachment\r\n ; filename=x", "attachment"],
  [" ; boundary=x", "boundary=x"],
  ["", ""],
])("parseField(%j) has the value %j", (raw, expected) => {
  expect(parseField(raw).value).toBe(expected);
});

describe("parameterTexts() reads file names", () => {
  test.each([
    ["quoted", 'a; filename="x y.exe"', ["x y.exe"]],
    ["bare", "a; filename=x.exe", ["x.exe"]],
    ["bare with spaces", "a; filename=my file (1).exe", ["my file (1).exe"]],
    ["escaped", 'a; filename="a\\"b.exe"', ['a"b.exe']],
    ["never closed", 'a; filename="a.exe', ["a.exe"]],
    ["spaces around the equals sign", 'a; filename = "a.exe"', ["a.exe"]],
    ["upper case", "a; FILENAME=a.exe", ["a.exe"]],
    ["encoded words", 'a; filename="=?utf-8?B?w6kuZXhl?="', ["é.exe"]],
    ["raw UTF-8", 'a; filename="\xc3\xa9.exe"', ["é.exe"]],
    ["RFC 2231", "a; filename*=utf-8'en'%C3%A9.exe", ["é.exe"]],
    ["RFC 2231, no charset", "a; filename*=''a%2Eexe", ["a.exe"]],
    ["pieces", 'a; filename*0="a."; filename*1="exe"', ["a.exe"]],
    ["pieces in disorder", 'a; filename*1="exe"; filename*0="a."', ["a.exe"]],
    ["coded pieces", "a; filename*0*=utf-8''%C3; filename*1*=%A9; filename*2=.exe", ["é.exe"]],
    ["both forms", "a; filename=a.txt; filename*=utf-8''a.exe", ["a.exe", "a.txt"]],
    ["repeated", "a; filename=a.txt; filename=a.exe", ["a.txt", "a.exe"]],
    ["no semicolon before", 'a; x="y" filename="a.exe"', ["a.exe"]],
    ["no semicolon and no quotes", "a; x=y filename=a.exe", ["a.exe"]],
    ["folded", 'a;\r\n\tfilename="a\r\n .exe"', ["a .exe"]],
  ])("%s", (_, raw, expected) => {
    expect(parameterTexts(parseField(raw), "filename")).toEqual(expected);
  });

  test("a quoted look-alike in another parameter is not one", () => {
    const field = parseField('a; x="; filename=no.exe"; filename=yes.exe');
    expect(parameterTexts(field, "filename")).toEqual(["yes.exe"]);
  });
});

describe("boundaryCandidates() holds what any reader would take", () => {
  test.each([
    ["quoted", 'm/x; boundary="a b"', "a b"],
    ["token", "m/x; boundary=abc", "abc"],
    ["token with equals signs", "m/x; boundary=----=_Part_1", "----=_Part_1"],
    ["trailing space in quotes", 'm/x; boundary="abc "', "abc"],
    ["leading space in quotes", 'm/x; boundary=" abc"', " abc"],
    ["comment behind", "m/x; boundary=abc (comment)", "abc"],
    ["comment before", "m/x; boundary=(comment)abc", "abc"],
    ["comment in the name", "m/x; boundary(comment)=abc", "abc"],
    ["RFC 2231", "m/x; boundary*=utf-8''a%62c", "abc"],
    ["RFC 2231 pieces", 'm/x; boundary*0="ab"; boundary*1="c"', "abc"],
    ["RFC 2231 coded pieces", "m/x; boundary*0*=us-ascii'en'a%62; boundary*1*=%63", "abc"],
    ["RFC 2231 in UTF-16", "m/x; boundary*=utf-16le''a%00b%00c%00", "abc"],
    ["the first of two", "m/x; boundary=abc; boundary=def", "abc"],
    ["the second of two", "m/x; boundary=def; boundary=abc", "abc"],
    ["swallowed by an open quote", 'm/x; name="open; boundary=abc', "abc"],
    ["no semicolon", "multipart/mixed boundary=abc", "abc"],
    ["text behind", "m/x; boundary=abc def", "abc"],
    ["escapes in quotes", 'm/x; boundary="a\\bc"', "abc"],
    ["escapes taken literally", 'm/x; boundary="a\\bc"', "a\\bc"],
    ["folded inside", 'm/x; boundary="ab\r\n c"', "abc"],
    ["encoded word", 'm/x; boundary="=?utf-8?q?abc?="', "abc"],
  ])("%s", (_, raw, expected) => {
    expect(boundaryCandidates(parseField(raw))).toContain(expected);
  });
});

test("parseField() says when it did not read everything", () => {
  expect(parseField("a; b=c").isCut).toBe(false);
  expect(parseField(`a; ${"x=y; ".repeat(300)}`).isCut).toBe(true);
  expect(parseField(`a; x="${"y".repeat(40_000)}"`).isCut).toBe(true);
});

test.each([
  ["a long word", "x".repeat(32_000)],
  ["many words", "x ".repeat(16_000)],
  ["many equals signs", "=".repeat(32_000)],
  ["many quotes", '"'.repeat(32_000)],
  ["many open values", 'a="'.repeat(10_000)],
  ["many parentheses", "(".repeat(32_000)],
  ["many escapes", `a="${"\\".repeat(32_000)}`],
  ["many spaces", `a${" ".repeat(32_000)}`],
])("parseField() reads %s in linear time", (_, text) => {
  const startedAt = performance.now();
  const field = parseField(text);
  boundaryCandidates(field);
  parameterTexts(field, "name");
  expect(performance.now() - startedAt).toBeLessThan(1500);
});
