// Byte patterns on their way into an image: their programs, and the literal runs they can be found
// by. wasm/core.h gives the encodings.
import type { ByteWriter } from "../gwdb/byte-writer.ts";
import { opLength } from "./hex.ts";
import { type Masked, type Op, type Pattern, SourceError } from "./source.ts";

/** A pattern of bytes. */
export type BytePattern = Extract<Pattern, { kind: "bytes" }>;

/** A literal run; it stands `before.min` to `before.max` bytes behind the pattern's start. */
export interface Run {
  readonly bytes: Uint8Array;
  readonly before: { readonly min: number; readonly max: number };
}

/** How a pattern is found: by its place alone, or by watching all runs of one of these groups. */
export type Search =
  /** Not at all: a judgement has it enumerated. */
  | { readonly kind: "lazy" }
  | { readonly kind: "direct" }
  /** When the search is over, if one of the runs of each guard was found. */
  | { readonly kind: "guarded"; readonly guards: readonly (readonly Run[])[] }
  | {
      readonly kind: "runs";
      readonly groups: readonly (readonly Run[])[];
      readonly isMulti: boolean;
    };

const OP_CODES = { literal: 1, masked: 2, gap: 3, alternatives: 4, boundary: 5 } as const;
const BOUNDARIES = { word: 0, "wide-word": 1, break: 2, line: 3 } as const;
const BOUNDARY_RIGHT = 16;
const BOUNDARY_NEGATED = 32;
const ANY = 0xffffffff;
const RUN_MIN = 4;
/** A run this long is found so cheaply that no set of alternatives is better. */
const RUN_GOOD = 6;
const RUNS_PER_GROUP = 64;
/** Where a guarded pattern has the bytes by which it is looked for, how many, and guards it has. */
const GUARD_REACH = 200;
const PLACED_MIN = 3;
const GUARDS_MAX = 64;
/** Patterns bound to so few starts are tried there, without a search ... */
const DIRECT_STARTS = 16;
/** ... and those without a usable run to at most so many. */
const DIRECT_STARTS_MAX = 4096;
const FIXED_BYTES_MIN = 2;
/** Furthest place, and most entries of one pattern, in the table of patterns at fixed places. */
const DIRECT_PLACE_MAX = 0xfff0;
const DIRECT_KEYS_MAX = 16;
const FROM_START: Run["before"] = { min: 0, max: 0 };

// ---- programs -----------------------------------------------------------------------------------

function writeMasked(out: ByteWriter, { values, masks }: Masked): void {
  out.u16(values.length);
  out.append(values);
  out.append(masks);
}

function writeOp(out: ByteWriter, op: Op): void {
  out.u8(OP_CODES[op.kind]);
  switch (op.kind) {
    case "literal":
      out.u16(op.bytes.length);
      out.append(op.bytes);
      return;
    case "masked":
      writeMasked(out, op);
      return;
    case "gap":
      out.words(op.min, op.max === Number.POSITIVE_INFINITY ? ANY : op.max);
      return;
    case "alternatives": {
      out.u8(op.isNegated ? 1 : 0);
      out.u16(op.items.length);
      out.u32(op.items.reduce((sum, { values }) => sum + 2 + 2 * values.length, 0));
      for (const item of op.items) writeMasked(out, item);
      return;
    }
    case "boundary": {
      const side = op.edge === "right" ? BOUNDARY_RIGHT : 0;
      out.u8(BOUNDARIES[op.class] | side | (op.isNegated ? BOUNDARY_NEGATED : 0));
      return;
    }
    default:
      op satisfies never;
  }
}

const isLetter = (byte: number) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;

/** Fixed letters as masks that leave the case open. */
function maskLetters({ values, masks }: Masked): Masked {
  const isOpen = (i: number) => masks[i] === 0xff && isLetter(values[i] ?? 0);
  return {
    values: values.map((value, i) => (isOpen(i) ? value & 0xdf : value)),
    masks: masks.map((mask, i) => (isOpen(i) ? 0xdf : mask)),
  };
}

function foldOp(op: Op): Op {
  switch (op.kind) {
    case "literal": {
      const masks = new Uint8Array(op.bytes.length).fill(0xff);
      return { kind: "masked", ...maskLetters({ values: op.bytes, masks }) };
    }
    case "masked":
      return { kind: "masked", ...maskLetters(op) };
    case "alternatives":
      return { ...op, items: op.items.map(maskLetters) };
    default:
      return op;
  }
}

