import { expect, test } from "bun:test";
import { opLength, parseHex } from "../../src/signature/hex.ts";
import type { Op } from "../../src/signature/source.ts";

const at = { line: 1, column: 1 };
const bytes = (...list: number[]) => Uint8Array.from(list);
const open = Number.POSITIVE_INFINITY;

const PATTERNS: Readonly<Record<string, Op[]>> = {
  "4D5a 90": [{ kind: "literal", bytes: bytes(0x4d, 0x5a, 0x90) }],
  "4D ?? 5? ?A": [
    { kind: "masked", values: bytes(0x4d, 0, 0x50, 0x0a), masks: bytes(255, 0, 0xf0, 0x0f) },
  ],
  "4D {2} 5A": [{ kind: "masked", values: bytes(0x4d, 0, 0, 0x5a), masks: bytes(255, 0, 0, 255) }],
  "4D {2-8} 5A": [
    { kind: "literal", bytes: bytes(0x4d) },
    { kind: "gap", min: 2, max: 8 },
    { kind: "literal", bytes: bytes(0x5a) },
  ],
  "4D {-3} * {2-} 5A": [
    { kind: "literal", bytes: bytes(0x4d) },
    { kind: "gap", min: 2, max: open },
    { kind: "literal", bytes: bytes(0x5a) },
  ],
  "(41|42 4?)": [
    {
      kind: "alternatives",
      isNegated: false,
      items: [
        { values: bytes(0x41), masks: bytes(255) },
        { values: bytes(0x42, 0x40), masks: bytes(255, 0xf0) },
      ],
    },
  ],
};

test.each(Object.entries(PATTERNS))("parseHex() reads %s", (text, ops) => {
  expect(parseHex(text, at)).toEqual(ops);
});

test.each([
  ["", "the pattern is empty"],
  ["4", "unexpected 4"],
  ["4D xyz", "unexpected x"],
  ["4D {8-2} 5A", "the gap {8-2} is empty"],
  ["4D {a} 5A", "bad gap {a}"],
  ["4D {99999} 5A", "is too wide"],
  ["* 4D", "can't begin or end with a gap"],
  ["4D ?? ??", ""],
  ["4D {2-3}", "can't begin or end with a gap"],
  ["(4|5)", "bad alternative 4"],
  ["()", "bad alternative"],
  ["!(41|42 43)", "of one length"],
  ["41".repeat(5000), "the pattern is too long"],
  [`${"41 * ".repeat(300)}42`, "too many parts"],
  [`(${"41|".repeat(300)}42)`, "too many alternatives"],
])("parseHex() on %j", (text, complaint) => {
  if (complaint === "") expect(parseHex(text, at).length).toBe(1);
  else expect(() => parseHex(text, at)).toThrow(complaint);
});

test("opLength() tells the least and the most bytes of an op", () => {
  const [alternatives] = parseHex("(41|42 43 44)", at);
  expect(opLength(alternatives as Op)).toEqual({ min: 1, max: 3 });
  expect(opLength({ kind: "gap", min: 2, max: open })).toEqual({ min: 2, max: open });
});
