// A judge's view of an object without the scan core: patterns are tried at every byte, slowly and
// plainly, so that judgements can be tested apart from the engine, and against it.
import { parseExecutable } from "../../../src/executable/executable.ts";
import type { JudgeContext, Match } from "../../../src/scan/judge/context.ts";
import type { Expression, Masked, Op, Pattern, Signature } from "../../../src/signature/source.ts";

type BytePattern = Extract<Pattern, { kind: "bytes" }>;

const fold = (byte: number) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
const isWord = (byte: number | undefined) =>
  byte !== undefined && /[0-9A-Za-z]/.test(String.fromCharCode(byte));

function fits(bytes: Uint8Array, at: number, { values, masks }: Masked): boolean {
  return values.every((value, i) => ((bytes[at + i] ?? -1) & (masks[i] ?? 0)) === value);
}

/** Where an op that begins at `at` may end. */
function ends(bytes: Uint8Array, at: number, op: Op, isFolded: boolean): number[] {
  switch (op.kind) {
    case "literal": {
      const same = (a: number, b: number) => (isFolded ? fold(a) === fold(b) : a === b);
      const isHit = op.bytes.every((byte, i) => same(byte, bytes[at + i] ?? -1));
      return isHit ? [at + op.bytes.length] : [];
    }
    case "masked":
      if (at + op.values.length > bytes.length) return [];
      return fits(bytes, at, op) ? [at + op.values.length] : [];
    case "gap": {
      const last = Math.min(bytes.length, at + op.max);
      return Array.from({ length: Math.max(0, last - at - op.min + 1) }, (_, i) => at + op.min + i);
    }
    case "alternatives": {
      const hits = op.items.filter(
        (item) => at + item.values.length <= bytes.length && fits(bytes, at, item),
      );
      if (!op.isNegated) return hits.map((item) => at + item.values.length);
      const length = op.items[0]?.values.length ?? 0;
      return hits.length === 0 && at + length <= bytes.length ? [at + length] : [];
    }
    default:
      throw new Error(`no ${op.kind} in YARA`);
  }
}

function isFullword(bytes: Uint8Array, start: number, end: number, isWide: boolean): boolean {
  if (!isWide) return !isWord(bytes[start - 1]) && !isWord(bytes[end]);
  const isBefore = bytes[start - 1] === 0 && isWord(bytes[start - 2]);
  return !isBefore && !(bytes[end + 1] === 0 && isWord(bytes[end]));
}

/** All places where a pattern matches; the shortest match at each. */
export function placesOf(bytes: Uint8Array, pattern: BytePattern): Match[] {
  const matches: Match[] = [];
  for (let start = 0; start < bytes.length; start++) {
    const { place } = pattern;
    if (place !== null && (start < place.from || start > place.to)) continue;
    let at = [start];
    for (const op of pattern.ops) {
      const next = at.flatMap((from) => ends(bytes, from, op, pattern.isFolded));
      at = [...new Set(next)];
    }
    const end = Math.min(...at);
    if (at.length === 0) continue;
    if (pattern.isFullword && !isFullword(bytes, start, end, pattern.isWide)) continue;
    matches.push({ start, length: end - start });
  }
  return matches;
}

/** What a judge sees of `bytes` for that signature, with `work` steps to spend. */
export function naiveContext(
  signature: Pick<Signature, "patterns">,
  bytes: Uint8Array,
  options: { name?: string; type?: string; work?: number } = {},
): JudgeContext {
  let { work = 10_000_000 } = options;
  const places = (index: number): Match[] => {
    const pattern = signature.patterns[index];
    return pattern?.kind === "bytes" ? placesOf(bytes, pattern) : [];
  };
  const executable = parseExecutable(bytes);
  return {
    subject: {
      ...{ bytes, name: options.name ?? "", type: options.type ?? "binary" },
      ...{ containerType: "", containers: [], depth: 0 },
    },
    externals: {},
    has: (pattern) => places(pattern).length > 0,
    count: (pattern) => places(pattern).length,
    places: (pattern, max) => places(pattern).slice(0, max),
    executable: () => executable,
    spend: (steps) => {
      work -= steps;
      return work >= 0;
    },
  };
}

/** Whether a trigger or condition holds, with every pattern looked for. */
export function holdsNaively(
  condition: Expression,
  context: JudgeContext,
  patterns: readonly Pattern[],
): boolean {
  const holds = (one: Expression): boolean => holdsNaively(one, context, patterns);
  switch (condition.kind) {
    case "pattern":
      return context.count(condition.pattern) > 0;
    case "of": {
      const hits = condition.patterns.filter((pattern) => context.count(pattern) > 0);
      return hits.length >= condition.needed;
    }
    case "and":
      return holds(condition.left) && holds(condition.right);
    case "or":
      return holds(condition.left) || holds(condition.right);
    case "not":
      return !holds(condition.operand);
    case "always":
      return true;
    case "type":
      return context.subject.type === condition.type;
    case "container":
      return context.subject.containerType === condition.type;
    case "compare": {
      const { left, operator, right } = condition;
      const { size, depth } = { size: context.subject.bytes.length, depth: 0 };
      const value = typeof left === "object" ? context.count(left.count) : { size, depth }[left];
      const sign = Math.sign(value - right);
      const holding = {
        "<": [-1],
        "<=": [-1, 0],
        ">": [1],
        ">=": [0, 1],
        "==": [0],
        "!=": [-1, 1],
      };
      return holding[operator].includes(sign);
    }
    default:
      return condition satisfies never;
  }
}
