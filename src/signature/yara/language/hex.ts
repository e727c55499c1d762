// YARA's hex strings: `{ 4D 5A ?? [2-4] ( 01 | 0? ) ~00 }` to steps of a byte pattern, or, where
// those can't say it, to a regular expression over bytes.
import { type Masked, type Op, SourceError } from "../../source.ts";
import type { Position } from "./lexer.ts";

const NESTING_MAX = 8;
const ALTERNATIVES_MAX = 128;
const ALTERNATIVE_BYTES_MAX = 4096;
const ELEMENTS_MAX = 16_384;
/** A pattern step's length is 16 bits. */
const STEP_MAX = 4096;
const JUMP_MAX = 0x7fffffff;

/** A byte with the bits that count; or a jump; or alternatives. */
type Element =
  | {
      readonly kind: "byte";
      readonly value: number;
      readonly mask: number;
      readonly isNegated: boolean;
    }
  | { readonly kind: "jump"; readonly min: number; readonly max: number }
  | { readonly kind: "choice"; readonly items: readonly (readonly Element[])[] };

const PIECE =
  /\s+|(~?)([0-9A-Fa-f?])([0-9A-Fa-f?])|\[\s*(\d{1,9})?\s*(-)?\s*(\d{1,9})?\s*\]|([()|])|(.)/gsy;

class HexParser {
  readonly #pieces: RegExpStringIterator<RegExpExecArray>;
  readonly #at: Position;
  #next: RegExpExecArray | undefined;
  #count = 0;

  constructor(body: string, at: Position) {
    this.#at = at;
    this.#pieces = body.matchAll(PIECE);
    this.#advance();
  }

  #fail(message: string): never {
    throw new SourceError(message, this.#at, "{ 4D 5? [2-4] ( 01 | 02 ) }");
  }

