// What YARA's and POSIX expressions match, which choose by length, and literals of all dialects.
import { expect, test } from "bun:test";
import { compileRegex } from "../../src/regex/regex.ts";
import type { Dialect, ExecOptions } from "../../src/regex/types.ts";

const spend = () => true;

interface Search extends Partial<ExecOptions> {
  readonly dialect: Dialect;
  readonly flags?: string;
  readonly from?: number;
}

function find(pattern: string, subject: string, search: Search): string | null {
  const { dialect, flags = "", from = 0, ...options } = search;
  const regex = compileRegex(Buffer.from(pattern, "latin1"), { dialect, flags });
  const match = regex.exec(Buffer.from(subject, "latin1"), from, { spend, ...options });
  if (match === null || match === "unfinished") return match;
  return `${subject.slice(match.start, match.start + match.length)}@${match.start}`;
}

type Case = readonly [pattern: string, flags: string, subject: string, expected: string | null];

const YARA: readonly Case[] = [
  ["ab+", "", "xabbb", "abbb@1"],
  ["ab+?", "", "xabbb", "ab@1"],
  ["a|ab|abc", "", "abcd", "abc@0"],
  ["a{,2}b", "", "aaab", "aab@1"],
  ["a{2,}", "", "aaaa", "aaaa@0"],
  ["a{x}", "", "a{x}", "a{x}@0"],
  ["\\x41\\t\\n\\.", "", "A\t\n.", "A\t\n.@0"],
  ["\\e\\q", "", "eq", "eq@0"],
  ["[\\w-]+", "", " a-b ", "a-b@1"],
  ["[^\\s]+", "", " ab ", "ab@1"],
  ["[[:a]+]", "", "x:a[]", ":a[]@1"],
  ["^ab", "", "xab", null],
  ["^ab$", "", "ab", "ab@0"],
  ["ab$", "", "ab\n", null],
  ["a.b", "", "a\nb", null],
  ["a.b", "s", "a\nb", "a\nb@0"],
  ["AbC", "i", "xaBc", "aBc@1"],
  ["[a-f]+", "i", "xABz", "AB@1"],
  ["\\bfoo\\b", "", "afoo foo", "foo@5"],
  ["\\Boo", "", "oo foo", "oo@4"],
  ["(?:ab)+c", "", "xababc", "ababc@1"],
  ["(ab|c){2}", "", "xabc", "abc@1"],
  ["ab", "w", "a\0b\0", "a\0b\0@0"],
  ["a.b", "w", "a\0x\0b\0", "a\0x\0b\0@0"],
  ["[a-c]{2}", "wi", "A\0b\0", "A\0b\0@0"],
  ["\\bab\\b", "w", "x\0a\0b\0 \0a\0b\0", "a\0b\0@8"],
  ["\\bab?", "w", "-a\0b\0", "a\0b\0@1"],
  ["a\\Bb", "w", "a\0b\0", "a\0b\0@0"],
];

test.each(YARA as Case[])("YARA: /%s/%s finds in %j: %j", (pattern, flags, subject, expected) => {
  expect(find(pattern, subject, { dialect: "yara", flags })).toBe(expected);
});

const POSIX: readonly Case[] = [
  ["a|ab", "", "abc", "ab@0"],
  ["(a|ab)(c|bcd)", "", "abcd", "abcd@0"],
  ["x*", "", "aaa", "@0"],
  ["(wee|week)(knights|night)", "", "weeknights", "weeknights@0"],
  ["[[:digit:]]{2,}", "", "a1 23", "23@3"],
  ["[a\\]+", "", "x\\a", "\\a@1"],
  ["\\.exe$", "", "a.exe", ".exe@1"],
  ["(?i)\\.exe$", "", "A.EXE", ".EXE@1"],
  ["\\w", "", "aw", "w@1"],
  ["^a.b$", "", "a\nb", "a\nb@0"],
  ["a.b", "i", "AxB", "AxB@0"],
  ["(^|x)a", "", "bxa", "xa@1"],
];

