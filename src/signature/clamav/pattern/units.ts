// The small pieces of ClamAV's hex patterns: bytes with wildcards, and alternatives that may nest.
// They are flattened here: what nests in the text is a plain list of byte strings afterwards.
import { type Masked, SourceError } from "../../source.ts";

/** Alternatives of one group, after nested ones have been multiplied out. */
export const ALTERNATIVES_MAX = 256;
const NESTING_MAX = 15;
/** Bytes of all alternatives of one group. */
const GROUP_BYTES_MAX = 16_384;
/** A fixed gap below this is so many wildcards. */
export const WILDCARDS_MAX = 127;

/** A construct that ClamAV knows and gw does not: the signature is skipped, and not malformed. */
export class UnsupportedError extends SourceError {}

/** Where in the source a text begins. */
export interface Where {
  readonly line: number;
  readonly column: number;
}

/** Bytes that are being put together. */
export interface Units {
  readonly values: number[];
  readonly masks: number[];
}

/** The position `index` characters behind `at`. */
export function behind(at: Where, index: number): Where {
  return { line: at.line, column: at.column + index };
}

const HEX = /^[0-9A-Fa-f?]{2}$/;

/** Whether a byte (or a wildcard for one or half of one) stands there. */
export function isUnit(text: string, index: number): boolean {
  return HEX.test(text.slice(index, index + 2));
}

/** Appends the byte that stands there; wide ones have a zero behind them. */
export function addUnit(out: Units, pair: string, isWide: boolean): void {
  const digit = (c: string | undefined) => (c === "?" ? 0 : Number.parseInt(c ?? "0", 16));
  out.values.push((digit(pair[0]) << 4) | digit(pair[1]));
  out.masks.push((pair[0] === "?" ? 0 : 0xf0) | (pair[1] === "?" ? 0 : 0x0f));
  if (!isWide) return;
  out.values.push(0);
  out.masks.push(0xff);
}

/** Appends wildcards. */
export function addWildcards(out: Units, count: number): void {
  for (let i = 0; i < count; i++) {
    out.values.push(0);
    out.masks.push(0);
  }
}

/** The units as they are kept. */
export function maskedOf({ values, masks }: Units): Masked {
  return { values: Uint8Array.from(values), masks: Uint8Array.from(masks) };
}

/** A group `(…)`: where it ends, and its flat alternatives. */
export interface Group {
  readonly end: number;
  readonly items: readonly Units[];
}

interface GroupState {
  /** Alternatives that are complete. */
  readonly done: Units[];
  /** Beginnings of the one that is being read: several, once a nested group has been passed. */
  current: Units[];
}

const emptyState = (): GroupState => ({ done: [], current: [{ values: [], masks: [] }] });

const sizeOf = (units: readonly Units[]) =>
  units.reduce((sum, { values }) => sum + values.length, 0);

/** Reads alternatives from their `(` on. The stack is bounded, as is what comes of it. */
export class GroupReader {
  readonly #text: string;
  readonly #at: Where;
  readonly #isWide: boolean;
  #stack: GroupState[] = [];

  constructor(text: string, at: Where, isWide: boolean) {
    this.#text = text;
    this.#at = at;
    this.#isWide = isWide;
  }

  read(start: number): Group {
    this.#stack = [emptyState()];
    for (let i = start + 1; i < this.#text.length; ) {
      const c = this.#text[i];
      if (c === ")") {
        const items = this.#close(i);
        if (items !== undefined) return { end: i + 1, items };
        i++;
      } else i = this.#step(c ?? "", i);
    }
    throw new SourceError("( is not closed", behind(this.#at, start), ")");
  }

  /** Takes what stands at `i`; where the next thing stands. */
  #step(c: string, i: number): number {
    const top = this.#top();
    if (c === "(") {
      if (this.#stack.length >= NESTING_MAX) this.#fail("alternatives nest too deeply", i);
      this.#stack.push(emptyState());
      return i + 1;
    }
    if (c === "|") {
      this.#finish(top);
      return i + 1;
    }
    if (c === "{") return this.#gap(i);
    if (!isUnit(this.#text, i)) this.#fail("not a byte in alternatives", i);
    for (const units of top.current) addUnit(units, this.#text.slice(i, i + 2), this.#isWide);
    return i + 2;
  }

  #gap(i: number): number {
    const [whole = "", digits = ""] = /^\{(\d{1,3})\}/.exec(this.#text.slice(i, i + 8)) ?? [];
    const count = Number(digits);
    if (whole === "" || count === 0 || count > WILDCARDS_MAX) {
      this.#fail("only {n} up to 127 may stand in alternatives", i);
    }
    for (const units of this.#top().current) addWildcards(units, count);
    return i + whole.length;
  }

  #top(): GroupState {
    return this.#stack.at(-1) ?? emptyState();
  }

  // ClamAV reads (63|) as (63): what is empty matches nothing.
  #finish(state: GroupState): void {
    state.done.push(...state.current.filter(({ values }) => values.length > 0));
    state.current = [{ values: [], masks: [] }];
  }

  /** The alternatives at the end of the outermost group; undefined at that of an inner one. */
  #close(i: number): readonly Units[] | undefined {
    const state = this.#top();
    this.#finish(state);
    const items = state.done;
    if (items.length === 0) this.#fail("there are no alternatives in ( )", i);
    this.#stack.pop();
    const outer = this.#stack.at(-1);
    if (outer === undefined) return items;
    const count = items.length * outer.current.length;
    const size = outer.current.length * sizeOf(items) + items.length * sizeOf(outer.current);
    if (count > ALTERNATIVES_MAX || size > GROUP_BYTES_MAX) {
      const at = behind(this.#at, i);
      throw new UnsupportedError("nested alternatives come to too many", at);
    }
    outer.current = outer.current.flatMap((head) =>
      items.map((tail) => ({
        values: [...head.values, ...tail.values],
        masks: [...head.masks, ...tail.masks],
      })),
    );
    return undefined;
  }

  #fail(message: string, i: number): never {
    throw new SourceError(message, behind(this.#at, i));
  }
}
