// ClamAV's hex patterns: what they come to, and what is wrong with them.
import { expect, test } from "bun:test";
import { parseBody } from "../../../../src/signature/clamav/pattern/body.ts";
import { UnsupportedError } from "../../../../src/signature/clamav/pattern/units.ts";
import { type Masked, type Op, SourceError } from "../../../../src/signature/source.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const masked = ({ values, masks }: Masked) =>
  masks.every((mask) => mask === 0xff) ? hex(values) : `${hex(values)}/${hex(masks)}`;

/** An op in short: hex, `{min-max}`, `(a|b)`, `<word` before and `word>` behind. */
function short(op: Op): string {
  switch (op.kind) {
    case "literal":
      return hex(op.bytes);
    case "masked":
      return masked(op);
    case "gap":
      return `{${op.min}-${op.max === Number.POSITIVE_INFINITY ? "" : op.max}}`;
    case "alternatives":
      return `${op.isNegated ? "!" : ""}(${op.items.map(masked).join("|")})`;
    case "boundary": {
      const name = `${op.isNegated ? "!" : ""}${op.class}`;
      return op.edge === "left" ? `<${name}` : `${name}>`;
    }
    default:
      return op satisfies never;
  }
}

const at = { line: 3, column: 11 };
const read = (text: string, isWide = false) => parseBody(text, at, { isWide }).ops.map(short);

test.each([
  ["616263", ["616263"]],
  ["61AbfF", ["61abff"]],
  ["6162??6364", ["6162006364/ffff00ffff"]],
  ["??616263??", ["0061626300/00ffffff00"]],
  ["61626?", ["616260/fffff0"]],
  ["6162?5", ["616205/ffff0f"]],
  ["6162{3}6364", ["61620000006364/ffff000000ffff"]],
  ["6162{20}6364", ["6162", "{20-20}", "6364"]],
  ["6162{127}6364", ["6162", "{127-127}", "6364"]],
  ["6162{128}6364", ["6162", "{128-128}", "6364"]],
  ["6162{-3}6364", ["6162", "{0-3}", "6364"]],
  ["6162{3-}6364", ["6162", "{3-}", "6364"]],
  ["6162{2-4}6364", ["6162", "{2-4}", "6364"]],
  ["6162{}6364", ["6162", "{0-}", "6364"]],
  ["6162{0-0}6364", ["6162", "{0-}", "6364"]],
  ["6162*6364", ["6162", "{0-}", "6364"]],
  ["6162*{3-4}6364", ["6162", "{3-}", "6364"]],
  ["6162(63|64)6566", ["6162", "(63|64)", "6566"]],
  ["6162!(6364|6566)67", ["6162", "!(6364|6566)", "67"]],
  ["6162(63|)6566", ["6162", "(63)", "6566"]],
  ["6162(31??33|39)6364", ["6162", "(310033/ff00ff|39)", "6364"]],
  ["6162(63{1}|78)6566", ["6162", "(6300/ff00|78)", "6566"]],
  ["6162((61|62)63|64)6566", ["6162", "(6163|6263|64)", "6566"]],
  ["6162(61(62|63))6566", ["6162", "(6162|6163)", "6566"]],
  ["(B)6162(B)", ["<break", "6162", "break>"]],
  ["!(W)6162(L)", ["<!word", "6162", "line>"]],
  ["6162(L)6364", ["6162", "(0a)", "6364"]],
  ["61[2-4]62636465", ["61", "{2-4}", "62636465"]],
  ["61[2]626364", ["61", "{2-2}", "626364"]],
  ["62636465[1-3]7a", ["62636465", "{1-3}", "7a"]],
])("parseBody(%s)", (text, ops) => {
  expect(read(text)).toEqual(ops);
});

test.each([
  ["6162", ["61006200"]],
  ["61??", ["61000000/ffff00ff"]],
  ["6162{3}63", ["610062000000006300/ffffffff000000ffff"]],
  ["6162(63|64)", ["61006200", "(6300|6400)"]],
])("parseBody(%s) wide has a zero behind each byte, and none in gaps", (text, ops) => {
  expect(read(text, true)).toEqual(ops);
});

test.each([
  ["", "the pattern is empty", 11],
  ["6", "unexpected 6 in a pattern", 11],
  ["61", "a part has no two fixed bytes in a row", 13],
  ["6162636", "unexpected 6 in a pattern", 17],
  ["????????", "a part has no two fixed bytes in a row", 19],
  ["61??62", "a part has no two fixed bytes in a row", 17],
  ["(61|62)(63|64)", "a part has no two fixed bytes in a row", 25],
  ["*6162", "a part has no two fixed bytes in a row", 11],
  ["6162*", "a part has no two fixed bytes in a row", 16],
  ["6162**6364", "a part has no two fixed bytes in a row", 16],
  ["6162{2-4-6}6364", "bad gap {2-4-6}", 15],
  ["6162{2", "{ is not closed", 15],
  ["6162()6364", "there are no alternatives in ( )", 16],
  ["6162(63", "( is not closed", 15],
  ["6162(63*64)", "not a byte in alternatives", 18],
  ["6162!(63|6465)66", "negated alternatives must be of one length", 16],
  ["6162[1-1]63646566", "[n-m] needs a single byte on one side", 15],
  ["61[0-33]62636465", "[n-m] is bounded by 32", 13],
  ["6162 6364", "unexpected   in a pattern", 15],
])("parseBody(%s) says what is wrong and where", (text, message, column) => {
  const error = (() => {
    try {
      return read(text);
    } catch (caught) {
      return caught;
    }
  })();
  expect(error).toBeInstanceOf(SourceError);
  expect(error).not.toBeInstanceOf(UnsupportedError);
  expect(error).toMatchObject({ message, line: 3, column });
});

test.each([
  ["an empty gap", "6162{4-2}6364"],
  ["too many alternatives", `6162(${Array(300).fill("61").join("|")})`],
  ["what nested alternatives multiply to", `6162(${"(61|62|63|64)".repeat(6)})`],
  ["a pattern too long", "61".repeat(9000)],
])("parseBody() leaves out %s", (_, text) => {
  expect(() => read(text)).toThrow(UnsupportedError);
});

test("parseBody() is bounded however deep alternatives nest", () => {
  expect(() => read(`6162${"(61".repeat(5000)}`)).toThrow("alternatives nest too deeply");
});
