// Logical expressions: cut as ClamAV cuts them, evaluated as ClamAV evaluates them. What is true was
// asked of clamscan 1.4.6.
import { expect, test } from "bun:test";
import { isLogicTrue } from "../../../src/gwdb/clamav-logic.ts";
import { highestId, parseLogic } from "../../../src/signature/clamav/expression.ts";
import { SourceError } from "../../../src/signature/source.ts";

const at = { line: 1, column: 1 };

/** Whether the expression holds for an object in which these subsignatures match, one per digit. */
function holds(expression: string, present: string): boolean {
  const counts = new Map<number, number>();
  for (const id of present) counts.set(Number(id), (counts.get(Number(id)) ?? 0) + 1);
  return isLogicTrue(parseLogic(expression, at), (id) => counts.get(id) ?? 0);
}

test.each([
  ["0&1|2", "0", false],
  ["0&1|2", "02", true],
  ["0&1|2", "2", false],
  ["0|1&2", "0", true],
  ["0|1&2", "12", true],
  // In parentheses the last operator cuts.
  ["(0&1|2)", "2", true],
  ["(0|1&2)", "0", false],
  ["((0&1|2))", "2", true],
  ["3|(0&1|2)", "2", true],
  ["(0&1)|2&3", "2", false],
  ["0=0&1", "01", false],
  ["0=0&1", "1", true],
  ["(0|1)=0&2", "02", false],
  ["(0|1)=0&2", "2", true],
  ["0=2&1", "001", true],
  ["0>1&1", "01", false],
  ["0<2&1", "001", false],
  ["(0|1|2)>2", "000", true],
  ["(0|1|2)>2,2", "000", false],
  ["(0|1|2)>2,2", "001", true],
  ["(0|1|2)=2,2", "00", false],
  ["(0|1|2)<3,1&0", "01", true],
  ["0,1", "0", true],
  ["(0&1&2)>3", "012", false],
  ["(0&1&2)>3", "0112", true],
  ["0&(1|2)=1", "012", false],
  // A counted block passes its sum upward, not who took part.
  ["((0|1)>1,2|2)>1,2", "012", false],
  ["((0|1)>1|2)>0", "00", true],
  ["(0&(1|2)>1)>2,2", "0112", false],
  ["(0&1|2)>1", "01", true],
  ["(0&1|2)>1", "2", false],
])("isLogicTrue() of %s with matches %s is %p", (expression, present, isTrue) => {
  expect(holds(expression, present)).toBe(isTrue);
});

test.each([
  ["", 1],
  ["&", 1],
  ["0&", 3],
  ["(0&1", 5],
  ["0)&1", 2],
  ["(0)=1", 1],
  ["(0|1)>0>0", 6],
  ["0&x", 3],
  ["64", 1],
  ["0 & 1", 1],
])("parseLogic(%s) is refused at column %d", (text, column) => {
  const read = () => parseLogic(text, at);
  expect(read).toThrow(SourceError);
  try {
    read();
  } catch (error) {
    expect(error).toMatchObject({ column });
  }
});

test("highestId() finds the highest subsignature, however deep", () => {
  expect(highestId(parseLogic("0&(1|(2&63)>1)=0|4", at))).toBe(63);
});

test.each([
  ["nesting", `${"(".repeat(3000)}0${")".repeat(3000)}`],
  ["operators", Array(3000).fill("0").join("&")],
  ["length", `${"0&".repeat(50_000)}0`],
])("parseLogic() bounds %s", (_, text) => {
  expect(() => parseLogic(text, at)).toThrow(SourceError);
});
