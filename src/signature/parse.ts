// The source format of gw's own signatures (.gws), described in docs/signatures.md. A file is parsed
// signature by signature; an error costs the signature it is in and no other.
import type { Severity } from "../message.ts";
import { defaultExpression, parseExpression } from "./expression.ts";
import { parseHex } from "./hex.ts";
import { parseNumber, type Token, TokenReader, textBytes, textString, tokenize } from "./line.ts";
import type { Cure, Diagnostic, Expression, Pattern, Place, Signature } from "./source.ts";
import { SourceError } from "./source.ts";

const FILE_SIZE_MAX = 64 * 1024 * 1024;
const PATTERNS_MAX = 64;
const GLOB_MAX = 200;
const TEXT_MAX = 500;
const NO_CURE: Cure = { kind: "none" };
const SEVERITIES: readonly string[] = ["infected", "suspicious", "unwanted"];
const KEYWORDS =
  "severity, description, target, text, hex, md5, sha256, name, condition, cure, reference or end";

/** What a file holds. */
export interface ParsedFile {
  readonly signatures: Signature[];
  readonly diagnostics: Diagnostic[];
}

interface Draft {
  readonly name: string;
  readonly line: number;
  severity: Severity;
  description: string;
  reference: string;
  targets: string[];
  patterns: Pattern[];
  cure: Cure;
  condition: TokenReader | null;
  readonly seen: string[];
}

type LineParser = (draft: Draft, reader: TokenReader) => void;

// ---- patterns -----------------------------------------------------------------------------------

/** Takes `$id`; patterns that need no name get a number, which no condition can spell. */
function takeId(draft: Draft, reader: TokenReader, isNeeded: boolean): string {
  const token = reader.peek();
  if (token?.kind !== "word" || !/^\$[A-Za-z_]\w{0,31}$/.test(token.text)) {
    if (isNeeded) reader.fail("", "a name such as $a");
    return `${draft.patterns.length}`;
  }
  reader.take();
  const id = token.text.slice(1);
  if (draft.patterns.some((pattern) => pattern.id === id)) {
    throw new SourceError(`there is a ${token.text} already`, token);
  }
  return id;
}

function parseEnd(text: string, token: Token): { isFromEnd: boolean; offset: number } {
  const isFromEnd = /^EOF(-|$)/.test(text);
  const digits = isFromEnd ? text.slice(4) || "0" : text;
  return { isFromEnd, offset: parseNumber(digits, token) };
}

/** `N`, `N..M`, `EOF-N` or `EOF-N..EOF-M`. */
function parsePlace(token: Token): Place {
  const [first = "", last = first, ...more] = token.text.split("..");
  const from = parseEnd(first, token);
  const to = parseEnd(last, token);
  if (more.length > 0 || from.isFromEnd !== to.isFromEnd) {
    throw new SourceError(`bad place ${token.text}`, token, "N, N..M, EOF-N or EOF-N..EOF-M");
  }
  const [low, high] = from.isFromEnd ? [to.offset, from.offset] : [from.offset, to.offset];
  if (low > high) throw new SourceError(`the place ${token.text} is empty`, token, "first..last");
  return { from: low, to: high, isFromEnd: from.isFromEnd };
}

function takePlace(reader: TokenReader): Place | null {
  if (!reader.accept("at")) return null;
  return parsePlace(reader.expect("word", "N, N..M or EOF-N"));
}

function widen(bytes: Uint8Array): Uint8Array {
  const wide = new Uint8Array(bytes.length * 2);
  bytes.forEach((byte, i) => {
    wide[2 * i] = byte;
  });
  return wide;
}

