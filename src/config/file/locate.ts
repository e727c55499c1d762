// Finds where the keys and values of a TOML text stand, so that an error about a value can name its
// line and column. The parser has already accepted the text; this walk only keeps track of places
// and must end on any input.

/** Offsets into the text. */
export interface Place {
  readonly key: number;
  readonly value: number;
  /** Where the value of a setting ends; of a header, and of a list's element, where it begins. */
  readonly end: number;
}

/** A line and a column, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is open while a value is walked: an array, or an inline table with its path. */
type Frame =
  | { readonly kind: "array"; readonly path: string; next: number }
  | { readonly kind: "table"; readonly path: string };

const BARE = /[A-Za-z0-9_-]+/y;
const BLANK = /[ \t]*/y;
const BLANK_LINES = /(?:[ \t\r\n,]|#[^\n]*)*/y;
const SCALAR = /[^,\]}#\n]+/y;
const STRING = /"""(?:[^\\]|\\.)*?"""+|'''.*?'''+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/sy;

/** Walks the text once; places are kept by dotted path, those of list elements by `path[n]`. */
class Walk {
  readonly places = new Map<string, Place>();
  readonly #text: string;
  readonly #rows: Map<string, number>;
  #at = 0;
  #table = "";

  constructor(text: string, rows: Map<string, number>) {
    this.#text = text;
    this.#rows = rows;
  }

  run(): this {
    while (this.#at < this.#text.length) {
      const start = this.#at;
      this.#take(BLANK_LINES);
      if (this.#peek("[")) this.#header();
      else if (this.#at < this.#text.length) this.#entry(this.#table);
      // No progress: the text is not what the parser would take. Stop rather than spin.
      if (this.#at === start) break;
    }
    return this;
  }

  #peek(char: string): boolean {
    return this.#text[this.#at] === char;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += taken.length;
    return taken;
  }

  #note(path: string, key: number): void {
    const value = this.#at;
    if (!this.places.has(path)) this.places.set(path, { key, value, end: value });
  }

  #header(): void {
    const start = this.#at;
    while (this.#peek("[")) this.#at++;
    const isRow = this.#at - start > 1;
    this.#take(BLANK);
    const key = this.#at;
    const path = this.#path("");
    this.#table = isRow ? `${path}[${this.#count(path)}]` : this.#inRow(path);
    for (const each of [path, this.#table]) {
      if (!this.places.has(each)) this.places.set(each, { key, value: key, end: key });
    }
    while (this.#peek("]")) this.#at++;
  }

  // Each `[[t]]` is one more of `t`: the first `t[0]`.
  #count(path: string): number {
    const index = this.#rows.get(path) ?? 0;
    this.#rows.set(path, index + 1);
    return index;
  }

  // `[t.a]` below a `[[t]]` belongs to that one.
  #inRow(path: string): string {
    const [first = ""] = path.split(".", 1);
    const count = this.#rows.get(first);
    return count === undefined || path === first
      ? path
      : `${first}[${count - 1}]${path.slice(first.length)}`;
  }

  // A dotted key. Every step of it is a path of its own: `a.b = 1` is also where `a` stands.
  #path(prefix: string): string {
    const key = this.#at;
    let path = prefix;
    for (;;) {
      this.#take(BLANK);
      const quoted = this.#take(STRING);
      const segment = quoted === "" ? this.#take(BARE) : quoted.slice(1, -1);
      if (path !== prefix) this.#note(path, key);
      path = path === "" ? segment : `${path}.${segment}`;
      this.#take(BLANK);
      if (!this.#peek(".")) return path;
      this.#at++;
    }
  }

  #entry(prefix: string): void {
    const key = this.#at;
    const path = this.#path(prefix);
    if (!this.#peek("=")) return;
    this.#at++;
    this.#take(BLANK);
    const value = this.#at;
    const isFirst = !this.places.has(path);
    this.#note(path, key);
    this.#value(path);
    if (isFirst) this.places.set(path, { key, value, end: this.#at });
  }

  // A value; arrays and inline tables are kept on a stack of our own, however deep they go.
  #value(path: string): void {
    const open: Frame[] = [];
    this.#begin(path, open);
    while (open.length > 0 && this.#at < this.#text.length) {
      const start = this.#at;
      const frame = open[open.length - 1] as Frame;
      this.#take(BLANK_LINES);
      if (this.#peek("]") || this.#peek("}")) {
        this.#at++;
        open.pop();
      } else if (frame.kind === "array") {
        const element = `${frame.path}[${frame.next++}]`;
        this.#note(element, this.#at);
        this.#begin(element, open);
      } else {
        const key = this.#at;
        const inner = this.#path(frame.path);
        if (this.#peek("=")) this.#at++;
        this.#take(BLANK);
        const value = this.#at;
        this.#note(inner, key);
        this.#begin(inner, open);
        if (open.at(-1) === frame) this.places.set(inner, { key, value, end: this.#at });
      }
      if (this.#at === start) return;
    }
  }

  #begin(path: string, open: Frame[]): void {
    const isArray = this.#peek("[");
    if (isArray || this.#peek("{")) {
      open.push(isArray ? { kind: "array", path, next: 0 } : { kind: "table", path });
      this.#at++;
    } else if (this.#take(STRING) === "") this.#take(SCALAR);
  }
}

/**
 * Where each key, and each element of a list (`path[n]`), stands in a valid TOML text. `rows` counts
 * the `[[tables]]` of files that were read before, and goes on from there.
 */
export function locate(
  text: string,
  rows: Map<string, number> = new Map(),
): ReadonlyMap<string, Place> {
  return new Walk(text, rows).run().places;
}

/** The line and column of an offset. */
export function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - start + 1 };
}