  #advance(): void {
    do this.#next = this.#pieces.next().value;
    while (this.#next !== undefined && this.#next[0].trim() === "");
    if (++this.#count > ELEMENTS_MAX) this.#fail("the hex string is too long");
  }

  whole(): Element[] {
    const elements = this.#sequence(0);
    if (this.#next !== undefined) this.#fail(`stray ${this.#next[0]} in the hex string`);
    return elements;
  }

  #sequence(depth: number): Element[] {
    if (depth > NESTING_MAX) this.#fail("the hex string nests too deeply");
    const elements: Element[] = [];
    for (let piece = this.#next; piece !== undefined; piece = this.#next) {
      const [all, tilde, high = "", low = "", min, dash, max, mark, stray] = piece;
      if (stray !== undefined) this.#fail(`stray ${stray} in the hex string`);
      if (mark === ")" || mark === "|") break;
      this.#advance();
      if (mark === "(") elements.push(this.#choice(depth));
      else if (all.startsWith("[")) elements.push(this.#jump(min, dash, max));
      else elements.push(byteOf(high, low, tilde === "~"));
    }
    const [first, last] = [elements[0], elements.at(-1)];
    if (first === undefined) this.#fail("the hex string has an empty part");
    if (first?.kind === "jump" || last?.kind === "jump") this.#fail("a jump has nothing around it");
    return elements;
  }

  #choice(depth: number): Element {
    const items = [this.#sequence(depth + 1)];
    while (this.#next?.[0] === "|") {
      this.#advance();
      items.push(this.#sequence(depth + 1));
    }
    if (this.#next?.[0] !== ")") this.#fail("alternatives are not closed");
    this.#advance();
    return { kind: "choice", items };
  }

  #jump(low: string | undefined, dash: string | undefined, high: string | undefined): Element {
    if (low === undefined && dash === undefined) this.#fail("the jump is empty");
    const min = Number(low ?? 0);
    const open = high === undefined ? Number.POSITIVE_INFINITY : Number(high);
    const max = dash === undefined ? min : open;
    if (min > max || min > JUMP_MAX) this.#fail("the jump is upside down");
    return { kind: "jump", min, max };
  }
}

function byteOf(high: string, low: string, isNegated: boolean): Element {
  const digit = (text: string) => (text === "?" ? 0 : Number.parseInt(text, 16));
  const mask = (high === "?" ? 0 : 0xf0) | (low === "?" ? 0 : 0x0f);
  return { kind: "byte", value: (digit(high) << 4) | digit(low), mask, isNegated };
}

/** All texts that alternatives stand for; null if they are too many or not of plain bytes. */
function flatten(elements: readonly Element[]): Element[][] | null {
  let texts: Element[][] = [[]];
  for (const element of elements) {
    let tails: Element[][] = [[element]];
    if (element.kind === "byte" && element.isNegated) return null;
    if (element.kind === "jump") {
      if (element.min !== element.max || element.max > STEP_MAX) return null;
      tails = [Array.from({ length: element.min }, () => byteOf("?", "?", false))];
    } else if (element.kind === "choice") {
      const inner = element.items.map(flatten);
      if (inner.some((item) => item === null)) return null;
      tails = inner.flatMap((item) => item ?? []);
    }
    if (texts.length * tails.length > ALTERNATIVES_MAX) return null;
    texts = texts.flatMap((text) => tails.map((tail) => [...text, ...tail]));
    if (texts.reduce((sum, text) => sum + text.length, 0) > ALTERNATIVE_BYTES_MAX) return null;
  }
  return texts;
}

function maskedOf(text: readonly Element[]): Masked {
  const values = new Uint8Array(text.length);
  const masks = new Uint8Array(text.length);
  text.forEach((element, i) => {
    if (element.kind !== "byte") return;
    values[i] = element.value;
    masks[i] = element.mask;
  });
  return { values, masks };
}

/** Bytes that stand together, as literals where all bits count. */
function stepsOf(run: readonly Element[]): Op[] {
  const ops: Op[] = [];
  const isWhole = (element: Element | undefined) =>
    element?.kind === "byte" && element.mask === 0xff;
  for (let from = 0; from < run.length; ) {
    let to = from + 1;
    const kind = isWhole(run[from]);
    while (to < run.length && to - from < STEP_MAX && isWhole(run[to]) === kind) to++;
    const masked = maskedOf(run.slice(from, to));
    ops.push(kind ? { kind: "literal", bytes: masked.values } : { kind: "masked", ...masked });
    from = to;
  }
  return ops;
}

function opsOf(elements: readonly Element[]): Op[] | null {
  const ops: Op[] = [];
  let run: Element[] = [];
  const close = () => {
    ops.push(...stepsOf(run));
    run = [];
  };
  for (const element of elements) {
    if (element.kind === "byte" && !element.isNegated) {
      run.push(element);
      continue;
    }
    close();
    if (element.kind === "jump") ops.push({ kind: "gap", min: element.min, max: element.max });
    else if (element.kind === "byte") {
      ops.push({ kind: "alternatives", items: [maskedOf([element])], isNegated: true });
    } else {
      const texts = flatten([element]);
      if (texts === null) return null;
      ops.push({ kind: "alternatives", items: texts.map(maskedOf), isNegated: false });
    }
  }
  close();
  return joinGaps(ops);
}

/** Two jumps in a row are one. */
function joinGaps(ops: readonly Op[]): Op[] {
  const joined: Op[] = [];
  for (const op of ops) {
    const last = joined.at(-1);
    if (op.kind === "gap" && last?.kind === "gap") {
      joined[joined.length - 1] = { ...op, min: op.min + last.min, max: op.max + last.max };
    } else joined.push(op);
  }
  return joined;
}

const escaped = (byte: number) => `\\x${byte.toString(16).padStart(2, "0")}`;

function classOf(value: number, mask: number, isNegated: boolean): string {
  const not = isNegated ? "^" : "";
  if (mask === 0xff && !isNegated) return escaped(value);
  if (mask === 0) return "[\\x00-\\xff]";
  if (mask === 0xff) return `[${not}${escaped(value)}]`;
  if (mask === 0xf0) return `[${not}${escaped(value)}-${escaped(value | 0x0f)}]`;
  const bytes = Array.from({ length: 16 }, (_, high) => escaped((high << 4) | value));
  return `[${not}${bytes.join("")}]`;
}

function regexOf(elements: readonly Element[]): string {
  return elements
    .map((element) => {
      if (element.kind === "byte") return classOf(element.value, element.mask, element.isNegated);
      if (element.kind === "choice") return `(${element.items.map(regexOf).join("|")})`;
      const max = element.max === Number.POSITIVE_INFINITY ? "" : `${element.max}`;
      return `[\\x00-\\xff]{${element.min},${max}}?`;
    })
    .join("");
}

/** A hex string that has been read: steps of a pattern, or else an expression. */
export type HexString =
  | { readonly ops: readonly Op[] }
  | { readonly ops: null; readonly source: string };

/** Reads what stands between the braces; throws SourceError. */
export function parseHexString(body: string, at: Position): HexString {
  const elements = new HexParser(body, at).whole();
  const ops = opsOf(elements);
  return ops === null ? { ops, source: regexOf(elements) } : { ops };
}
