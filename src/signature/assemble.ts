// Signatures to image: fills the tables that wasm/core.h describes. A signature that can't be
// compiled is left out as a whole and reported; the others don't notice.
import { ByteWriter } from "../gwdb/byte-writer.ts";
import type { CoreModule } from "../gwdb/core.ts";
import { type ImageSection, SECTIONS, sealImage } from "../gwdb/image.ts";
import { countEntries, packLists, type SetLists } from "../gwdb/lists/lists.ts";
import { packTexts } from "../gwdb/texts.ts";
import { compileCondition } from "./condition.ts";
import { remedyOf } from "./cure/remedy.ts";
import { HashTables } from "./image/hashes.ts";
import { type Objects, objectsOf } from "./image/objects.ts";
import type { Planned } from "./image/plan.ts";
import { RunTable, type Searched } from "./layout.ts";
import {
  type BytePattern,
  directKeys,
  isLiteral,
  type Run,
  type Search,
  shortestMatch,
  writeProgram,
} from "./pattern.ts";
import { type Expression, type Pattern, packInfo } from "./source.ts";

const ANY = 0xffffffff;
const FLAGS = {
  literal: 1,
  fullword: 2,
  wide: 4,
  fromEnd: 8,
  multi: 16,
  lazy: 32,
  guarded: 64,
  guard: 128,
} as const;
const SIGNATURE_JUDGED = 2;
const TYPES_MAX = 127;
const DIRECT_ANY = 0xffffffff;
/** In the number of a pattern: it is a whole signature, of that number. */
const ALONE = 0x40000000;

/** Whether every pattern has to match, which needs no condition in the image. */
function isAllFound(trigger: Expression, patterns: number): boolean {
  if (trigger.kind === "pattern") return patterns === 1;
  return (
    trigger.kind === "of" &&
    trigger.needed === patterns &&
    new Set(trigger.patterns).size === patterns
  );
}

/** A run of any of these has to be found before pattern number `owner` is looked for. */
interface Guard {
  readonly owner: number;
  readonly signature: number;
  readonly runs: readonly Run[];
  readonly searched: Searched;
}

class Assembler {
  readonly #signatures = new ByteWriter();
  readonly #patterns = new ByteWriter();
  readonly #code = new ByteWriter();
  readonly #conditions = new ByteWriter();
  readonly #typesets = new ByteWriter();
  readonly #direct: { readonly key: number; readonly pattern: number }[] = [];
  readonly #names = new ByteWriter();
  readonly #always = new ByteWriter();
  readonly #runs = new RunTable();
  readonly #hashes = new HashTables();
  readonly #types = new Map<string, number>();
  readonly #typesetIds = new Map<string, number>();
  #patternCount = 0;
  readonly #guards: Guard[] = [];
  /** The patterns that guards belong to. */
  readonly #owners = new Map<number, number>();
  /** First pattern of each signature, for telling whose a pattern is. */
  readonly #firsts: number[] = [];

