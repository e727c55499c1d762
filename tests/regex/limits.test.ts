// Expressions and subjects made to cost much: the work is counted, and ends where the caller says.
import { expect, test } from "bun:test";
import { compileRegex } from "../../src/regex/regex.ts";

const WORK_MAX = 3_000_000;

function search(
  pattern: string,
  subject: string,
  options: { flags?: string; workMax?: number } = {},
) {
  const { flags = "", workMax = WORK_MAX } = options;
  let work = 0;
  let asked = 0;
  const spend = (steps: number) => {
    asked++;
    work += steps;
    return work <= workMax;
  };
  const regex = compileRegex(pattern, { dialect: "pcre", flags });
  const match = regex.exec(Buffer.from(subject, "latin1"), 0, { spend });
  return { match, work, asked, isLinear: regex.isLinear };
}

const A = "a".repeat(5000);

// Each takes exponential or high polynomial time in engines that only go back.
const EVIL: readonly [pattern: string, subject: string][] = [
  ["^(a+)+$", `${A}!`],
  ["^(a|a)*$", `${A}!`],
  ["^(a|aa)+$", `${A}!`],
  ["^([a-zA-Z]+)*$", `${A}!`],
  ["(.*)*x", A],
  ["(?:a?){30}a{30}", "a".repeat(29)],
  ["(x+x+)+y", "x".repeat(5000)],
  ["^(([a-z])+.)+[A-Z]([a-z])+$", A],
  ["(a*)*b", A],
  [".*.*.*=.*", "x".repeat(5000)],
  ["\\s+$", `${" ".repeat(20_000)}x`],
  ["(?:(?:a{1,20}){1,20}){1,10}b", "a".repeat(300)],
  ["^(\\w+\\s?)*$", `${"word ".repeat(1000)}!`],
  ["(a|b|ab)*c", "ab".repeat(2500)],
];

test.each(EVIL)("/%s/ ends in linear time", (pattern, subject) => {
  const { match, work, isLinear } = search(pattern, subject);
  expect(isLinear).toBe(true);
  expect(match).toBeNull();
  expect(work).toBeLessThan(WORK_MAX);
});

const WORSE: readonly [pattern: string, subject: string][] = [
  ["(?=a)(a+)+\\1$", `${A}!a`],
  ["^(?:(a+)+)+\\1b\\1$", `${A}b`],
  ["(?!b)(?:a|aa)+(?<=x)$", A],
  ["(a*)*(?=b)b\\1c", `${A}bx`],
  ["(?:(?:a+)+(?!a))+(?=b)b\\b\\B", `${A}b`],
  ["(a(?1)?a|a)\\b(?!\\z)", A],
];

test.each(WORSE)("/%s/ ends when the work does", (pattern, subject) => {
  const { match, work, isLinear } = search(pattern, subject);
  expect(isLinear).toBe(false);
  expect(match === null || match === "unfinished").toBe(true);
  // One question late at most.
  expect(work).toBeLessThan(WORK_MAX + 200_000);
});

test("a search is unfinished as soon as its work is refused", () => {
  expect(search("a+b", "a".repeat(100_000), { workMax: 0 })).toMatchObject({ match: "unfinished" });
  expect(search("needle", "a".repeat(100_000), { workMax: 0 }).match).toBe("unfinished");
  expect(search("(a)\\1b", "a".repeat(100_000), { workMax: 0 }).match).toBe("unfinished");
});

test("a recursion that never ends fails, one that is too deep is unfinished", () => {
  expect(search("(?R)a", "aaa").match).toBeNull();
  expect(search("((?1)b|a)c", "abc").match).toMatchObject({ start: 0, length: 3 });
  expect(search("(a(?1)?b)", `${"a".repeat(3000)}b`).match).toBe("unfinished");
});

test("nested counts cost what they are used, not what they could be", () => {
  const nested = "((((a{100}){100}){100}){100}){100}b";
  const { match } = search(nested, `${A}b`);
  expect(match === null || match === "unfinished").toBe(true);
  expect(search("(?:(?:(?:a{0,1000}){0,1000}){0,1000}){0,1000}", "b").match).toMatchObject({
    length: 0,
  });
});

test("states are forgotten when there are too many, and matches are still right", () => {
  // Needs 2^14 states: where the last a's were.
  const pattern = "a[ab]{14}c";
  let subject = "";
  for (let i = 0, x = 1; i < 60_000; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    subject += (x >>> 16) & 1 ? "a" : "b";
  }
  expect(search(pattern, subject).match).toBeNull();
  expect(search(pattern, `${subject}abbbbbbbbbbbbbbc`).match).toMatchObject({ start: 60_000 });
});
