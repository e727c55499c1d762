// Scans objects: one engine per worker, each in its own arena of the shared memory. An object is
// copied in, the core finds what matches, and only for that the signature's name is looked up.
import {
  CORE_ALONE_MAX,
  CORE_DIGEST_SIZE,
  CORE_MATCHES_MAX,
  CORE_NAME_MAX,
  CORE_PADDING,
  type CoreExports,
  instantiateCore,
} from "../gwdb/core.ts";
import { openSections, SEARCHES, SECTIONS } from "../gwdb/image.ts";
import { NO_LISTS, readLists } from "../gwdb/lists/lists.ts";
import { TextReader } from "../gwdb/texts.ts";
import { PROGRAM_TYPES } from "../gwdb/view-types.ts";
import type { Finding, Remedy, Severity } from "../message.ts";
import { Hashing } from "./hashing.ts";
import type { Entry } from "./judge/context.ts";
import { createJudges, type Judges } from "./judge/judge.ts";
import { Judging } from "./judge/judging.ts";
import { PhishingLists } from "./phishing/phishing.ts";
import type { Arena, SharedSet } from "./signature-set.ts";
import { viewsOf } from "./view/view.ts";

const PROGRAMS: ReadonlySet<string> = new Set(PROGRAM_TYPES);
const REMOVE: Remedy = { kind: "remove" };
const NO_OFFSET = 0xffffffff;
const INCOMPLETE = 0x80000000;
/** Findings told of one object; with more it counts as unscanned. */
const FINDINGS_MAX = 10_000;
/** Signatures that the core looks at in one object, half of STATES_LOG_MAX in wasm/core.h. */
const TOUCHED_MAX = 32_768;
/** Bytes and places of a signature's entry, and its flag for a judgement; see wasm/core.h. */
const SIGNATURE_SIZE = 16;
const TYPESET_AT = 12;
const ANY_TYPE = 0;
const FLAGS_AT = 14;
const JUDGED = 2;
/** Bytes scanned at attach, so that the first message meets compiled code. */
const WARM_UP = 64 * 1024;
const WARM_UP_ROUNDS = 32;

/** An object to scan. */
export interface EngineObject {
  readonly bytes: Uint8Array;
  /** Decoded name, "" if it has none. */
  readonly name: string;
  /** File type, as fileType() tells it, of the object and of what it was taken out of. */
  readonly type: string;
  readonly containerType: string;
  /** File types of all that it lies in, from the outside in. */
  readonly containers?: readonly string[];
  /** How it lies in what it was taken out of, if it was. */
  readonly entry?: Entry;
  /** The message is at depth 0. */
  readonly depth: number;
}

/** A type that an object is to be looked at as; a finding if it is already. */
export interface Handler {
  readonly type: string;
  readonly finding: Finding;
}

/** What was found in an object. Unless `isComplete`, nothing may be concluded from no finding. */
export interface ScanResult {
  readonly findings: readonly Finding[];
  /** Bytes looked at. */
  readonly scanned: number;
  readonly isComplete: boolean;
  /** A signature says that the object with this hash is clean, whatever else was found. */
  readonly isTrusted?: boolean;
  /** Signatures that are no findings, but want the object to be looked at as of another type. */
  readonly handlers?: readonly Handler[];
}

/** Where an engine scans, and with what. */
export interface EngineOptions {
  readonly judges?: Partial<Judges>;
  /** Told the name of each signature that was judged, and what that took. */
  readonly watch?: (signature: string, elapsedMs: number) => void;
  /** Whether links in mail are held against the set's lists; they are if it is left out. */
  readonly isPhishingChecked?: boolean;
  /** For an object or two: what makes an engine fast would take longer than they do. */
  readonly isBrief?: boolean;
}

/** A signature's information as an image keeps it: what is usual is left out. */
interface SignatureText {
  readonly name: string;
  readonly severity?: Severity;
  readonly description?: string;
  readonly cure?: { readonly kind: string };
  /** The cure's places, if it is one that cuts. */
  readonly remedy?: Remedy;
  /** It is no finding, but says what type the object is. */
  readonly handler?: string;
}

function searchOf({ bytes, type }: EngineObject): number {
  const isProgram = (bytes[0] === 0x4d && bytes[1] === 0x5a) || PROGRAMS.has(type);
  return isProgram ? SEARCHES.program : SEARCHES.general;
}

/** What a signature found that only says a type. */
interface HandlerFinding extends Finding {
  readonly handler: string;
}

const isOfHandler = (finding: Finding): finding is HandlerFinding => "handler" in finding;

/** One worker's scanner. Calls don't overlap: everything is synchronous. */
export class Engine {
  readonly identity: string;
  /** What the set knows archives to be locked with. */
  readonly passwords: readonly string[];
  readonly #phishing: PhishingLists | undefined;
  readonly #arenaSize: number;
  readonly #arena: Arena;
  readonly #calls: CoreExports;
  readonly #object: Uint8Array;
  readonly #name: Uint8Array;
  readonly #findings: Uint32Array;
  readonly #alone: Uint32Array;
  readonly #flags: DataView;
  readonly #texts: TextReader;
  readonly #judging: Judging;
  readonly #hashing: Hashing;
  readonly #typeIds: ReadonlyMap<string, number>;
  readonly #hasNames: boolean;
  readonly #encoder = new TextEncoder();

