// Reads an expression into its tree: alternatives, their parts, and how often each part repeats.
import { ByteSet } from "../byte-set.ts";
import {
  type Assertion,
  type Greed,
  NESTING_MAX,
  type Node,
  type Parsed,
  REPEAT_MAX,
  SOURCE_LENGTH_MAX,
  sequence,
} from "../syntax.ts";
import { RegexError, type RegexOptions } from "../types.ts";
import { readClass } from "./class.ts";
import { readEscape } from "./escape.ts";
import { readGroup } from "./group.ts";
import { Reading } from "./reading.ts";
import { widened } from "./wide.ts";

/** Letters that each dialect takes. */
const LETTERS = { pcre: "ismxAEUg", posix: "i", yara: "isw" } as const;
/** PCRE takes quantifiers of quantifiers; so many are enough. */
const QUANTIFIERS_MAX = 8;
const YARA_REPEAT_MAX = 32_767;

interface Counts {
  readonly min: number;
  readonly max: number;
}

// {n}, {n,} and {n,m}; anything else in braces stands for itself.
function readBraces(reading: Reading): Counts | undefined {
  const from = reading.at;
  const word = reading.eatMatch(
    reading.dialect === "yara" ? /\{\d*(?:,\d*)?\}/y : /\{\d+(?:,\d*)?\}/y,
  );
  if (word === "" || word === "{}") {
    reading.at = from;
    return undefined;
  }
  const [low = "", high = low] = word.slice(1, -1).split(",");
  const min = low === "" ? 0 : Number.parseInt(low, 10);
  const max = high === "" ? Number.POSITIVE_INFINITY : Number.parseInt(high, 10);
  const bound = reading.dialect === "yara" ? YARA_REPEAT_MAX : REPEAT_MAX;
  if (min > bound || (max !== Number.POSITIVE_INFINITY && max > bound)) {
    reading.fail(`a repetition is at most ${bound}`, from);
  }
  if (max < min) reading.fail("the numbers of a repetition are out of order", from);
  return { min, max };
}

