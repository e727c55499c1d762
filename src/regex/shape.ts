// What can be told of a tree without running it: lengths of matches, and whether it is regular.
import { ByteSet } from "./byte-set.ts";
import { childrenOf, EMPTY, type Node } from "./syntax.ts";

/** Shortest and longest possible match, bytes. */
export interface Lengths {
  readonly min: number;
  readonly max: number;
}

const NONE: Lengths = { min: 0, max: 0 };
const UNKNOWN: Lengths = { min: 0, max: Number.POSITIVE_INFINITY };
// 0 times Infinity is no number.
const times = (length: number, count: number) => (length === 0 || count === 0 ? 0 : length * count);

/** How long matches of the node can be. */
export function lengthsOf(node: Node): Lengths {
  switch (node.kind) {
    case "set":
      return { min: 1, max: 1 };
    case "sequence": {
      const all = node.items.map(lengthsOf);
      return {
        min: all.reduce((sum, { min }) => sum + min, 0),
        max: all.reduce((sum, { max }) => sum + max, 0),
      };
    }
    case "choice":
      return spanOf(node.items.map(lengthsOf));
    case "repeat": {
      const item = lengthsOf(node.item);
      return { min: times(item.min, node.min), max: times(item.max, node.max) };
    }
    case "group":
    case "atomic":
      return lengthsOf(node.item);
    case "condition":
      // What a definition holds is not matched where it stands.
      if (node.test.kind === "define") return NONE;
      return spanOf([lengthsOf(node.yes), lengthsOf(node.no)]);
    case "assert":
    case "look":
    case "keep":
      return NONE;
    case "backreference":
    case "call":
      return UNKNOWN;
    default:
      return node satisfies never;
  }
}

function spanOf(all: readonly Lengths[]): Lengths {
  return all.reduce(
    (span, { min, max }) => ({ min: Math.min(span.min, min), max: Math.max(span.max, max) }),
    all[0] ?? NONE,
  );
}

/** Whether a search can do without going back: no look, no reference, nothing possessive. */
export function isRegular(node: Node): boolean {
  switch (node.kind) {
    case "look":
    case "atomic":
    case "backreference":
    case "condition":
    case "call":
    case "keep":
      return false;
    case "repeat":
      return node.greed !== "possessive" && isRegular(node.item);
    case "assert":
      return node.assertion !== "from";
    default:
      return childrenOf(node).every(isRegular);
  }
}

const ANYTHING: Node = {
  kind: "repeat",
  item: { kind: "set", set: ByteSet.where(() => true) },
  min: 0,
  max: Number.POSITIVE_INFINITY,
  greed: "greedy",
};

/** A regular tree that matches wherever the given one does, and perhaps elsewhere, too. */
export function relaxed(node: Node): Node {
  switch (node.kind) {
    case "sequence":
    case "choice":
      return { ...node, items: node.items.map(relaxed) };
    case "repeat":
      return { ...node, item: relaxed(node.item), greed: "greedy" };
    case "group":
    case "atomic":
      return relaxed(node.item);
    case "condition":
      if (node.test.kind === "define") return EMPTY;
      return { kind: "choice", items: [relaxed(node.yes), relaxed(node.no)] };
    case "look":
    case "keep":
      return EMPTY;
    case "assert":
      return node.assertion === "from" ? EMPTY : node;
    case "backreference":
    case "call":
      return ANYTHING;
    case "set":
      return node;
    default:
      return node satisfies never;
  }
}
