// PDF objects read from bytes: ISO 32000-2 §7.2 and §7.3. Reads as leniently as viewers do, never
// throws, and keeps its own stack, so that no nesting of the input can exhaust ours.

import { hexBytes, unescaped } from "./strings.ts";

/** `12 0 R`. */
export class Ref {
  readonly num: number;
  readonly gen: number;

  constructor(num: number, gen: number) {
    this.num = num;
    this.gen = gen;
  }
}

/** A name, without its slash and with `#xx` decoded. */
export class Name {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Keys without their slash. Of a key given twice, `FIRST` holds a dictionary of first values. */
export type Dict = Map<string, Value>;

/** Strings are Buffers, decoded but not decrypted; what cannot be read is null. */
export type Value = number | boolean | null | Name | Buffer | Ref | Value[] | Dict;

/** Readers differ in which value of a repeated key they take; this key holds the other view. */
export const FIRST = "\0first";

// A whole object with more values than this is no document's.
const VALUES_MAX = 2_000_000;
const NAME_LENGTH_MAX = 4096;
const WORD_LENGTH_MAX = 64;

/** Whether `byte` is PDF white space. §7.2.3, table 1. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9 || byte === 0 || byte === 12;
}

// §7.2.3, table 2: ( ) < > [ ] { } / %
function isDelimiter(byte: number): boolean {
  switch (byte) {
    case 0x28:
    case 0x29:
    case 0x3c:
    case 0x3e:
    case 0x5b:
    case 0x5d:
    case 0x7b:
    case 0x7d:
    case 0x2f:
    case 0x25:
      return true;
    default:
      return false;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** An array or dictionary that is not closed yet, with the values in it so far. */
interface Open {
  readonly isDict: boolean;
  readonly items: Value[];
}

/** Marks what ends a container or a value; never handed out. */
type Stop = "]" | ">>" | "end" | "word";

/** Reads values at `at`, which is where the next one begins and may be set. */
export class Parser {
  readonly bytes: Buffer;
  at: number;
  /** A container, string or name was still open at the end of the bytes. */
  isCut = false;
  /** An object held more values than are read. */
  isTooLarge = false;
  /** Whether a name of `watched` was met; for the caller to reset. */
  hasWatched = false;
  readonly #end: number;
  readonly #watched: ReadonlySet<string>;
  #word = "";

  constructor(bytes: Buffer, watched: ReadonlySet<string> = new Set(), at = 0) {
    this.bytes = bytes;
    this.at = at;
    this.#end = bytes.length;
    this.#watched = watched;
  }