  private constructor(set: SharedSet, arena: Arena, options: EngineOptions) {
    const { judges = createJudges(), watch } = options;
    const { buffer } = set.memory;
    const { state } = arena;
    this.identity = set.identity;
    this.#arenaSize = set.arenaSize;
    this.#arena = arena;
    const calls = instantiateCore(set.core, set.memory);
    this.#calls = calls;
    calls.__stack_pointer.value = arena.stackEnd;
    calls.gw_attach(state, set.imageOffset);
    this.#object = new Uint8Array(buffer, arena.object, set.arenaSize + CORE_PADDING);
    this.#name = new Uint8Array(buffer, calls.gw_name(state), CORE_NAME_MAX);
    this.#alone = new Uint32Array(buffer, calls.gw_alone(state), 2 * CORE_ALONE_MAX);
    const image = new Uint8Array(buffer, set.imageOffset, set.imageSize);
    const sections = openSections(image);
    const section = (kind: number) => sections.get(kind)?.bytes ?? new Uint8Array(0);
    const lists = readLists(section(SECTIONS.lists));
    this.passwords = lists.passwords;
    const isChecked = options.isPhishingChecked !== false && lists !== NO_LISTS;
    this.#phishing = isChecked ? new PhishingLists(lists) : undefined;
    const signatures = section(SECTIONS.signatures);
    const entries = signatures.length / SIGNATURE_SIZE;
    this.#findings = new Uint32Array(
      buffer,
      calls.gw_findings(state),
      Math.min(entries, TOUCHED_MAX),
    );
    this.#flags = new DataView(buffer, signatures.byteOffset, signatures.length);
    this.#texts = new TextReader(section(SECTIONS.metadata));
    const matches = new Uint32Array(buffer, calls.gw_matches(state), 2 * CORE_MATCHES_MAX);
    this.#judging = new Judging({
      ...{ calls, state, matches, texts: this.#texts, judges },
      ...(watch !== undefined && { watch: (index, ms) => watch(this.#about(index).name, ms) }),
    });
    const digest = new Uint8Array(buffer, calls.gw_digest(state), CORE_DIGEST_SIZE);
    this.#hashing = new Hashing({ calls, state, digest, sections });
    this.#hasNames = section(SECTIONS.names).length > 0;
    this.#typeIds = new Map(set.types.map((type, i) => [type, i + 1]));
  }

  /**
   * An engine in the given arena, ready to run at full speed. `pause` is awaited every millisecond
   * or so: another engine can work meanwhile.
   */
  static async attach(
    set: SharedSet,
    arena: number,
    options: EngineOptions & { readonly pause?: () => Promise<void> } = {},
  ): Promise<Engine> {
    const place = set.arenas[arena];
    if (place === undefined) throw new RangeError(`the signature set has no arena ${arena}`);
    const engine = new Engine(set, place, options);
    if (options.isBrief === true) return engine;
    for (const _ of engine.#warmUp()) await options.pause?.();
    return engine;
  }

  *#warmUp(): Generator<undefined> {
    const bytes = new Uint8Array(Math.min(WARM_UP, this.#arenaSize));
    // A cheap sequence that never repeats soon; what it holds does not matter.
    for (let i = 0, x = 1; i < bytes.length; i++) {
      x = (Math.imul(x, 1664525) + 1013904223) | 0;
      bytes[i] = x >>> 24;
    }
    const { state, object } = this.#arena;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) {
      this.#object.set(bytes);
      this.#calls.gw_begin(state, object, bytes.length, 0);
      this.#calls.gw_scan(state, 0, 0, 0, SEARCHES.program);
      yield;
    }
  }

  /** Looks at one object. Throws only if a judgement is damaged. */
  scan(object: EngineObject): ScanResult {
    const whole = this.#look(object, false);
    if (whole.isTrusted === true) return whole;
    let { findings, isComplete } = whole;
    const { handlers } = whole;
    for (const view of viewsOf(object.bytes, object.type, (type) => this.#typeIds.has(type))) {
      const seen = this.#look({ ...object, ...view, name: "" }, true);
      const known = new Set(findings.map(({ signature }) => signature));
      const more = seen.findings.filter(({ signature }) => !known.has(signature));
      // Places in a view are no places in the object.
      findings = [...findings, ...more.map((finding) => ({ ...finding, offset: -1 }))];
      isComplete &&= seen.isComplete;
    }
    const links = this.#phishing?.check(object) ?? [];
    if (links.length > 0) findings = [...findings, ...links];
    const scanned = isComplete ? object.bytes.length : 0;
    return { findings, scanned, isComplete, ...(handlers && { handlers }) };
  }

  /** Looks at an entry of which there is nothing but its name, and how it lies in its container. */
  scanClosed(object: Omit<EngineObject, "bytes" | "type">): readonly Finding[] {
    return this.#look({ ...object, bytes: new Uint8Array(0), type: "" }, false).findings;
  }

  /** Looks at an object, or at a view of one: that is seen only by signatures that ask for it. */
  #look(object: EngineObject, isView: boolean): ScanResult {
    const { bytes } = object;
    if (bytes.length > this.#arenaSize) return { findings: [], scanned: 0, isComplete: false };
    const { state } = this.#arena;
    this.#object.set(bytes);
    const named = this.#hasNames ? object.name.toLowerCase() : "";
    const nameLength = this.#encoder.encodeInto(named, this.#name).written;
    this.#calls.gw_begin(state, this.#arena.object, bytes.length, nameLength);
    this.#judging.begin({ containers: [], ...object });
    if (!isView) this.#hashing.look(bytes, () => this.#judging.executable());
    const type = this.#typeIds.get(object.type) ?? 0;
    const container = this.#typeIds.get(object.containerType) ?? 0;
    const search = isView ? SEARCHES.view : searchOf(object);
    const answer = this.#calls.gw_scan(state, type, container, object.depth, search) >>> 0;
    const isCut = answer >= INCOMPLETE;
    const count = isCut ? answer - INCOMPLETE : answer;
    const isClosed = object.entry?.closedSize !== undefined;
    const { findings, isUnfinished } = isClosed
      ? this.#collectOfEntry(count)
      : this.#collect(count, isCut, isView);
    this.#judging.end();
    if (this.#calls.gw_is_trusted(state) !== 0) {
      return { findings: [], scanned: bytes.length, isComplete: true, isTrusted: true };
    }
    const isComplete = !isCut && !isUnfinished && findings.length < FINDINGS_MAX;
    const scanned = isComplete ? bytes.length : 0;
    if (!findings.some(isOfHandler)) return { findings, scanned, isComplete };
    const handlers = findings.filter(isOfHandler).map(({ handler, ...finding }) => {
      return { type: handler, finding };
    });
    const others = findings.filter((finding) => !isOfHandler(finding));
    return { findings: others, scanned, isComplete, handlers };
  }

  // Judgements of an object that the core gave up would judge by half of what is there.
  #collect(
    count: number,
    isCut: boolean,
    isView: boolean,
  ): { findings: Finding[]; isUnfinished: boolean } {
    const findings: Finding[] = [];
    let isUnfinished = false;
    for (let i = 0; i < count && findings.length < FINDINGS_MAX; i++) {
      const index = this.#findings[i] ?? 0;
      const entry = SIGNATURE_SIZE * index;
      if (isView && this.#flags.getUint16(entry + TYPESET_AT, true) === ANY_TYPE) continue;
      const flags = this.#flags.getUint16(entry + FLAGS_AT, true);
      if ((flags & JUDGED) === 0) {
        const offset = this.#calls.gw_offset(this.#arena.state, index) >>> 0;
        findings.push(this.#finding(index, offset === NO_OFFSET ? -1 : offset));
        continue;
      }
      const outcome = isCut ? "unfinished" : this.#judging.outcome(index);
      if (outcome === "unfinished") isUnfinished = true;
      else if (outcome.isMatch) findings.push(this.#finding(index, outcome.offset));
    }
    // Signatures without an entry are for objects of any type, and none of them for views.
    const alone = isView ? 0 : this.#calls.gw_alone_count(this.#arena.state);
    for (let i = 0; i < alone && findings.length < FINDINGS_MAX; i++) {
      const offset = this.#alone[2 * i + 1] ?? NO_OFFSET;
      const index = this.#alone[2 * i] ?? 0;
      findings.push(this.#finding(index, offset === NO_OFFSET ? -1 : offset));
    }
    return { findings, isUnfinished };
  }

  /** Only what is about entries: of the content nothing is known. */
  #collectOfEntry(count: number): { findings: Finding[]; isUnfinished: boolean } {
    const found = [...this.#findings.subarray(0, count)].filter((index) => {
      if (!this.#judging.isOfEntry(index)) return false;
      const outcome = this.#judging.outcome(index);
      return outcome !== "unfinished" && outcome.isMatch;
    });
    return { findings: found.map((index) => this.#finding(index, -1)), isUnfinished: false };
  }

  #about(signature: number): SignatureText {
    const text = this.#texts.text(signature);
    return text.startsWith("{") ? JSON.parse(text) : { name: text };
  }

  #finding(signature: number, offset: number): Finding | HandlerFinding {
    const about = this.#about(signature);
    const { name, severity = "infected", description, cure } = about;
    const remedy = about.remedy ?? (cure?.kind === "remove" ? REMOVE : undefined);
    return {
      ...{ signature: name, severity, offset },
      ...(description ? { description } : {}),
      ...(remedy ? { remedy } : {}),
      ...(about.handler ? { handler: about.handler } : {}),
    };
  }
}
