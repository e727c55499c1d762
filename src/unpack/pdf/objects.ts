// All definitions of indirect objects in a PDF file. ISO 32000-2 §7.3.10. They are searched in the
// whole file, not only where the cross-reference says: a reader repairs what is broken, and of two
// definitions of one object we cannot know which it takes, so both count.

import type { Budget } from "../../base/budget.ts";
import type { Tally } from "../tally.ts";
import { type Dict, isSpace, Parser, Ref, type Value } from "./syntax.ts";

/** One definition `num gen obj`. */
export interface Definition {
  readonly num: number;
  readonly gen: number;
  /** The file, or the object stream it was packed in: its strings are not encrypted then. */
  readonly source: Buffer;
  /** Where its value begins in `source`. */
  readonly at: number;
  readonly isPacked: boolean;
  /** Where its data begins, if it is a stream. */
  readonly dataStart: number;
  /** A stream's dictionary. */
  readonly dict: Dict | undefined;
}

/** A definition that is a stream. */
export interface Stream extends Definition {
  readonly dict: Dict;
}

/** A value and the object it stands in, of which the key to its strings is made. */
export interface Located {
  readonly value: Value;
  readonly owner: Definition;
}

/** A piece of the file. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const DEFINITIONS_MAX = 500_000;
const BLANK_MAX = 64;
const DIGITS_MAX = 12;
/** Definitions of one number that are all read. */
const VERSIONS_MAX = 64;
const VERSION_COST = 32;
const HOPS_MAX = 8;
// How many times the file's own bytes may be read over before it is called a trap: overlapping
// objects make little input into much work.
const WORK_FACTOR = 16;
const WORK_MIN = 4 << 20;
const CHECK_EVERY = 256;

/** Finds and keeps definitions, and resolves references to them. */
export class Objects {
  readonly bytes: Buffer;
  /** Streams in the order in which they were found. */
  streams: Stream[] = [];
  /** Values in which a watched name stands. */
  kept: Located[] = [];
  readonly #budget: Budget;
  readonly #tally: Tally;
  readonly #watched: ReadonlySet<string>;
  readonly #byNumber = new Map<number, Definition[]>();
  readonly #headers = new Set<number>();
  #count = 0;
  #work: number;
  #isStopped = false;

  constructor(bytes: Buffer, budget: Budget, tally: Tally, watched: ReadonlySet<string>) {
    this.bytes = bytes;
    this.#budget = budget;
    this.#tally = tally;
    this.#watched = watched;
    this.#work = WORK_MIN + WORK_FACTOR * bytes.length;
  }

  get count(): number {
    return this.#count;
  }

