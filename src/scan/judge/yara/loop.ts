// `of` and `for`: how many of a set hold. A loop ends as soon as its outcome is sure.
import type { YaraNode, YaraQuantifier } from "../../../gwdb/yara-judgement.ts";
import type { Evaluation } from "./evaluate.ts";

type NodeOf<Op extends YaraNode["op"]> = Extract<YaraNode, { op: Op }>;

const PERCENT = 100;

/** How many of `total` must hold; "none" if none may; undefined: it can't hold at all. */
function needed(
  evaluation: Evaluation,
  quantifier: YaraQuantifier,
  total: number,
): number | "none" | undefined {
  switch (quantifier.kind) {
    case "all":
      return total;
    case "any":
      return 1;
    case "none":
      return "none";
    case "number": {
      const value = evaluation.place(quantifier.value);
      return value === 0 ? "none" : value;
    }
    case "percent": {
      const value = evaluation.place(quantifier.value);
      return value === undefined ? undefined : Math.ceil((total * value) / PERCENT);
    }
    default:
      return quantifier satisfies never;
  }
}

interface Members {
  readonly total: number;
  holds(index: number): boolean;
}

// Nothing to go through is no match, whatever the quantifier, as in YARA.
function isMet(evaluation: Evaluation, quantifier: YaraQuantifier, members: Members): boolean {
  const { total } = members;
  const need = needed(evaluation, quantifier, total);
  if (need === undefined || total <= 0) return false;
  if (need !== "none" && need <= 0) return true;
  let hits = 0;
  for (let i = 0; i < total; i++) {
    evaluation.step();
    if (members.holds(i)) hits++;
    if (need === "none" && hits > 0) return false;
    if (need === "none") continue;
    if (hits >= need) return true;
    if (hits + total - 1 - i < need) return false;
  }
  return need === "none";
}

/** `2 of ($a, $b*)`, `any of them in (0..100)`, `all of (rule1, rule2)`. */
export function evaluateOf(
  evaluation: Evaluation,
  node: NodeOf<"of" | "of-nodes">,
): boolean | undefined {
  if (node.op === "of-nodes") {
    return isMet(evaluation, node.quantifier, {
      total: node.nodes.length,
      holds: (i) => {
        const part = node.nodes[i];
        return part !== undefined && evaluation.holds(part);
      },
    });
  }
  const { strings, place } = node;
  if (place?.high !== undefined) {
    const isDefined = [place.low, place.high].every((end) => evaluation.place(end) !== undefined);
    if (!isDefined) return;
  }
  const { matches } = evaluation.setting;
  return isMet(evaluation, node.quantifier, {
    total: strings.length,
    holds: (i) => {
      const string = strings[i] ?? -1;
      return place === undefined
        ? matches.isFound(string)
        : (evaluation.countIn(string, place) ?? 0) > 0;
    },
  });
}

/** `for any of them : ( … )`, `for all i in (1..3) : ( … )`. */
export function evaluateLoop(evaluation: Evaluation, node: NodeOf<"for-of" | "for-in">): boolean {
  if (node.op === "for-in") return evaluateForIn(evaluation, node);
  const { matches } = evaluation.setting;
  const outer = matches.current;
  const outcome = isMet(evaluation, node.quantifier, {
    total: node.strings.length,
    holds: (i) => {
      matches.current = node.strings[i] ?? -1;
      return evaluation.holds(node.body);
    },
  });
  matches.current = outer;
  return outcome;
}

function evaluateForIn(evaluation: Evaluation, node: NodeOf<"for-in">): boolean {
  const items = itemsOf(evaluation, node.iterator);
  if (items === undefined) return false;
  return isMet(evaluation, node.quantifier, {
    total: items.total,
    holds: (i) => {
      const values = items.at(i);
      node.slots.forEach((slot, k) => {
        evaluation.variables[slot] = values[k];
      });
      return evaluation.holds(node.body);
    },
  });
}

interface Items {
  readonly total: number;
  /** Values of the loop's variables. */
  at(index: number): readonly unknown[];
}

function itemsOf(evaluation: Evaluation, iterator: NodeOf<"for-in">["iterator"]) {
  switch (iterator.kind) {
    case "range": {
      const low = evaluation.place(iterator.low);
      const high = evaluation.place(iterator.high);
      if (low === undefined || high === undefined) return;
      const range: Items = { total: high - low + 1, at: (i) => [low + i] };
      return range;
    }
    case "list": {
      const list: Items = {
        total: iterator.items.length,
        at: (i) => {
          const item = iterator.items[i];
          return [item && evaluation.value(item)];
        },
      };
      return list;
    }
    case "collection":
      return collection(evaluation.value(iterator.of));
    default:
      return iterator satisfies never;
  }
}

function collection(value: unknown): Items | undefined {
  if (Array.isArray(value)) return { total: value.length, at: (i) => [value[i]] };
  if (!(value instanceof Map)) return;
  const entries = [...value];
  return { total: entries.length, at: (i) => entries[i] ?? [] };
}
