// ClamAV's body patterns, `4d5a??{4}(41|4243)*!(00|ff)(W)`: hex with wildcards, gaps, alternatives
// and the classes (B) (L) (W), read into the steps that the compiler knows.
import { type BoundaryClass, type Op, SourceError } from "../../source.ts";
import {
  ALTERNATIVES_MAX,
  addUnit,
  addWildcards,
  behind,
  GroupReader,
  isUnit,
  maskedOf,
  type Units,
  UnsupportedError,
  type Where,
  WILDCARDS_MAX,
} from "./units.ts";

const BYTES_MAX = 8192;
const OPS_MAX = 250;
const GAP_MAX = 2 ** 31;
/** Farthest that a single byte in front of or behind `[n-m]` may be away. */
const ANCHOR_MAX = 32;
/** Wildcards inside a part that are written as a gap: it is shorter and as exact. */
const WILDCARD_RUN = 8;

/** How the hex is to be read: the modifiers behind `::`. */
export interface BodyOptions {
  /** Each byte is followed by a zero. */
  readonly isWide: boolean;
}

/** A pattern that has been read. */
export interface Body {
  readonly ops: readonly Op[];
  /** The pattern begins with a byte and a gap, which offsets do not count. */
  readonly lead: { readonly min: number; readonly max: number } | null;
  /** Fixed bits that every match has: 16 are two bytes, which occur anywhere. */
  readonly bits: number;
}

type Gap = Extract<Op, { kind: "gap" }>;

const CLASSES: Readonly<Record<string, BoundaryClass>> = { B: "break", L: "line", W: "word" };

const ANY_BYTE = Array.from({ length: 256 }, (_, i) => i);
const isWord = (byte: number) => /[0-9A-Za-z]/.test(String.fromCharCode(byte));
// In the middle of a pattern a class is a byte: these (for `word`, none of these).
const CLASS_BYTES: Readonly<Record<string, { bytes: readonly number[]; isNegated: boolean }>> = {
  B: { bytes: [...Buffer.from("\n\r \"'-./<=>@_")], isNegated: false },
  L: { bytes: [0x0a], isNegated: false },
  W: { bytes: ANY_BYTE.filter(isWord), isNegated: true },
};

// Gaps: `{n}` `{-n}` `{n-}` `{n-m}` and `*`. As in ClamAV, no upper limit and 0 are the same.
function parseGap(inner: string, at: Where): Gap {
  const match = /^(\d{0,9})(-?)(\d{0,9})$/.exec(inner);
  if (match === null) throw new SourceError(`bad gap {${inner}}`, at, "{n} {-n} {n-} {n-m}");
  const [, low = "", dash = "", high = ""] = match;
  const min = Number(low);
  const limit = dash === "" ? min : Number(high);
  if (min > GAP_MAX || limit > GAP_MAX) throw new SourceError(`the gap {${inner}} is too wide`, at);
  const max = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  if (max < min) throw new UnsupportedError("an empty gap: the signature never matches", at);
  return { kind: "gap", min, max };
}

class BodyReader {
  readonly #text: string;
  readonly #at: Where;
  readonly #options: BodyOptions;
  readonly #groups: GroupReader;
  readonly #ops: Op[] = [];
  readonly #units: Units = { values: [], masks: [] };
  #lead: Body["lead"] = null;
  /** The part that is being read has two fixed bytes in a row, which ClamAV wants of each. */
  #hasPair = false;
  #wasByte = false;
  /** Something other than a class has been read of this part. */
  #isBegun = false;
  #bits = 0;
  #bytes = 0;

  constructor(text: string, at: Where, options: BodyOptions) {
    this.#text = text;
    this.#at = at;
    this.#options = options;
    this.#groups = new GroupReader(text, at, options.isWide);
  }

