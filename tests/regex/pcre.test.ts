// What PCRE expressions match, by the documentation of PCRE2 (pcre2pattern). Expected is the match
// and where it starts, or null.
import { expect, test } from "bun:test";
import { compileRegex } from "../../src/regex/regex.ts";

const spend = () => true;

function find(pattern: string, flags: string, subject: string): string | null {
  const regex = compileRegex(Buffer.from(pattern, "latin1"), { dialect: "pcre", flags });
  const match = regex.exec(Buffer.from(subject, "latin1"), 0, { spend });
  if (match === null || match === "unfinished") return match;
  return `${subject.slice(match.start, match.start + match.length)}@${match.start}`;
}

type Case = readonly [pattern: string, flags: string, subject: string, expected: string | null];

const LITERALS: readonly Case[] = [
  ["abc", "", "xabcx", "abc@1"],
  ["abc", "", "xabx", null],
  ["abc", "i", "xAbCx", "AbC@1"],
  ["", "", "abc", "@0"],
  ["\\x41\\x{42}\\103", "", "xABC", "ABC@1"],
  ["\\x4", "", "\x04", "\x04@0"],
  ["\\x", "", "\0", "\0@0"],
  ["\\x4G", "", "\x04G", "\x04G@0"],
  ["\\o{101}", "", "A", "A@0"],
  ["\\0", "", "a\0", "\0@1"],
  ["\\01", "", "a\x01", "\x01@1"],
  ["\\012", "", "a\n", "\n@1"],
  ["\\0123", "", "a\n3", "\n3@1"],
  ["\\101", "", "A", "A@0"],
  ["\\377", "", "\xff", "\xff@0"],
  ["\\a\\e\\f\\n\\r\\t", "", "\x07\x1b\x0c\n\r\t", "\x07\x1b\x0c\n\r\t@0"],
  ["\\cA\\cz\\c[", "", "\x01\x1a\x1b", "\x01\x1a\x1b@0"],
  ["\\.\\*\\\\\\/\\-\\_", "", ".*\\/-_", ".*\\/-_@0"],
  ["\\Qa.b*\\E+", "", "a.b***", "a.b***@0"],
  ["\\Qa.b", "", "xa.b", "a.b@1"],
  ["\\Q\\Ea", "", "ba", "a@1"],
  ["a\\Eb", "", "ab", "ab@0"],
  ["a{,3}", "", "a{,3}", "a{,3}@0"],
  ["a{x}", "", "a{x}", "a{x}@0"],
  ["a{", "", "a{", "a{@0"],
  ["}]", "", "}]", "}]@0"],
  ["\xe9", "i", "\xc9\xe9", "\xe9@1"],
  ["a b", "", "a b", "a b@0"],
  ["a b # c\nc", "x", "abc", "abc@0"],
  ["a\\ b[ ]c", "x", "a b c", "a b c@0"],
  ["a +", "x", "aaa", "aaa@0"],
];

