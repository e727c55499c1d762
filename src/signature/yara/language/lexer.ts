// YARA's text cut into tokens, one at a time: whether "/" or "{" opens an expression or a hex string
// depends on what the parser expects there, so it asks for those itself.
import { SourceError } from "../../source.ts";

/** Where something stands; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A piece of a source. Of texts, `text` holds the bytes, one character each. */
export interface Token extends Position {
  readonly kind: "word" | "string" | "number" | "float" | "text" | "mark" | "end";
  readonly text: string;
  readonly value: bigint;
}

/** A regular expression as written between its slashes. */
export interface RegexToken extends Position {
  readonly source: string;
  readonly flags: string;
}

const SPACE = /(?:[\s\uFEFF]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const WORD = /[A-Za-z_]\w*/y;
const STRING = /\$\w*\*?|[#@!]\w*/y;
const FLOAT = /\d+\.\d+/y;
const NUMBER = /(0x[0-9A-Fa-f]{1,64}|0o[0-7]{1,64}|\d{1,64})(KB|MB)?/y;
const TEXT = /"((?:[^"\\\n]|\\[^\n])*)"/y;
const REGEX = /\/((?:[^/\\\n]|\\[^\n])+)\/([is]*)/y;
const MARK = /\.\.|<<|>>|<=|>=|==|!=|[-+*\\%&|^~<>=:.,()[\]{}/]/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;

const UNITS: Readonly<Record<string, bigint>> = { KB: 1024n, MB: 1024n * 1024n };
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "\\": "\\",
  '"': '"',
};
/** Longest text, regular expression or hex string. */
const LITERAL_MAX = 64 * 1024;

