// Judges the signatures whose trigger holds in the object at hand: reads their judgements from the
// image, has the core enumerate what they ask for, and remembers what was asked. One per engine.

import { type Executable, parseExecutable } from "../../executable/executable.ts";
import { CORE_MATCHES_MAX, type CoreExports } from "../../gwdb/core.ts";
import type { Judgement } from "../../gwdb/judgement.ts";
import type { TextReader } from "../../gwdb/texts.ts";
import type { JudgeContext, Judged, Match, Subject } from "./context.ts";
import { type Judges, judge } from "./judge.ts";

/** Places of one pattern that are told; counts end there. */
export const PLACES_MAX = 1 << 18;

const NONE = 0xffffffff;
/** What judging any object may cost, in steps of about 10 ns, and each byte of it on top. */
const STEPS_BASE = 1 << 25;
const STEPS_PER_BYTE = 64;
/** Judgements kept as objects; they are read again if they are needed after that. */
const PARSED_MAX = 4096;

/** What a signature's text in the image says that matters here. */
interface JudgedText {
  readonly judgement?: Judgement;
}

/** Places of one pattern as far as they have been asked for. */
interface Places {
  readonly matches: Match[];
  /** Where to go on. */
  next: number;
  isWhole: boolean;
}

/** What judging works on: the core's calls, its scan state, and where it tells places. */
export interface JudgingParts {
  readonly calls: CoreExports;
  readonly state: number;
  readonly matches: Uint32Array;
  readonly texts: TextReader;
  readonly judges: Partial<Judges>;
  /** Told what each judgement took, in milliseconds. */
  readonly watch?: (signature: number, elapsedMs: number) => void;
}

/** The judgements of one engine. */
export class Judging {
  readonly #parts: JudgingParts;
  readonly #parsed = new Map<number, JudgedText>();
  readonly #places = new Map<number, Map<number, Places>>();
  #subject: Subject | undefined;
  #externals: JudgeContext["externals"] | undefined;
  #executable: { readonly found: Executable | undefined } | undefined;
  #stepsLeft = 0;
  #isUnfinished = false;

  constructor(parts: JudgingParts) {
    this.#parts = parts;
  }

  /** Turns to another object, which the core has just scanned. */
  begin(subject: Subject): void {
    this.#subject = subject;
    this.#stepsLeft = STEPS_BASE + STEPS_PER_BYTE * subject.bytes.length;
    this.#isUnfinished = false;
    this.#executable = undefined;
    this.#externals = undefined;
    if (this.#places.size > 0) this.#places.clear();
  }

  /** Lets go of the object. */
  end(): void {
    this.#subject = undefined;
    this.#executable = undefined;
  }

  /** The object as an executable, parsed once. */
  executable(): Executable | undefined {
    this.#executable ??= { found: parseExecutable(this.#subject?.bytes ?? new Uint8Array(0)) };
    return this.#executable.found;
  }

  /** Decides one signature whose trigger holds. */
  outcome(signature: number): Judged {
    const { watch } = this.#parts;
    if (watch === undefined) return this.#decide(signature);
    const beganAt = performance.now();
    const judged = this.#decide(signature);
    watch(signature, performance.now() - beganAt);
    return judged;
  }

  /** Whether a signature is about how objects lie in their containers. */
  isOfEntry(signature: number): boolean {
    return this.#read(signature).judgement?.format === "entry";
  }

  #decide(signature: number): Judged {
    const { judgement } = this.#read(signature);
    if (judgement === undefined) return { isMatch: true, offset: this.#offset(signature) };
    const judged = judge(judgement, this.#parts.judges, this.#context(signature));
    if (this.#isUnfinished) return "unfinished";
    if (judged === "unfinished" || !judged.isMatch || judged.offset >= 0) return judged;
    return { isMatch: true, offset: this.#offset(signature) };
  }

  #offset(signature: number): number {
    const offset = this.#parts.calls.gw_offset(this.#parts.state, signature) >>> 0;
    return offset === NONE ? -1 : offset;
  }

  #read(signature: number): JudgedText {
    const known = this.#parsed.get(signature);
    if (known !== undefined) return known;
    const text = this.#parts.texts.text(signature);
    const parsed: JudgedText = text.startsWith("{") ? JSON.parse(text) : {};
    if (this.#parsed.size >= PARSED_MAX) this.#parsed.clear();
    this.#parsed.set(signature, parsed);
    return parsed;
  }

  #context(signature: number): JudgeContext {
    const subject = this.#subject;
    if (subject === undefined) throw new Error("there is no object to judge");
    return {
      subject,
      externals: this.#externalsOf(subject),
      has: (pattern) => this.#has(signature, pattern),
      count: (pattern) => this.#count(signature, pattern),
      places: (pattern, max) => {
        const { matches } = this.#placesOf(signature, pattern, max);
        return matches.length > max ? matches.slice(0, max) : matches;
      },
      executable: () => this.executable(),
      spend: (steps) => {
        this.#stepsLeft -= steps;
        if (this.#stepsLeft < 0) this.#isUnfinished = true;
        return this.#stepsLeft >= 0;
      },
    };
  }

  /** The variables that public rule sets ask for. */
  #externalsOf({ name, type }: Subject): JudgeContext["externals"] {
    const dot = name.lastIndexOf(".");
    this.#externals ??= {
      filename: name,
      filepath: name,
      extension: dot < 0 ? "" : name.slice(dot).toLowerCase(),
      filetype: type,
      owner: "",
    };
    return this.#externals;
  }

  #has(signature: number, pattern: number): boolean {
    const { calls, state } = this.#parts;
    const known = calls.gw_has(state, signature, pattern) >>> 0;
    return known === NONE ? this.#placesOf(signature, pattern, 1).matches.length > 0 : known > 0;
  }

