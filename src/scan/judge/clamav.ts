// Judges ClamAV's logical signatures: counts of subsignatures are computed as the expression asks
// for them, in the object that triggered the signature.
import type {
  ClamavJudgement,
  ExecutablePlace,
  NumberRange,
  PlainPlace,
  Subsignature,
} from "../../gwdb/clamav-judgement.ts";
import { isLogicTrue } from "../../gwdb/clamav-logic.ts";
import { countCompare } from "./clamav/compare.ts";
import { RegexCache, type RegexMatches, searchRegex } from "./clamav/regex-search.ts";
import type { Judge, JudgeContext, Judged, Match } from "./context.ts";

/** Places of one pattern that are looked at. */
const PLACES_MAX = 10_000;

/** Where a match may start, both ends included. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

const isWithin = (value: number, range: NumberRange | undefined) =>
  range === undefined || (value >= range.min && value <= range.max);

/** What a place is in this object; none if there is no such place. */
export function stretchesOf(
  place: PlainPlace | ExecutablePlace,
  context: JudgeContext,
): readonly Stretch[] {
  const { shift } = place;
  const around = (at: number) => [{ from: at, to: at + shift }];
  switch (place.base) {
    case "start":
      return around(place.add);
    case "end": {
      const at = context.subject.bytes.length - place.add;
      return at < 0 ? [] : around(at);
    }
    case "entry": {
      const entry = context.executable()?.entryPoint ?? -1;
      return entry < 0 ? [] : around(entry + place.add);
    }
    case "version": {
      const executable = context.executable();
      const strings = executable?.format === "pe" ? executable.versionStrings : [];
      return strings.flatMap(({ offset }) => around(offset));
    }
    case "section":
    case "last":
    case "inside": {
      const sections = context.executable()?.sections ?? [];
      const section = sections.at(place.base === "last" ? -1 : place.section);
      if (section === undefined) return [];
      if (place.base !== "inside") return around(section.offset + place.add);
      return [{ from: section.offset, to: section.offset + section.size - 1 + shift }];
    }
    default:
      return place satisfies never;
  }
}

/** One signature on one object. */
class Hearing {
  readonly #judgement: ClamavJudgement;
  readonly #context: JudgeContext;
  readonly #regexes: RegexCache;
  readonly #counts = new Map<number, number>();
  readonly #found = new Map<number, RegexMatches>();
  isUnfinished = false;

  constructor(judgement: ClamavJudgement, context: JudgeContext, regexes: RegexCache) {
    this.#judgement = judgement;
    this.#context = context;
    this.#regexes = regexes;
  }

