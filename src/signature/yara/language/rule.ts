// YARA sources: imports, includes and rules. An error costs the rule it is in and those that refer to
// it; reading goes on at the next one.
import { type Diagnostic, SourceError } from "../../source.ts";
import { readCondition } from "./condition.ts";
import { Lexer, type Token } from "./lexer.ts";
import { FOREIGN_MODULES, MODULES } from "./modules.ts";
import { type Namespace, type Rule, Scope, UnsupportedRule } from "./scope.ts";
import { readStrings } from "./string.ts";

const TAGS_MAX = 100;
const META_MAX = 1000;
/** Errors reported for one source. */
const ERRORS_MAX = 1000;
const INCLUDE_DEPTH_MAX = 8;

/** Words that can't be names. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    "all and any ascii at base64 base64wide condition contains defined endswith entrypoint false " +
    "filesize for fullword global icontains iendswith iequals import in include int16 int16be " +
    "int32 int32be int8 int8be istartswith matches meta nocase none not of or private rule " +
    "startswith strings them true uint16 uint16be uint32 uint32be uint8 uint8be wide xor"
  ).split(" "),
);

/** A YARA source; `include(path)` gives the text of a file it includes, or null. */
export interface YaraSource {
  readonly path: string;
  readonly text: string;
  readonly include?: (path: string) => YaraSource | null;
}

/** What a source holds, with all it includes. */
export interface ParsedRules {
  readonly rules: readonly Rule[];
  readonly diagnostics: readonly Diagnostic[];
  /** Rules that need what gw does not have, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

interface Parsed {
  readonly rules: Namespace;
  readonly errors: Diagnostic[];
  readonly skipped: Map<string, number>;
}

class SourceParser {
  readonly #lexer: Lexer;
  readonly #source: YaraSource;
  readonly #depth: number;
  readonly #rules: Namespace;
  readonly #parsed: Parsed;
  readonly #modules = new Set<string>();

  constructor(source: YaraSource, parsed: Parsed, depth = 0) {
    this.#lexer = new Lexer(source.text);
    this.#source = source;
    this.#rules = parsed.rules;
    this.#parsed = parsed;
    this.#depth = depth;
  }

  #report(error: SourceError): void {
    const { skipped } = this.#parsed;
    if (error instanceof UnsupportedRule) {
      skipped.set(error.message, (skipped.get(error.message) ?? 0) + 1);
      return;
    }
    const { line, column, message, expected } = error;
    const at = { file: this.#source.path, line, column, message };
    this.#parsed.errors.push(expected === undefined ? at : { ...at, expected });
  }

  all(): void {
    while (this.#parsed.errors.length < ERRORS_MAX) {
      try {
        if (this.#lexer.peek().kind === "end") return;
        this.#one();
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        this.#report(error);
        this.#lexer.recover();
      }
    }
  }

  #one(): void {
    const lexer = this.#lexer;
    if (lexer.accept("import")) this.#import();
    else if (lexer.accept("include")) this.#include();
    else this.#declaration(lexer);
  }

  #declaration(lexer: Lexer): void {
    let isPrivate = false;
    let isGlobal = false;
    for (;;) {
      if (lexer.accept("private")) isPrivate = true;
      else if (lexer.accept("global")) isGlobal = true;
      else break;
    }
    lexer.need("rule");
    const name = lexer.expect("word", "the rule's name");
    if (RESERVED.has(name.text)) throw new SourceError(`${name.text} can't be a name`, name);
    if (this.#rules.has(name.text)) {
      throw new SourceError(`there is a rule ${name.text} already`, name);
    }
    // Rules that refer to it learn that it is broken, should reading it fail.
    this.#rules.set(name.text, null);
    this.#rules.set(name.text, this.#rule(name, { isPrivate, isGlobal }));
  }

  #import(): void {
    const token = this.#lexer.expect("text", "a module's name");
    if (!Object.hasOwn(MODULES, token.text) && !FOREIGN_MODULES.includes(token.text)) {
      const known = Object.keys(MODULES).join(" ");
      throw new SourceError(`the module ${token.text} is not supported`, token, known);
    }
    this.#modules.add(token.text);
  }

  #include(): void {
    const token = this.#lexer.expect("text", "a file's name");
    if (this.#depth >= INCLUDE_DEPTH_MAX) throw new SourceError("includes nest too deeply", token);
    const source = this.#source.include?.(token.text) ?? null;
    if (source === null) {
      throw new SourceError(`${token.text} can't be included`, token, "a file in the same folder");
    }
    new SourceParser(source, this.#parsed, this.#depth + 1).all();
  }

  #rule(name: Token, flags: { isPrivate: boolean; isGlobal: boolean }): Rule {
    const lexer = this.#lexer;
    const tags: string[] = [];
    if (lexer.accept(":")) {
      do tags.push(lexer.expect("word", "a tag").text);
      while (lexer.peek().kind === "word" && tags.length < TAGS_MAX);
    }
    lexer.need("{");
    const meta = this.#meta();
    const hasStrings = lexer.accept("strings");
    if (hasStrings) lexer.need(":");
    const strings = hasStrings ? readStrings(lexer) : [];
    lexer.need("condition");
    lexer.need(":");
    const scope = new Scope(strings, this.#modules, this.#rules);
    const condition = readCondition(lexer, scope);
    lexer.need("}");
    return {
      ...{ name: name.text, line: name.line, column: name.column, file: this.#source.path },
      ...{ ...flags, tags, meta, condition, strings: scope.strings },
      ...{ size: scope.size, slots: scope.slots },
    };
  }

  #meta(): Map<string, string | number | boolean> {
    const lexer = this.#lexer;
    const meta = new Map<string, string | number | boolean>();
    if (!lexer.accept("meta")) return meta;
    lexer.need(":");
    while (lexer.peek().kind === "word" && !RESERVED.has(lexer.peek().text)) {
      const { text: key } = lexer.take();
      lexer.need("=");
      const isNegative = lexer.accept("-");
      const token = lexer.take();
      if (meta.size >= META_MAX) throw new SourceError("too much meta", token);
      if (token.kind === "text") meta.set(key, Buffer.from(token.text, "latin1").toString("utf8"));
      else if (token.kind === "number") meta.set(key, Number(token.value) * (isNegative ? -1 : 1));
      else if (token.text === "true" || token.text === "false") {
        meta.set(key, token.text === "true");
      } else throw new SourceError(`unexpected ${token.text}`, token, "a text, number or boolean");
    }
    return meta;
  }
}

/** Reads a source and what it includes. Never throws for what is in them. */
export function parseYara(source: YaraSource): ParsedRules {
  const rules: Namespace = new Map();
  const errors: Diagnostic[] = [];
  const skipped = new Map<string, number>();
  new SourceParser(source, { rules, errors, skipped }).all();
  return {
    rules: [...rules.values()].filter((rule) => rule !== null),
    diagnostics: errors,
    skipped: Object.fromEntries(skipped),
  };
}