const CLASSES: readonly Case[] = [
  ["[abc]+", "", "xxbcay", "bca@2"],
  ["[^abc]+", "", "abxyc", "xy@2"],
  ["[a-c]+", "", "zabcd", "abc@1"],
  ["[a-c]+", "i", "zABcd", "ABc@1"],
  ["[^a]", "i", "aAb", "b@2"],
  ["[]a]+", "", "x]a]", "]a]@1"],
  ["[^]a]+", "", "]xy]", "xy@1"],
  ["[a-]+", "", "b-a", "-a@1"],
  ["[-a]+", "", "b-a", "-a@1"],
  ["[a\\-c]+", "", "b-ac", "-ac@1"],
  ["[\\d-z]+", "", "a1-z", "1-z@1"],
  ["[a-\\d]+", "", "a-1", "a-1@0"],
  ["[\\b]", "", "a\b", "\b@1"],
  ["[\\x41-\\x43]+", "", "zABCD", "ABC@1"],
  ["[\\101]", "", "A", "A@0"],
  ["[\\n\\]]+", "", "a]\n", "]\n@1"],
  ["[\\Qa-z\\E]+", "", "m-z", "-z@1"],
  ["[[:alpha:]]+", "", "12ab3", "ab@2"],
  ["[[:^alpha:]]+", "", "ab12", "12@2"],
  ["[[:digit:][:space:]]+", "", "a1 2b", "1 2@1"],
  ["[[:xdigit:]]+", "", "xyzBeEf", "BeEf@3"],
  ["[[:upper:]]+", "i", "1aB", "aB@1"],
  ["[[:punct:]]+", "", "a!-b", "!-@1"],
  ["[[:word:]]+", "", "-a_1-", "a_1@1"],
  ["[[:blank:]]+", "", "a \tb", " \t@1"],
  ["[[:cntrl:]]", "", "a\x7f", "\x7f@1"],
  ["[[:graph:]]+", "", " a! ", "a!@1"],
  ["[[:print:]]+", "", "\na b", "a b@1"],
  ["[[:ascii:]]+", "", "\x80ab", "ab@1"],
  ["[[:alnum:]_]+", "", "-a1_-", "a1_@1"],
  ["[[:lower:]]", "", "Aa", "a@1"],
  ["[:alpha:]+", "", "xpa:", "pa:@1"],
  ["\\d+", "", "ab12c", "12@2"],
  ["\\D+", "", "12ab3", "ab@2"],
  ["\\w+", "", "-a_1-", "a_1@1"],
  ["\\W+", "", "a-+b", "-+@1"],
  ["\\w", "", "\xe9", null],
  ["\\s+", "", "a \t\n\v\f\rb", " \t\n\v\f\r@1"],
  ["\\S+", "", " ab ", "ab@1"],
  ["\\h+", "", "a \t\xa0\nb", " \t\xa0@1"],
  ["\\H", "", " a", "a@1"],
  ["\\v+", "", "a\n\v\f\r\x85b", "\n\v\f\r\x85@1"],
  ["\\V", "", "\na", "a@1"],
  ["\\N+", "s", "ab\ncd", "ab@0"],
  ["\\R", "", "a\r\nb", "\r\n@1"],
  ["\\R\\n", "", "a\r\nb", null],
  ["\\C", "", "\n", "\n@0"],
  [".+", "", "\nab\n", "ab@1"],
  [".+", "s", "\nab\n", "\nab\n@0"],
  ["[\\s\\S]+", "", "a\nb", "a\nb@0"],
  ["[\\w.]+", "", "-a.b-", "a.b@1"],
];

const QUANTIFIERS: readonly Case[] = [
  ["a*", "", "baa", "@0"],
  ["a+", "", "baa", "aa@1"],
  ["ba?", "", "baa", "ba@0"],
  ["ba??", "", "baa", "b@0"],
  ["a+?", "", "aaa", "a@0"],
  ["a+?b", "", "aaab", "aaab@0"],
  ["a{2}", "", "aaa", "aa@0"],
  ["a{2,}", "", "aaaa", "aaaa@0"],
  ["a{2,3}", "", "aaaa", "aaa@0"],
  ["a{2,3}?", "", "aaaa", "aa@0"],
  ["a{0}b", "", "ab", "b@1"],
  ["(?:ab){2}", "", "ababab", "abab@0"],
  ["(?:a|b){3}", "", "abc abb", "abb@4"],
  ["a++a", "", "aaa", null],
  ["a++b", "", "aab", "aab@0"],
  ["a?+a", "", "a", null],
  ["a*+b", "", "aab", "aab@0"],
  ["[ab]{1,2}+b", "", "ab", null],
  ["(?:ab)++a", "", "ababa", "ababa@0"],
  ["(?>a+)b", "", "aab", "aab@0"],
  ["(?>a|ab)c", "", "abc", null],
  ["(?>ab|a)c", "", "abc", "abc@0"],
  ["a.*b", "", "xa1b2b3", "a1b2b@1"],
  ["a.*?b", "", "xa1b2b3", "a1b@1"],
  ["a.*b", "U", "xa1b2b3", "a1b@1"],
  ["a.*?b", "U", "xa1b2b3", "a1b2b@1"],
  ["(a*)*", "", "aab", "aa@0"],
  ["(a*)+", "", "aab", "aa@0"],
  ["(?:a?)*?b", "", "aab", "aab@0"],
  ["(|a)*", "", "aa", "@0"],
  ["(|a)+", "", "aa", "@0"],
  ["(a|)+", "", "aa", "aa@0"],
  ["(?:a|ab)(?:c|bcd)", "", "abcd", "abcd@0"],
  ["(?:ab|a)(?:c|bcd)", "", "abcd", "abc@0"],
  ["a|ab", "", "ab", "a@0"],
  ["ab|a", "", "ab", "ab@0"],
  ["a|b|", "", "c", "@0"],
  ["(?:a{2}){2}", "", "aaaaa", "aaaa@0"],
  ["x{0,3}y{1,2}", "", "xxyyy", "xxyy@0"],
  ["(?:x(?:y{2}z?)+){2}", "", "xyyzyyxyy", "xyyzyyxyy@0"],
  ["a{1,2}{2}", "", "aaaaa", "aaaa@0"],
  ["[^x]{3,}?x", "", "abcdx", "abcdx@0"],
  ["(?:.{3}){2,3}", "", "abcdefgh", "abcdef@0"],
];

