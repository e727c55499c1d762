// The strings of a rule as patterns of a signature: a text in each of its encodings, under each key
// of xor, in base64; a hex string; of an expression, the literals that every match holds.
import type { YaraRegex, YaraString } from "../../gwdb/yara-judgement.ts";
import { compileRegex } from "../../regex/regex.ts";
import { RegexError } from "../../regex/types.ts";
import { type BytePattern, isSearchable } from "../pattern.ts";
import { type Op, type Pattern, type Place, SourceError } from "../source.ts";
import { base64Forms, lowered, widened, xored } from "./encoding.ts";
import type { Position } from "./language/lexer.ts";
import type { StringDeclaration } from "./language/string.ts";

const PATTERNS_MAX = 8192;
/** Literals of which one must be there, for an expression to be worth looking for. */
const LITERALS_MAX = 128;

/** Furthest fixed place that is looked at in every object. */
const PLACE_MAX = 1 << 20;
const AT: Position = { line: 0, column: 0 };

/** A string as it is looked for. */
export interface CompiledString {
  readonly string: YaraString;
  /** One of these must match wherever the string does; null if it can't be searched for. */
  readonly needed: readonly number[] | null;
  /** The patterns' matches are the string's matches. */
  readonly isExact: boolean;
}

type Draft = Pick<BytePattern, "ops" | "isFolded" | "isFullword" | "isWide"> & {
  readonly place?: Place;
};

/** Collects the patterns of one rule. */
export class PatternTable {
  readonly patterns: Pattern[] = [];
  readonly #line: number;
  readonly #known = new Map<string, number>();

  constructor(line: number) {
    this.#line = line;
  }