const parseText: LineParser = (draft, reader) => {
  const { line } = reader.at;
  const id = takeId(draft, reader, true);
  const token = reader.expect("text", "a text in quotes");
  const words = new Set<string>();
  while (["nocase", "wide", "fullword"].includes(reader.peek()?.text ?? "")) {
    words.add(reader.take()?.text ?? "");
  }
  const place = takePlace(reader);
  const plain = textBytes(token);
  if (plain.length === 0 || plain.length > TEXT_MAX * 4) {
    throw new SourceError("the text is empty or too long", token, `1 to ${TEXT_MAX * 4} bytes`);
  }
  const hasLetters = plain.some((byte) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a);
  const isFolded = words.has("nocase") && hasLetters;
  const isWide = words.has("wide");
  const cased = isFolded
    ? plain.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte))
    : plain;
  const bytes = Uint8Array.from(isWide ? widen(cased) : cased);
  draft.patterns.push({
    ...{ id, line, kind: "bytes", isFolded, isWide, place },
    ops: [{ kind: "literal", bytes }],
    isFullword: words.has("fullword"),
  });
};

const DIGEST_LENGTHS = { md5: 16, sha256: 32 } as const;

function hashParser(algorithm: "md5" | "sha256"): LineParser {
  return (draft, reader) => {
    const { line } = reader.at;
    const id = takeId(draft, reader, false);
    const token = reader.expect("text", "a hash in quotes");
    const length = DIGEST_LENGTHS[algorithm];
    if (token.text.length !== 2 * length || /[^0-9A-Fa-f]/.test(token.text)) {
      throw new SourceError(`bad ${algorithm}`, token, `${2 * length} hex digits`);
    }
    if (!reader.accept("size")) reader.fail("", "size and the object's bytes");
    const size = reader.expect("word", "a number");
    const digest = Uint8Array.from(Buffer.from(token.text, "hex"));
    draft.patterns.push({
      ...{ id, line, kind: "hash", algorithm, digest },
      size: parseNumber(size.text, size),
    });
  };
}

const parseName: LineParser = (draft, reader) => {
  const { line } = reader.at;
  const id = takeId(draft, reader, true);
  const token = reader.expect("text", 'a name such as "*.pdf.exe"');
  const glob = textString(token).toLowerCase().replace(/\*+/g, "*");
  if (glob.replace(/[*?]/g, "").length < 2 || glob.length > GLOB_MAX) {
    throw new SourceError("the name is too short or too long", token, "two characters besides * ?");
  }
  draft.patterns.push({ id, line, kind: "name", glob });
};

// ---- the other lines ----------------------------------------------------------------------------

const parseSeverity: LineParser = (draft, reader) => {
  const token = reader.expect("word", SEVERITIES.join(", "));
  if (!SEVERITIES.includes(token.text)) {
    throw new SourceError(`unknown severity ${token.text}`, token, SEVERITIES.join(", "));
  }
  draft.severity = token.text as Severity;
};

const parseTarget: LineParser = (draft, reader) => {
  do draft.targets.push(reader.expect("word", "a file type or any").text);
  while (reader.accept(","));
  if (draft.targets.includes("any")) draft.targets = [];
};

const parseCondition: LineParser = (draft, reader) => {
  if (reader.peek() === undefined) reader.fail("the condition is empty", "such as $a and $b");
  draft.condition = reader;
};

const parseCure: LineParser = (draft, reader) => {
  const kinds = "none, remove, truncate $a or cut $a..$b";
  const token = reader.expect("word", kinds);
  const range = () => reader.expect("word", kinds).text;
  if (token.text === "none" || token.text === "remove") draft.cure = { kind: token.text };
  else if (token.text === "truncate") draft.cure = { kind: "truncate", at: range().slice(1) };
  else if (token.text === "cut") {
    const [from = "", to = from] = range().split("..");
    draft.cure = { kind: "cut", from: from.slice(1), to: to.replace("$", "") };
  } else throw new SourceError(`unknown cure ${token.text}`, token, kinds);
};

function textParser(key: "description" | "reference"): LineParser {
  return (draft, reader) => {
    const token = reader.expect("text", "a text in quotes");
    if (token.text.length > TEXT_MAX) throw new SourceError(`the ${key} is too long`, token);
    draft[key] = textString(token);
  };
}

