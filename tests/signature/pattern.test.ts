import { expect, test } from "bun:test";
import { ByteWriter } from "../../src/gwdb/byte-writer.ts";
import { parseSource } from "../../src/signature/parse.ts";
import {
  type BytePattern,
  planSearch,
  shortestMatch,
  writeProgram,
} from "../../src/signature/pattern.ts";

function pattern(line: string): BytePattern {
  const { signatures } = parseSource("a.gws", `signature T.A\n${line}\nend\n`);
  return signatures[0]?.patterns[0] as BytePattern;
}

/** Groups of runs as `hex@min` or `hex@min-max`. */
function runs(line: string): string[][] | string {
  const search = planSearch(pattern(line), false);
  if (search.kind !== "runs") return search.kind;
  return search.groups.map((group) =>
    group.map(({ bytes, before: { min, max } }) => {
      return `${Buffer.from(bytes).toString("hex")}@${min === max ? min : `${min}-${max}`}`;
    }),
  );
}

test.each([
  ["hex $a 41 42 at 0", "direct"],
  ["hex $a 41 42 43 44 45 46 at 0..15", "direct"],
  ["hex $a 41 42 43 44 45 46 at 0..16", [["414243444546@0"]]],
  ["hex $a 41 42 43 44 ?? 45 46 47 48 49 4A", [["45464748494a@5"]]],
  ["hex $a 41 42 {2-4} 43 44 45 46", [["43444546@4-6"]]],
  ["hex $a 41 42 * 43 44 45 46", [["43444546@2-Infinity"]]],
  ["hex $a 41 42 (43|44 45) 46 47", [["4142434647@0", "414244454647@0"]]],
  ["hex $a 41 42 43 44 (45|46)", [["4142434445@0", "4142434446@0"]]],
  ["hex $a 41 42 43 44 45 46 (45|46)", [["414243444546@0"]]],
  ["hex $a 41 42 43 44 (??|46)", [["41424344@0"]]],
] as const)("planSearch(%s)", (line, expected) => {
  expect(runs(line)).toEqual(expected as never);
});

test("shortestMatch() counts gaps and alternatives at their least", () => {
  expect(shortestMatch(pattern("hex $a 41 {2-9} (42|43 44) 45"))).toBe(5);
});

test.each([
  ["hex $a 41 42", "01 0200 4142 00"],
  ["hex $a 4? 42", "02 0200 4042 f0ff 00"],
  ["hex $a 41 {1-2} 42", "01 0100 41 03 01000000 02000000 01 0100 42 00"],
  ["hex $a 41 * 42", "01 0100 41 03 00000000 ffffffff 01 0100 42 00"],
  ["hex $a !(41|4?)", "04 01 0200 08000000 0100 41 ff 0100 40 f0 00"],
  ['text $a "a1" nocase', "02 0200 4131 dfff 00"],
])("writeProgram(%s)", (line, expected) => {
  const out = new ByteWriter();
  writeProgram(out, pattern(line));
  expect(Buffer.from(out.bytes()).toString("hex")).toBe(expected.replaceAll(" ", ""));
});
