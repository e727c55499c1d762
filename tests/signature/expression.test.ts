import { expect, test } from "bun:test";
import {
  compileCondition,
  conditionDepth,
  countsNeeded,
  isVacuous,
} from "../../src/signature/condition.ts";
import { defaultExpression, parseExpression } from "../../src/signature/expression.ts";
import { TokenReader, tokenize } from "../../src/signature/line.ts";
import type { Expression, Pattern } from "../../src/signature/source.ts";

const PATTERNS: Pattern[] = ["a1", "a2", "b"].map((id) => ({
  id,
  line: 1,
  kind: "name",
  glob: "x",
}));

function parse(text: string): Expression {
  return parseExpression(new TokenReader(tokenize(text, 1, 1), { line: 1, column: 99 }), PATTERNS);
}

const a1: Expression = { kind: "pattern", pattern: 0 };
const a2: Expression = { kind: "pattern", pattern: 1 };
const b: Expression = { kind: "pattern", pattern: 2 };

const MEANINGS: Readonly<Record<string, Expression>> = {
  "$a1 or $a2 and $b": { kind: "or", left: a1, right: { kind: "and", left: a2, right: b } },
  "($a1 or $a2) and $b": { kind: "and", left: { kind: "or", left: a1, right: a2 }, right: b },
  "not $a1 and $b": { kind: "and", left: { kind: "not", operand: a1 }, right: b },
  "#b>2": { kind: "compare", left: { count: 2 }, operator: ">", right: 2 },
  "size <= 128KB": { kind: "compare", left: "size", operator: "<=", right: 131_072 },
  "depth = 0": { kind: "compare", left: "depth", operator: "==", right: 0 },
  "type is pe": { kind: "type", type: "pe" },
  "container is zip": { kind: "container", type: "zip" },
  "any of them": { kind: "of", needed: 1, patterns: [0, 1, 2] },
  "all of ($a*)": { kind: "of", needed: 2, patterns: [0, 1] },
  "2 of ($b, $a*)": { kind: "of", needed: 2, patterns: [2, 0, 1] },
};

test.each(Object.entries(MEANINGS))("parseExpression() reads %s", (text, expression) => {
  expect(parse(text)).toEqual(expression);
});

test.each([
  ["", "the line ends here"],
  ["$a1 $b", "unexpected $b"],
  ["($a1", "the line ends here"],
  ["$z", "there is no pattern $z"],
  ["size 3", "no comparison"],
  ["type pe", "unexpected pe"],
  ["4 of them", "4 of 3 patterns"],
  ["0 of them", "0 of 3 patterns"],
  ["any of ($z*)", "nothing matches $z*"],
  ["any of (b)", "no pattern"],
  ["#b > 20000", "counts end there"],
  ["true", "unexpected true"],
  [`${"(".repeat(40)}$b${")".repeat(40)}`, "nests too deeply"],
  [`${"not ".repeat(40)}$b`, "nests too deeply"],
])("parseExpression() refuses %j", (text, complaint) => {
  expect(() => parse(text)).toThrow(complaint);
});

test("defaultExpression() wants all patterns", () => {
  expect(defaultExpression(PATTERNS)).toEqual({ kind: "of", needed: 3, patterns: [0, 1, 2] });
});

test.each([
  ["$b", false],
  ["not $b", true],
  ["size > 3", true],
  ["$b or size > 3", true],
  ["$b and not size > 3", false],
  ["type is pe and not $b", true],
  ["#b < 2", true],
  ["#b >= 1 and depth == 0", false],
  ["#b == 0 or $a1", true],
])("isVacuous(%s) is %p", (text, expected) => {
  expect(isVacuous(parse(text))).toBe(expected);
});

test("countsNeeded() asks for one more than is compared with", () => {
  const counts = [1, 1, 1];
  countsNeeded(parse("#b > 4 and not #b < 9 and #a1 == 0"), counts);
  expect(counts).toEqual([1, 1, 10]);
});

test("compileCondition() writes words for the stack machine", () => {
  const typeId = (type: string) => ({ pe: 7 })[type] ?? 0;
  expect(compileCondition(parse("$a2 and not #b >= 3"), typeId)).toEqual([
    ...[1 | (1 << 8), 2 | (2 << 8), 3, 3, 14, 10, 8],
  ]);
  expect(compileCondition(parse("2 of ($a*) or type is pe"), typeId)).toEqual([
    ...[17 | (2 << 8), 2, 0, 1, 6 | (7 << 8), 9],
  ]);
});

test("compileCondition() keeps the stack low, whichever way an expression leans", () => {
  const leaf = (pattern: number): Expression => ({ kind: "pattern", pattern });
  for (const side of ["left", "right"] as const) {
    let chain = leaf(0);
    for (let i = 1; i < 2000; i++) {
      const pair =
        side === "left" ? { left: chain, right: leaf(i) } : { left: leaf(i), right: chain };
      chain = { kind: i % 2 === 0 ? "and" : "or", ...pair };
    }
    const program = compileCondition(chain, () => 0);
    expect(program.length).toBe(3999);
    expect(conditionDepth(program)).toBe(2);
  }
});