const ASSERTIONS: readonly Case[] = [
  ["^a", "", "ba", null],
  ["^a", "", "ab", "a@0"],
  ["^a", "m", "b\na", "a@2"],
  ["^", "m", "\n", "@0"],
  ["\\n^", "m", "a\n", null],
  ["\\n^", "m", "a\nb", "\n@1"],
  ["a$", "", "a\n", "a@0"],
  ["a$", "E", "a\n", null],
  ["a$", "E", "ba", "a@1"],
  ["a$", "", "a\n\n", null],
  ["a$", "m", "a\nb", "a@0"],
  ["a$", "m", "ab", null],
  ["$", "", "\n", "@0"],
  ["\\n$", "", "\n", "\n@0"],
  ["\\n\\z", "", "a\n", "\n@1"],
  ["a\\z", "", "a\n", null],
  ["a\\Z", "", "a\n", "a@0"],
  ["a\\Z", "", "a\nb", null],
  ["\\Aa", "m", "b\na", null],
  ["\\Aa", "", "ab", "a@0"],
  ["\\Ga", "", "ba", null],
  ["\\Ga", "", "ab", "a@0"],
  ["\\bab\\b", "", "cab ab-", "ab@4"],
  ["\\Bb", "", "b ab", "b@3"],
  ["\\b", "", "  a", "@2"],
  ["\\B", "", "ab", "@1"],
  ["\\ba", "", "_a a", "a@3"],
  ["a\\b.", "s", "ab a.", "a.@3"],
  ["(?=ab)a", "", "acab", "a@2"],
  ["a(?!b)", "", "abac", "a@2"],
  ["(?!a).", "", "ab", "b@1"],
  ["(?<=a)b", "", "bab", "b@2"],
  ["(?<!a)b", "", "abcb", "b@3"],
  ["(?<=a|bc)d", "", "cd bcd", "d@5"],
  ["(?<=^|,)x", "", "ax,x", "x@3"],
  ["(?<=\\d{3})x", "", "12x123x", "x@6"],
  ["(?=.*b)a", "", "aab", "a@0"],
  ["(?=(a+))a*b\\1", "", "baaabac", "aba@3"],
  ["(?!.*x)a", "", "axa", "a@2"],
  ["\\d+(?=%)", "", "10 20%", "20@3"],
  ["foo\\Kbar", "", "foobar", "bar@3"],
  ["(foo)\\Kbar", "", "xfoobar", "bar@4"],
  ["a\\K", "", "ba", "@2"],
  ["(?<![a-z])\\d(?![a-z])", "", "a1 1b 2", "2@6"],
  ["a(?=b(?!c))", "", "abcabd", "a@3"],
  ["(?:^|x)a", "", "bxa", "xa@1"],
];

