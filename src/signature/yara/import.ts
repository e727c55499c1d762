// YARA files as signatures of gw. Each file is a namespace of its own; a name that another file has
// taken gets its file's name before it.
import { basename, dirname, extname, join, normalize } from "node:path";
import type { YaraNode } from "../../gwdb/yara-judgement.ts";
import type { Severity } from "../../message.ts";
import type { FileReport } from "../clamav/report.ts";
import { isVacuous } from "../condition.ts";
import { type Diagnostic, type Expression, type Signature, SourceError } from "../source.ts";
import { parseYara, type YaraSource } from "./language/rule.ts";
import type { Rule } from "./language/scope.ts";
import { Scope } from "./language/scope.ts";
import { needsProgram } from "./needs.ts";
import { type CompiledString, checkRegex, PatternTable } from "./pattern-table.ts";
import { joined, TriggerFinder } from "./trigger.ts";

/** Extensions of YARA files. */
export const YARA_EXTENSIONS: readonly string[] = [".yar", ".yara", ".rule"];

const FILE_SIZE_MAX = 64 * 1024 * 1024;
const INCLUDE = /^[ \t]*include[ \t]+"([^"\n]+)"/gm;

/** A YARA file. */
export type YaraFile = Pick<YaraSource, "path" | "text">;

/** What a set of files came to. */
export interface ImportedYara {
  readonly signatures: readonly Signature[];
  readonly diagnostics: readonly Diagnostic[];
  readonly reports: readonly FileReport[];
}

/** Names that rule sets give to what is no proof. */
const SEVERITIES: readonly (readonly [RegExp, Severity])[] = [
  [/^(?:INDICATOR_|MALWARE_)?(?:SUSP|SUSPICIOUS|HUNTING)_/i, "suspicious"],
  [/^(?:INDICATOR_)?(?:PUA|PUP|RMM)_/i, "unwanted"],
];

function textOf(rule: Rule, ...keys: readonly string[]): string {
  for (const key of keys) {
    const value = rule.meta.get(key);
    if (typeof value === "string" && value !== "") return value;
  }
  return "";
}

function infoOf(rule: Rule, name: string): Signature["info"] {
  const severity = SEVERITIES.find(([pattern]) => pattern.test(rule.name))?.[1] ?? "infected";
  return {
    ...{ name, severity, cure: { kind: "none" } },
    description: textOf(rule, "description", "desc", "Description"),
    reference: textOf(rule, "reference", "Reference", "url", "URL"),
  };
}

/** The strings that a condition speaks of, and the expressions in it. */
function partsOf(condition: YaraNode): { strings: Set<number>; regexes: YaraRegexNode[] } {
  const strings = new Set<number>();
  const regexes: YaraRegexNode[] = [];
  const open: unknown[] = [condition];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part !== "object" || part === null) continue;
    for (const [key, value] of Object.entries(part)) {
      if (key === "string" && typeof value === "number") strings.add(value);
      else if (key === "strings") for (const string of value) strings.add(string);
      else if (key === "regex") regexes.push(value);
      else open.push(value);
    }
  }
  return { strings, regexes };
}

type YaraRegexNode = Extract<YaraNode, { op: "regex" }>["regex"];

const UNUSED: CompiledString = { string: { patterns: [] }, needed: null, isExact: false };

/** Types that the trigger allows, if it says so at its top; empty: any. */
function targetsOf(expression: Expression): string[] {
  if (expression.kind === "type") return [expression.type];
  if (expression.kind !== "and") return [];
  const left = targetsOf(expression.left);
  return left.length > 0 ? left : targetsOf(expression.right);
}

function compileRule(rule: Rule, name: string): Signature {
  const table = new PatternTable(rule.line);
  const { strings, regexes } = partsOf(rule.condition);
  for (const regex of regexes) checkRegex(regex, rule);
  const compiled = rule.strings.map((string, i) =>
    strings.has(i) ? table.compile(string) : UNUSED,
  );
  const { expression, isExact } = new TriggerFinder(compiled, table).find(rule.condition);
  const partNames = rule.strings.map(({ name: part }) => part);
  const base = {
    ...{ info: infoOf(rule, name), file: rule.file, line: rule.line, partNames },
    needsProgram: needsProgram(rule.condition),
  };
  if (expression !== null && isExact && !isVacuous(expression)) {
    return { ...base, targets: [], patterns: table.patterns, condition: expression };
  }
  const judgement = {
    format: "yara" as const,
    strings: compiled.map(({ string }) => string),
    condition: rule.condition,
  };
  const parts = expression === null ? [] : [expression];
  const isOpen = expression === null || isVacuous(expression);
  const always: Expression = { kind: "always" };
  return {
    ...base,
    targets: expression === null ? [] : targetsOf(expression),
    patterns: table.patterns,
    condition: (isOpen ? joined("and", [always, ...parts]) : expression) ?? always,
    judgement,
  };
}

