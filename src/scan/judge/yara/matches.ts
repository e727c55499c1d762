// Where the strings of a rule match in the object. The core answers for patterns; expressions are
// run here, over the whole object, and only for rules whose trigger held.
import type {
  StringRef,
  YaraJudgement,
  YaraRegex,
  YaraString,
} from "../../../gwdb/yara-judgement.ts";
import type { Regex } from "../../../regex/types.ts";
import type { JudgeContext, Match } from "../context.ts";

/** Matches of one string that are looked at; YARA itself stops at a million. */
export const MATCHES_MAX = 100_000;
/** Longest match of an expression, as in YARA (RE_SCAN_LIMIT). */
const LENGTH_MAX = 4096;
/** Places of one literal; of one that is found more often the whole object is searched around. */
const LITERALS_MAX = 256;

/** Thrown when the work that one object may cost is used up; judgeYara() catches it. */
export class OutOfWork extends Error {}

/** Compiles expressions, each once. */
export interface Regexes {
  compile(regex: YaraRegex, encoding: "ascii" | "wide"): Regex;
}

function isAlphanumeric(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39);
}

function isFullword(bytes: Uint8Array, { start, length }: Match, isWide: boolean): boolean {
  const end = start + length;
  if (!isWide) return !isAlphanumeric(bytes[start - 1]) && !isAlphanumeric(bytes[end]);
  const isBefore = bytes[start - 1] === 0 && isAlphanumeric(bytes[start - 2]);
  return !isBefore && !(bytes[end + 1] === 0 && isAlphanumeric(bytes[end]));
}

/** Where matches may be: they start at `from` to `last`, and end before `to` or where it ends. */
interface Stretch {
  readonly from: number;
  readonly last: number;
  readonly to: number;
}

/** How far one search goes. */
interface Search {
  readonly stretches: readonly Stretch[];
  readonly max: number;
}

// Beyond the longest match an expression may look at what follows, so there is more than that.
function around(literals: readonly Match[], size: number): readonly Stretch[] {
  const stretches: Stretch[] = [];
  const sorted = literals.toSorted((a, b) => a.start - b.start);
  for (const { start, length } of sorted) {
    const from = Math.max(0, start - LENGTH_MAX);
    const to = Math.min(size, start + length + 2 * LENGTH_MAX);
    const before = stretches.at(-1);
    // What overlaps is one: no match is told twice.
    if (before === undefined || from > before.last) stretches.push({ from, last: start, to });
    else stretches[stretches.length - 1] = { from: before.from, last: start, to };
  }
  return stretches;
}

/** Matches of one rule's strings in one object, found on demand and kept. */
export class StringMatches {
  readonly #judgement: YaraJudgement;
  readonly #context: JudgeContext;
  readonly #regexes: Regexes;
  readonly #places: (readonly Match[] | undefined)[] = [];
  readonly #found: (boolean | undefined)[] = [];
  /** The string that a loop is at. */
  current = -1;

  constructor(judgement: YaraJudgement, context: JudgeContext, regexes: Regexes) {
    this.#judgement = judgement;
    this.#context = context;
    this.#regexes = regexes;
  }

  #index(string: StringRef): number {
    return string === "current" ? this.current : string;
  }

  isFound(string: StringRef): boolean {
    const index = this.#index(string);
    const known = this.#found[index] ?? this.#find(index);
    this.#found[index] = known;
    return known;
  }

  #find(index: number): boolean {
    const known = this.#places[index];
    if (known !== undefined) return known.length > 0;
    const string = this.#judgement.strings[index];
    if (string === undefined) return false;
    if (string.regex !== undefined) return this.#search(string, string.regex, 1).length > 0;
    return string.patterns.some((pattern) => this.#context.has(pattern));
  }

  /** All matches, by start; one for each start. */
  places(ref: StringRef): readonly Match[] {
    const index = this.#index(ref);
    const known = this.#places[index] ?? this.#list(index);
    this.#places[index] = known;
    return known;
  }

  #list(index: number): readonly Match[] {
    const string = this.#judgement.strings[index];
    if (string === undefined) return [];
    if (string.regex !== undefined) return this.#search(string, string.regex, MATCHES_MAX);
    return merged(string.patterns.map((pattern) => this.#context.places(pattern, MATCHES_MAX)));
  }

  #search({ patterns }: YaraString, regex: YaraRegex, max: number): readonly Match[] {
    const stretches = this.#stretches(patterns);
    const lists: Match[][] = [];
    if (regex.isAscii) lists.push(this.#run(regex, "ascii", { stretches, max }));
    if (regex.isWide) lists.push(this.#run(regex, "wide", { stretches, max }));
    return merged(lists);
  }

  // Every match holds one of the literals that the patterns are: so it lies around one of them.
  #stretches(literals: readonly number[]): readonly Stretch[] {
    const whole = this.#context.subject.bytes.length;
    if (literals.length === 0) return [{ from: 0, last: whole, to: whole }];
    const places: Match[] = [];
    for (const literal of literals) {
      if (!this.#context.has(literal)) continue;
      const some = this.#context.places(literal, LITERALS_MAX);
      if (some.length === LITERALS_MAX) return [{ from: 0, last: whole, to: whole }];
      for (const place of some) places.push(place);
    }
    return around(places, whole);
  }

  #run(regex: YaraRegex, encoding: "ascii" | "wide", { stretches, max }: Search): Match[] {
    const { bytes } = this.#context.subject;
    const compiled = this.#regexes.compile(regex, encoding);
    const spend = (steps: number) => this.#context.spend(steps);
    const matches: Match[] = [];
    for (const { from, last, to } of stretches) {
      const options = { to, lengthMax: LENGTH_MAX, spend };
      for (let at = from; at <= last && matches.length < max; ) {
        const match = compiled.exec(bytes, at, options);
        if (match === "unfinished") throw new OutOfWork();
        if (match === null || match.start > last) break;
        const isKept = !regex.isFullword || isFullword(bytes, match, encoding === "wide");
        // An expression that matches nothing at all has no place in YARA.
        if (isKept && match.length > 0) matches.push({ start: match.start, length: match.length });
        at = match.start + 1;
        if (!this.#context.spend(1)) throw new OutOfWork();
      }
    }
    return matches;
  }

  /** Where the rule's first match is, -1 if it has none: for reports. */
  first(): number {
    for (const { patterns, regex } of this.#judgement.strings) {
      if (regex !== undefined) continue;
      for (const pattern of patterns) {
        const [match] = this.#context.has(pattern) ? this.#context.places(pattern, 1) : [];
        if (match !== undefined) return match.start;
      }
    }
    const kept = this.#places.find((places) => places !== undefined && places.length > 0);
    return kept?.[0]?.start ?? -1;
  }
}

/** One list by start, with one match for each start: the longest. */
function merged(lists: readonly (readonly Match[])[]): readonly Match[] {
  const [only = []] = lists;
  if (lists.length <= 1) return only;
  const all = lists.flat().sort((a, b) => a.start - b.start || b.length - a.length);
  return all.filter((match, i) => match.start !== all[i - 1]?.start).slice(0, MATCHES_MAX);
}
