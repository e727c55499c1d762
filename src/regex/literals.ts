// Literals that every match must hold, so that a search for these can come before everything else.
import type { ByteSet } from "./byte-set.ts";
import { isLetter, lowerCase } from "./byte-set.ts";
import type { Node } from "./syntax.ts";
import type { Literal } from "./types.ts";

/** Bytes of one literal; what goes on longer is cut there and makes another one. */
const LENGTH_MAX = 64;
/** Literals that one part can be, while parts are put together. */
const PRODUCT_MAX = 16;
/** Alternatives of one set of literals. */
const ALTERNATIVES_MAX = 64;
/** Bytes of a class that is taken as so many alternatives. */
const CLASS_MAX = 10;
/** Copies of a repeated part. */
const COPIES_MAX = 8;
/** Sets of literals that are given. */
const SETS_MAX = 8;

/** Literals of which one must be there. */
export type LiteralSet = readonly Literal[];

interface Facts {
  /** All there is to match, if that is a few literals. */
  readonly exact: LiteralSet | undefined;
  /** What every match begins with, if that is known. */
  readonly prefix: LiteralSet | undefined;
  readonly required: readonly LiteralSet[];
}

const NOTHING: LiteralSet = [{ bytes: new Uint8Array(0), isFolded: false }];
const UNKNOWN: Facts = { exact: undefined, prefix: undefined, required: [] };

const exactly = (exact: LiteralSet): Facts => ({ exact, prefix: exact, required: [] });
const shortest = (set: LiteralSet) =>
  set.reduce((min, { bytes }) => Math.min(min, bytes.length), LENGTH_MAX);

function joined(left: Literal, right: Literal): Literal {
  const isFolded = left.isFolded || right.isFolded;
  const bytes = new Uint8Array(left.bytes.length + right.bytes.length);
  bytes.set(left.bytes);
  bytes.set(right.bytes, left.bytes.length);
  // A letter of one case inside is searched for in both: that finds more, never less.
  if (isFolded) for (let i = 0; i < bytes.length; i++) bytes[i] = lowerCase(bytes[i] as number);
  return { bytes, isFolded };
}

function product(left: LiteralSet, right: LiteralSet): LiteralSet | undefined {
  if (left.length * right.length > PRODUCT_MAX) return undefined;
  const all = left.flatMap((a) => right.map((b) => joined(a, b)));
  return all.some(({ bytes }) => bytes.length > LENGTH_MAX) ? undefined : all;
}

function ofSet(set: ByteSet): Facts {
  if (set.size === 0 || set.size > 2 * CLASS_MAX) return UNKNOWN;
  const literals: Literal[] = [];
  for (const byte of set.bytes()) {
    const isBoth = isLetter(byte) && set.has(byte ^ 0x20);
    if (isBoth && byte !== lowerCase(byte)) continue;
    literals.push({ bytes: Uint8Array.of(byte), isFolded: isBoth });
  }
  return literals.length > CLASS_MAX ? UNKNOWN : exactly(literals);
}

/** Puts the parts of a sequence together into runs, as long as they are few. */
class Runs {
  readonly required: LiteralSet[] = [];
  prefix: LiteralSet | undefined;
  #run: LiteralSet = NOTHING;
  #isBroken = false;
  #isFirst = true;

