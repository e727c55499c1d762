// The wide form of an expression, as YARA's `wide` has it: every byte is followed by a NUL.
import { ByteSet, isWordByte } from "../byte-set.ts";
import { type Node, sequence } from "../syntax.ts";

const NUL: Node = { kind: "set", set: ByteSet.range(0) };

// \b and \B look at whole characters, of two bytes.
function wideBoundary(isBoundary: boolean): Node {
  const word = sequence([{ kind: "set", set: ByteSet.where(isWordByte) }, NUL]);
  const look = (isBehind: boolean, isNegated: boolean): Node => ({
    kind: "look",
    isBehind,
    isNegated,
    item: word,
  });
  const into = sequence([look(true, isBoundary), look(false, false)]);
  const outOf = sequence([look(true, !isBoundary), look(false, true)]);
  return { kind: "choice", items: isBoundary ? [into, outOf] : [into, outOf] };
}

/** The wide form of a tree; nesting bounds its recursion. */
export function widened(node: Node): Node {
  switch (node.kind) {
    case "set":
      return sequence([node, NUL]);
    case "sequence":
    case "choice":
      return { ...node, items: node.items.map(widened) };
    case "repeat":
    case "group":
    case "look":
    case "atomic":
      return { ...node, item: widened(node.item) };
    case "condition":
      return { ...node, yes: widened(node.yes), no: widened(node.no) };
    case "assert":
      if (node.assertion === "word") return wideBoundary(true);
      return node.assertion === "notWord" ? wideBoundary(false) : node;
    case "backreference":
    case "call":
    case "keep":
      return node;
    default:
      return node satisfies never;
  }
}