  read(): Body {
    const text = this.#text;
    if (text === "") this.#fail("the pattern is empty", 0);
    for (let i = 0; i < text.length; ) {
      i = this.#step(text[i] ?? "", i);
      if (this.#bytes > BYTES_MAX || this.#ops.length > OPS_MAX) {
        throw new UnsupportedError("the pattern is too long", this.#at);
      }
    }
    this.#endPart(text.length);
    return { ops: this.#ops, lead: this.#lead, bits: this.#bits };
  }

  /** Takes what stands at `i`; where the next thing stands. */
  #step(c: string, i: number): number {
    if (isUnit(this.#text, i)) return this.#byte(i);
    if (c === "{") return this.#gap(i);
    if (c === "*") return this.#split({ kind: "gap", min: 0, max: Number.POSITIVE_INFINITY }, i, 1);
    if (c === "[") return this.#bracket(i);
    const isNegated = c === "!";
    const open = isNegated ? i + 1 : i;
    if (this.#text[open] !== "(") this.#fail(`unexpected ${c} in a pattern`, i);
    const [, letter] = /^\(([BLW])\)/.exec(this.#text.slice(open, open + 3)) ?? [];
    if (letter !== undefined) return this.#class(letter, isNegated, open + 3);
    return this.#alternatives(open, isNegated);
  }

  #byte(i: number): number {
    const pair = this.#text.slice(i, i + 2);
    addUnit(this.#units, pair, this.#options.isWide);
    const isFixed = !pair.includes("?");
    this.#bytes += this.#options.isWide ? 2 : 1;
    this.#bits += isFixed ? 8 : pair === "??" ? 0 : 4;
    this.#hasPair ||= isFixed && (this.#wasByte || this.#options.isWide);
    this.#wasByte = isFixed;
    this.#isBegun = true;
    return i + 2;
  }

  #gap(i: number): number {
    const end = this.#text.indexOf("}", i);
    if (end < 0) this.#fail("{ is not closed", i);
    const gap = parseGap(this.#text.slice(i + 1, end), behind(this.#at, i));
    if (gap.min === gap.max && gap.min <= WILDCARDS_MAX) {
      addWildcards(this.#units, gap.min);
      this.#bytes += gap.min;
      this.#wasByte = false;
      this.#isBegun = true;
      return end + 1;
    }
    return this.#split(gap, i, end + 1 - i);
  }

  /** A gap between two parts; `length` characters of the text. */
  #split(gap: Gap, i: number, length: number): number {
    const last = this.#ops.at(-1);
    if (last?.kind === "gap" && !this.#isBegun && this.#text[i] === "{") {
      this.#ops[this.#ops.length - 1] = joinGaps(last, gap);
      return i + length;
    }
    this.#endPart(i);
    this.#ops.push(gap);
    this.#hasPair = this.#wasByte = this.#isBegun = false;
    return i + length;
  }

  #endPart(i: number): void {
    if (!this.#hasPair) this.#fail("a part has no two fixed bytes in a row", i, "2 bytes of hex");
    this.#flush();
  }

  /** `HH[n-m]…` at the beginning, `…[n-m]HH` at the end. */
  #bracket(i: number): number {
    const text = this.#text;
    const [whole, low = "", dash = "", high = ""] =
      /^\[(\d{1,4})(-?)(\d{0,4})\]/.exec(text.slice(i, i + 12)) ?? [];
    if (whole === undefined) this.#fail("bad [n-m]", i);
    const min = Number(low);
    const max = dash === "" ? min : high === "" ? ANCHOR_MAX : Number(high);
    if (min > max || max > ANCHOR_MAX) this.#fail(`[n-m] is bounded by ${ANCHOR_MAX}`, i);
    const end = i + whole.length;
    const isLead = i === 2 && this.#ops.every(({ kind }) => kind === "boundary");
    const isTail = end === text.length - 2 && isUnit(text, end);
    if (isLead) this.#lead = { min, max };
    else if (!isTail || !this.#hasPair) this.#fail("[n-m] needs a single byte on one side", i);
    if (this.#options.isWide) throw new UnsupportedError("[n-m] in wide text", behind(this.#at, i));
    this.#flush();
    this.#ops.push({ kind: "gap", min, max });
    this.#wasByte = false;
    return end;
  }

  #class(letter: string, isNegated: boolean, end: number): number {
    const kind = CLASSES[letter] ?? "word";
    const isLast = end === this.#text.length || /[*{]/.test(this.#text[end] ?? "");
    if (!this.#isBegun || isLast) {
      this.#boundary(kind, this.#isBegun ? "right" : "left", isNegated);
      return end;
    }
    this.#flush();
    const { bytes, isNegated: isOther } = CLASS_BYTES[letter] ?? { bytes: [], isNegated: false };
    const masks = Uint8Array.of(0xff);
    const items = bytes.map((byte) => ({ values: Uint8Array.of(byte), masks }));
    this.#ops.push({ kind: "alternatives", items, isNegated: isNegated !== isOther });
    this.#wasByte = false;
    this.#bytes++;
    return end;
  }

  #boundary(kind: BoundaryClass, edge: "left" | "right", isNegated: boolean): void {
    this.#flush();
    this.#ops.push({ kind: "boundary", edge, class: kind, isNegated });
  }

  #alternatives(open: number, isNegated: boolean): number {
    const { end, items } = this.#groups.read(open);
    const here = behind(this.#at, open);
    if (items.length > ALTERNATIVES_MAX) throw new UnsupportedError("too many alternatives", here);
    const lengths = items.map(({ values }) => values.length);
    if (isNegated && new Set(lengths).size > 1) {
      this.#fail("negated alternatives must be of one length", open);
    }
    this.#flush();
    this.#ops.push({ kind: "alternatives", items: items.map(maskedOf), isNegated });
    this.#bytes += lengths.reduce((sum, length) => sum + length, 0);
    this.#bits += isNegated ? 0 : 8 * Math.min(...lengths);
    this.#wasByte = false;
    this.#isBegun = true;
    return end;
  }

  // Bytes so far as steps. Wildcards at the ends belong to the match and stay masked bytes.
  #flush(): void {
    const { values, masks } = this.#units;
    for (let from = 0; from < values.length; ) {
      const run = wildcardRun(masks, from);
      if (run >= WILDCARD_RUN && from > 0 && from + run < masks.length) {
        this.#ops.push({ kind: "gap", min: run, max: run });
        from += run;
        continue;
      }
      let to = from + Math.max(run, 1);
      while (to < masks.length && wildcardRun(masks, to) < WILDCARD_RUN) to++;
      if (to < masks.length && to + wildcardRun(masks, to) === masks.length) to = masks.length;
      this.#ops.push(opOf(values.slice(from, to), masks.slice(from, to)));
      from = to;
    }
    values.length = masks.length = 0;
  }

  #fail(message: string, index: number, expected?: string): never {
    throw new SourceError(message, behind(this.#at, index), expected);
  }
}

function wildcardRun(masks: readonly number[], from: number): number {
  let to = from;
  while (to < masks.length && masks[to] === 0) to++;
  return to - from;
}

function opOf(values: readonly number[], masks: readonly number[]): Op {
  if (masks.every((mask) => mask === 0xff)) {
    return { kind: "literal", bytes: Uint8Array.from(values) };
  }
  return { kind: "masked", values: Uint8Array.from(values), masks: Uint8Array.from(masks) };
}

function joinGaps(a: Gap, b: Gap): Gap {
  return { kind: "gap", min: a.min + b.min, max: a.max + b.max };
}

// Nearly all patterns of large sets are plain bytes; these are read at once.
function readPlain(text: string, options: BodyOptions): Body | null {
  if (options.isWide || text.length > 2 * BYTES_MAX) return null;
  if (text.length < 4 || text.length % 2 === 1 || !/^[0-9A-Fa-f]+$/.test(text)) return null;
  const bytes = new Uint8Array(Buffer.from(text, "hex"));
  return { ops: [{ kind: "literal", bytes }], lead: null, bits: 8 * bytes.length };
}

/**
 * Reads a body pattern whose first character stands at `at`. Throws SourceError if it is malformed,
 * UnsupportedError if it is beyond what gw's engine does.
 */
export function parseBody(text: string, at: Where, options: BodyOptions): Body {
  return readPlain(text, options) ?? new BodyReader(text, at, options).read();
}