  /** Adds a pattern, or finds the one that is equal; where it can't be searched for, a lazy one. */
  #add(draft: Draft, at: Position): number {
    const { place = null } = draft;
    const id = `${this.patterns.length}`;
    const pattern: BytePattern = { kind: "bytes", id, line: this.#line, ...draft, place };
    const { ops, isFolded, isFullword, isWide } = pattern;
    const flags = [isFolded, isFullword, isWide, place?.from].join();
    // Lengths keep steps apart that hold each other's marks.
    const key = ops.map(opKey).reduce((sum, op) => `${sum}${op.length}:${op}`, flags);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.patterns.length >= PATTERNS_MAX) throw new SourceError("too many patterns", at);
    this.#known.set(key, this.patterns.length);
    return this.patterns.push(isSearchable(pattern) ? pattern : { ...pattern, isLazy: true }) - 1;
  }

  /** Whether the core looks for a pattern in every object. */
  isSearched(index: number): boolean {
    const pattern = this.patterns[index];
    return pattern?.kind === "bytes" && pattern.isLazy !== true;
  }

  /** Whether the core's count of a pattern is YARA's: overlapping matches count, one per start. */
  isCountable(index: number): boolean {
    const pattern = this.patterns[index];
    const [op, more] = pattern?.kind === "bytes" ? pattern.ops : [];
    return op?.kind === "literal" && more === undefined;
  }

  /** The same pattern at one place only; undefined if that can't be tried at every object. */
  placed(index: number, at: number): number | undefined {
    const pattern = this.patterns[index];
    if (pattern?.kind !== "bytes" || at < 0 || at > PLACE_MAX) return;
    const place = { from: at, to: at, isFromEnd: false };
    if (!isSearchable({ ...pattern, place })) return;
    const { ops, isFolded, isFullword, isWide } = pattern;
    return this.#add({ ops, isFolded, isFullword, isWide, place }, AT);
  }

  /** `uint16(at) == value` as bytes at a place, or anywhere. */
  read(
    { size, isBigEndian }: { size: number; isBigEndian: boolean },
    value: number,
    at: number | null,
  ): number | undefined {
    const isFit = (at ?? 0) >= 0 && (at ?? 0) <= PLACE_MAX && value >= 0 && value < 2 ** (8 * size);
    if (!isFit || size < 2) return;
    const bytes = Buffer.alloc(size);
    if (isBigEndian) bytes.writeUIntBE(value, 0, size);
    else bytes.writeUIntLE(value, 0, size);
    if (at === null) return this.literal(bytes, AT);
    return this.literal(bytes, AT, { place: { from: at, to: at, isFromEnd: false } });
  }

  /** A plain text as a pattern; undefined if it is too vague to be searched for. */
  literal(bytes: Uint8Array, at: Position, options: { isFolded?: boolean; place?: Place } = {}) {
    const { isFolded = false, place } = options;
    const ops = [{ kind: "literal" as const, bytes: isFolded ? lowered(bytes) : bytes }];
    const draft = { ops, isFolded, isFullword: false, isWide: false };
    const isWorth = isSearchable({
      ...{ kind: "bytes", id: "", line: 0, place: place ?? null },
      ...draft,
    });
    if (!isWorth) return;
    return this.#add(place === undefined ? draft : { ...draft, place }, at);
  }

  #compiled(patterns: readonly number[]): CompiledString {
    const needed = patterns.every((pattern) => this.isSearched(pattern)) ? patterns : null;
    return { string: { patterns }, needed, isExact: needed !== null };
  }

  compile(declaration: StringDeclaration): CompiledString {
    switch (declaration.kind) {
      case "text":
        return this.#compiled(this.#text(declaration));
      case "hex": {
        const { hex } = declaration;
        if (hex.ops !== null) {
          const draft = { ops: hex.ops, isFolded: false, isFullword: false, isWide: false };
          return this.#compiled([this.#add(draft, declaration)]);
        }
        const regex = {
          source: hex.source,
          flags: "s",
          isAscii: true,
          isWide: false,
          isFullword: false,
        };
        return this.#regex(regex, declaration);
      }
      case "regex":
        return this.#regex(declaration.regex, declaration);
      default:
        return declaration satisfies never;
    }
  }

  #text(declaration: Extract<StringDeclaration, { kind: "text" }>): number[] {
    const { text, modifiers } = declaration;
    const plain = Buffer.from(text, "latin1");
    const { isNocase, isAscii, isWide, isFullword, xor, base64, base64wide } = modifiers;
    const forms: { bytes: Uint8Array; isWide: boolean }[] = [];
    if (isAscii) forms.push({ bytes: plain, isWide: false });
    if (isWide) forms.push({ bytes: widened(plain), isWide: true });
    if (base64 !== null || base64wide !== null) {
      const texts = forms.flatMap(({ bytes }) => [
        ...(base64 === null ? [] : base64Forms(bytes, base64)),
        ...(base64wide === null ? [] : base64Forms(bytes, base64wide).map(widened)),
      ]);
      return texts.map((bytes) => this.#literalForm(bytes, declaration, {}));
    }
    return forms.flatMap((form) => {
      const texts = xor === null ? [form.bytes] : xored(form.bytes, xor);
      const flags = { isFolded: isNocase, isFullword, isWide: form.isWide };
      return texts.map((bytes) => this.#literalForm(bytes, declaration, flags));
    });
  }

  #literalForm(
    bytes: Uint8Array,
    at: Position,
    flags: { isFolded?: boolean; isFullword?: boolean; isWide?: boolean },
  ): number {
    const { isFolded = false, isFullword = false, isWide = false } = flags;
    const ops = [{ kind: "literal" as const, bytes: isFolded ? lowered(bytes) : bytes }];
    return this.#add({ ops, isFolded, isFullword, isWide: isWide && isFullword }, at);
  }

  #regex(regex: YaraRegex, at: Position): CompiledString {
    const needed: number[] = [];
    const { isAscii, isWide } = regex;
    for (const wide of [...(isAscii ? [""] : []), ...(isWide ? ["w"] : [])]) {
      const found = this.#literals(regex, wide, at);
      if (found === null) return { string: { patterns: [], regex }, needed: null, isExact: false };
      needed.push(...found);
    }
    return { string: { patterns: needed, regex }, needed, isExact: false };
  }

  /** Patterns of which every match of the expression holds one; null if there are none. */
  #literals(regex: YaraRegex, wide: string, at: Position): number[] | null {
    for (const set of compiled(regex, wide, at).literals()) {
      if (set.length > LITERALS_MAX) continue;
      const patterns = set.map(({ bytes, isFolded }) => this.literal(bytes, at, { isFolded }));
      if (patterns.every((pattern) => pattern !== undefined)) return patterns;
    }
    return null;
  }
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** A step as text: equal for equal steps. */
function opKey(op: Op): string {
  switch (op.kind) {
    case "literal":
      return `=${latin1(op.bytes)}`;
    case "masked":
      return `?${latin1(op.values)}&${latin1(op.masks)}`;
    case "gap":
      return `-${op.min}-${op.max}`;
    case "alternatives": {
      const items = op.items.map(({ values, masks }) => `${latin1(values)}&${latin1(masks)}`);
      return `${op.isNegated ? "!" : "|"}${JSON.stringify(items)}`;
    }
    case "boundary":
      return `^${op.class} ${op.edge} ${op.isNegated}`;
    default:
      return op satisfies never;
  }
}

function compiled(regex: YaraRegex, wide: string, at: Position) {
  try {
    return compileRegex(regex.source, { dialect: "yara", flags: regex.flags + wide });
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new SourceError(`the regular expression is wrong: ${error.message}`, at);
  }
}

/** Throws SourceError unless the expression can be compiled. */
export function checkRegex(regex: YaraRegex, at: Position): void {
  compiled(regex, "", at);
}
