// The tree that parsing gives, the same for all dialects.
import type { ByteSet } from "./byte-set.ts";

/** How a repetition chooses: much first, little first, or much and nothing else. */
export type Greed = "greedy" | "lazy" | "possessive";

/**
 * Places between bytes. `last` is the end or before a line feed that ends the subject; `lineStart`
 * is not behind a line feed that ends the subject, as in Perl.
 */
export type Assertion =
  | "start"
  | "end"
  | "last"
  | "lineStart"
  | "lineEnd"
  | "word"
  | "notWord"
  | "from";

/** What a conditional group asks: whether a group has matched, a look around, or neither. */
export type Test =
  | { readonly kind: "group"; readonly group: number }
  | (Node & { readonly kind: "look" })
  | { readonly kind: "define" };

/** A part of an expression. */
export type Node =
  | { readonly kind: "set"; readonly set: ByteSet }
  /** Of no items: nothing, which always matches. */
  | { readonly kind: "sequence"; readonly items: readonly Node[] }
  | { readonly kind: "choice"; readonly items: readonly Node[] }
  | {
      readonly kind: "repeat";
      readonly item: Node;
      readonly min: number;
      /** Infinity for no bound. */
      readonly max: number;
      readonly greed: Greed;
    }
  | { readonly kind: "group"; readonly group: number; readonly item: Node }
  | { readonly kind: "assert"; readonly assertion: Assertion }
  | {
      readonly kind: "look";
      readonly isBehind: boolean;
      readonly isNegated: boolean;
      readonly item: Node;
    }
  | { readonly kind: "atomic"; readonly item: Node }
  | {
      readonly kind: "backreference";
      readonly groups: readonly number[];
      readonly isFolded: boolean;
    }
  | { readonly kind: "condition"; readonly test: Test; readonly yes: Node; readonly no: Node }
  /** Group 0 is the whole expression. */
  | { readonly kind: "call"; readonly group: number }
  /** The match is told to start here. */
  | { readonly kind: "keep" };

/** What parsing gives. */
export interface Parsed {
  readonly root: Node;
  readonly groupCount: number;
  /** Whether a match must start where the search does. */
  readonly isAnchored: boolean;
  /** yara: whether its quantifiers are lazy. */
  readonly isLazy: boolean;
}

/** Longest expression, bytes: ClamAV's longest line. */
export const SOURCE_LENGTH_MAX = 32_768;
/** Groups in groups. */
export const NESTING_MAX = 200;
/** Largest number in a quantifier, as in PCRE. */
export const REPEAT_MAX = 65_535;
/** Capturing groups. */
export const GROUPS_MAX = 1000;

/** Nothing, which always matches. */
export const EMPTY: Node = { kind: "sequence", items: [] };

/** The nodes one after the other. */
export function sequence(items: readonly Node[]): Node {
  return items.length === 1 ? (items[0] as Node) : { kind: "sequence", items };
}

/** The nodes directly below one, tests of conditions included. */
export function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case "sequence":
    case "choice":
      return node.items;
    case "repeat":
    case "group":
    case "look":
    case "atomic":
      return [node.item];
    case "condition":
      return node.test.kind === "look" ? [node.test, node.yes, node.no] : [node.yes, node.no];
    case "set":
    case "assert":
    case "backreference":
    case "call":
    case "keep":
      return [];
    default:
      return node satisfies never;
  }
}
