// Classes: what stands in square brackets.
import { ByteSet, namedClass } from "../byte-set.ts";
import type { Node } from "../syntax.ts";
import { readClassEscape } from "./escape.ts";
import type { Reading } from "./reading.ts";

/** [[:name:]] and [[:^name:]]; undefined if it is none, which is then read byte by byte. */
function readNamed(reading: Reading): ByteSet | undefined {
  const from = reading.at;
  const word = reading.eatMatch(/\[:\^?[a-z]*:\]/y);
  if (word === "") {
    if (/^\[([.=])[^\]]*\1\]/.test(reading.text.slice(from, from + 64))) {
      reading.fail("collating elements are not supported");
    }
    return undefined;
  }
  const isNegated = word.charAt(2) === "^";
  const set = namedClass(word.slice(isNegated ? 3 : 2, -2));
  if (set === undefined) return reading.fail(`there is no class ${word}`, from);
  return isNegated ? set.complement() : set;
}

// One element: a set, or a byte that may begin or end a range. A quoted stretch is several bytes.
function readElement(reading: Reading): ByteSet | number {
  const hasNames = reading.dialect !== "yara";
  if (hasNames && reading.peek() === "[") {
    const named = readNamed(reading);
    if (named !== undefined) return named;
  }
  const letter = reading.take("a class");
  // In POSIX classes the backslash is a byte like others.
  if (letter === "\\" && reading.dialect !== "posix") return readClassEscape(reading);
  return letter.charCodeAt(0);
}

// \Q..\E in a class, at its \Q; -1 bytes is none.
function readQuoted(reading: Reading): string | undefined {
  if (!reading.isPcre) return undefined;
  if (reading.eat("\\E")) return "";
  if (!reading.eat("\\Q")) return undefined;
  return reading.takeUntil("\\E", "a quoted text in a class");
}

// What follows an element: the end of a range, if there is one.
function readRangeEnd(reading: Reading, from: number): number | undefined {
  const next = reading.text.charAt(reading.at + 1);
  if (reading.peek() !== "-" || next === "]" || next === "") return undefined;
  const hyphen = reading.at++;
  const end = readElement(reading);
  if (typeof end !== "number") {
    // [a-\d]: the hyphen stands for itself.
    reading.at = hyphen;
    return undefined;
  }
  if (end < from) reading.fail("a range in a class ends before it begins", hyphen);
  return end;
}

/** Reads a class behind its opening bracket. */
export function readClass(reading: Reading): Node {
  const opened = reading.at - 1;
  const isNegated = reading.eat("^");
  const members = new Uint8Array(256);
  const add = (set: ByteSet) => {
    for (const byte of set.bytes()) members[byte] = 1;
  };
  // A bracket right at the beginning closes nothing.
  for (let isFirst = true; isFirst || reading.peek() !== "]"; isFirst = false) {
    if (reading.isAtEnd) reading.fail("a class is not closed", opened);
    const quoted = readQuoted(reading);
    if (quoted !== undefined) {
      for (let i = 0; i < quoted.length; i++) members[quoted.charCodeAt(i)] = 1;
      continue;
    }
    const element = readElement(reading);
    if (typeof element !== "number") add(element);
    else members.fill(1, element, (readRangeEnd(reading, element) ?? element) + 1);
  }
  reading.at++;
  const set = ByteSet.where((byte) => members[byte] === 1);
  // Cases are folded first: [^a] with i is neither a nor A.
  const folded = reading.letters.i ? set.folded() : set;
  return { kind: "set", set: isNegated ? folded.complement() : folded };
}