  outcome(): Judged {
    if (!this.#isFit()) return { isMatch: false, offset: -1 };
    const isMatch = isLogicTrue(this.#judgement.expression, (id) => this.count(id));
    if (this.isUnfinished) return "unfinished";
    return { isMatch, offset: isMatch ? this.#offset() : -1 };
  }

  /** What the attributes ask of the object. */
  #isFit(): boolean {
    const { entryPoint, sectionCount, intermediates } = this.#judgement;
    if (entryPoint !== undefined || sectionCount !== undefined) {
      const executable = this.#context.executable();
      if (executable === undefined) return false;
      if (!isWithin(executable.entryPoint, entryPoint)) return false;
      if (!isWithin(executable.sections.length, sectionCount)) return false;
    }
    if (intermediates === undefined) return true;
    const { containers } = this.#context.subject;
    if (containers.length < intermediates.length) return false;
    const inner = containers.slice(containers.length - intermediates.length);
    return intermediates.every((types, i) => types.length === 0 || types.includes(inner[i] ?? ""));
  }

  /** How often a subsignature matches. */
  count(id: number): number {
    const known = this.#counts.get(id);
    if (known !== undefined) return known;
    // An expression that asks for itself would come back here; importers refuse such ones.
    this.#counts.set(id, 0);
    const count = this.#compute(this.#judgement.subsignatures[id], id);
    this.#counts.set(id, count);
    return count;
  }

  #compute(subsignature: Subsignature | undefined, id: number): number {
    switch (subsignature?.kind) {
      case "body":
        return this.#countBody(subsignature);
      case "pcre":
        return this.#countRegex(subsignature, id);
      case "compare": {
        const last = this.places(subsignature.compare.id).at(-1);
        if (last === undefined) return 0;
        return countCompare(subsignature.compare, this.#context.subject.bytes, last.start);
      }
      case "macro":
        return this.#countMacro(subsignature);
      case undefined:
        return 0;
      default:
        return subsignature satisfies never;
    }
  }

  #countBody(body: Extract<Subsignature, { kind: "body" }>): number {
    if (body.place !== undefined || body.leads !== undefined) return this.#placed(body).length;
    return body.patterns.reduce((sum, pattern) => sum + this.#context.count(pattern), 0);
  }

  #placed(body: Extract<Subsignature, { kind: "body" }>): readonly Match[] {
    const { patterns, place, leads } = body;
    const matches = leads === undefined ? this.#places(patterns) : this.#behind(patterns, leads);
    if (place === undefined) return matches;
    const stretches = stretchesOf(place, this.#context);
    return matches.filter(({ start }) =>
      stretches.some(({ from, to }) => start >= from && start <= to),
    );
  }

  #places(patterns: readonly number[]): readonly Match[] {
    const [only, ...more] = patterns;
    if (only === undefined) return [];
    const first = this.#context.places(only, PLACES_MAX);
    if (more.length === 0) return first;
    const all = more.flatMap((pattern) => this.#context.places(pattern, PLACES_MAX));
    return [...first, ...all].sort((a, b) => a.start - b.start);
  }

  /** Places behind the leads of patterns, each once: several leads may stand before one. */
  #behind(patterns: readonly number[], leads: readonly number[]): readonly Match[] {
    const starts = new Map<number, Match>();
    patterns.forEach((pattern, i) => {
      const lead = leads[i] ?? 0;
      for (const { start, length } of this.#context.places(pattern, PLACES_MAX)) {
        starts.set(start + lead, { start: start + lead, length: length - lead });
      }
    });
    return [...starts.values()].sort((a, b) => a.start - b.start);
  }

  /** Where a subsignature matches, ascending. */
  places(id: number): readonly Match[] {
    const subsignature = this.#judgement.subsignatures[id];
    if (subsignature?.kind === "body") return this.#placed(subsignature);
    if (subsignature?.kind !== "pcre") return [];
    this.count(id);
    return this.#found.get(id)?.matches ?? [];
  }

  #countRegex(pcre: Extract<Subsignature, { kind: "pcre" }>, id: number): number {
    if (!isLogicTrue(pcre.trigger, (other) => this.count(other))) return 0;
    const [stretch] = pcre.place === undefined ? [] : stretchesOf(pcre.place, this.#context);
    if (pcre.place !== undefined && stretch === undefined) return 0;
    const regex = this.#regexes.get(pcre);
    const found = searchRegex({ pcre, regex, stretch, context: this.#context });
    if (found === "unfinished") {
      this.isUnfinished = true;
      return 0;
    }
    this.#found.set(id, found);
    return found.matches.length;
  }

  // A member of the group begins so far behind a match; both lists ascend, so one pass is enough.
  #countMacro({ patterns, id, min, max }: Extract<Subsignature, { kind: "macro" }>): number {
    const members = this.#places(patterns);
    let count = 0;
    let next = 0;
    for (const { start } of this.places(id)) {
      while ((members[next]?.start ?? Number.POSITIVE_INFINITY) < start + min) next++;
      if ((members[next]?.start ?? Number.POSITIVE_INFINITY) <= start + max) count++;
    }
    return count;
  }

  /** The first place of the first subsignature that has one. */
  #offset(): number {
    for (const id of this.#judgement.subsignatures.keys()) {
      const [first] = (this.#counts.get(id) ?? 0) > 0 ? this.places(id) : [];
      if (first !== undefined) return first.start;
    }
    return -1;
  }
}

/** A judge of ClamAV's signatures; it keeps the regular expressions it has compiled. */
export function createClamavJudge(): Judge<ClamavJudgement> {
  const regexes = new RegexCache();
  return (judgement, context) => new Hearing(judgement, context, regexes).outcome();
}