const GROUPS: readonly Case[] = [
  ["(a)(b)\\2\\1", "", "abba", "abba@0"],
  ["(a|b)\\1", "", "abb", "bb@1"],
  ["(?i)(a)\\1", "", "aA", "aA@0"],
  ["(a)(?i:\\1)", "", "aA", "aA@0"],
  ["(a)?\\1b", "", "b", null],
  ["(?P<x>a)(?P=x)", "", "aa", "aa@0"],
  ["(?<x>a)\\k<x>", "", "aa", "aa@0"],
  ["(?'x'a)\\k'x'", "", "aa", "aa@0"],
  ["(?<x>a)\\k{x}\\g{x}", "", "aaa", "aaa@0"],
  ["(a)(b)\\g{-1}\\g-2\\g1", "", "abbaa", "abbaa@0"],
  ["(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10", "", "abcdefghijj", "abcdefghijj@0"],
  ["(a)\\11", "", "a\t", "a\t@0"],
  ["(?i)ab", "", "AB", "AB@0"],
  ["a(?i)b", "", "aB", "aB@0"],
  ["a(?i)b", "", "Ab", null],
  ["a(?i:b)c", "", "aBC", null],
  ["a(?i:b)c", "", "aBc", "aBc@0"],
  ["(?:a(?i)b)c", "", "aBC", null],
  ["(?i)a(?-i)b", "", "Ab", "Ab@0"],
  ["(?i)a(?-i)b", "", "aB", null],
  ["(a(?i)b|c)", "", "C", "C@0"],
  ["(?s).(?-s).", "", "\n\na", "\na@1"],
  ["(?m)^a", "", "\na", "a@1"],
  ["(?x) a b (?-x) c", "", "ab c", "ab c@0"],
  ["(?^)a", "i", "A", null],
  ["(?U)a+", "", "aa", "a@0"],
  ["(?#comment)a", "", "a", "a@0"],
  ["(?:)a", "", "a", "a@0"],
  ["()a", "", "a", "a@0"],
  ["(?|(a)|(b))\\1", "", "abb", "bb@1"],
  ["(?|(a)(x)|(b))(c)\\3", "", "bcc", "bcc@0"],
  ["(a)?(?(1)b|c)", "", "ab", "ab@0"],
  ["(a)?(?(1)b|c)", "", "c", "c@0"],
  ["^(a)?(?(1)b|c)$", "", "ac", null],
  ["(?<n>a)?(?(<n>)b|c)", "", "xab", "ab@1"],
  ["(?<n>a)?(?('n')b)", "", "ab", "ab@0"],
  ["(?(?=a)a.|b)", "", "cax", "ax@1"],
  ["(?(?!a)b|a.)", "", "cax", "ax@1"],
  ["(?(?<=x)a|b)", "", "axa", "a@2"],
  ["(?(DEFINE)(?<d>\\d+))(?&d)-(?&d)", "", "a12-3", "12-3@1"],
  ["\\((?:[^()]|(?R))*\\)", "", "a(b(c)d)e)", "(b(c)d)@1"],
  ["(\\((?:[^()]|(?1))*\\))x", "", "((a)b)x", "((a)b)x@0"],
  ["(?<p>a(?&p)?b)", "", "aabb", "aabb@0"],
  ["(?P<p>a(?P>p)?b)", "", "xaaabbb", "aaabbb@1"],
  ["(a|b)(?1)", "", "ab", "ab@0"],
  ["(?+1)(a|b)", "", "ab", "ab@0"],
  ["(a|b)(?-1)c", "", "abc", "abc@0"],
  ["(a|b)\\g<1>c", "", "abc", "abc@0"],
  ["(a|b)\\g'1'c", "", "bac", "bac@0"],
  ["(?:(a)|b)*\\1", "", "aba", "aba@0"],
  ["(a)(?1)\\1", "", "aaa", "aaa@0"],
  ["(.)(?1)\\1", "", "xyx", "xyx@0"],
  ["(?:(?=(\\w+))\\1:|x)", "", "ab:x", "ab:@0"],
  ["(a(*FAIL)|b)", "", "ab", "b@1"],
  ["(?>(a+))\\1", "", "aaaa", null],
  ["a(?:((.)(?!\\1)))+", "", "xaab", "aab@1"],
  ["(?:(?(1)b|(a|b)){2,})", "", "ab", "ab@0"],
  ["(a\\1?){3}", "", "aaaaaa", "aaaaaa@0"],
  ["(\\w)(\\w)?(\\w)?\\3\\2\\1", "", "xabccba", "abccba@1"],
  ["(['\"])(.*?)\\1", "", 'x="a\'b"', '"a\'b"@2'],
];

for (const [title, cases] of Object.entries({
  LITERALS,
  CLASSES,
  QUANTIFIERS,
  ASSERTIONS,
  GROUPS,
})) {
  test.each(cases as Case[])(
    `${title}: /%s/%s finds in %j: %j`,
    (...[pattern, flags, subject, found]) => {
      expect(find(pattern, flags, subject)).toBe(found);
    },
  );
}

test("exec() tells where groups lie when asked for them", () => {
  const regex = compileRegex("(a)|(b+)(c)?", { dialect: "pcre", flags: "" });
  expect(regex.groupCount).toBe(3);
  const match = regex.exec(Buffer.from("xbbcx"), 0, { spend, wantsGroups: true });
  expect(match).toEqual({
    ...{ start: 1, length: 3 },
    groups: [{ start: 1, length: 3 }, null, { start: 1, length: 2 }, { start: 3, length: 1 }],
  });
});

test("exec() tells the last pass of a repeated group", () => {
  const regex = compileRegex("(?:(a)|(b))*c\\2?", { dialect: "pcre", flags: "" });
  const match = regex.exec(Buffer.from("abac"), 0, { spend, wantsGroups: true });
  expect(match).toMatchObject({ groups: [{}, { start: 2 }, { start: 1 }] });
});

