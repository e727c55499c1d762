// What stands behind a backslash, in and out of classes.
import { ByteSet, escapeClass } from "../byte-set.ts";
import type { Assertion, Node } from "../syntax.ts";
import { readCall } from "./call.ts";
import type { Reading } from "./reading.ts";

const CONTROLS: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };
const ASSERTIONS: Readonly<Record<string, Assertion>> = {
  A: "start",
  B: "notWord",
  G: "from",
  Z: "last",
  b: "word",
  z: "end",
};
/** Numbers from here on are octal unless there are that many groups. */
const REFERENCE_SURE_BELOW = 10;

const assertion = (kind: Assertion): Node => ({ kind: "assert", assertion: kind });
const isAlphanumeric = (letter: string) => /^[0-9A-Za-z]$/.test(letter);

function hexByte(reading: Reading): number {
  if (!reading.eat("{")) return Number.parseInt(`0${reading.eatMatch(/[0-9a-f]{0,2}/iy)}`, 16);
  const from = reading.at;
  const digits = reading.takeUntil("}", "a hexadecimal number");
  if (!/^[0-9a-f]{1,8}$/i.test(digits)) reading.fail("a hexadecimal number is malformed", from);
  const value = Number.parseInt(digits, 16);
  if (value > 0xff) reading.fail("a byte is at most \\xFF", from);
  return value;
}

function octalByte(reading: Reading, digits: string): number {
  const value = Number.parseInt(digits, 8);
  if (value > 0xff) reading.fail("a byte is at most octal 377");
  return value;
}

function bracedOctal(reading: Reading): number {
  if (!reading.eat("{")) reading.fail("\\o needs a number in braces");
  const digits = reading.takeUntil("}", "an octal number");
  if (!/^[0-7]{1,6}$/.test(digits)) reading.fail("an octal number is malformed");
  return octalByte(reading, digits);
}

// YARA knows few escapes; what it does not know stands for itself.
function yaraByte(reading: Reading, letter: string): number {
  if (letter === "x") {
    const digits = reading.eatMatch(/[0-9a-f]{2}/iy);
    if (digits === "") reading.fail("\\x needs two hexadecimal digits");
    return Number.parseInt(digits, 16);
  }
  if (letter === "e") return letter.charCodeAt(0);
  return CONTROLS[letter] ?? letter.charCodeAt(0);
}

// Escapes that stand for one byte, PCRE's rules; -1 for others.
function pcreByte(reading: Reading, letter: string, isInClass: boolean): number {
  const control = CONTROLS[letter];
  if (control !== undefined) return control;
  if (letter === "x") return hexByte(reading);
  if (letter === "o") return bracedOctal(reading);
  if (letter === "c") return reading.take("\\c").toUpperCase().charCodeAt(0) ^ 0x40;
  if (letter === "b" && isInClass) return 8;
  if (/[0-7]/.test(letter) && (isInClass || letter === "0")) {
    reading.at--;
    return octalByte(reading, reading.eatMatch(/[0-7]{1,3}/y));
  }
  return isAlphanumeric(letter) ? -1 : letter.charCodeAt(0);
}

/** In a class, behind the backslash: a set, or a byte that may begin or end a range. */
export function readClassEscape(reading: Reading): ByteSet | number {
  const letter = reading.take("an escape");
  const isNamed = reading.dialect === "yara" ? /[dswDSW]/ : /[dhsvwDHSVW]/;
  const set = isNamed.test(letter) ? escapeClass(letter) : undefined;
  if (set !== undefined) return set;
  if (reading.dialect !== "pcre") return yaraByte(reading, letter);
  const byte = pcreByte(reading, letter, true);
  // PCRE refuses these; 8 and 9 stand for themselves.
  if (byte < 0 && !/[89]/.test(letter)) reading.fail(`\\${letter} has no meaning in a class`);
  return byte < 0 ? letter.charCodeAt(0) : byte;
}

