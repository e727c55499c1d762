// One line of a source, cut into words, quoted texts and marks; and how quoted texts are read.
import { SourceError } from "./source.ts";

/** A piece of a line. For quoted texts `text` is what stands between the quotes, still escaped. */
export interface Token {
  readonly kind: "word" | "text" | "mark";
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

// Words: keywords, $ids, #ids, numbers with units, names. Marks: brackets, comparisons, commas.
const PIECE =
  /\s+|"((?:[^"\\]|\\.)*)"|(\$\w+\.\.\$\w+|[$#]?[\w.*:/+-]+|\$)|([()|{},!?]|[<>=!]=?)|(.)/gy;

/** Tokens per line: far more than any sensible signature needs. */
const TOKEN_MAX = 2000;

/** Cuts `text`, whose first character stands at `column` (from 1) of the line. */
export function tokenize(text: string, line: number, column: number): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(PIECE)) {
    const [, quoted, word, mark, stray] = match;
    const at = { line, column: column + match.index };
    if (quoted !== undefined) tokens.push({ kind: "text", text: quoted, ...at });
    else if (word !== undefined) tokens.push({ kind: "word", text: word, ...at });
    else if (mark !== undefined) tokens.push({ kind: "mark", text: mark, ...at });
    else if (stray === '"') throw new SourceError("the text is not closed", at, 'a closing "');
    else if (stray !== undefined) throw new SourceError(`stray character ${stray}`, at);
    if (tokens.length > TOKEN_MAX) throw new SourceError("the line is too long", at);
  }
  return tokens;
}

/** Takes tokens one by one; every error says where. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  readonly #end: { line: number; column: number };
  #next = 0;

  /** `end` is where a missing token is reported. */
  constructor(tokens: readonly Token[], end: { line: number; column: number }) {
    this.#tokens = tokens;
    this.#end = end;
  }

  /** Where the next token stands. */
  get at(): { line: number; column: number } {
    const token = this.#tokens[this.#next];
    return token === undefined ? this.#end : { line: token.line, column: token.column };
  }

  peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  take(): Token | undefined {
    return this.#tokens[this.#next++];
  }

  /** Takes the next token if it is that word or mark. */
  accept(text: string): boolean {
    const token = this.peek();
    if (token === undefined || token.kind === "text" || token.text !== text) return false;
    this.#next++;
    return true;
  }

  /** The next token, which must be of that kind. */
  expect(kind: Token["kind"], expected: string): Token {
    const token = this.peek();
    if (token?.kind !== kind) this.fail("", expected);
    this.#next++;
    return token as Token;
  }

  expectEnd(): void {
    if (this.peek() !== undefined) this.fail("", "the end of the line");
  }

  /** Throws; without a message it says what stands here. */
  fail(message: string, expected?: string): never {
    const token = this.peek();
    const found = token === undefined ? "the line ends here" : `unexpected ${token.text}`;
    throw new SourceError(message === "" ? found : message, this.at, expected);
  }
}

const ESCAPES: Readonly<Record<string, number>> = {
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  "0": 0x00,
  "\\": 0x5c,
  '"': 0x22,
};

/** The bytes of a quoted text: UTF-8, with \n \r \t \0 \\ \" and \xHH. */
export function textBytes(token: Token): Uint8Array {
  if (!token.text.includes("\\")) return Buffer.from(token.text, "utf8");
  const parts: Buffer[] = [];
  const piece = /\\x([0-9A-Fa-f]{2})|\\(.)|([^\\]+)/gsu;
  for (const [, hex, letter, plain] of token.text.matchAll(piece)) {
    if (plain !== undefined) parts.push(Buffer.from(plain, "utf8"));
    else if (hex !== undefined) parts.push(Buffer.from([Number.parseInt(hex, 16)]));
    else {
      const byte = ESCAPES[letter ?? ""];
      if (byte === undefined) {
        throw new SourceError(
          `unknown escape \\${letter}`,
          token,
          '\\n \\r \\t \\0 \\\\ \\" \\xHH',
        );
      }
      parts.push(Buffer.from([byte]));
    }
  }
  return Buffer.concat(parts);
}

/** The string of a quoted text, for names and descriptions: \" and \\ are the only escapes. */
export function textString(token: Token): string {
  return token.text.replace(/\\(["\\])/g, "$1");
}

const UNITS: Readonly<Record<string, number>> = { "": 1, B: 1, KB: 1024, MB: 1024 * 1024 };
const NUMBER_MAX = 0x7fffffff;

/** A number with an optional unit KB or MB, or in hexadecimal as 0x…. */
export function parseNumber(text: string, at: { line: number; column: number }): number {
  const match = /^(0x[0-9A-Fa-f]{1,8}|\d{1,10})(B|KB|MB)?$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2] ?? ""] ?? 1);
  if (Number.isNaN(value)) throw new SourceError(`${text} is no number`, at, "12, 0x1F, 64KB, 2MB");
  if (value > NUMBER_MAX) throw new SourceError(`${text} is too large`, at, "at most 2047MB");
  return value;
}