  /** False once the file has cost too much; then all looking ends. */
  spend(work: number): boolean {
    this.#work -= work;
    if (this.#work < 0) this.stop("takes too much work to read");
    return this.#work >= 0;
  }

  /** Ends all looking once the message has had its time. */
  checkTime(): void {
    if (this.#budget.isExpired) this.stop("time limit reached");
  }

  /** Notes why no more is read. */
  stop(reason: string): void {
    if (!this.#isStopped) this.#tally.add("unscanned", reason);
    this.#isStopped = true;
  }

  /** Whether the file has cost all the work it may. */
  get isExhausted(): boolean {
    return this.#work < 0;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Reads every object in the file that has a header of its own. */
  scan(): void {
    const { bytes } = this;
    for (let at = bytes.indexOf("obj"); at >= 0 && !this.#isStopped; ) {
      const header = headerBefore(bytes, at) ?? brokenHeader(bytes, at);
      if (header !== undefined) {
        this.#headers.add(at);
        this.#define(bytes, at + 3, { ...header, isPacked: false });
      }
      at = bytes.indexOf("obj", at + 3);
    }
  }

  /** Reads the object at `offset`, where a cross-reference points, if it is not known yet. */
  follow(offset: number): void {
    if (this.#isStopped || offset >= this.bytes.length) return;
    const parser = new Parser(this.bytes, this.#watched, offset);
    const num = parser.integer();
    const gen = num < 0 ? -1 : parser.integer();
    if (!this.spend(parser.at - offset)) return;
    if (gen < 0 || !parser.take("obj") || this.#headers.has(parser.at - 3)) return;
    this.#headers.add(parser.at - 3);
    this.#define(this.bytes, parser.at, { num, gen, isPacked: false });
  }

  /** Reads an object that stands at `at` in the decoded object stream `source`. */
  unpack(source: Buffer, at: number, num: number): void {
    if (!this.#isStopped) this.#define(source, at, { num, gen: 0, isPacked: true });
  }

  /** Forgets what stands in `ranges`, in order and apart: it is other documents'. */
  leave(ranges: readonly Range[]): void {
    if (ranges.length === 0) return;
    const isOurs = (one: Definition) => one.isPacked || !isWithin(ranges, one.at);
    this.streams = this.streams.filter(isOurs);
    this.kept = this.kept.filter(({ owner }) => isOurs(owner));
    for (const [num, all] of this.#byNumber) this.#byNumber.set(num, all.filter(isOurs));
  }

  /** The value itself, or those of all definitions that it refers to. */
  resolve(value: Value, owner: Definition): Located[] {
    const found: Located[] = [];
    let open: Located[] = [{ value, owner }];
    for (let hop = 0; hop < HOPS_MAX && open.length > 0; hop++) {
      const next: Located[] = [];
      for (const one of open) {
        if (!(one.value instanceof Ref)) found.push(one);
        else if (hop + 1 < HOPS_MAX) next.push(...this.#versions(one.value.num));
      }
      open = next.slice(0, VERSIONS_MAX);
    }
    return found;
  }

  /** The first value of a kind among those that `value` may stand for. */
  find<Kind extends Value>(
    value: Value | undefined,
    isKind: (value: Value) => value is Kind,
  ): Kind | undefined {
    if (value === undefined) return;
    if (isKind(value)) return value;
    if (!(value instanceof Ref)) return;
    const found = this.resolve(value, nowhere(this.bytes)).find((one) => isKind(one.value));
    return found?.value as Kind | undefined;
  }

  *#versions(num: number): Generator<Located> {
    const all = this.#byNumber.get(num) ?? [];
    if (all.length > VERSIONS_MAX) this.#tally.add("unscanned", "an object has too many versions");
    // The newest stands last in the file, and is what readers take.
    for (const owner of all.slice(-VERSIONS_MAX).reverse()) {
      if (!this.spend(VERSION_COST)) return;
      if (owner.dict !== undefined) yield { value: owner.dict, owner };
      else {
        const parser = new Parser(owner.source, undefined, owner.at);
        const value = parser.value();
        if (!this.spend(parser.at - owner.at)) return;
        yield { value, owner };
      }
    }
  }

  #define(
    source: Buffer,
    at: number,
    { num, gen, isPacked }: { num: number; gen: number; isPacked: boolean },
  ): void {
    if (++this.#count > DEFINITIONS_MAX) this.stop("too many objects");
    if (this.#count % CHECK_EVERY === 0) this.checkTime();
    if (this.#isStopped) return;
    const parser = new Parser(source, this.#watched, at);
    const value = parser.value();
    if (!this.spend(parser.at - at + 16)) return;
    if (parser.isTooLarge) this.#tally.add("unscanned", "an object is too large", `${num}`);
    if (parser.isCut) this.#tally.add("damaged", "an object is cut short", `${num}`);
    const dict = !isPacked && value instanceof Map ? value : undefined;
    const dataStart = dict === undefined ? -1 : streamStart(parser);
    const one: Definition = {
      ...{ num, gen, source, at, isPacked, dataStart },
      dict: dataStart < 0 ? undefined : dict,
    };
    const known = this.#byNumber.get(num);
    if (known === undefined) this.#byNumber.set(num, [one]);
    else known.push(one);
    if (isStream(one)) this.streams.push(one);
    if (parser.hasWatched) this.kept.push({ value, owner: one });
  }
}

/** Whether a definition is a stream. */
export function isStream(definition: Definition): definition is Stream {
  return definition.dict !== undefined;
}

/** An owner for values outside of any object, as in a trailer. */
export function nowhere(source: Buffer): Definition {
  return { num: 0, gen: 0, source, at: 0, isPacked: true, dataStart: -1, dict: undefined };
}

function isWithin(ranges: readonly Range[], at: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle] as Range).end <= at) low = middle + 1;
    else high = middle;
  }
  const found = ranges[low];
  return found !== undefined && found.start <= at;
}

// §7.3.8.1: `stream` is followed by CRLF or LF; viewers also take a bare CR, or blanks before it.
function streamStart(parser: Parser): number {
  if (!parser.take("stream")) return -1;
  const { bytes } = parser;
  let at = parser.at;
  while (bytes[at] === 32 || bytes[at] === 9) at++;
  if (bytes[at] === 13) return bytes[at + 1] === 10 ? at + 2 : at + 1;
  // Blanks that no line end follows belong to the data.
  return bytes[at] === 10 ? at + 1 : parser.at;
}

// The `num gen` before an `obj`, read backwards: whatever stands before it may be broken.
function headerBefore(bytes: Buffer, obj: number): { num: number; gen: number } | undefined {
  const genEnd = skipBack(bytes, obj);
  const genStart = digitsBack(bytes, genEnd);
  const numEnd = skipBack(bytes, genStart);
  const numStart = digitsBack(bytes, numEnd);
  if (genStart === genEnd || numEnd === genStart || numStart === numEnd) return;
  const num = Number(bytes.toString("latin1", numStart, numEnd));
  const gen = Number(bytes.toString("latin1", genStart, genEnd));
  return { num, gen };
}

// A dictionary behind an `obj` whose numbers are spoilt: nothing can refer to it, and nothing that
// it holds is to go unseen for that.
function brokenHeader(bytes: Buffer, obj: number): { num: number; gen: number } | undefined {
  if (!isSpace(bytes[obj - 1])) return;
  let at = obj + 3;
  while (at < obj + BLANK_MAX && isSpace(bytes[at])) at++;
  return bytes[at] === 0x3c && bytes[at + 1] === 0x3c ? { num: -1, gen: 0 } : undefined;
}

function skipBack(bytes: Buffer, end: number): number {
  let at = end;
  while (at > 0 && end - at < BLANK_MAX && isSpace(bytes[at - 1])) at--;
  return at;
}

function digitsBack(bytes: Buffer, end: number): number {
  let at = end;
  while (at > 0 && end - at < DIGITS_MAX) {
    const byte = bytes[at - 1] as number;
    if (byte < 0x30 || byte > 0x39) break;
    at--;
  }
  return at;
}