const LINES: Readonly<Record<string, LineParser>> = {
  severity: parseSeverity,
  description: textParser("description"),
  reference: textParser("reference"),
  target: parseTarget,
  text: parseText,
  md5: hashParser("md5"),
  sha256: hashParser("sha256"),
  name: parseName,
  condition: parseCondition,
  cure: parseCure,
};

// Lines that may stand more than once.
const REPEATED = new Set(["text", "hex", "md5", "sha256", "name"]);

// Nearly all lines of large sets are plain bytes; these are read at once.
const PLAIN_HEX = /^\s+\$([A-Za-z_]\w{0,31})\s+((?:[0-9A-Fa-f]{2})+)\s*$/;

/** `hex $id BYTES [at PLACE]`: the bytes are not tokens. */
function parseHexLine(draft: Draft, rest: string, at: { line: number; column: number }): void {
  const plain = draft.patterns.length === 0 ? PLAIN_HEX.exec(rest) : null;
  if (plain !== null) {
    const [, id = "", hex = ""] = plain;
    const about = { isFolded: false, isWide: false, isFullword: false, place: null };
    const ops = parseHex(hex, at);
    draft.patterns.push({ id, line: at.line, kind: "bytes", ops, ...about });
    return;
  }
  const match = /^(\s*)(\$[A-Za-z_]\w{0,31})\s+(.*?)(?:\s(at)\s+(\S+)\s*)?$/.exec(rest);
  const [, space = "", id = "", hex = "", , place] = match ?? [];
  if (match === null) throw new SourceError("no pattern", at, "$id and hex digits");
  if (draft.patterns.some((pattern) => `$${pattern.id}` === id)) {
    throw new SourceError(`there is a ${id} already`, at);
  }
  const column = at.column + rest.indexOf(hex, space.length + id.length);
  const placeAt = { line: at.line, column: at.column + rest.lastIndexOf(place ?? "") };
  draft.patterns.push({
    ...{ id: id.slice(1), line: at.line, kind: "bytes", isFolded: false, isWide: false },
    ops: parseHex(hex, { line: at.line, column }),
    isFullword: false,
    place: place === undefined ? null : parsePlace({ kind: "word", text: place, ...placeAt }),
  });
}

function parseLine(draft: Draft, keyword: string, rest: string, at: SourceErrorPlace): void {
  const place = { line: at.line, column: at.column + keyword.length };
  const isRepeated = REPEATED.has(keyword);
  if (!isRepeated && draft.seen.includes(keyword)) {
    throw new SourceError(`there is a ${keyword} already`, at);
  }
  if (!isRepeated) draft.seen.push(keyword);
  if (draft.patterns.length >= PATTERNS_MAX && isRepeated) {
    throw new SourceError("too many patterns", at, `at most ${PATTERNS_MAX}`);
  }
  if (keyword === "hex") {
    parseHexLine(draft, rest, place);
    return;
  }
  const parser = LINES[keyword];
  if (parser === undefined) throw new SourceError(`unknown line ${keyword}`, at, KEYWORDS);
  const end = { line: at.line, column: place.column + rest.length };
  const reader = new TokenReader(tokenize(rest, place.line, place.column), end);
  parser(draft, reader);
  if (keyword !== "condition") reader.expectEnd();
}

type SourceErrorPlace = { readonly line: number; readonly column: number };

function checkCure(draft: Draft): void {
  const { cure } = draft;
  const ids =
    cure.kind === "truncate" ? [cure.at] : cure.kind === "cut" ? [cure.from, cure.to] : [];
  for (const id of ids) {
    if (!draft.patterns.some((pattern) => pattern.id === id && pattern.kind === "bytes")) {
      throw new SourceError(
        `the cure speaks of $${id}`,
        { line: 0, column: 1 },
        "a text or hex id",
      );
    }
  }
}