/** Cuts one source. Every SourceError it throws has a place. */
export class Lexer {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #lineAt = 0;
  #ahead: Token | null = null;
  /** Offset of the token that was looked at ahead of time. */
  #aheadAt = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the next token stands. */
  get position(): Position {
    if (this.#ahead !== null) return { line: this.#ahead.line, column: this.#ahead.column };
    this.#skip();
    return { line: this.#line, column: this.#at - this.#lineAt + 1 };
  }

  // Counts lines up to `to`: texts and comments may hold some.
  #move(to: number): void {
    for (let next = this.#text.indexOf("\n", this.#at); next >= 0 && next < to; ) {
      this.#line++;
      this.#lineAt = next + 1;
      next = this.#text.indexOf("\n", next + 1);
    }
    this.#at = to;
  }

  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    return expression.exec(this.#text);
  }

  #skip(): void {
    if (this.#ahead !== null) return;
    const space = this.#match(SPACE);
    if (space !== null) this.#move(this.#at + space[0].length);
    if (!this.#text.startsWith("/*", this.#at)) return;
    const at = { line: this.#line, column: this.#at - this.#lineAt + 1 };
    this.#move(this.#text.length);
    throw new SourceError("the comment is not closed", at, "*/");
  }

  /** Throws at what comes next. */
  fail(message: string, expected?: string): never {
    throw new SourceError(message, this.position, expected);
  }

  peek(): Token {
    if (this.#ahead === null) {
      this.#skip();
      this.#aheadAt = this.#at;
      this.#ahead = this.#read();
    }
    return this.#ahead;
  }

  take(): Token {
    const token = this.peek();
    this.#ahead = null;
    return token;
  }

  #read(): Token {
    const at = { line: this.#line, column: this.#at - this.#lineAt + 1 };
    const token = (kind: Token["kind"], all: string, text = all, value = 0n): Token => {
      this.#move(this.#at + all.length);
      return { kind, text, value, ...at };
    };
    if (this.#at >= this.#text.length) return token("end", "");
    const word = this.#match(WORD);
    if (word !== null) return token("word", word[0]);
    const float = this.#match(FLOAT);
    if (float !== null) return token("float", float[0]);
    const number = this.#match(NUMBER);
    if (number !== null) return token("number", number[0], number[0], this.#number(number));
    const text = this.#match(TEXT);
    if (text !== null) return token("text", text[0], this.#unescape(text[1] ?? ""));
    // "!=" before the length of an anonymous string.
    const mark = this.#match(MARK);
    if (mark !== null) return token("mark", mark[0]);
    const string = this.#match(STRING);
    if (string !== null) return token("string", string[0]);
    const [stray = ""] = this.#text.slice(this.#at, this.#at + 1);
    this.#ahead = null;
    return this.fail(stray === '"' ? "the text is not closed" : `stray character ${stray}`);
  }

  #number([, digits = "", unit = ""]: RegExpExecArray): bigint {
    const value = BigInt(digits) * (UNITS[unit] ?? 1n);
    if (value >= 1n << 63n) this.fail("the number does not fit 64 bits");
    return value;
  }

  #unescape(text: string): string {
    if (text.length > LITERAL_MAX) this.fail("the text is too long");
    const bytes = Buffer.from(text, "utf8").toString("latin1");
    return bytes.replace(/\\(?:x([0-9A-Fa-f]{2})|([\s\S]))/g, (_, hex, letter) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      return (
        ESCAPES[letter] ?? this.fail(`unknown escape \\${letter}`, '\\n \\r \\t \\\\ \\" \\xHH')
      );
    });
  }

  /** Whether that word or mark is next. */
  isNext(text: string): boolean {
    const token = this.peek();
    return (token.kind === "word" || token.kind === "mark") && token.text === text;
  }

  /** Takes the next token if it is that word or mark. */
  accept(text: string): boolean {
    if (!this.isNext(text)) return false;
    this.#ahead = null;
    return true;
  }

  /** Takes that word or mark, which must be next. */
  need(text: string): void {
    if (!this.accept(text)) this.unexpected(text);
  }

  /** The next token, which must be of that kind. */
  expect(kind: Token["kind"], expected: string): Token {
    if (this.peek().kind !== kind) this.unexpected(expected);
    return this.take();
  }

  /** Throws: what comes next has no business there. */
  unexpected(expected: string): never {
    const { kind, text } = this.peek();
    return this.fail(kind === "end" ? "the source ends here" : `unexpected ${text}`, expected);
  }

  /** Takes a regular expression if one begins here. */
  regex(): RegexToken | null {
    if (!this.isNext("/")) return null;
    this.#back();
    const at = this.position;
    const match = this.#match(REGEX);
    if (match === null) return this.fail("the regular expression is not closed", "/");
    const [all, source = "", flags = ""] = match;
    if (source.length > LITERAL_MAX) this.fail("the regular expression is too long");
    this.#move(this.#at + all.length);
    return { source: Buffer.from(source, "utf8").toString("latin1"), flags, ...at };
  }

  /** Takes a hex string if one begins here; what stands between its braces, without comments. */
  hex(): string | null {
    if (!this.isNext("{")) return null;
    this.#back();
    const parts: string[] = [];
    let from = this.#at + 1;
    for (let at = from; ; at++) {
      const character = this.#text[at];
      if (character === undefined) return this.fail("the hex string is not closed", "}");
      if (at - this.#at > LITERAL_MAX) return this.fail("the hex string is too long");
      if (character !== "/" && character !== "}") continue;
      parts.push(this.#text.slice(from, at));
      if (character === "}") {
        this.#move(at + 1);
        return parts.join(" ");
      }
      COMMENT.lastIndex = at;
      from = at + (COMMENT.exec(this.#text)?.[0].length ?? 1);
      at = from - 1;
    }
  }

  // Puts a mark of one character back, to read it as something else.
  #back(): void {
    this.#ahead = null;
    this.#at = this.#aheadAt;
  }

  /** Behind an error: goes on at the next line that begins a rule or an import, or at the end. */
  recover(): void {
    this.#ahead = null;
    const next = /^[ \t]*(?:(?:private|global)\s+)*(?:rule\s+\w+|import\s*"|include\s*")/gm;
    next.lastIndex = this.#at;
    this.#move(next.exec(this.#text)?.index ?? this.#text.length);
  }
}
