// A signature's cure in the form in which treatment can use it: the patterns it speaks of, written
// as regular expressions, since the compiled ones are for searching many at once.

import type { Remedy } from "../../message.ts";
import type { Masked, Op, Pattern, Signature } from "../source.ts";

/** What stands for an unbounded gap: a cure far behind its mark would be a guess. */
const GAP_MAX = 65_536;

/** Where an object that matched is to be cut; undefined if its cure is none of that kind. */
export function remedyOf({ info: { cure }, patterns }: Signature): Remedy | undefined {
  const of = (id: string) => expressionOf(patterns.find((pattern) => pattern.id === id));
  switch (cure.kind) {
    case "none":
    case "remove":
      return undefined;
    case "truncate":
      return { kind: "truncate", at: of(cure.at) };
    case "cut":
      return { kind: "cut", from: of(cure.from), to: of(cure.to) };
    default:
      return cure satisfies never;
  }
}

// What never matches, if the pattern is none of bytes: the compiler refuses such cures.
function expressionOf(pattern: Pattern | undefined): string {
  if (pattern?.kind !== "bytes") return "[]";
  return pattern.ops.map((op) => opExpression(op, pattern.isFolded)).join("");
}

function opExpression(op: Op, isFolded: boolean): string {
  switch (op.kind) {
    case "literal":
      return [...op.bytes].map((byte) => byteExpression(byte, isFolded)).join("");
    case "masked":
      return maskedExpression(op, isFolded);
    case "gap":
      return `[^]{${op.min},${Math.min(op.max, Math.max(op.min, GAP_MAX))}}?`;
    case "alternatives": {
      const items = op.items.map((item) => maskedExpression(item, isFolded)).join("|");
      const length = op.items[0]?.values.length ?? 0;
      return op.isNegated ? `(?!${items})[^]{${length}}` : `(?:${items})`;
    }
    case "boundary":
      // Where it matters the cured object is found again by the scan that follows.
      return "";
    default:
      return op satisfies never;
  }
}

function byteExpression(byte: number, isFolded: boolean): string {
  const isLetter = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a);
  return isFolded && isLetter ? `[${escaped(byte)}${escaped(byte ^ 0x20)}]` : escaped(byte);
}

const escaped = (byte: number) => `\\x${byte.toString(16).padStart(2, "0")}`;

function maskedExpression({ values, masks }: Masked, isFolded: boolean): string {
  return [...values]
    .map((value, at) => {
      const mask = masks[at] ?? 0;
      if (mask === 0xff) return byteExpression(value, isFolded);
      if (mask === 0) return "[^]";
      const fitting: string[] = [];
      for (let byte = 0; byte < 256; byte++) {
        if ((byte & mask) === (value & mask)) fitting.push(escaped(byte));
      }
      return `[${fitting.join("")}]`;
    })
    .join("");
}
