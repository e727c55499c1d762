// YARA sources: what is read, and what is said about mistakes.
import { describe, expect, test } from "bun:test";
import { parseYara } from "../../../src/signature/yara/language/rule.ts";

const parse = (text: string) => parseYara({ path: "t.yar", text });
const names = (text: string) => parse(text).rules.map(({ name }) => name);

/** The one mistake of a text as `line:column message`. */
function mistake(text: string): string {
  const { diagnostics } = parse(text);
  const [first] = diagnostics;
  return diagnostics.length === 1 && first !== undefined
    ? `${first.line}:${first.column} ${first.message}`
    : `${diagnostics.length} mistakes`;
}

describe("parseYara()", () => {
  test("reads tags, meta, all kinds of strings and comments", () => {
    const { rules, diagnostics } = parse(`
      /* a block */ import "pe"
      private rule first : tag1 tag2 {
        meta:
          author = "me" // a comment
          score = -75
          ok = true
        strings:
          $a = "text \\"quoted\\" \\x41" wide ascii nocase fullword private
          $ = "anonymous"
          $h = { 4D 5A ?? 5? ?A [2-4] ( 01 | 02 03 ) /* in */ [-] ~00 // end }
            7F }
          $r = /a\\/b[^\\n]+/is fullword
          $x = "key" xor(0x01-0xff)
          $b = "base64 text" base64 base64wide
        condition:
          any of them and $a and pe.number_of_sections > 2
      }`);
    expect(diagnostics).toEqual([]);
    expect(rules).toHaveLength(1);
    const [rule] = rules;
    expect(rule).toMatchObject({ name: "first", isPrivate: true, tags: ["tag1", "tag2"] });
    expect([...(rule?.meta ?? [])]).toEqual([
      ["author", "me"],
      ["score", -75],
      ["ok", true],
    ]);
    expect(rule?.strings.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      ...["a text", " 1 text", "h hex", "r regex", "x text", "b text"],
    ]);
  });

  test.each([
    ["rule r { condition: $a }", "1:21 there is no string $a"],
    ["rule r { condition: pe.x == 1 }", "1:21 pe is not known"],
    ['import "pe" rule r { condition: pe.entry == 1 }', "1:35 there is no field entry"],
    ['import "pe" rule r { condition: pe.sections }', "1:45 this is array"],
    ['import "pe" rule r { condition: pe.imports(1) }', "1:43 these arguments don't fit"],
    ['import "nothing"', "1:8 the module nothing is not supported"],
    ['rule r { condition: "a" + 1 }', "1:25 this is text"],
    ["rule r { condition: true > 1 }", "1:26 this is boolean"],
    ["rule r { condition: filesize matches /a/ }", "1:30 this is integer"],
    ["rule r { condition: all of them }", "1:28 the rule has no strings"],
    ['rule r { strings: $a = "a" $a = "b" condition: $a }', "1:28 there is a $a already"],
    ['rule r { strings: $a = "" condition: $a }', "1:24 the string is empty"],
    ['rule r { strings: $a = "a" nocase xor condition: $a }', "1:39 nocase does not go with that"],
    ["rule r { strings: $a = { 4D [2-1] 5A } condition: $a }", "1:24 the jump is upside down"],
    ["rule r { strings: $a = { [2] 5A } condition: $a }", "1:24 a jump has nothing around it"],
    ["rule r { strings: $a = { 4G } condition: $a }", "1:24 stray 4 in the hex string"],
    [
      "rule r { strings: $a = { ( 4D | ) } condition: $a }",
      "1:24 the hex string has an empty part",
    ],
    ["rule r { strings: $a = { 4D condition: $a }", "1:24 stray c in the hex string"],
    ["rule r { strings: $a = /a condition: $a }", "1:24 the regular expression is not closed"],
    ['rule r { strings: $a = "a\n" condition: $a }', "1:24 the text is not closed"],
    ['rule r { strings: $a = "\\q" condition: $a }', "1:24 unknown escape \\q"],
    ["rule r { condition: # > 1 }", "1:21 # stands outside of a loop"],
    ["rule for { condition: true }", "1:6 for can't be a name"],
    [
      "rule r { condition: for any i in (1..2) : ( for any i in (1..2) : ( true ) ) }",
      "1:53 i is taken",
    ],
    ["rule r { condition: 0x8000000000000000 == 1 }", "1:21 the number does not fit 64 bits"],
    ["rule r { condition: true", "1:25 the source ends here"],
    ["/* never closed", "1:1 the comment is not closed"],
    ['include "other.yar"', "1:9 other.yar can't be included"],
  ])("says what is wrong in %s", (text, expected) => {
    expect(mistake(text)).toBe(expected);
  });

  test("a broken rule costs itself and those that refer to it", () => {
    const text = `
      rule good { condition: true }
      rule broken { condition: nothing }
      rule refers { condition: broken and good }
      rule also_good { condition: good and filesize > 1 }`;
    expect(names(text)).toEqual(["good", "also_good"]);
    expect(parse(text).diagnostics.map(({ line, message }) => `${line} ${message}`)).toEqual([
      "3 nothing is not known",
      "4 the rule broken has mistakes of its own",
    ]);
  });

  test("nesting, chains and sizes are bounded", () => {
    const deep = `rule r { condition: ${"(".repeat(5000)}true${")".repeat(5000)} }`;
    expect(mistake(deep)).toContain("the condition nests too deeply");
    const not = `rule r { condition: ${"not ".repeat(5000)}true }`;
    expect(mistake(not)).toContain("the condition nests too deeply");
    const chain = `rule r { condition: ${"1 + ".repeat(5000)}1 == 1 }`;
    expect(mistake(chain)).toContain("too many operators in a row");
    const many = `rule r { condition: ${"true and ".repeat(5000)}true }`;
    expect(names(many)).toEqual(["r"]);
    const hex = `rule r { strings: $a = { ${"( 41 | ".repeat(50)}42${")".repeat(50)} } condition: $a }`;
    expect(mistake(hex)).toContain("nests too deeply");
  });

  test("rules that double each other by reference stay bounded", () => {
    const rules = Array.from({ length: 60 }, (_, i) =>
      i === 0
        ? 'rule r0 { strings: $a = "text" condition: $a }'
        : `rule r${i} { condition: r${i - 1} or r${i - 1} }`,
    );
    const { rules: read, diagnostics } = parse(rules.join("\n"));
    expect(read.length).toBeLessThan(20);
    expect(diagnostics[0]?.message).toMatch(/^too many strings|^the condition is too large/);
  });

  test("includes come from whoever gives them", () => {
    const { rules, diagnostics } = parseYara({
      ...{ path: "a.yar", text: 'include "b.yar" rule a { condition: b }' },
      include: (path) => ({ path, text: "rule b { condition: true }" }),
    });
    expect(diagnostics).toEqual([]);
    expect(rules.map(({ name, file }) => `${file} ${name}`)).toEqual(["b.yar b", "a.yar a"]);
  });

  test("a file that includes itself ends", () => {
    const include = () => ({ path: "a.yar", text: 'include "a.yar"', include });
    expect(parseYara(include()).diagnostics).toHaveLength(1);
  });
});