function readCounts(reading: Reading): Counts | undefined {
  if (reading.eat("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
  if (reading.eat("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
  if (reading.eat("?")) return { min: 0, max: 1 };
  return reading.peek() === "{" ? readBraces(reading) : undefined;
}

function readGreed(reading: Reading): Greed {
  const { isLazy } = reading.letters;
  if (reading.dialect !== "posix" && reading.eat("?")) return isLazy ? "greedy" : "lazy";
  if (reading.isPcre && reading.eat("+")) return "possessive";
  return isLazy ? "lazy" : "greedy";
}

const assertion = (kind: Assertion): Node => ({ kind: "assert", assertion: kind });

/** The tree of one expression; what it holds is used once. */
class Parser {
  readonly #reading: Reading;
  readonly #flags: string;
  #depth = 0;
  #hasLazy = false;
  #hasGreedy = false;

  constructor(text: string, options: RegexOptions) {
    const { dialect, flags } = options;
    this.#flags = flags;
    const has = (letter: string) => flags.includes(letter);
    const isPerLine = dialect === "pcre" && has("m");
    this.#reading = new Reading(text, {
      dialect,
      letters: {
        ...{ i: has("i"), s: has("s") || dialect === "posix", m: isPerLine, x: has("x"), n: false },
        ...{ isEndOnly: dialect !== "pcre" || has("E"), isLazy: has("U") },
      },
      readChoice: () => this.#readChoice(),
      readBranch: () => this.#readBranch(),
    });
  }

  parse(): Parsed {
    const reading = this.#reading;
    // ClamAV's POSIX expressions may begin so.
    if (reading.dialect === "posix" && reading.eat("(?i)")) {
      reading.letters = { ...reading.letters, i: true };
    }
    const root = this.#readChoice();
    if (!reading.isAtEnd) reading.fail("a parenthesis closes nothing");
    reading.finish();
    if (reading.dialect === "yara" && this.#hasLazy && this.#hasGreedy) {
      reading.fail("greedy and lazy quantifiers can't be mixed", 0);
    }
    return {
      root: this.#flags.includes("w") ? widened(root) : root,
      groupCount: reading.groupCount,
      isAnchored: this.#flags.includes("A"),
      isLazy: this.#hasLazy,
    };
  }

  #readChoice(): Node {
    const reading = this.#reading;
    if (++this.#depth > NESTING_MAX) reading.fail("groups are nested too deeply");
    const items = [this.#readBranch()];
    while (reading.eat("|")) items.push(this.#readBranch());
    this.#depth--;
    return items.length === 1 ? (items[0] as Node) : { kind: "choice", items };
  }

  #readBranch(): Node {
    const reading = this.#reading;
    const items: Node[] = [];
    for (;;) {
      this.#skipComments();
      if (reading.isAtEnd || reading.peek() === "|" || reading.peek() === ")") break;
      if (reading.isPcre && reading.eat("\\Q")) this.#readQuoted(items);
      else items.push(this.#repeated(this.#readPart()));
    }
    return sequence(items);
  }

  // White space and comments up to the line's end, where x holds.
  #skipComments(): void {
    if (this.#reading.letters.x) this.#reading.eatMatch(/(?:[ \t\n\v\f\r]|#[^\n]*(?:\n|$))+/y);
  }

  // \Q..\E: all stands for itself; a quantifier behind it is for the last byte.
  #readQuoted(items: Node[]): void {
    const reading = this.#reading;
    const stop = reading.text.indexOf("\\E", reading.at);
    const end = stop < 0 ? reading.text.length : stop;
    const bytes: Node[] = [];
    for (; reading.at < end; reading.at++) {
      bytes.push(reading.byte(reading.text.charCodeAt(reading.at)));
    }
    if (stop >= 0) reading.at += 2;
    const last = bytes.pop();
    items.push(...bytes);
    if (last !== undefined) items.push(this.#repeated(last));
  }

  // What follows a part: how often it repeats, perhaps several times over.
  #repeated(part: Node): Node {
    const reading = this.#reading;
    let node = part;
    for (let times = 0; ; times++) {
      this.#skipComments();
      const from = reading.at;
      const counts = readCounts(reading);
      if (counts === undefined) return node;
      if (times > 0 && (reading.dialect !== "pcre" || times > QUANTIFIERS_MAX)) {
        reading.fail("a quantifier repeats a quantifier", from);
      }
      const greed = readGreed(reading);
      // A fixed number leaves no choice.
      if (counts.min !== counts.max) {
        if (greed === "lazy") this.#hasLazy = true;
        else this.#hasGreedy = true;
      }
      node = { kind: "repeat", item: node, ...counts, greed };
    }
  }

  #readPart(): Node {
    const reading = this.#reading;
    const from = reading.at;
    const letter = reading.take("the expression");
    switch (letter) {
      case "(":
        return readGroup(reading);
      case "[":
        return readClass(reading);
      case "\\":
        return readEscape(reading);
      case ".":
        return {
          kind: "set",
          set: ByteSet.where((byte) => reading.letters.s || byte !== 10),
        };
      case "^":
        return assertion(reading.letters.m ? "lineStart" : "start");
      case "$":
        if (reading.letters.m) return assertion("lineEnd");
        return assertion(reading.letters.isEndOnly ? "end" : "last");
      case "*":
      case "+":
      case "?":
        return reading.fail("there is nothing to repeat", from);
      case "{":
        reading.at = from;
        if (readBraces(reading) !== undefined) reading.fail("there is nothing to repeat", from);
        reading.at = from + 1;
        return reading.byte(0x7b);
      default:
        return reading.byte(letter.charCodeAt(0));
    }
  }
}

/** Reads an expression. Throws RegexError for what is wrong in it, or not supported. */
export function parseRegex(source: string | Uint8Array, options: RegexOptions): Parsed {
  const bytes = typeof source === "string" ? Buffer.from(source, "utf8") : Buffer.from(source);
  if (bytes.length > SOURCE_LENGTH_MAX) {
    throw new RegexError(`an expression is at most ${SOURCE_LENGTH_MAX} bytes`, SOURCE_LENGTH_MAX);
  }
  for (const letter of options.flags) {
    if (!LETTERS[options.dialect].includes(letter)) {
      throw new RegexError(`there is no flag "${letter}"`, bytes.length);
    }
  }
  return new Parser(bytes.toString("latin1"), options).parse();
}
