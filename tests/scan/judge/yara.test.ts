// YARA conditions as the compiler reads them and the judge decides them, without the scan core.
import { describe, expect, test } from "bun:test";
import type { Judged } from "../../../src/scan/judge/context.ts";
import { yaraJudge } from "../../../src/scan/judge/yara.ts";
import { importYara } from "../../../src/signature/yara/import.ts";
import { holdsNaively, naiveContext } from "./naive-context.ts";
import { CONDITIONS, STRINGS, SUBJECT } from "./yara-conditions.ts";

/** A rule of that condition, with the strings it uses. */
function ruleOf(condition: string): string {
  const used = Object.entries(STRINGS).filter(([name]) =>
    new RegExp(`[$#@!]${name}\\b`).test(condition),
  );
  const strings = used.length === 0 ? "" : `strings: ${used.map(([, text]) => text).join("\n")}\n`;
  return `rule r { ${strings}condition: ${condition} }`;
}

function compiled(text: string) {
  const { signatures, diagnostics } = importYara([{ path: "test.yar", text }]);
  expect(diagnostics).toEqual([]);
  const signature = signatures.at(-1);
  if (signature === undefined) throw new Error("no signature");
  return signature;
}

function judged(text: string, bytes: Uint8Array, options = {}): Judged {
  const signature = compiled(text);
  const context = naiveContext(signature, bytes, options);
  const isTriggered = holdsNaively(signature.condition, context, signature.patterns);
  if (!isTriggered) return { isMatch: false, offset: -1 };
  if (signature.judgement?.format !== "yara") return { isMatch: true, offset: -1 };
  return yaraJudge()(signature.judgement, context);
}

describe("yaraJudge()", () => {
  test.each([...CONDITIONS])("finds that `%s` is %p", (condition, holds) => {
    expect(judged(ruleOf(condition), SUBJECT)).toMatchObject({ isMatch: holds });
  });

  test("says unfinished when there is no work left", () => {
    const rule = "rule r { condition: for all i in (0..100000000) : ( uint8(0) == 104 ) }";
    expect(judged(rule, SUBJECT, { work: 1000 })).toBe("unfinished");
  });

  test("knows the object's name as external variables", () => {
    const rule = 'rule r { condition: filename == "b.exe" and extension == ".exe" }';
    expect(judged(rule, SUBJECT, { name: "a/b.exe" })).toMatchObject({ isMatch: true });
    expect(judged(rule, SUBJECT, { name: "a.txt" })).toMatchObject({ isMatch: false });
  });

  test("says where the first of the rule's strings is", () => {
    const rule = 'rule r { strings: $a = "WORLD" condition: $a and uint8(0) == 0x68 }';
    expect(judged(rule, SUBJECT)).toEqual({ isMatch: true, offset: 21 });
  });

  test.each([
    // Matches as far before and behind their literal as there may be, and two around one.
    ["begins long before its literal", "/<[a-z]{1,4000}needle/", [5000], 1],
    ["ends long behind its literal", "/needle[a-z]{3000,4000}>/", [10], 1],
    ["holds it more than once", "/needle[a-z]{0,90}needle/", [100, 150, 9000, 9060], 2],
    ["ends where the object does", "/needle[a-z]*$/", [20, 15_990], 1],
    ["is a whole word", "/needle>?/ fullword", [20, 12_000], 0],
  ])("an expression that %s is found around its literal", (_, regex, places, count) => {
    const bytes = Buffer.alloc(16_000, "x");
    for (const place of places) bytes.write("needle", place);
    bytes.write(regex.startsWith("/<") ? "<" : ">", 4000);
    const rule = `rule r { strings: $a = ${regex} condition: #a == ${count} and filesize > 0 }`;
    expect(judged(rule, bytes)).toMatchObject({ isMatch: true });
  });

  test("inlines private and global rules", () => {
    const text = (size: number) => `
      private rule p { strings: $x = "hello" condition: for any i in (0..0) : ( $x at i ) }
      global rule g { condition: filesize > ${size} }
      rule r { strings: $y = "abc" condition: for any i in (2..2) : ( p and #y == i ) }`;
    expect(judged(text(1), SUBJECT)).toMatchObject({ isMatch: true });
    expect(judged(text(100), SUBJECT)).toMatchObject({ isMatch: false });
  });
});