/** Appends the program of a pattern. */
export function writeProgram(out: ByteWriter, pattern: BytePattern): void {
  for (const op of pattern.ops) writeOp(out, pattern.isFolded ? foldOp(op) : op);
  out.u8(0);
}

/** Fewest bytes that a match has. */
export function shortestMatch(pattern: BytePattern): number {
  return pattern.ops.reduce((sum, op) => sum + opLength(op).min, 0);
}

// ---- runs ---------------------------------------------------------------------------------------

/** Stretches of whole bytes in a masked part, at least `least` long. */
function* fixedStretches(masked: Masked, least: number): Generator<{ from: number; to: number }> {
  let from = 0;
  for (let i = 0; i <= masked.masks.length; i++) {
    if (masked.masks[i] === 0xff) continue;
    if (i - from >= least) yield { from, to: i };
    from = i + 1;
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

const literalOf = (op: Op | undefined) => (op?.kind === "literal" ? op.bytes : new Uint8Array(0));

/** One run per alternative, with the literals around them; null unless all are fixed and long. */
function alternativeRuns(ops: readonly Op[], i: number, before: Run["before"]): Run[] | null {
  const op = ops[i];
  if (op?.kind !== "alternatives" || op.isNegated || op.items.length > RUNS_PER_GROUP) return null;
  const head = literalOf(ops[i - 1]);
  const tail = literalOf(ops[i + 1]);
  const start = { min: before.min - head.length, max: before.max - head.length };
  const runs: Run[] = [];
  for (const { values, masks } of op.items) {
    const bytes = join(head, values, tail);
    if (bytes.length < RUN_MIN || masks.some((mask) => mask !== 0xff)) return null;
    runs.push({ bytes, before: start });
  }
  return runs;
}

interface Groups {
  readonly single: Run[];
  readonly multi: Run[][];
}

function collectRuns(ops: readonly Op[], least: number): Groups {
  const groups: Groups = { single: [], multi: [] };
  const before = { min: 0, max: 0 };
  ops.forEach((op, i) => {
    if (op.kind === "literal" && op.bytes.length >= least) {
      groups.single.push({ bytes: op.bytes, before: { ...before } });
    } else if (op.kind === "masked") {
      for (const { from, to } of fixedStretches(op, least)) {
        const start = { min: before.min + from, max: before.max + from };
        groups.single.push({ bytes: op.values.subarray(from, to), before: start });
      }
    } else if (op.kind === "alternatives") {
      const runs = alternativeRuns(ops, i, before);
      if (runs !== null) groups.multi.push(runs);
    }
    const { min, max } = opLength(op);
    before.min += min;
    before.max += max;
  });
  return groups;
}

// A run of one repeated byte can't be an anchor: zero pages would hit it everywhere.
function isVaried({ bytes }: Run): boolean {
  const first = (bytes[0] ?? 0) | 0x20;
  return bytes.some((byte) => (byte | 0x20) !== first);
}

function startCount({ place }: BytePattern): number {
  return place === null ? Number.POSITIVE_INFINITY : place.to - place.from + 1;
}

function fail(pattern: BytePattern, message: string, expected: string): never {
  throw new SourceError(`$${pattern.id} ${message}`, { line: pattern.line, column: 1 }, expected);
}

function multiSearch(pattern: BytePattern, groups: Groups, isCounted: boolean): Search | null {
  const multi = groups.multi.filter((runs) =>
    runs.every((run) => isVaried(run) && run.before.max <= DIRECT_STARTS_MAX),
  );
  if (multi.length === 0) return null;
  if (isCounted) {
    fail(pattern, "is counted, but found by its alternatives only", "4 fixed bytes outside ( )");
  }
  return { kind: "runs", groups: multi, isMulti: true };
}

const lowered = (bytes: Uint8Array) =>
  bytes.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte));

/** Folded runs are kept in lower case. */
function lowerRuns({ single, multi }: Groups): Groups {
  const lower = (run: Run): Run => ({ ...run, bytes: lowered(run.bytes) });
  return { single: single.map(lower), multi: multi.map((runs) => runs.map(lower)) };
}

/** The ops between gaps of any length. */
function segmentsOf(ops: readonly Op[]): Op[][] {
  const segments: Op[][] = [[]];
  for (const op of ops) {
    if (op.kind === "gap" && op.max === Number.POSITIVE_INFINITY) segments.push([]);
    else segments.at(-1)?.push(op);
  }
  return segments;
}