  add(facts: Facts): void {
    if (facts.exact !== undefined) {
      const run = product(this.#run, facts.exact);
      if (run !== undefined) {
        this.#run = run;
        return;
      }
      this.end();
      this.#run = facts.exact;
      return;
    }
    const begun = facts.prefix && product(this.#run, facts.prefix);
    if (begun !== undefined) this.#run = begun;
    this.end();
    this.required.push(...facts.required);
  }

  /** Here something unknown stands: what comes begins a new run. */
  end(): void {
    if (this.#isFirst) this.prefix = this.#run;
    if (shortest(this.#run) > 0) this.required.push(this.#run);
    this.#isFirst = false;
    this.#isBroken = true;
    this.#run = NOTHING;
  }

  facts(): Facts {
    if (!this.#isBroken) return exactly(this.#run);
    this.end();
    return { exact: undefined, prefix: this.prefix, required: this.required };
  }
}

function ofSequence(items: readonly Node[]): Facts {
  const runs = new Runs();
  for (const item of items) runs.add(factsOf(item));
  return runs.facts();
}

function ofChoice(items: readonly Node[]): Facts {
  const all = items.map(factsOf);
  const exact = all.flatMap((facts) => facts.exact ?? []);
  const isExact = all.every((facts) => facts.exact !== undefined);
  if (isExact && exact.length <= PRODUCT_MAX && exact.length > 0) return exactly(exact);
  const sets = all.map((facts) => bestOf(facts)[0]);
  if (sets.some((set) => set === undefined)) return UNKNOWN;
  const union = sets.flatMap((set) => set ?? []);
  const required = union.length > 0 && union.length <= ALTERNATIVES_MAX ? [union] : [];
  return { exact: undefined, prefix: undefined, required };
}

function ofRepeat(node: Node & { kind: "repeat" }): Facts {
  const { item, min, max } = node;
  if (max === 0) return exactly(NOTHING);
  if (min === 0) {
    const { exact } = max === 1 ? factsOf(item) : UNKNOWN;
    return exact !== undefined && exact.length < PRODUCT_MAX
      ? exactly([...exact, ...NOTHING])
      : UNKNOWN;
  }
  const facts = factsOf(item);
  const runs = new Runs();
  const copies = Math.min(min, COPIES_MAX);
  for (let i = 0; i < copies; i++) runs.add(facts);
  if (copies === max) return runs.facts();
  runs.end();
  // The last pass stands right before what follows, but that is not made use of.
  return { exact: undefined, prefix: runs.prefix, required: runs.required };
}

function factsOf(node: Node): Facts {
  switch (node.kind) {
    case "set":
      return ofSet(node.set);
    case "sequence":
      return ofSequence(node.items);
    case "choice":
      return ofChoice(node.items);
    case "repeat":
      return ofRepeat(node);
    case "group":
    case "atomic":
      return factsOf(node.item);
    case "condition":
      return node.test.kind === "define" ? exactly(NOTHING) : ofChoice([node.yes, node.no]);
    case "assert":
    case "look":
    case "keep":
      return exactly(NOTHING);
    case "backreference":
    case "call":
      return UNKNOWN;
    default:
      return node satisfies never;
  }
}

// About how many bits of surprise a byte is in mail, documents and programs.
function rarityOf(byte: number): number {
  if (byte === 0) return 2;
  if (' \n\r\t\xffetaoinsr/<>=".'.includes(String.fromCharCode(byte))) return 4;
  if (byte >= 0x61 && byte <= 0x7a) return 5;
  return byte >= 0x30 && byte <= 0x39 ? 5 : 6;
}

function worthOf(set: LiteralSet): number {
  const worth = (literal: Literal) => {
    let sum = 0;
    for (const [i, byte] of literal.bytes.entries()) {
      // Of a run of one byte, there are many.
      sum += byte === literal.bytes[i - 1] ? 0.5 : rarityOf(byte);
    }
    return literal.isFolded ? 0.9 * sum : sum;
  };
  return Math.min(...set.map(worth)) - Math.log2(set.length);
}

function bestOf(facts: Facts): LiteralSet[] {
  const all = facts.exact === undefined ? facts.required : [facts.exact];
  const keyOf = (set: LiteralSet) =>
    set.map(({ bytes, isFolded }) => `${bytes.join()}${isFolded ? "i" : ""}`).join(" ");
  const sets = new Map(all.map((set) => [keyOf(set), set]));
  return [...sets.values()]
    .filter((set) => set.length > 0 && shortest(set) > 0)
    .map((set) => ({ set, worth: worthOf(set) }))
    .sort((a, b) => b.worth - a.worth)
    .map(({ set }) => set)
    .slice(0, SETS_MAX);
}

/** What is known of the literals in matches of a tree: sets, best first, and what all begin with. */
export function literalsOf(root: Node): { sets: LiteralSet[]; prefix: LiteralSet | undefined } {
  const facts = factsOf(root);
  const { prefix } = facts;
  return { sets: bestOf(facts), prefix: prefix && shortest(prefix) > 0 ? prefix : undefined };
}
