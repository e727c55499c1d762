// Regular expressions of ClamAV's signatures: where they may match, and how matches are counted.
import type { Subsignature } from "../../../gwdb/clamav-judgement.ts";
import { compileRegex } from "../../../regex/regex.ts";
import type { Regex } from "../../../regex/types.ts";
import type { Stretch } from "../clamav.ts";
import type { JudgeContext, Match } from "../context.ts";

type Pcre = Extract<Subsignature, { kind: "pcre" }>;

/** Matches of one expression that are counted. */
const MATCHES_MAX = 10_000;
/** Compiled expressions that one judge keeps. */
const CACHE_MAX = 5000;

/** Expressions that have been compiled; the oldest are forgotten. */
export class RegexCache {
  readonly #compiled = new Map<string, Regex>();

  get({ source, flags }: Pcre): Regex {
    const key = `${flags}/${source}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const bytes = Buffer.from(source, "latin1");
    const regex = compileRegex(bytes, { dialect: "pcre", flags });
    if (this.#compiled.size >= CACHE_MAX) {
      const [oldest] = this.#compiled.keys();
      if (oldest !== undefined) this.#compiled.delete(oldest);
    }
    this.#compiled.set(key, regex);
    return regex;
  }
}

/** What a search found. */
export interface RegexMatches {
  readonly matches: readonly Match[];
}

/** One search. */
export interface RegexSearch {
  readonly pcre: Pcre;
  readonly regex: Regex;
  /** Where the place of the expression is; undefined: it has none. */
  readonly stretch: Stretch | undefined;
  readonly context: JudgeContext;
}

/** All matches that count: one, unless the expression is global. */
export function searchRegex(search: RegexSearch): RegexMatches | "unfinished" {
  const { pcre, regex, stretch, context } = search;
  const { bytes } = context.subject;
  const spend = (steps: number) => context.spend(steps);
  const from = Math.max(0, stretch?.from ?? 0);
  const hasShift = stretch !== undefined && stretch.to > stretch.from;
  const to = pcre.isEncompassed && hasShift ? Math.min(stretch.to, bytes.length) : bytes.length;
  const lastStart =
    stretch === undefined || pcre.isRolling ? bytes.length : Math.min(stretch.to, bytes.length);
  const anchored = stretch !== undefined && !pcre.isRolling && !hasShift;
  const matches: Match[] = [];
  for (let at = from; at <= lastStart && matches.length < MATCHES_MAX; ) {
    const found = regex.exec(bytes, at, { to, anchored, spend });
    if (found === "unfinished") return found;
    if (found === null || found.start > lastStart) break;
    matches.push({ start: found.start, length: found.length });
    if (!pcre.isGlobal || anchored) break;
    at = found.start + Math.max(1, found.length);
  }
  return { matches };
}
