// The strings of a rule as they are declared: `$a = "text" wide nocase`, `$b = { 4D 5A }`, `$c = /re/i`.
import type { YaraRegex } from "../../../gwdb/yara-judgement.ts";
import { SourceError } from "../../source.ts";
import { type HexString, parseHexString } from "./hex.ts";
import type { Lexer, Position, RegexToken, Token } from "./lexer.ts";

const STRINGS_MAX = 10_000;
const ALPHABET_LENGTH = 64;
const BASE64_TEXT_MIN = 3;

/** What may stand behind a string. */
export interface Modifiers {
  readonly isNocase: boolean;
  readonly isAscii: boolean;
  readonly isWide: boolean;
  readonly isFullword: boolean;
  /** Keys, both ends included. */
  readonly xor: { readonly low: number; readonly high: number } | null;
  /** Alphabets of 64 characters. */
  readonly base64: string | null;
  readonly base64wide: string | null;
}

/** A string as declared. `name` is without "$"; anonymous ones are called by a space and a number. */
export type StringDeclaration = Position & {
  readonly name: string;
  /** It came in with a rule that this one refers to. */
  readonly isForeign: boolean;
} & (
    | { readonly kind: "text"; readonly text: string; readonly modifiers: Modifiers }
    | { readonly kind: "hex"; readonly hex: HexString }
    | { readonly kind: "regex"; readonly regex: YaraRegex }
  );

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALLOWED: Readonly<Record<StringDeclaration["kind"], readonly string[]>> = {
  text: ["nocase", "ascii", "wide", "fullword", "xor", "base64", "base64wide", "private"],
  regex: ["nocase", "ascii", "wide", "fullword", "private"],
  hex: ["private"],
};

function readXor(lexer: Lexer): { low: number; high: number } {
  if (!lexer.accept("(")) return { low: 0, high: 255 };
  const key = (): number => {
    const token = lexer.expect("number", "a key of 0 to 255");
    if (token.value > 255n) throw new SourceError("the key is too large", token, "0 to 255");
    return Number(token.value);
  };
  const low = key();
  const high = lexer.accept("-") ? key() : low;
  lexer.need(")");
  if (low > high) lexer.fail("the range of keys is empty");
  return { low, high };
}

function readAlphabet(lexer: Lexer): string {
  if (!lexer.accept("(")) return ALPHABET;
  const token = lexer.expect("text", "an alphabet");
  lexer.need(")");
  if (token.text.length !== ALPHABET_LENGTH) {
    throw new SourceError("the alphabet has another length", token, "64 characters");
  }
  return token.text;
}

function readModifiers(lexer: Lexer, allowed: readonly string[]): Modifiers {
  const seen = new Set<string>();
  let xor: Modifiers["xor"] = null;
  let base64: string | null = null;
  let base64wide: string | null = null;
  for (let token = lexer.peek(); allowed.includes(token.text); token = lexer.peek()) {
    if (seen.has(token.text)) lexer.fail(`${token.text} stands here twice`);
    seen.add(token.text);
    lexer.take();
    if (token.text === "xor") xor = readXor(lexer);
    if (token.text === "base64") base64 = readAlphabet(lexer);
    if (token.text === "base64wide") base64wide = readAlphabet(lexer);
  }
  const isBase64 = base64 !== null || base64wide !== null;
  if ((xor !== null || isBase64) && seen.has("nocase")) lexer.fail("nocase does not go with that");
  if (isBase64 && (xor !== null || seen.has("fullword"))) {
    lexer.fail("base64 goes with ascii and wide only");
  }
  const isWide = seen.has("wide");
  return {
    isNocase: seen.has("nocase"),
    isAscii: seen.has("ascii") || !isWide,
    isWide,
    isFullword: seen.has("fullword"),
    ...{ xor, base64, base64wide },
  };
}

/** A regular expression as `matches` and functions of modules take it. */
export function regexOf({ source, flags }: RegexToken): YaraRegex {
  const unique = [...new Set(flags)].sort().join("");
  return { source, flags: unique, isAscii: true, isWide: false, isFullword: false };
}

function readValue(lexer: Lexer, named: Position & { name: string }): StringDeclaration {
  const base = { line: named.line, column: named.column, name: named.name, isForeign: false };
  const at = lexer.position;
  const body = lexer.hex();
  if (body !== null) {
    const hex = parseHexString(body, at);
    readModifiers(lexer, ALLOWED.hex);
    return { ...base, kind: "hex", hex };
  }
  const regex = lexer.regex();
  if (regex !== null) {
    const modifiers = readModifiers(lexer, ALLOWED.regex);
    const { isAscii, isWide, isFullword } = modifiers;
    const plain = regexOf({ ...regex, flags: regex.flags + (modifiers.isNocase ? "i" : "") });
    return { ...base, kind: "regex", regex: { ...plain, isAscii, isWide, isFullword } };
  }
  const { text } = lexer.expect("text", 'a "text", { hex } or /regular expression/');
  if (text === "") throw new SourceError("the string is empty", at);
  const modifiers = readModifiers(lexer, ALLOWED.text);
  const isBase64 = modifiers.base64 !== null || modifiers.base64wide !== null;
  if (isBase64 && text.length < BASE64_TEXT_MIN) {
    throw new SourceError("the string is too short for base64", at, "3 bytes or more");
  }
  return { ...base, kind: "text", text, modifiers };
}

/** Reads the strings section, behind `strings:`. */
export function readStrings(lexer: Lexer): StringDeclaration[] {
  const strings: StringDeclaration[] = [];
  const names = new Set<string>();
  while (lexer.peek().kind === "string") {
    const token: Token = lexer.take();
    const name = token.text.slice(1) || ` ${strings.length}`;
    if (!token.text.startsWith("$") || name.endsWith("*")) {
      throw new SourceError(`${token.text} is no name of a string`, token, "$name");
    }
    if (names.has(name)) throw new SourceError(`there is a ${token.text} already`, token);
    if (strings.length >= STRINGS_MAX) throw new SourceError("too many strings", token);
    names.add(name);
    lexer.need("=");
    strings.push(readValue(lexer, { ...token, name }));
  }
  if (strings.length === 0) lexer.unexpected("$name");
  return strings;
}
