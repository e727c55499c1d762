// The matcher as simply as it can be said, to compare the scan core with: every pattern is tried at
// every start, every op on a set of places.
import { parseSource } from "../../src/signature/parse.ts";
import type { Expression, Masked, Op, Pattern, Signature } from "../../src/signature/source.ts";

type BytePattern = Extract<Pattern, { kind: "bytes" }>;

const lower = (byte: number) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
const isWord = (byte: number | undefined) =>
  byte !== undefined && /[0-9A-Za-z]/.test(String.fromCharCode(byte));

function matchesMasked(bytes: Uint8Array, at: number, { values, masks }: Masked): boolean {
  if (at + values.length > bytes.length) return false;
  return values.every((value, i) => ((bytes[at + i] ?? 0) & (masks[i] ?? 0)) === value);
}

function isBoundary(bytes: Uint8Array, at: number, op: Extract<Op, { kind: "boundary" }>): boolean {
  const isRight = op.edge === "right";
  if (at === (isRight ? bytes.length : 0)) return true;
  const text = Buffer.from(bytes).toString("latin1");
  const side = isRight ? text.slice(at, at + 2) : text.slice(Math.max(0, at - 2), at);
  const rules = {
    word: isRight ? /^[^0-9A-Za-z]/ : /[^0-9A-Za-z]$/,
    "wide-word": isRight ? /^(?![0-9A-Za-z]\0)/ : /(?<![0-9A-Za-z]\0)$/,
    break: isRight ? /^[\n\r "'\-/=>_]/ : /[ \-./<@_]$/,
    line: isRight ? /^\r?\n/ : /\n$/,
  };
  return rules[op.class].test(side);
}

function* endsOf(bytes: Uint8Array, at: number, op: Op, isFolded: boolean): Generator<number> {
  switch (op.kind) {
    case "literal": {
      const here = bytes.subarray(at, at + op.bytes.length);
      const isEqual = op.bytes.every((byte, i) =>
        isFolded ? lower(here[i] ?? -1) === byte : here[i] === byte,
      );
      if (here.length === op.bytes.length && isEqual) yield at + op.bytes.length;
      return;
    }
    case "masked":
      if (matchesMasked(bytes, at, op)) yield at + op.values.length;
      return;
    case "gap":
      for (let end = at + op.min; end <= Math.min(bytes.length, at + op.max); end++) yield end;
      return;
    case "alternatives": {
      const hits = op.items.filter((item) => matchesMasked(bytes, at, item));
      if (!op.isNegated) for (const { values } of hits) yield at + values.length;
      const length = op.items[0]?.values.length ?? 0;
      if (op.isNegated && hits.length === 0 && at + length <= bytes.length) yield at + length;
      return;
    }
    case "boundary":
      if (isBoundary(bytes, at, op) !== op.isNegated) yield at;
  }
}

function matchesAt(bytes: Uint8Array, pattern: BytePattern, start: number): boolean {
  let places = new Set([start]);
  for (const op of pattern.ops) {
    const next = new Set<number>();
    for (const place of places) {
      for (const end of endsOf(bytes, place, op, pattern.isFolded)) next.add(end);
    }
    places = next;
  }
  if (places.size === 0 || !pattern.isFullword) return places.size > 0;
  const [end = 0] = places;
  const step = pattern.isWide ? 2 : 1;
  const isBorder = (at: number) => !isWord(bytes[at]) || (step === 2 && bytes[at + 1] !== 0);
  return (start < step || isBorder(start - step)) && (end + step > bytes.length || isBorder(end));
}

/** Starts at which a pattern matches. */
export function startsOf(bytes: Uint8Array, pattern: BytePattern): number[] {
  const starts: number[] = [];
  for (let start = 0; start <= bytes.length; start++) {
    const { place } = pattern;
    const distance = place?.isFromEnd ? bytes.length - start : start;
    if (place !== null && (distance < place.from || distance > place.to)) continue;
    if (matchesAt(bytes, pattern, start)) starts.push(start);
  }
  return starts;
}

function holds(expression: Expression, counts: readonly number[], size: number): boolean {
  switch (expression.kind) {
    case "pattern":
      return (counts[expression.pattern] ?? 0) > 0;
    case "of":
      return expression.patterns.filter((i) => (counts[i] ?? 0) > 0).length >= expression.needed;
    case "compare": {
      const { left, operator, right } = expression;
      const value = left === "size" ? size : left === "depth" ? 0 : (counts[left.count] ?? 0);
      if (operator === "==") return value === right;
      if (operator === "!=") return value !== right;
      if (operator === "<") return value < right;
      if (operator === "<=") return value <= right;
      return operator === ">" ? value > right : value >= right;
    }
    case "and":
      return holds(expression.left, counts, size) && holds(expression.right, counts, size);
    case "or":
      return holds(expression.left, counts, size) || holds(expression.right, counts, size);
    case "not":
      return !holds(expression.operand, counts, size);
    default:
      return false;
  }
}

/** Signatures that match, as `name@offset`, sorted. */
export function referenceScan(signatures: readonly Signature[], bytes: Uint8Array): string[] {
  const found: string[] = [];
  for (const { info, patterns, condition } of signatures) {
    const starts = patterns.map((p) => (p.kind === "bytes" ? startsOf(bytes, p) : []));
    const counts = starts.map((list) => list.length);
    if (!holds(condition, counts, bytes.length)) continue;
    found.push(`${info.name}@${Math.min(...starts.flat())}`);
  }
  return found.sort();
}

/** The signatures of a source without errors. */
export function signaturesOf(text: string): Signature[] {
  const { signatures, diagnostics } = parseSource("test.gws", text);
  if (diagnostics.length > 0) throw new Error(JSON.stringify(diagnostics));
  return signatures;
}
