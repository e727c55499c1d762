// The regular expression engine: what is regular is searched for in linear time, the rest by going
// back, with a regular expression that matches wherever it could to tell where to try.
import { asBuffer } from "../base/bytes.ts";
import { compileBacktrack } from "./backtrack/compile.ts";
import { Machine } from "./backtrack/machine.ts";
import type { BacktrackProgram } from "./backtrack/program.ts";
import { type Choosing, RegularSearch, type Skip, type Subject } from "./dfa/search.ts";
import { type LiteralSet, literalsOf } from "./literals.ts";
import { parseRegex } from "./parse/parse.ts";
import { isRegular, lengthsOf, relaxed } from "./shape.ts";
import type { Node, Parsed } from "./syntax.ts";
import type { ExecOptions, Literal, Regex, RegexMatch, RegexOptions, Span } from "./types.ts";

/** Subjects from here on are looked through for a needed literal first. */
const LITERAL_FIRST_MIN = 128;
/** The native search passes so many bytes in the time of one step. */
const BYTES_PER_STEP = 8;
const UNFINISHED = "unfinished";

/** Whether matches can only start where the subject does. */
function isAtStart(node: Node): boolean {
  switch (node.kind) {
    case "assert":
      return node.assertion === "start";
    case "sequence":
      return node.items[0] !== undefined && isAtStart(node.items[0]);
    case "choice":
      return node.items.length > 0 && node.items.every(isAtStart);
    case "group":
    case "atomic":
      return isAtStart(node.item);
    default:
      return false;
  }
}

/** The literal of a set that has only one, to be searched for as it is. */
function onlyOne(set: LiteralSet | undefined): Uint8Array | undefined {
  const [literal] = set ?? [];
  return set?.length === 1 && literal?.isFolded === false ? literal.bytes : undefined;
}

function skipTo(literal: Uint8Array | undefined): Skip | undefined {
  if (literal === undefined) return undefined;
  return (bytes, from, to) => {
    const at = asBuffer(bytes).indexOf(literal, from);
    return at + literal.length > to ? -1 : at;
  };
}

interface Executors {
  /** Finds matches, or, if there is a program, where that may find one. */
  readonly search: RegularSearch | undefined;
  readonly program?: BacktrackProgram;
}

class CompiledRegex implements Regex {
  readonly groupCount: number;
  readonly #root: Node;
  readonly #isAnchored: boolean;
  readonly #isAtStart: boolean;
  readonly #choosing: Choosing;
  /** What is not regular at all. Large regular trees are gone through like that, too. */
  readonly #irregular: BacktrackProgram | undefined;
  // Made at the first search: most expressions never get there.
  #executors: Executors | undefined;
  #groupProgram: BacktrackProgram | undefined;
  readonly #skip: Skip | undefined;
  readonly #literals: readonly LiteralSet[];
  readonly #needed: Uint8Array | undefined;
  /** Bytes of a match before the end of the needed literal, at most. */
  readonly #reach: number;

  constructor(parsed: Parsed, dialect: RegexOptions["dialect"]) {
    const { root } = parsed;
    this.#root = root;
    this.groupCount = parsed.groupCount;
    this.#isAnchored = parsed.isAnchored;
    this.#isAtStart = isAtStart(root);
    const isByLength = parsed.isLazy ? "shortest" : "longest";
    this.#choosing = dialect === "pcre" ? "preferred" : isByLength;
    const { sets, prefix } = literalsOf(root);
    this.#literals = sets;
    this.#needed = sets.map(onlyOne).find((literal) => literal !== undefined);
    this.#reach = lengthsOf(root).max;
    this.#skip = skipTo(onlyOne(prefix));
    if (!isRegular(root)) this.#irregular = compileBacktrack(root, parsed.groupCount);
  }