/** Global rules hold for all rules of their file: each takes their conditions in. */
function withGlobals(rule: Rule, globals: readonly Rule[]): Rule {
  const others = globals.filter((other) => other !== rule);
  if (others.length === 0) return rule;
  const scope = new Scope([], new Set(), new Map());
  const nodes = [rule, ...others].map((one) => scope.inline(one, rule));
  return { ...rule, condition: { op: "and", nodes }, strings: scope.strings };
}

/** A rule's file name without folders and extension: YARA's namespace. */
const namespaceOf = (path: string) => basename(path, extname(path));

class Importer {
  readonly signatures: Signature[] = [];
  readonly reports: FileReport[] = [];
  readonly #files: ReadonlyMap<string, YaraFile>;
  readonly #names = new Set<string>();
  /** Files that have been read, by themselves or because another includes them. */
  readonly #read = new Set<string>();

  constructor(files: readonly YaraFile[]) {
    this.#files = new Map(files.map((file) => [normalize(file.path), file]));
  }

  // A file is looked for beside the one that includes it, and only among those that were given.
  #include(from: string, path: string): YaraSource | null {
    const found = this.#files.get(join(dirname(from), path));
    return found === undefined ? null : this.#source(found);
  }

  #source(file: YaraFile): YaraSource {
    this.#read.add(normalize(file.path));
    return { ...file, include: (path) => this.#include(file.path, path) };
  }

  /** Files that others include count as parts of those, so they come last, if at all. */
  all(): void {
    const included = new Set<string>();
    for (const { path, text } of this.#files.values()) {
      for (const [, name = ""] of text.matchAll(INCLUDE)) included.add(join(dirname(path), name));
    }
    const [last, first] = [true, false].map((isIncluded) =>
      [...this.#files].filter(([path]) => included.has(path) === isIncluded),
    );
    for (const [path, file] of [...(first ?? []), ...(last ?? [])]) {
      if (!this.#read.has(path)) this.#file(file);
    }
  }

  /** A rule's name, unless another file has it: then with this file's name before it. */
  #nameOf(rule: Rule, path: string): string {
    for (const name of [rule.name, `${namespaceOf(path)}.${rule.name}`, `${path}.${rule.name}`]) {
      if (this.#names.has(name)) continue;
      this.#names.add(name);
      return name;
    }
    throw new SourceError(`the rule ${rule.name} is there already`, rule);
  }

  #file(file: YaraFile): void {
    const { path, text } = file;
    if (text.length > FILE_SIZE_MAX) {
      const diagnostics = [{ file: path, line: 1, column: 1, message: "the file is too large" }];
      this.reports.push({ file: path, loaded: 0, skipped: {}, malformed: 1, diagnostics });
      return;
    }
    const { rules, diagnostics, skipped } = parseYara(this.#source(file));
    const errors = [...diagnostics];
    const globals = rules.filter((rule) => rule.isGlobal);
    let loaded = 0;
    for (const rule of rules) {
      try {
        // A private rule lives on in those that refer to it.
        if (!rule.isPrivate) {
          const whole = withGlobals(rule, globals);
          this.signatures.push(compileRule(whole, this.#nameOf(rule, path)));
        }
        loaded++;
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        errors.push(diagnosticOf(error, rule));
      }
    }
    const malformed = errors.length;
    this.reports.push({ file: path, loaded, skipped, malformed, diagnostics: errors });
  }
}

function diagnosticOf(error: SourceError, rule: Rule): Diagnostic {
  const { message, expected, line, column } = error;
  const at = { file: rule.file, line: line || rule.line, column, message };
  return expected === undefined ? at : { ...at, expected };
}

/** Takes YARA files in, each a namespace of its own. Never throws for what is in them. */
export function importYara(files: readonly YaraFile[]): ImportedYara {
  const importer = new Importer(files);
  importer.all();
  const { signatures, reports } = importer;
  return { signatures, reports, diagnostics: reports.flatMap((report) => report.diagnostics) };
}
