// The normalised views of HTML: with its tags, and its text alone. Letters are lower case, white
// space is folded, comments and styles are gone, references are decoded, strings that scripts put
// together are together.
const SPACE = 0x20;
const LT = 0x3c;
const GT = 0x3e;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const AMPERSAND = 0x26;
const SLASH = 0x2f;
const REFERENCE_MAX = 12;
const NAME_MAX = 16;

const NAMED: Readonly<Record<string, number>> = {
  lt: LT,
  gt: GT,
  quot: QUOTE,
  apos: APOSTROPHE,
  amp: AMPERSAND,
  nbsp: SPACE,
};

const isSpace = (c: number) => c === SPACE || (c >= 0x09 && c <= 0x0d);
const isLetter = (c: number) => (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a;
const lower = (c: number) => (c >= 0x41 && c <= 0x5a ? c | 0x20 : c);

/** Bytes that are put down one by one; spaces only one at a time. */
class Sink {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  put(c: number): void {
    const byte = isSpace(c) ? SPACE : lower(c);
    if (byte === SPACE && this.#bytes[this.#length - 1] === SPACE) return;
    if (this.#length < this.#bytes.length) this.#bytes[this.#length++] = byte;
  }

  /** Takes back bytes up to and with the last of that value, if nothing but spaces follow it. */
  takeBack(c: number): boolean {
    let at = this.#length - 1;
    while (at >= 0 && this.#bytes[at] === SPACE) at--;
    if (at < 0 || this.#bytes[at] !== c) return false;
    this.#length = at;
    return true;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

class HtmlReader {
  readonly #bytes: Uint8Array;
  readonly #tagged: Sink;
  readonly #plain: Sink;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    // Single quotes become double ones and a tag a space: nothing grows.
    this.#tagged = new Sink(bytes.length + 1);
    this.#plain = new Sink(bytes.length + 1);
  }

  read(): Uint8Array[] {
    while (this.#at < this.#bytes.length) this.#step();
    return [this.#tagged.bytes(), this.#plain.bytes()];
  }

  #peek(distance = 0): number {
    return this.#bytes[this.#at + distance] ?? 0;
  }

  #step(): void {
    const c = this.#peek();
    if (c === LT && this.#isAt("<!--")) {
      this.#skipBehind("-->");
    } else if (c === LT && (isLetter(this.#peek(1)) || this.#peek(1) === SLASH)) {
      this.#tag();
    } else if (c === AMPERSAND) {
      this.#reference();
    } else {
      this.#text(c);
      this.#at++;
    }
  }

  #text(c: number): void {
    this.#tagged.put(c);
    this.#plain.put(c);
  }

  /** Whether that text stands here, its letters in either case. */
  #isAt(text: string): boolean {
    for (let i = 0; i < text.length; i++) {
      if (lower(this.#peek(i)) !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  #skipBehind(text: string): void {
    while (this.#at < this.#bytes.length && !this.#isAt(text)) this.#at++;
    this.#at += text.length;
  }

  #reference(): void {
    const ahead = this.#bytes.subarray(this.#at, this.#at + REFERENCE_MAX);
    const text = Buffer.from(ahead).toString("latin1");
    const [whole = "", hex, decimal, name = ""] =
      /^&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,6}));?/i.exec(text) ?? [];
    const code =
      hex !== undefined
        ? Number.parseInt(hex, 16)
        : decimal !== undefined
          ? Number(decimal)
          : NAMED[name.toLowerCase()];
    if (code === undefined) {
      this.#text(AMPERSAND);
      this.#at++;
      return;
    }
    if (code < 256) this.#text(code);
    this.#at += whole.length;
  }

  #tag(): void {
    let name = "";
    this.#plain.put(SPACE);
    this.#tagged.put(LT);
    this.#at++;
    for (let c = this.#peek(); this.#at < this.#bytes.length; c = this.#peek()) {
      if (isSpace(c) || c === GT) break;
      if (name.length < NAME_MAX) name += String.fromCharCode(lower(c));
      this.#tagged.put(c);
      this.#at++;
    }
    this.#attributes();
    if (name === "script") this.#script();
    else if (name === "style") this.#skipTo("</style");
  }

  /** The rest of a tag. Quotes count only where a value begins. */
  #attributes(): void {
    let before = 0;
    while (this.#at < this.#bytes.length) {
      const c = this.#peek();
      this.#at++;
      if (c === GT) {
        this.#tagged.put(GT);
        return;
      }
      if ((c === QUOTE || c === APOSTROPHE) && before === 0x3d) this.#value(c);
      else this.#tagged.put(c);
      if (!isSpace(c)) before = c;
    }
  }

  #value(quote: number): void {
    this.#tagged.put(QUOTE);
    while (this.#at < this.#bytes.length && this.#peek() !== quote) {
      this.#tagged.put(this.#peek());
      this.#at++;
    }
    this.#at++;
    this.#tagged.put(QUOTE);
  }

  #skipTo(text: string): void {
    while (this.#at < this.#bytes.length && !this.#isAt(text)) this.#at++;
  }

  /** A script: without comments, and with `"a" + "b"` as one string. */
  #script(): void {
    let quote = 0;
    while (this.#at < this.#bytes.length && !this.#isAt("</script")) {
      const c = this.#peek();
      if (quote === 0 && this.#isAt("/*")) this.#skipBehind("*/");
      else if (quote === 0 && this.#isAt("//")) this.#skipLine();
      else {
        quote = this.#scriptByte(c, quote);
        this.#at++;
      }
    }
  }

  #skipLine(): void {
    while (this.#at < this.#bytes.length && this.#peek() !== 0x0a && !this.#isAt("</script")) {
      this.#at++;
    }
  }

  /** Puts down one byte of a script; the quote that is open behind it. */
  #scriptByte(c: number, quote: number): number {
    if (quote !== 0) {
      this.#tagged.put(c === quote ? QUOTE : c);
      return c === quote ? 0 : quote;
    }
    const isQuote = c === QUOTE || c === APOSTROPHE;
    if (isQuote && this.#tagged.takeBack(0x2b) && this.#tagged.takeBack(QUOTE)) return c;
    this.#tagged.put(isQuote ? QUOTE : c);
    return isQuote ? c : 0;
  }
}

/** HTML with its tags, and its text alone; both normalised. */
export function htmlViews(bytes: Uint8Array): Uint8Array[] {
  return new HtmlReader(bytes).read();
}