  get #prepared(): Executors {
    this.#executors ??= this.#prepare();
    return this.#executors;
  }

  #prepare(): Executors {
    const program = this.#irregular;
    if (program === undefined) {
      const search = RegularSearch.of(this.#root, this.#choosing, this.#skip);
      if (search !== undefined) return { search };
    }
    return {
      search: RegularSearch.of(relaxed(this.#root), "shortest", this.#skip),
      program: program ?? compileBacktrack(this.#root, this.groupCount),
    };
  }

  get isLinear(): boolean {
    return this.#prepared.program === undefined;
  }

  literals(): readonly (readonly Literal[])[] {
    return this.#literals;
  }

  exec(
    bytes: Uint8Array,
    from: number,
    options: ExecOptions,
  ): RegexMatch | null | typeof UNFINISHED {
    const to = Math.min(options.to ?? bytes.length, bytes.length);
    if (from > to || from < 0) return null;
    const isAnchored = options.anchored === true || this.#isAnchored || this.#isAtStart;
    if (this.#isAtStart && from > 0) return null;
    const subject = { bytes, from, to, spend: options.spend };
    const first = isAnchored ? from : this.#firstPlace(subject);
    if (first === undefined) return null;
    if (typeof first === "string") return UNFINISHED;
    const lengthMax = options.lengthMax ?? Number.POSITIVE_INFINITY;
    const { program } = this.#prepared;
    if (program !== undefined) {
      return this.#goBack(program, { ...subject, first, isAnchored, lengthMax });
    }
    return this.#searchLinearly({ ...subject, from: first }, options, isAnchored);
  }

  // Where a match can start at the earliest, as the literal tells that all matches hold.
  #firstPlace({ bytes, from, to, spend }: Subject): number | undefined | typeof UNFINISHED {
    const literal = this.#needed;
    if (literal === undefined || to - from < LITERAL_FIRST_MIN) return from;
    const at = asBuffer(bytes).indexOf(literal, from);
    const isThere = at >= 0 && at + literal.length <= to;
    const passed = (isThere ? at : to) - from;
    if (!spend(Math.ceil(passed / BYTES_PER_STEP))) return UNFINISHED;
    return isThere ? Math.max(from, at + literal.length - this.#reach) : undefined;
  }

  #searchLinearly(subject: Subject, options: ExecOptions, isAnchored: boolean) {
    const search = this.#prepared.search as RegularSearch;
    const lengthMax = options.lengthMax ?? Number.POSITIVE_INFINITY;
    const span = isAnchored ? search.matchAt(subject, lengthMax) : search.find(subject, lengthMax);
    if (span === null || span === UNFINISHED) return span;
    return this.#withGroups(subject, span, options);
  }

  // Groups are found by going the way to the match again, now with a memory of them.
  #withGroups(subject: Subject, span: Span, options: ExecOptions) {
    if (options.wantsGroups !== true || this.groupCount === 0) return { ...span, groups: [] };
    this.#groupProgram ??= compileBacktrack(this.#root, this.groupCount);
    const machine = new Machine(this.#groupProgram, {
      ...{ ...subject, choosing: this.#choosing },
      lengthMax: span.length,
    });
    const groups = machine.matchAt(span.start);
    if (groups === UNFINISHED || !machine.settle()) return UNFINISHED;
    return { ...span, groups: groups ?? [] };
  }

  #goBack(
    program: BacktrackProgram,
    subject: Subject & { first: number; isAnchored: boolean; lengthMax: number },
  ): RegexMatch | null | typeof UNFINISHED {
    const machine = new Machine(program, { ...subject, choosing: this.#choosing });
    const last = subject.isAnchored ? subject.first : subject.to;
    for (let start = subject.first; start <= last; start++) {
      const place = subject.isAnchored ? start : this.#likelyPlace(subject, start);
      if (place === -1) break;
      if (place < 0) return UNFINISHED;
      start = place;
      const groups = machine.matchAt(start);
      if (groups === UNFINISHED) return UNFINISHED;
      const match = groups?.[0];
      if (match) return machine.settle() ? { ...match, groups: groups ?? [] } : UNFINISHED;
    }
    return machine.settle() ? null : UNFINISHED;
  }

  // Where to try next; -1: nowhere.
  #likelyPlace(subject: Subject, from: number): number {
    const { search } = this.#prepared;
    if (search === undefined) return from;
    const rest = { ...subject, from };
    const end = search.findEnd(rest);
    return end < 0 ? end : search.findStart(rest, end);
  }
}

/**
 * Compiles an expression of a dialect; of a string, its UTF-8 bytes. Throws RegexError for what is
 * wrong in it, or not supported.
 */
export function compileRegex(source: string | Uint8Array, options: RegexOptions): Regex {
  return new CompiledRegex(parseRegex(source, options), options.dialect);
}
