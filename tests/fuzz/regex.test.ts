// Random expressions over random subjects, against JavaScript's own engine where both agree; and
// broken expressions, which must be refused or work, and never hang.
import { expect, test } from "bun:test";
import { compileRegex } from "../../src/regex/regex.ts";
import { RegexError } from "../../src/regex/types.ts";
import { Chance, ExpressionMaker, makeSubject } from "./regex-maker.ts";

const EXPRESSIONS = Number(process.env["GW_FUZZ_EXPRESSIONS"] ?? 1000);
// Far more than needed: a long run by hand takes as long as it is told to.
const TIME_MAX_MS = 600_000;
const SUBJECTS = 8;
const WORK_MAX = 2_000_000;

function limited(): (steps: number) => boolean {
  let work = 0;
  return (steps) => {
    work += steps;
    return work <= WORK_MAX;
  };
}

const spanOf = (match: { start: number; length: number } | null) =>
  match === null ? "none" : `${match.start}+${match.length}`;

test(
  "exec() finds what JavaScript finds",
  () => {
    const chance = new Chance(7);
    const maker = new ExpressionMaker(chance, false);
    const wrong: unknown[] = [];
    let pairs = 0;
    let unfinished = 0;
    for (let i = 0; i < EXPRESSIONS; i++) {
      const pattern = maker.make();
      const flags = chance.pick(["", "i", "s", "m", "im"]);
      const theirs = new RegExp(pattern, `${flags}d`);
      const ours = compileRegex(pattern, { dialect: "pcre", flags: `${flags}E` });
      for (let k = 0; k < SUBJECTS; k++) {
        const subject = makeSubject(chance);
        const expected = theirs.exec(subject);
        const found = ours.exec(Buffer.from(subject, "latin1"), 0, { spend: limited() });
        pairs++;
        if (found === "unfinished") unfinished++;
        else {
          const start = expected?.index ?? 0;
          const wanted = expected && { start, length: expected[0].length };
          if (spanOf(found) !== spanOf(wanted)) {
            wrong.push({ pattern, flags, subject, wanted: spanOf(wanted), found: spanOf(found) });
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(unfinished).toBeLessThan(pairs / 1000);
  },
  TIME_MAX_MS,
);

test(
  "a match chosen by length is the longest from its start",
  () => {
    const chance = new Chance(11);
    const maker = new ExpressionMaker(chance, false);
    let compared = 0;
    for (let i = 0; i < EXPRESSIONS; i++) {
      const pattern = maker.make().replaceAll("(?:", "(");
      // Without places, pieces of the subject can be tried one by one.
      if (/[\\$^]|\(\?[=!<]|[*+?}]\?/.test(pattern)) continue;
      const ours = compileRegex(pattern, { dialect: "posix", flags: "" });
      const subject = makeSubject(chance);
      const found = ours.exec(Buffer.from(subject, "latin1"), 0, { spend: limited() });
      const expected = longest(new RegExp(`^(?:${pattern})$`, "s"), subject);
      compared++;
      expect([pattern, subject, found === "unfinished" ? found : spanOf(found)]).toEqual([
        ...[pattern, subject, expected],
      ]);
    }
    expect(compared).toBeGreaterThan(EXPRESSIONS / 20);
  },
  TIME_MAX_MS,
);

function longest(whole: RegExp, subject: string): string {
  for (let start = 0; start <= subject.length; start++) {
    for (let end = subject.length; end >= start; end--) {
      if (whole.test(subject.slice(start, end))) return `${start}+${end - start}`;
    }
  }
  return "none";
}

test(
  "broken expressions are refused with a position or can be used",
  () => {
    const chance = new Chance(13);
    const maker = new ExpressionMaker(chance, true);
    const scraps = [
      "(",
      ")",
      "[",
      "]",
      "{",
      "}",
      "{2,",
      "\\",
      "*",
      "+?",
      "|",
      "(?",
      "(?<",
      "\\Q",
      "[:a",
      "^",
      "\\x{",
      "(?1)",
      "\\g{",
      "(?(",
      "\xff",
      "\\k<",
      "(?|",
      "-",
      ":]",
    ];
    let refused = 0;
    for (let i = 0; i < EXPRESSIONS; i++) {
      let pattern = maker.make();
      for (let k = chance.below(4); k >= 0; k--) {
        const at = chance.below(pattern.length + 1);
        pattern = pattern.slice(0, at) + chance.pick(scraps) + pattern.slice(at + chance.below(3));
      }
      try {
        const dialect = chance.pick(["pcre", "yara", "posix"] as const);
        const regex = compileRegex(Buffer.from(pattern, "latin1"), { dialect, flags: "" });
        const subject = Buffer.from(makeSubject(chance), "latin1");
        const match = regex.exec(subject, 0, { spend: limited(), wantsGroups: true });
        if (match !== null && match !== "unfinished") {
          expect(match.start + match.length).toBeLessThanOrEqual(subject.length);
        }
      } catch (error) {
        if (!(error instanceof RegexError)) throw new Error(`/${pattern}/`, { cause: error });
        expect(error.position).toBeWithin(0, pattern.length + 1);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(EXPRESSIONS / 4);
  },
  TIME_MAX_MS,
);

test(
  "every match holds a literal of each set that literals() gives",
  () => {
    const chance = new Chance(17);
    const maker = new ExpressionMaker(chance, true);
    let held = 0;
    for (let i = 0; i < EXPRESSIONS; i++) {
      const pattern = maker.make();
      const regex = compileRegex(pattern, { dialect: "pcre", flags: chance.pick(["", "i"]) });
      const subject = makeSubject(chance);
      const match = regex.exec(Buffer.from(subject, "latin1"), 0, { spend: limited() });
      if (match === null || match === "unfinished") continue;
      const text = subject.slice(match.start, match.start + match.length);
      for (const set of regex.literals()) {
        const isThere = set.some(({ bytes, isFolded }) => {
          const literal = Buffer.from(bytes).toString("latin1");
          return (isFolded ? text.toLowerCase() : text).includes(literal);
        });
        expect([pattern, subject, text, isThere]).toEqual([pattern, subject, text, true]);
        held++;
      }
    }
    expect(held).toBeGreaterThan(EXPRESSIONS / 20);
  },
  TIME_MAX_MS,
);