function finish(draft: Draft, file: string): Signature {
  const start = { line: draft.line, column: 1 };
  if (draft.patterns.length === 0) {
    throw new SourceError("the signature has no pattern", start, "text, hex, md5, sha256 or name");
  }
  checkCure(draft);
  const hashes = draft.patterns.filter(({ kind }) => kind === "hash").length;
  if (draft.condition === null && hashes > 0 && hashes < draft.patterns.length) {
    throw new SourceError("hashes and other patterns need a condition", start, "a condition line");
  }
  const condition: Expression =
    draft.condition === null
      ? defaultExpression(draft.patterns)
      : parseExpression(draft.condition, draft.patterns);
  const { name, line, severity, description, reference, cure, targets, patterns } = draft;
  const info = { name, severity, description, reference, cure };
  return { info, file, line, targets, patterns, condition };
}

// ---- files --------------------------------------------------------------------------------------

class FileParser {
  readonly #file: string;
  readonly signatures: Signature[] = [];
  readonly diagnostics: Diagnostic[] = [];
  #draft: Draft | null = null;
  /** The current signature has an error: the rest of it is passed over. */
  #isLost = false;

  constructor(file: string) {
    this.#file = file;
  }

  report(error: unknown, line: number): void {
    if (!(error instanceof SourceError)) throw error;
    const { message, column, expected } = error;
    const hint = expected === undefined ? {} : { expected };
    const place = { line: error.line || line, column };
    this.diagnostics.push({ file: this.#file, ...place, message, ...hint });
  }

  #begin(rest: string, at: SourceErrorPlace): void {
    const name = rest.trim();
    this.#isLost = false;
    this.#draft = {
      name,
      line: at.line,
      severity: "infected",
      description: "",
      reference: "",
      targets: [],
      patterns: [],
      cure: NO_CURE,
      condition: null,
      seen: [],
    };
    if (!/^[A-Za-z0-9][\w.:+-]{0,127}$/.test(name)) {
      throw new SourceError(`bad signature name ${name}`, at, "such as Gw.Dropper.Example");
    }
  }

  #end(): void {
    const draft = this.#draft;
    this.#draft = null;
    if (draft !== null && !this.#isLost) this.signatures.push(finish(draft, this.#file));
  }

  line(text: string, line: number): void {
    const from = text.search(/\S/);
    if (from < 0 || text[from] === "#") return;
    const space = text.slice(from).search(/\s/);
    const end = space < 0 ? text.length : from + space;
    const keyword = text.slice(from, end);
    const rest = text.slice(end);
    const at = { line, column: from + 1 };
    try {
      if (keyword === "signature") {
        const open = this.#draft;
        if (open !== null && !this.#isLost) {
          this.report(new SourceError(`${open.name} has no end`, at, "end"), line);
        }
        this.#begin(rest, at);
      } else if (this.#draft === null) {
        throw new SourceError(`unexpected ${keyword}`, at, "signature NAME or # comment");
      } else if (keyword === "end") this.#end();
      else if (!this.#isLost) parseLine(this.#draft, keyword, rest, at);
    } catch (error) {
      this.#isLost = true;
      this.report(error, this.#draft?.line ?? line);
    }
  }

  close(line: number): void {
    if (this.#draft === null || this.#isLost) return;
    const at = { line, column: 1 };
    this.report(new SourceError(`${this.#draft.name} has no end`, at, "end"), line);
  }
}

/** Parses one source file. Never throws for what is in it. */
export function parseSource(file: string, text: string): ParsedFile {
  const parser = new FileParser(file);
  if (text.length > FILE_SIZE_MAX) {
    parser.report(new SourceError("the file is too large", { line: 1, column: 1 }), 1);
    return parser;
  }
  const lines = text.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) parser.line(lines[i] ?? "", i + 1);
  parser.close(lines.length);
  return parser;
}
