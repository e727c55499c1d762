// YARA files as signatures of gw. Each file is a namespace of its own; a name that another file has
// taken gets its file's name before it.
import { basename, extname } from "node:path";
import type { YaraNode } from "../../gwdb/yara-judgement.ts";
import type { Severity } from "../../message.ts";
import { isVacuous } from "../condition.ts";
import { type Diagnostic, type Expression, type Signature, SourceError } from "../source.ts";
import { parseYara, type YaraSource } from "./language/rule.ts";
import type { Rule } from "./language/scope.ts";
import { Scope } from "./language/scope.ts";
import { type CompiledString, checkRegex, PatternTable } from "./pattern-table.ts";
import { joined, TriggerFinder } from "./trigger.ts";

/** Extensions of YARA files. */
export const YARA_EXTENSIONS: readonly string[] = [".yar", ".yara", ".rule"];

const FILE_SIZE_MAX = 64 * 1024 * 1024;

/** What became of one file. */
export interface YaraReport {
  readonly file: string;
  /** Rules in use; private ones count where another rule uses them. */
  readonly loaded: number;
  /** Rules left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly malformed: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** What a set of files came to. */
export interface ImportedYara {
  readonly signatures: readonly Signature[];
  readonly diagnostics: readonly Diagnostic[];
  readonly reports: readonly YaraReport[];
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
  const base = { info: infoOf(rule, name), file: rule.file, line: rule.line };
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

/** Takes YARA files in. Never throws for what is in them. */
export class YaraImporter {
  readonly #names = new Set<string>();
  readonly signatures: Signature[] = [];
  readonly reports: YaraReport[] = [];

  /** A rule's name, unless another file has it: then with this file's name before it. */
  #nameOf(rule: Rule, path: string): string {
    const namespace = basename(path, extname(path));
    for (const name of [rule.name, `${namespace}.${rule.name}`, `${path}.${rule.name}`]) {
      if (this.#names.has(name)) continue;
      this.#names.add(name);
      return name;
    }
    throw new SourceError(`the rule ${rule.name} is there already`, rule);
  }

  add(source: YaraSource): void {
    const { path, text } = source;
    if (text.length > FILE_SIZE_MAX) {
      const diagnostic = { file: path, line: 1, column: 1, message: "the file is too large" };
      this.#report(path, 0, [diagnostic]);
      return;
    }
    const { rules, diagnostics } = parseYara(source);
    const errors = [...diagnostics];
    const globals = rules.filter((rule) => rule.isGlobal);
    let loaded = 0;
    for (const rule of rules) {
      loaded++;
      if (rule.isPrivate) continue;
      try {
        const whole = withGlobals(rule, globals);
        this.signatures.push(compileRule(whole, this.#nameOf(rule, path)));
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        loaded--;
        errors.push(diagnosticOf(error, rule));
      }
    }
    this.#report(path, loaded, errors);
  }

  #report(file: string, loaded: number, diagnostics: readonly Diagnostic[]): void {
    this.reports.push({ file, loaded, skipped: {}, malformed: diagnostics.length, diagnostics });
  }
}

function diagnosticOf(error: SourceError, rule: Rule): Diagnostic {
  const { message, expected, line, column } = error;
  const at = { file: rule.file, line: line || rule.line, column, message };
  return expected === undefined ? at : { ...at, expected };
}

/** Takes YARA files in, each a namespace of its own. Never throws for what is in them. */
export function importYara(sources: readonly YaraSource[]): ImportedYara {
  const importer = new YaraImporter();
  for (const source of sources) importer.add(source);
  const { signatures, reports } = importer;
  return { signatures, reports, diagnostics: reports.flatMap((report) => report.diagnostics) };
}