// \1 is a reference; \11 is one if there are so many groups already, else a byte in octal.
function readNumbered(reading: Reading): Node {
  const from = reading.at;
  const digits = reading.eatMatch(/\d{1,9}/y);
  const group = Number.parseInt(digits, 10);
  const isReference = group < REFERENCE_SURE_BELOW || group <= reading.groupCount;
  if (isReference || /^[89]/.test(digits)) {
    reading.expectGroup(group);
    return reading.reference([group]);
  }
  reading.at = from;
  return reading.byte(octalByte(reading, reading.eatMatch(/[0-7]{1,3}/y)));
}

// \g: a number, also relative, or a name, in braces or bare; in <> or '' it is a call.
function readGroupEscape(reading: Reading): Node {
  for (const [open, close] of [["<", ">"] as const, ["'", "'"] as const]) {
    if (reading.eat(open)) return readCall(reading, close);
  }
  const isBraced = reading.eat("{");
  const number = reading.eatMatch(/[+-]?\d{1,9}/y);
  if (number === "") {
    if (!isBraced) reading.fail("\\g needs a number or a name in braces");
    return reading.referenceByName(reading.takeName("}"));
  }
  if (isBraced && !reading.eat("}")) reading.fail("\\g{ is not closed");
  const value = Number.parseInt(number, 10);
  let group = value;
  if (number.startsWith("-")) group = reading.groupCount + 1 + value;
  if (number.startsWith("+")) group = reading.groupCount + value;
  if (group < 1) reading.fail("\\g refers to no group");
  reading.expectGroup(group);
  return reading.reference([group]);
}

function readNamedReference(reading: Reading): Node {
  for (const [open, close] of ["<>", "''", "{}"].map((pair) => [pair.charAt(0), pair.charAt(1)])) {
    if (reading.eat(open as string))
      return reading.referenceByName(reading.takeName(close as string));
  }
  return reading.fail("\\k needs a name");
}

// \R: CRLF in one piece, or any one line end.
function lineEnd(): Node {
  const set = (bytes: readonly number[]): Node => ({
    kind: "set",
    set: ByteSet.where((byte) => bytes.includes(byte)),
  });
  const crlf: Node = { kind: "sequence", items: [set([13]), set([10])] };
  const single = set([10, 11, 12, 13, 0x85]);
  return { kind: "atomic", item: { kind: "choice", items: [crlf, single] } };
}

// What other dialects take for a letter.
function readPcreWord(reading: Reading, letter: string): Node {
  const place = ASSERTIONS[letter];
  if (place !== undefined) return assertion(place);
  switch (letter) {
    case "C":
      return { kind: "set", set: ByteSet.where(() => true) };
    case "E":
      // The end of a \Q that was not begun: nothing.
      return { kind: "sequence", items: [] };
    case "K":
      return { kind: "keep" };
    case "N":
      return { kind: "set", set: ByteSet.where((byte) => byte !== 10) };
    case "R":
      return lineEnd();
    case "g":
      return readGroupEscape(reading);
    case "k":
      return readNamedReference(reading);
    default:
      return reading.fail(`\\${letter} is not supported`, reading.at - 2);
  }
}

/** Behind the backslash, out of classes. */
export function readEscape(reading: Reading): Node {
  if (reading.isPcre && /[1-9]/.test(reading.peek())) return readNumbered(reading);
  const letter = reading.take("an escape");
  // POSIX leaves escaped letters undefined; the library that ClamAV uses takes them as they are.
  if (reading.dialect === "posix") return reading.byte(letter.charCodeAt(0));
  const isNamed = reading.isPcre ? /[dhsvwDHSVW]/ : /[dswDSW]/;
  const set = isNamed.test(letter) ? escapeClass(letter) : undefined;
  if (set !== undefined) return { kind: "set", set };
  if (reading.dialect === "yara") {
    if (letter === "b" || letter === "B") return assertion(letter === "b" ? "word" : "notWord");
    return reading.byte(yaraByte(reading, letter));
  }
  const byte = pcreByte(reading, letter, false);
  return byte < 0 ? readPcreWord(reading, letter) : reading.byte(byte);
}
