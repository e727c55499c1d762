// Judges YARA rules: the condition as a tree, over matches that the core finds, modules that look into
// executables, and the object's bytes.
import type { YaraJudgement, YaraRegex } from "../../gwdb/yara-judgement.ts";
import { compileRegex } from "../../regex/regex.ts";
import type { Regex } from "../../regex/types.ts";
import type { Judge, JudgeContext, Judged, Subject } from "./context.ts";
import { MODULE_NAMES, moduleOf } from "./modules/modules.ts";
import { Evaluation } from "./yara/evaluate.ts";
import { OutOfWork, type Regexes, StringMatches } from "./yara/matches.ts";

/** Compiled expressions, kept as long as the judgement they stand in. */
class RegexCache implements Regexes {
  readonly #ascii = new WeakMap<YaraRegex, Regex>();
  readonly #wide = new WeakMap<YaraRegex, Regex>();

  compile(regex: YaraRegex, encoding: "ascii" | "wide"): Regex {
    const kept = encoding === "wide" ? this.#wide : this.#ascii;
    const known = kept.get(regex);
    if (known !== undefined) return known;
    const flags = regex.flags + (encoding === "wide" ? "w" : "");
    const compiled = compileRegex(regex.source, { dialect: "yara", flags });
    kept.set(regex, compiled);
    return compiled;
  }
}

/** The modules of each object: made once, whatever number of rules asks for them. */
type Modules = WeakMap<Subject, Map<string, unknown>>;

function modulesOf(context: JudgeContext, kept: Modules): (name: string) => unknown {
  const { subject } = context;
  const made = kept.get(subject) ?? new Map<string, unknown>();
  kept.set(subject, made);
  const tools = { now: () => Date.now(), spend: (steps: number) => context.spend(steps) };
  return (name) => {
    if (made.has(name)) return made.get(name);
    const known = MODULE_NAMES.find((module) => module === name);
    const struct = known && moduleOf(known, subject, context.executable(), tools);
    made.set(name, struct);
    return struct;
  };
}

/** A judge of YARA rules; it keeps the expressions it has compiled. */
export function yaraJudge(): Judge<YaraJudgement> {
  const regexes = new RegexCache();
  const kept: Modules = new WeakMap();
  return (judgement: YaraJudgement, context: JudgeContext): Judged => {
    const matches = new StringMatches(judgement, context, regexes);
    const modules = modulesOf(context, kept);
    try {
      const evaluation = new Evaluation({ context, matches, regexes, modules });
      if (!evaluation.holds(judgement.condition)) return { isMatch: false, offset: -1 };
      return { isMatch: true, offset: matches.first() };
    } catch (error) {
      // The one thing thrown on purpose: the object has cost what it may.
      if (error instanceof OutOfWork) return "unfinished";
      throw error;
    }
  };
}