test("exec() sees what lies before its first place", () => {
  const bytes = Buffer.from("ab cb");
  const run = (pattern: string, from: number, anchored = false) =>
    compileRegex(pattern, { dialect: "pcre", flags: "" }).exec(bytes, from, { spend, anchored });
  expect(run("\\bb", 1)).toBeNull();
  expect(run("(?<=a)b", 1)).toMatchObject({ start: 1 });
  expect(run("^b", 1)).toBeNull();
  expect(run("\\Gb", 1)).toMatchObject({ start: 1 });
  expect(run("b", 0, true)).toBeNull();
  expect(run("b", 4, true)).toMatchObject({ start: 4 });
  expect(run("c?b", 2, true)).toBeNull();
});

test("exec() takes the given end for the end of the subject", () => {
  const bytes = Buffer.from("aab\n\n");
  const run = (pattern: string, to: number) =>
    compileRegex(pattern, { dialect: "pcre", flags: "" }).exec(bytes, 0, { spend, to });
  expect(run("a$", 2)).toMatchObject({ start: 1 });
  expect(run("b$", 4)).toMatchObject({ start: 2 });
  expect(run("b$", 5)).toBeNull();
  expect(run("b", 2)).toBeNull();
  expect(run("a\\b", 2)).toMatchObject({ start: 1 });
  expect(run("(a)\\1(?!b)", 2)).toMatchObject({ start: 0 });
});

test("exec() finds in large subjects, at their ends and across the pieces it reads", () => {
  for (const size of [100, 16_383, 16_384, 16_385, 70_000]) {
    const bytes = Buffer.concat([Buffer.alloc(size, "ab "), Buffer.from("needle42\n")]);
    for (const pattern of [
      "needle\\d+$",
      "n\\w+\\d",
      "needle42",
      "(?<= |a|b)needle(?=4)",
      "[m-o]e+d",
    ]) {
      const regex = compileRegex(pattern, { dialect: "pcre", flags: "" });
      expect(regex.exec(bytes, 0, { spend })).toMatchObject({ start: size });
    }
  }
});

type Wrong = readonly [pattern: string, message: string, position: number];
const WRONG: readonly Wrong[] = [
  ["a(b", "a group is not closed", 1],
  ["a)b", "a parenthesis closes nothing", 1],
  ["a[b", "a class is not closed", 1],
  ["*a", "there is nothing to repeat", 0],
  ["a|+", "there is nothing to repeat", 2],
  ["{2}", "there is nothing to repeat", 0],
  ["a{3,2}", "the numbers of a repetition are out of order", 1],
  ["a{70000}", "a repetition is at most 65535", 1],
  ["[b-a]", "a range in a class ends before it begins", 2],
  ["[[:nope:]]", "there is no class [:nope:]", 1],
  ["[[.a.]]", "collating elements are not supported", 1],
  ["\\x{100}", "a byte is at most \\xFF", 3],
  ["\\", "an escape is cut off", 1],
  ["\\2(a)", "there is no group 2", 2],
  ["\\k<x>", 'there is no group named "x"', 5],
  ["(?P=x)", 'there is no group named "x"', 6],
  ["(?<1>a)", "the name of a group is malformed", 3],
  ["(?2)(a)", "there is no group 2", 4],
  ["(?<=a+)b", "a look behind must have a fixed length", 0],
  ["\\p{L}", "\\p is not supported", 0],
  ["(*UTF8)a", "(*UTF8) is not supported", 0],
  ["(?z)a", "this kind of group is not supported", 0],
  ["(a)(?(1)b|c|d)", "a condition has more than two branches", 3],
  ["(".repeat(300), "groups are nested too deeply", 200],
];

test.each(WRONG)("compileRegex() refuses /%s/: %s", (pattern, message, position) => {
  const compile = () => compileRegex(pattern, { dialect: "pcre", flags: "" });
  expect(compile).toThrow(expect.objectContaining({ message, position }));
});

test("compileRegex() refuses flags that it does not know", () => {
  expect(() => compileRegex("a", { dialect: "pcre", flags: "q" })).toThrow('no flag "q"');
  expect(() => compileRegex("a", { dialect: "yara", flags: "m" })).toThrow('no flag "m"');
});

test("compileRegex() refuses expressions that are too long or too large", () => {
  const options = { dialect: "pcre" as const, flags: "" };
  expect(() => compileRegex("a".repeat(32_769), options)).toThrow("at most 32768 bytes");
  expect(() => compileRegex("(x)".repeat(1001), options)).toThrow("more than 1000 groups");
});