  #typeId(type: string): number {
    const known = this.#types.get(type);
    if (known !== undefined) return known;
    const id = this.#types.size + 1;
    if (id > TYPES_MAX) throw new Error("too many file types in one signature set");
    this.#types.set(type, id);
    return id;
  }

  #typeset(targets: readonly string[]): number {
    if (targets.length === 0) return 0;
    const words = [0, 0, 0, 0];
    for (const target of targets) {
      const id = this.#typeId(target);
      words[id >> 5] = ((words[id >> 5] ?? 0) | (1 << (id & 31))) >>> 0;
    }
    const key = words.join();
    const known = this.#typesetIds.get(key);
    if (known !== undefined) return known;
    this.#typesets.words(...words);
    this.#typesetIds.set(key, this.#typesetIds.size + 1);
    return this.#typesetIds.size;
  }

  /** Guards come behind all patterns of signatures, and before what is alone. */
  addGuards(): void {
    for (const { owner, signature, runs, searched } of this.#guards.splice(0)) {
      this.#patterns.words(0, 0, signature, owner, ANY, 0);
      this.#patterns.u16(FLAGS.guard);
      this.#patterns.u16(1);
      this.#patterns.u32(0);
      const groups = runs.map((run) => [run]);
      this.#runs.add(this.#patternCount, groups, searched);
      this.#owners.set(this.#patternCount, owner);
      this.#patternCount++;
    }
  }

  /** A signature that is nothing but hashes or a literal, and number `index`. */
  addAlone({ signature, searches }: Planned, index: number): void {
    const [pattern] = signature.patterns;
    const [search] = searches;
    if (pattern?.kind === "bytes" && search?.kind === "runs") {
      this.#runs.add(index + ALONE, search.groups, { isFolded: pattern.isFolded });
    } else this.#hashes.addAlone(signature, index);
  }

  add({ signature, searches, counts, trigger, isAlways }: Planned): void {
    const first = this.#patternCount;
    const { patterns, targets } = signature;
    const isJudged = signature.judgement !== undefined;
    const objects = objectsOf(signature);
    const program = isAllFound(trigger, patterns.length)
      ? []
      : compileCondition(trigger, (type) => this.#typeId(type));
    this.#signatures.words(this.#conditions.length / 4, first);
    this.#signatures.u16(program.length);
    this.#signatures.u16(patterns.length);
    this.#signatures.u16(this.#typeset(targets));
    this.#signatures.u16(isJudged ? SIGNATURE_JUDGED : 0);
    if (isAlways) this.#always.u32(this.#firsts.length);
    this.#conditions.words(...program);
    patterns.forEach((pattern, i) => {
      const search = searches[i] ?? null;
      if (pattern.kind === "bytes" && search !== null) {
        this.#addBytes(pattern, search, { countMax: counts[i] ?? 1, isJudged, objects });
      } else this.#addOther(pattern);
      this.#patternCount++;
    });
    this.#firsts.push(first);
  }

  #addBytes(
    pattern: BytePattern,
    search: Search,
    about: {
      readonly countMax: number;
      readonly isJudged: boolean;
      readonly objects: Objects;
    },
  ): void {
    const id = this.#patternCount;
    const isWhole = isLiteral(pattern) && search.kind === "runs";
    const at = this.#code.length;
    // A judgement may have the places enumerated, for which even a literal needs its program.
    if (!isWhole || about.isJudged) writeProgram(this.#code, pattern);
    let flags = isWhole ? FLAGS.literal : 0;
    if (pattern.isFullword) flags |= FLAGS.fullword;
    if (pattern.isWide) flags |= FLAGS.wide;
    if (pattern.place?.isFromEnd === true) flags |= FLAGS.fromEnd;
    let reach = 0;
    if (search.kind === "lazy") flags |= FLAGS.lazy;
    else if (search.kind === "direct") {
      for (const key of directKeys(pattern) ?? [DIRECT_ANY])
        this.#direct.push({ key, pattern: id });
    } else if (search.kind === "guarded") {
      flags |= FLAGS.guarded;
      reach = search.guards.length;
      const searched = { isFolded: pattern.isFolded, objects: about.objects };
      const guard = { owner: id, signature: this.#firsts.length, searched };
      for (const runs of search.guards) this.#guards.push({ ...guard, runs });
    } else {
      if (search.isMulti) flags |= FLAGS.multi;
      for (const { before } of search.groups.flat()) reach = Math.max(reach, before.max);
      this.#runs.add(id, search.groups, { isFolded: pattern.isFolded, objects: about.objects });
    }
    const { from, to } = pattern.place ?? { from: 0, to: ANY };
    this.#patterns.words(at, this.#code.length - at, this.#firsts.length, from, to);
    this.#patterns.u32(Math.min(reach, ANY));
    this.#patterns.u16(flags);
    this.#patterns.u16(about.countMax);
    this.#patterns.u32(shortestMatch(pattern));
  }

  #addOther(pattern: Pattern): void {
    const id = this.#patternCount;
    if (pattern.kind === "hash") this.#hashes.addPattern(pattern, id);
    else if (pattern.kind === "name") {
      const text = Buffer.from(pattern.glob, "utf8");
      this.#names.words(id, this.#code.length, text.length);
      this.#code.append(text);
    }
    this.#patterns.words(0, 0, this.#firsts.length, 0, ANY, 0);
    this.#patterns.u16(0);
    this.#patterns.u16(1);
    this.#patterns.u32(0);
  }

  #directSection(): ImageSection {
    const out = new ByteWriter();
    this.#direct.sort((a, b) => a.key - b.key || a.pattern - b.pattern);
    for (const { key, pattern } of this.#direct) out.words(key, pattern);
    return { kind: SECTIONS.direct, bytes: out.bytes(), count: this.#direct.length };
  }

  /** The image; or the place of a signature that turned out to be unfit for the search. */
  seal(core: CoreModule, texts: readonly string[], lists: SetLists): Uint8Array | number {
    const search = this.#runs.build(core);
    if (typeof search === "number") {
      if (search >= ALONE) return search - ALONE;
      const pattern = this.#owners.get(search) ?? search;
      return this.#firsts.findLastIndex((first) => first <= pattern);
    }
    const entries = (kind: number, out: ByteWriter, size: number): ImageSection => ({
      ...{ kind, bytes: out.bytes(), count: out.length / size },
    });
    const types = Buffer.from(JSON.stringify([...this.#types.keys()]), "utf8");
    return sealImage([
      entries(SECTIONS.signatures, this.#signatures, 16),
      entries(SECTIONS.patterns, this.#patterns, 32),
      entries(SECTIONS.code, this.#code, 1),
      entries(SECTIONS.conditions, this.#conditions, 4),
      entries(SECTIONS.typesets, this.#typesets, 16),
      this.#directSection(),
      entries(SECTIONS.names, this.#names, 12),
      entries(SECTIONS.always, this.#always, 4),
      ...search,
      ...this.#hashes.sections(),
      { kind: SECTIONS.metadata, bytes: packTexts(texts), count: texts.length },
      { kind: SECTIONS.types, bytes: types, count: this.#types.size },
      ...listSections(lists),
    ]);
  }
}

function listSections(lists: SetLists): ImageSection[] {
  const count = countEntries(lists);
  return count === 0 ? [] : [{ kind: SECTIONS.lists, bytes: packLists(lists), count }];
}

function textsOf(planned: readonly Planned[]): string[] {
  return planned.map(({ signature }) => {
    const { info, judgement } = signature;
    return packInfo({
      info,
      remedy: remedyOf(signature),
      handler: signature.handler,
      ...(judgement === undefined ? {} : { judgement }),
    });
  });
}

/**
 * Puts planned signatures into an image; or the place of one that can't be searched for. Those that
 * are alone must come last.
 */
export function assemble(
  planned: readonly Planned[],
  core: CoreModule,
  lists: SetLists,
): Uint8Array | number {
  const assembler = new Assembler();
  const firstAlone = planned.findIndex(({ isAlone }) => isAlone);
  const patterned = firstAlone < 0 ? planned.length : firstAlone;
  for (const one of planned.slice(0, patterned)) assembler.add(one);
  assembler.addGuards();
  planned.slice(patterned).forEach((one, i) => {
    assembler.addAlone(one, patterned + i);
  });
  return assembler.seal(core, textsOf(planned), lists);
}
