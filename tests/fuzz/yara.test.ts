// YARA sources broken at random: the reader answers with rules and mistakes that have a place, in
// bounded time, and never throws; what it accepts can be compiled and judged.
import { describe, expect, test } from "bun:test";
import { yaraJudge } from "../../src/scan/judge/yara.ts";
import { importYara } from "../../src/signature/yara/import.ts";
import { Random } from "../scan/generator.ts";
import { naiveContext } from "../scan/judge/naive-context.ts";

const ROUNDS = Number(process.env["GW_FUZZ_ROUNDS"] ?? 1000);

const WHOLE = `import "pe" import "math" import "hash" import "string"
private rule p : a b { meta: x = "y" n = -1 b = true strings: $a = "text" wide ascii nocase
  condition: $a and filesize < 1MB }
global rule g { condition: uint16be(filesize - 2) != 0x4D5A or pe.is_pe == 0 }
rule r { strings: $a = "some text" fullword $b = { 4D 5A ?? [2-4] ( 01 | 0? ?3 ) ~00 } // x
  $c = /ab{2,3}[^c-e]+(x|y)?\\/z/is $d = "key" xor(1-9) $ = "b64 text" base64 base64wide
  condition: for any i in (1..#a) : ( @a[i] + !a[i] < 100 ) or 2 of ($a, $b*) or any of them in (0..9)
    or for all of them : ( # > 0 and $ at 3 ) or math.entropy(0, filesize) > 7.2 and not p
    or pe.sections[0].name == ".text" and hash.md5(0, 3) matches /^a/ or 50% of them
    or for any s in pe.sections : ( s.virtual_size \\ 2 % 3 << 1 == ~1 | 2 ^ 3 & 4 ) }`;

const PIECES = [
  ...WHOLE.split(/\b/).filter((piece) => piece.trim() !== ""),
  ...["{", "}", "(", ")", "/", '"', "/*", "*/", "//", "\\", "\0", "\n", "9".repeat(30), "é"],
  ...["rule", "include", "global private", "$", "#", "@", "!", "..", "for all", "none of them"],
];

function broken(random: Random): string {
  let text = WHOLE;
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(text.length + 1);
    const length = random.below(3) === 0 ? random.below(40) : random.below(3);
    const piece = random.below(4) === 0 ? "" : random.pick(PIECES);
    text = text.slice(0, at) + piece + text.slice(at + length);
  }
  return text;
}

describe("importYara() with broken sources", () => {
  test("says what is wrong and where, and goes on", () => {
    const random = new Random(20261122);
    const judge = yaraJudge();
    const bytes = Buffer.from("some text MZ abbbfx/z text");
    let accepted = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const text = broken(random);
      const lines = text.split("\n").length;
      const { signatures, diagnostics } = importYara([{ path: "t.yar", text }]);
      for (const { line, column, message } of diagnostics) {
        expect(line >= 1 && line <= lines && column >= 0 && message !== "").toBe(true);
      }
      for (const signature of signatures) {
        accepted++;
        if (signature.judgement?.format !== "yara") continue;
        const judgement = JSON.parse(JSON.stringify(signature.judgement));
        const judged = judge(judgement, naiveContext(signature, bytes, { work: 20_000 }));
        expect(judged === "unfinished" || typeof judged.isMatch === "boolean").toBe(true);
      }
    }
    expect(accepted).toBeGreaterThan(ROUNDS / 10);
  });

  test("text of one repeated piece ends soon", () => {
    for (const piece of PIECES) {
      const text = `rule r { strings: $a = "x" condition: ${piece.repeat(3000)} }`;
      expect(importYara([{ path: "t.yar", text }]).reports).toHaveLength(1);
      const start = piece.repeat(5000);
      expect(importYara([{ path: "t.yar", text: start }]).reports).toHaveLength(1);
    }
  });
});