test.each(POSIX as Case[])("POSIX: /%s/%s finds in %j: %j", (pattern, flags, subject, expected) => {
  expect(find(pattern, subject, { dialect: "posix", flags })).toBe(expected);
});

test("every start is found by going on behind the last one", () => {
  const starts: string[] = [];
  for (let from = 0; ; ) {
    const found = find("a+b", "aaab ab", { dialect: "yara", from });
    if (found === null) break;
    starts.push(found);
    from = Number(found.split("@")[1]) + 1;
  }
  expect(starts).toEqual(["aaab@0", "aab@1", "ab@2", "ab@5"]);
});

test("matches longer than wanted are passed over for shorter or later ones", () => {
  const options = { dialect: "yara" as const, lengthMax: 4 };
  expect(find("a.*b", "a1b2b3b", options)).toBe("a1b@0");
  expect(find("a[^x]*b", "a12345b ab", options)).toBe("ab@8");
  expect(find("a.*?b", "a12345b", options)).toBeNull();
  expect(find("\\ba.*b", "a\x001\0b\x002\0b\0", { ...options, flags: "w" })).toBeNull();
  expect(find("\\ba.*b", "a\0b\0b\0", { ...options, flags: "w" })).toBe("a\0b\0@0");
});

const WRONG: readonly [Dialect, string, string][] = [
  ["yara", "a+b+?", "greedy and lazy quantifiers can't be mixed"],
  ["yara", "\\x4", "\\x needs two hexadecimal digits"],
  ["yara", "a**", "a quantifier repeats a quantifier"],
  ["yara", "(?=a)", "there is nothing to repeat"],
  ["yara", "a{40000}", "a repetition is at most 32767"],
  ["posix", "a**", "a quantifier repeats a quantifier"],
  ["posix", "a(b", "a group is not closed"],
  ["posix", "[[=a=]]", "collating elements are not supported"],
];

test.each(WRONG)("compileRegex() refuses in %s /%s/: %s", (dialect, pattern, message) => {
  expect(() => compileRegex(pattern, { dialect, flags: "" })).toThrow(message);
});

const LITERALS: readonly [pattern: string, flags: string, sets: readonly string[]][] = [
  ["abc", "", ["abc"]],
  ["abc", "i", ["abc/i"]],
  ["a1-", "i", ["a1-/i"]],
  ["12", "i", ["12"]],
  ["(?i:a)B", "", ["ab/i"]],
  ["foo|bar", "", ["foo|bar"]],
  ["foo.*barbaz", "", ["barbaz", "foo"]],
  ["ab[cd]e", "", ["abce|abde"]],
  ["ab\\wcde", "", ["cde", "ab"]],
  ["ab?c", "", ["abc|ac"]],
  ["(abc)+d", "", ["abc", "d"]],
  ["(ab){2}", "", ["abab"]],
  ["(a|\\w)x", "", ["x"]],
  ["(abc|\\wxyz)", "", ["abc|xyz"]],
  ["a*", "", []],
  ["abc|d*", "", []],
  ["\\w+", "", []],
  ["(?=abc)x", "", ["x"]],
  ["(?!abc)xyz", "", ["xyz"]],
  ["(abc)\\1\\w", "", ["abc"]],
  ["^abc$", "", ["abc"]],
  ["(?(?=a)ab|cd)e", "", ["abe|cde", "ab|cd"].slice(0, 1)],
  ["(?(DEFINE)(?<x>abc))def(?&x)", "", ["def"]],
];

test.each(LITERALS)("literals() of /%s/%s", (pattern, flags, sets) => {
  const regex = compileRegex(pattern, { dialect: "pcre", flags });
  const text = regex
    .literals()
    .map((set) =>
      set.map(
        ({ bytes, isFolded }) => Buffer.from(bytes).toString("latin1") + (isFolded ? "/i" : ""),
      ),
    );
  expect(text.map((set) => set.join("|"))).toEqual([...sets]);
});

test("literals() of wide expressions have their NULs", () => {
  const [set] = compileRegex("ab.", { dialect: "yara", flags: "wi" }).literals();
  expect(set?.map(({ bytes }) => [...bytes])).toEqual([[97, 0, 98, 0]]);
});
