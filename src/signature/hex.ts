// Hex patterns: `4D 5A ?? 5? {4} {2-8} (41|42 43) !(00|FF) * 50 45`.
import { type Masked, type Op, SourceError } from "./source.ts";

/** Most bytes of one pattern, gaps aside. */
export const PATTERN_BYTES_MAX = 4096;
const OPS_MAX = 256;
const ALTERNATIVES_MAX = 256;
/** A fixed gap up to this is wildcards of the part it stands in. */
const WILDCARDS_MAX = 64;
const GAP_MAX = 65_536;

interface Where {
  readonly line: number;
  readonly column: number;
}

// One pass over the text; groups: byte, gap, alternatives, star.
const UNIT = /\s+|([0-9A-Fa-f?]{2})|\{([^}]*)\}|(!?)\(([^()]*)\)|(\*)|(.)/gy;

class MaskedBuilder {
  readonly values: number[] = [];
  readonly masks: number[] = [];

  /** Two characters, each a hex digit or `?`. */
  add(pair: string): void {
    const digit = (c: string) => (c === "?" ? 0 : Number.parseInt(c, 16));
    const [high = "?", low = "?"] = pair;
    this.values.push((digit(high) << 4) | digit(low));
    this.masks.push((high === "?" ? 0 : 0xf0) | (low === "?" ? 0 : 0x0f));
  }

  addWildcards(count: number): void {
    for (let i = 0; i < count; i++) this.add("??");
  }

  take(): Masked {
    const masked = { values: Uint8Array.from(this.values), masks: Uint8Array.from(this.masks) };
    this.values.length = this.masks.length = 0;
    return masked;
  }
}

/** Masked bytes as an op: a literal if every bit counts, a gap if none does. */
function opOf(masked: Masked): Op {
  if (masked.masks.every((mask) => mask === 0xff)) return { kind: "literal", bytes: masked.values };
  if (masked.masks.every((mask) => mask === 0)) {
    return { kind: "gap", min: masked.masks.length, max: masked.masks.length };
  }
  return { kind: "masked", ...masked };
}

function parseGap(text: string, at: Where): { min: number; max: number } {
  const match = /^\s*(\d{0,6})\s*(-?)\s*(\d{0,6})\s*$/.exec(text);
  const [, low = "", dash = "", high = ""] = match ?? [];
  if (match === null || (low === "" && high === "")) {
    throw new SourceError(`bad gap {${text}}`, at, "{4}, {2-8}, {2-} or *");
  }
  const min = low === "" ? 0 : Number(low);
  const max = dash === "" ? min : high === "" ? Number.POSITIVE_INFINITY : Number(high);
  if (max < min) throw new SourceError(`the gap {${text}} is empty`, at, "{low-high}");
  if (min > GAP_MAX || (max > GAP_MAX && max !== Number.POSITIVE_INFINITY)) {
    throw new SourceError(`the gap {${text}} is too wide`, at, `at most ${GAP_MAX}, {n-} or *`);
  }
  return { min, max };
}

function parseAlternatives(text: string, isNegated: boolean, at: Where): Op {
  const builder = new MaskedBuilder();
  const items = text.split("|").map((item) => {
    const pairs = item.replace(/\s+/g, "");
    if (pairs === "" || pairs.length % 2 === 1 || /[^0-9A-Fa-f?]/.test(pairs)) {
      throw new SourceError(`bad alternative ${item.trim()}`, at, "pairs of hex digits and ?");
    }
    for (let i = 0; i < pairs.length; i += 2) builder.add(pairs.slice(i, i + 2));
    return builder.take();
  });
  if (items.length > ALTERNATIVES_MAX) throw new SourceError("too many alternatives", at);
  if (isNegated && new Set(items.map(({ values }) => values.length)).size > 1) {
    throw new SourceError("negated alternatives must be of one length", at);
  }
  return { kind: "alternatives", items, isNegated };
}