  /** Passes white space and comments. */
  skipBlank(): void {
    const { bytes } = this;
    let at = this.at;
    for (; at < this.#end; at++) {
      const byte = bytes[at] as number;
      if (isSpace(byte)) continue;
      if (byte !== 0x25) break;
      while (at < this.#end && bytes[at] !== 10 && bytes[at] !== 13) at++;
    }
    this.at = at;
  }

  /** Passes the word `word` if it stands here. */
  take(word: string): boolean {
    this.skipBlank();
    const end = this.at + word.length;
    if (this.bytes.toString("latin1", this.at, end) !== word) return false;
    this.at = end;
    return true;
  }

  /** A whole number without sign, or -1 with nothing passed. */
  integer(): number {
    this.skipBlank();
    let at = this.at;
    let value = 0;
    for (; isDigit(this.bytes[at]) && at - this.at < 15; at++) {
      value = value * 10 + (this.bytes[at] as number) - 0x30;
    }
    if (at === this.at) return -1;
    this.at = at;
    return value;
  }

  /** The value that begins here; null at the end or before a word that is none. */
  value(): Value {
    const stack: Open[] = [];
    for (let count = 0; ; count++) {
      if (count >= VALUES_MAX) {
        this.isTooLarge = true;
        return unwound(stack);
      }
      const top = stack.at(-1);
      const item = this.#token(stack);
      if (item === "end") {
        this.isCut = this.isCut || top !== undefined;
        return unwound(stack);
      }
      if (item === "word") {
        if (top === undefined) return null;
        // An object that lost its end must not swallow the next ones.
        if (this.#word === "endobj" || this.#word === "stream" || this.#word === "obj") {
          this.at -= this.#word.length;
          return unwound(stack);
        }
        takeWord(top.items, this.#word);
        continue;
      }
      if (item === "]" || item === ">>") {
        if (top === undefined) continue;
        // A wrong bracket closes what is open: viewers go on as well.
        stack.pop();
        const closed = top.isDict ? dictOf(top.items) : top.items;
        const outer = stack.at(-1);
        if (outer === undefined) return closed;
        outer.items.push(closed);
      } else if (item !== undefined) {
        if (top === undefined) return this.#maybeRef(item);
        top.items.push(item);
      }
    }
  }

  // One token, told by its first byte: a value, a stop, or undefined when it opened a container (now on the stack).
  #token(stack: Open[]): Value | Stop | undefined {
    this.skipBlank();
    if (this.at >= this.#end) return "end";
    const byte = this.bytes[this.at] as number;
    switch (byte) {
      case 0x2f:
        return this.#name();
      case 0x28:
        return this.#literal();
      case 0x5b:
        this.at++;
        stack.push({ isDict: false, items: [] });
        return;
      case 0x5d:
        this.at++;
        return "]";
      case 0x3c:
        if (this.bytes[this.at + 1] !== 0x3c) return this.#hex();
        this.at += 2;
        stack.push({ isDict: true, items: [] });
        return;
      case 0x3e:
        this.at += this.bytes[this.at + 1] === 0x3e ? 2 : 1;
        return ">>";
      case 0x29:
      case 0x7b:
      case 0x7d:
        // Strays: viewers pass them.
        this.at++;
        return null;
      default:
        return this.#plain(byte);
    }
  }

  // A number, or a word: of these only `R`, `true` and `false` mean something inside a container.
  #plain(byte: number): Value | Stop {
    if (isDigit(byte) || byte === 0x2b || byte === 0x2d || byte === 0x2e) return this.#number();
    const start = this.at;
    let at = start;
    while (at < this.#end) {
      const next = this.bytes[at] as number;
      if (isSpace(next) || isDelimiter(next)) break;
      at++;
    }
    this.at = at;
    this.#word = this.bytes.toString("latin1", start, Math.min(at, start + WORD_LENGTH_MAX));
    return "word";
  }

  #number(): number {
    const { bytes } = this;
    const start = this.at;
    let at = start + (isDigit(bytes[start]) || bytes[start] === 0x2e ? 0 : 1);
    let value = 0;
    while (isDigit(bytes[at])) value = value * 10 + (bytes[at++] as number) - 0x30;
    // Fractions mean nothing to us: they are passed, with what sloppy writers put in them.
    while (at < this.#end && (isDigit(bytes[at]) || bytes[at] === 0x2e || bytes[at] === 0x2d)) at++;
    this.at = at;
    return bytes[start] === 0x2d ? -value : value;
  }

  // §7.3.5. `#` that no two hex digits follow stands for itself.
  #name(): Name {
    const { bytes } = this;
    const start = this.at + 1;
    let at = start;
    let hasEscape = false;
    for (; at < this.#end; at++) {
      const byte = bytes[at] as number;
      if (isSpace(byte) || isDelimiter(byte)) break;
      if (byte === 0x23) hasEscape = true;
    }
    this.at = at;
    let text = bytes.toString("latin1", start, Math.min(at, start + NAME_LENGTH_MAX));
    if (hasEscape) {
      text = text.replace(/#([0-9A-Fa-f]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
    }
    if (this.#watched.has(text)) this.hasWatched = true;
    return new Name(text);
  }

  // §7.3.4.2. Most strings have no escapes and are given as they lie.
  #literal(): Buffer {
    const { bytes } = this;
    const start = this.at + 1;
    let depth = 1;
    let isPlain = true;
    let at = start;
    for (; at < this.#end; at++) {
      const byte = bytes[at] as number;
      if (byte === 0x5c) {
        isPlain = false;
        at++;
      } else if (byte === 0x28) depth++;
      else if (byte === 0x29 && --depth === 0) break;
      else if (byte === 13) isPlain = false;
    }
    const end = Math.min(at, this.#end);
    if (at >= this.#end) this.isCut = true;
    this.at = Math.min(end + 1, this.#end);
    return isPlain ? bytes.subarray(start, end) : unescaped(bytes.subarray(start, end));
  }

  // §7.3.4.3: a missing last digit is 0; what is no digit is passed.
  #hex(): Buffer {
    const { bytes } = this;
    const start = this.at + 1;
    let end = bytes.indexOf(0x3e, start);
    if (end < 0) {
      end = this.#end;
      this.isCut = true;
    }
    this.at = Math.min(end + 1, this.#end);
    return hexBytes(bytes.subarray(start, end));
  }

  // `12 0 R` outside of any container, as in an object that is only a reference.
  #maybeRef(item: Value): Value {
    if (typeof item !== "number") return item;
    const back = this.at;
    const gen = this.integer();
    if (gen >= 0 && this.take("R")) return new Ref(item, gen);
    this.at = back;
    return item;
  }
}

// A word inside a container: `R` makes the two numbers before it a reference.
function takeWord(items: Value[], word: string): void {
  if (word === "R") {
    const gen = items.pop() ?? null;
    const num = items.pop() ?? null;
    const isRef = typeof num === "number" && typeof gen === "number" && num >= 0;
    items.push(isRef ? new Ref(num, gen) : null);
  } else items.push(word === "true" ? true : word === "false" ? false : null);
}

function dictOf(items: readonly Value[]): Dict {
  const dict: Dict = new Map();
  let first: Dict | undefined;
  for (let at = 0; at + 1 < items.length; ) {
    const key = items[at++];
    // What is no name cannot be a key: the pairs go on behind it.
    if (!(key instanceof Name)) continue;
    const value = items[at++] as Value;
    const earlier = dict.get(key.text);
    if (earlier !== undefined) {
      first ??= new Map();
      if (!first.has(key.text)) first.set(key.text, earlier);
    }
    dict.set(key.text, value);
  }
  if (first !== undefined) dict.set(FIRST, first);
  return dict;
}

// What was open when reading had to stop, closed from the inside out.
function unwound(stack: Open[]): Value {
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const closed = top.isDict ? dictOf(top.items) : top.items;
    const outer = stack.at(-1);
    if (outer === undefined) return closed;
    outer.items.push(closed);
  }
  return null;
}