  #count(signature: number, pattern: number): number {
    const { calls, state } = this.#parts;
    const known = calls.gw_count(state, signature, pattern) >>> 0;
    if (known !== NONE) return known;
    const listed = this.#places.get(signature)?.get(pattern);
    if (listed?.isWhole === true) return listed.matches.length;
    return this.#countPlaces(signature, pattern);
  }

  /** Counts matches without keeping them: of a common text there are a great many. */
  #countPlaces(signature: number, pattern: number): number {
    const { calls, state, matches } = this.#parts;
    let total = 0;
    for (let from = 0; total < PLACES_MAX; ) {
      const max = Math.min(PLACES_MAX - total, CORE_MATCHES_MAX);
      const count = calls.gw_enumerate(state, signature, pattern, from, max);
      total += count;
      if (calls.gw_is_incomplete(state) !== 0) this.#isUnfinished = true;
      if (count < max) break;
      from = (matches[2 * count - 2] ?? 0) + 1;
    }
    return total;
  }

  #placesOf(signature: number, pattern: number, max: number): Places {
    let bySignature = this.#places.get(signature);
    if (bySignature === undefined) {
      bySignature = new Map();
      this.#places.set(signature, bySignature);
    }
    let places = bySignature.get(pattern);
    if (places === undefined) {
      const { calls, state } = this.#parts;
      const isWhole = calls.gw_count(state, signature, pattern) === 0;
      places = { matches: [], next: 0, isWhole };
      bySignature.set(pattern, places);
    }
    const wanted = Math.min(max, PLACES_MAX);
    while (!places.isWhole && places.matches.length < wanted) {
      this.#enumerate(signature, pattern, places, wanted);
    }
    return places;
  }

  #enumerate(signature: number, pattern: number, places: Places, wanted: number): void {
    const { calls, state, matches } = this.#parts;
    const max = Math.min(wanted - places.matches.length, CORE_MATCHES_MAX);
    const count = calls.gw_enumerate(state, signature, pattern, places.next, max);
    for (let i = 0; i < count; i++) {
      places.matches.push({ start: matches[2 * i] ?? 0, length: matches[2 * i + 1] ?? 0 });
    }
    places.next = (places.matches.at(-1)?.start ?? 0) + 1;
    if (count < max) places.isWhole = true;
    if (calls.gw_is_incomplete(state) !== 0) this.#isUnfinished = true;
  }
}