// Gaps that touch become one; gaps at the ends say nothing about where the pattern begins or ends
// and are refused, since `at` and counts would be unclear.
function mergeGaps(ops: readonly Op[], at: Where): Op[] {
  const merged: Op[] = [];
  for (const op of ops) {
    const last = merged.at(-1);
    if (op.kind === "gap" && last?.kind === "gap") {
      merged[merged.length - 1] = { kind: "gap", min: last.min + op.min, max: last.max + op.max };
    } else {
      merged.push(op);
    }
  }
  if (merged[0]?.kind === "gap" || merged.at(-1)?.kind === "gap") {
    throw new SourceError("a pattern can't begin or end with a gap or ??", at, "bytes");
  }
  return merged;
}

/** Bytes a match of the op takes, at least and at most. */
export function opLength(op: Op): { min: number; max: number } {
  switch (op.kind) {
    case "literal":
      return { min: op.bytes.length, max: op.bytes.length };
    case "masked":
      return { min: op.values.length, max: op.values.length };
    case "gap":
      return { min: op.min, max: op.max };
    case "alternatives": {
      const lengths = op.items.map(({ values }) => values.length);
      return { min: Math.min(...lengths), max: Math.max(...lengths) };
    }
    case "boundary":
      return { min: 0, max: 0 };
    default:
      return op satisfies never;
  }
}

function checkSizes(ops: readonly Op[], at: Where): void {
  if (ops.length === 0) throw new SourceError("the pattern is empty", at, "hex digits");
  if (ops.length > OPS_MAX) throw new SourceError("the pattern has too many parts", at);
  const bytes = ops.reduce((sum, op) => sum + (op.kind === "gap" ? 0 : opLength(op).max), 0);
  if (bytes > PATTERN_BYTES_MAX) {
    throw new SourceError("the pattern is too long", at, `at most ${PATTERN_BYTES_MAX} bytes`);
  }
}

/** Reads a hex pattern whose first character stands at `at`. */
export function parseHex(text: string, at: Where): Op[] {
  const ops = parsePlain(text) ?? parseParts(text, at);
  checkSizes(ops, at);
  return ops;
}

// Nearly all patterns of large sets are plain bytes; these are read at once.
function parsePlain(text: string): Op[] | null {
  // What is no hexadecimal digit ends the bytes.
  const bytes = Buffer.from(text, "hex");
  if (bytes.length > 0 && 2 * bytes.length === text.length) {
    return [{ kind: "literal", bytes: new Uint8Array(bytes) }];
  }
  if (!/^(?:[0-9A-Fa-f]{2}\s*)+$/.test(text)) return null;
  return [{ kind: "literal", bytes: new Uint8Array(Buffer.from(text.replace(/\s+/g, ""), "hex")) }];
}

function parseParts(text: string, at: Where): Op[] {
  const ops: Op[] = [];
  const builder = new MaskedBuilder();
  const flush = () => {
    if (builder.values.length > 0) ops.push(opOf(builder.take()));
  };
  for (const match of text.matchAll(UNIT)) {
    const [, pair, gap, negation, alternatives, star, stray] = match;
    const here = { line: at.line, column: at.column + match.index };
    if (pair !== undefined) {
      builder.add(pair);
    } else if (gap !== undefined) {
      const { min, max } = parseGap(gap, here);
      if (min === max && min <= WILDCARDS_MAX) {
        builder.addWildcards(min);
        continue;
      }
      flush();
      ops.push({ kind: "gap", min, max });
    } else if (star !== undefined) {
      flush();
      ops.push({ kind: "gap", min: 0, max: Number.POSITIVE_INFINITY });
    } else if (alternatives !== undefined) {
      flush();
      ops.push(parseAlternatives(alternatives, negation === "!", here));
    } else if (stray !== undefined) {
      throw new SourceError(
        `unexpected ${stray} in a hex pattern`,
        here,
        "4D 5A ?? 5? {4} (41|42) *",
      );
    }
  }
  flush();
  return mergeGaps(ops, at);
}