// Parts with any distance between them: each that has a good run guards the whole. The first has to
// have some bytes at fixed places, by which the pattern is looked for when its time comes.
function guardedSearch({ ops, isFolded }: BytePattern): Search | null {
  const guards = segmentsOf(ops).map((segment) => {
    const found = collectRuns(segment, RUN_GOOD);
    const { single } = isFolded ? lowerRuns(found) : found;
    return single.filter((run) => isVaried(run) && run.before.max <= DIRECT_STARTS_MAX);
  });
  const placed = collectRuns(segmentsOf(ops)[0] ?? [], 1).single.reduce(
    (sum, { bytes, before }) => {
      return before.min === before.max && before.max < GUARD_REACH ? sum + bytes.length : sum;
    },
    0,
  );
  const strong = guards.filter((runs) => runs.length > 0);
  if (placed < PLACED_MIN || strong.length < 2 || strong.length > GUARDS_MAX) return null;
  return { kind: "guarded", guards: strong };
}

// Nearly all patterns of large sets are one good literal anywhere, and found by all of it.
function wholeRun(pattern: BytePattern): Search | null {
  const [op] = pattern.ops;
  if (pattern.place !== null || pattern.ops.length !== 1 || op?.kind !== "literal") return null;
  const bytes = pattern.isFolded ? lowered(op.bytes) : op.bytes;
  const run = { bytes, before: FROM_START };
  if (bytes.length < RUN_GOOD || !isVaried(run)) return null;
  return { kind: "runs", groups: [[run]], isMulti: false };
}

/**
 * Decides how a pattern is found; throws SourceError if it is too vague to be looked for. Counted
 * ones need a run that all matches share.
 */
export function planSearch(pattern: BytePattern, isCounted: boolean): Search {
  if (pattern.isLazy === true) return { kind: "lazy" };
  const alone = wholeRun(pattern);
  if (alone !== null) return alone;
  const found = collectRuns(pattern.ops, RUN_MIN);
  const groups = pattern.isFolded ? lowerRuns(found) : found;
  const single = groups.single.filter(isVaried);
  const longest = single.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
  const starts = startCount(pattern);
  const fixed = collectRuns(pattern.ops, 1).single.reduce((sum, run) => sum + run.bytes.length, 0);
  if (starts <= DIRECT_STARTS && fixed >= FIXED_BYTES_MIN) return { kind: "direct" };
  const guarded = guardedSearch(pattern);
  if (guarded !== null) return guarded;
  if (longest < RUN_GOOD) {
    const search = longest >= RUN_MIN && isCounted ? null : multiSearch(pattern, groups, isCounted);
    if (search !== null) return search;
  }
  if (longest >= RUN_MIN) {
    const usable = single.filter(({ bytes }) => bytes.length >= Math.min(longest, RUN_GOOD));
    return { kind: "runs", groups: usable.map((run) => [run]), isMulti: false };
  }
  if (starts <= DIRECT_STARTS_MAX && fixed >= FIXED_BYTES_MIN) return { kind: "direct" };
  return fail(
    pattern,
    "is too vague to look for everywhere",
    `${RUN_MIN} fixed bytes in a row, not all equal, or a place (at N..M) of at most ${DIRECT_STARTS_MAX} bytes`,
  );
}

/** Whether a pattern can be looked for in every object, as triggers need it. */
export function isSearchable(pattern: BytePattern): boolean {
  try {
    return planSearch(pattern, false).kind !== "lazy";
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
}

/** Both cases of a byte, if it has two and they are not told apart. */
const casesOf = (byte: number, isFolded: boolean) =>
  isFolded && isLetter(byte) ? [byte | 0x20, byte & 0xdf] : [byte];

/**
 * Where a match may start and the two bytes it then begins with, as keys of the core's table of
 * such patterns; undefined unless those bytes are fixed and there are few such places.
 */
export function directKeys({ place, ops, isFolded }: BytePattern): readonly number[] | undefined {
  const [op] = ops;
  if (place === null || place.isFromEnd || place.to > DIRECT_PLACE_MAX) return undefined;
  if (op?.kind !== "literal" || op.bytes.length < 2) return undefined;
  const [first = [], second = []] = [...op.bytes.subarray(0, 2)].map((c) => casesOf(c, isFolded));
  const words = first.flatMap((low) => second.map((high) => low + 256 * high));
  const places = Array.from({ length: place.to - place.from + 1 }, (_, i) => place.from + i);
  if (words.length * places.length > DIRECT_KEYS_MAX) return undefined;
  return places.flatMap((at) => words.map((bytes) => at * 0x10000 + bytes));
}

/** Whether a pattern is one literal and nothing else. */
export function isLiteral({ ops }: BytePattern): boolean {
  return ops.length === 1 && ops[0]?.kind === "literal";
}
