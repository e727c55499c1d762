// What stands in parentheses.
import { EMPTY, type Node, type Test } from "../syntax.ts";
import { callByName, readCall } from "./call.ts";
import type { Letters, Reading } from "./reading.ts";

const LOOKS = [
  { opening: "=", isBehind: false, isNegated: false },
  { opening: "!", isBehind: false, isNegated: true },
  { opening: "<=", isBehind: true, isNegated: false },
  { opening: "<!", isBehind: true, isNegated: true },
] as const;
const NAME_OPENINGS = [
  ["P<", ">"],
  ["<", ">"],
  ["'", "'"],
] as const;
const CALL_NAMES = [
  ["&", ")"],
  ["P>", ")"],
] as const;
const FAILING: Node = { kind: "choice", items: [] };

// The rest of a group up to its parenthesis; letters set inside don't hold behind it.
function readBody(reading: Reading, opened: number): Node {
  const { letters } = reading;
  const body = reading.readChoice();
  reading.letters = letters;
  if (!reading.eat(")")) reading.fail("a group is not closed", opened);
  return body;
}

function changeLetters(reading: Reading, word: string): Letters {
  const [on = "", off = ""] = word.replace(/^\^/, "").split("-");
  const names = { i: "i", m: "m", s: "s", x: "x", U: "isLazy", n: "n" } as const;
  const changed: { -readonly [name in keyof Letters]: boolean } = { ...reading.letters };
  if (word.startsWith("^"))
    Object.assign(changed, { i: false, m: false, s: false, x: false, n: false });
  for (const [letters, value] of [[on, true] as const, [off, false] as const]) {
    for (const letter of letters) {
      // J allows names twice, which is allowed anyway.
      if (letter !== "J") changed[names[letter as keyof typeof names]] = value;
    }
  }
  return changed;
}

// (?i) holds for the rest of the group around it, (?i:…) for its own.
function readLetters(reading: Reading, opened: number): Node {
  const word = reading.eatMatch(/\^?[imsxUnJ]*(?:-[imsxUnJ]*)?(?=[:)])/y);
  const isEmpty = word === "" && reading.peek() !== ")";
  if (isEmpty) reading.fail("this kind of group is not supported", opened);
  const outer = reading.letters;
  reading.letters = changeLetters(reading, word);
  if (reading.eat(")")) return EMPTY;
  reading.at++;
  const body = readBody(reading, opened);
  reading.letters = outer;
  return body;
}

// (?|…): groups of all alternatives are counted from the same number on.
function readReset(reading: Reading, opened: number): Node {
  const { letters, groupCount } = reading;
  const items: Node[] = [];
  let most = groupCount;
  do {
    reading.groupCount = groupCount;
    items.push(reading.readBranch());
    most = Math.max(most, reading.groupCount);
  } while (reading.eat("|"));
  reading.groupCount = most;
  reading.letters = letters;
  if (!reading.eat(")")) reading.fail("a group is not closed", opened);
  return { kind: "choice", items };
}

// What a conditional group asks, up to its parenthesis.
function readTest(reading: Reading): Test {
  const opened = reading.at;
  for (const { opening, isBehind, isNegated } of LOOKS) {
    if (!reading.eat(`?${opening}`)) continue;
    return { kind: "look", isBehind, isNegated, item: readBody(reading, opened) };
  }
  const number = reading.eatMatch(/[+-]?\d{1,9}(?=\))/y);
  if (number !== "") {
    reading.at++;
    const value = Number.parseInt(number, 10);
    const isRelative = /^[+-]/.test(number);
    const base = value < 0 ? reading.groupCount + 1 : reading.groupCount;
    const group = isRelative ? base + value : value;
    if (group < 1) reading.fail("the condition refers to no group", opened);
    reading.expectGroup(group);
    return { kind: "group", group };
  }
  if (reading.eat("DEFINE)")) return { kind: "define" };
  const test = { kind: "group" as const, group: 0 };
  let close = ")";
  if (reading.eat("<")) close = ">)";
  else if (reading.eat("'")) close = "')";
  reading.whenNamed(reading.takeName(close), (groups) => {
    test.group = groups[0] ?? 0;
  });
  return test;
}

function readCondition(reading: Reading, opened: number): Node {
  const test = readTest(reading);
  const body = readBody(reading, opened);
  const branches = body.kind === "choice" ? body.items : [body];
  if (branches.length > 2) reading.fail("a condition has more than two branches", opened);
  const [yes = EMPTY, no = EMPTY] = branches;
  if (test.kind === "define" && branches.length > 1) {
    reading.fail("a definition has no branches", opened);
  }
  return { kind: "condition", test, yes, no };
}

function readCapture(reading: Reading, opened: number, name?: string): Node {
  const group = reading.addGroup(name);
  return { kind: "group", group, item: readBody(reading, opened) };
}

// Verbs such as (*FAIL). Those that steer the search itself have no place in a linear one.
function readVerb(reading: Reading, opened: number): Node {
  const verb = reading.takeUntil(")", "a verb");
  if (verb === "FAIL" || verb === "F") return FAILING;
  return reading.fail(`(*${verb.slice(0, 20)}) is not supported`, opened);
}

// Behind "(?", PCRE's kinds of group.
function readSpecial(reading: Reading, opened: number): Node {
  if (reading.eat("#")) {
    reading.takeUntil(")", "a comment");
    return EMPTY;
  }
  if (reading.eat(":")) return readBody(reading, opened);
  if (reading.eat(">")) return { kind: "atomic", item: readBody(reading, opened) };
  if (reading.eat("|")) return readReset(reading, opened);
  if (reading.eat("(")) return readCondition(reading, opened);
  for (const { opening, isBehind, isNegated } of LOOKS) {
    if (!reading.eat(opening)) continue;
    return { kind: "look", isBehind, isNegated, item: readBody(reading, opened) };
  }
  for (const [opening, close] of NAME_OPENINGS) {
    if (reading.eat(opening)) return readCapture(reading, opened, reading.takeName(close));
  }
  if (reading.eat("P=")) return reading.referenceByName(reading.takeName(")"));
  for (const [opening, close] of CALL_NAMES) {
    if (reading.eat(opening)) return callByName(reading, reading.takeName(close));
  }
  if (reading.eat("R)")) return { kind: "call", group: 0 };
  if (/^(?:\d|[+-]\d)/.test(reading.text.slice(reading.at, reading.at + 2))) {
    return readCall(reading, ")");
  }
  return readLetters(reading, opened);
}

/** Reads a group behind its opening parenthesis. */
export function readGroup(reading: Reading): Node {
  const opened = reading.at - 1;
  if (reading.isPcre && reading.eat("*")) return readVerb(reading, opened);
  if (reading.isPcre && reading.eat("?")) return readSpecial(reading, opened);
  if (reading.dialect === "yara" && reading.eat("?:")) return readBody(reading, opened);
  if (reading.letters.n) return readBody(reading, opened);
  return readCapture(reading, opened);
}
