// Signatures to image: fills the tables that wasm/core.h describes. A signature that can't be
// compiled is left out as a whole and reported; the others don't notice.
import { ByteWriter } from "../gwdb/byte-writer.ts";
import type { CoreModule } from "../gwdb/core.ts";
import { type ImageSection, SECTIONS, sealImage } from "../gwdb/image.ts";
import { compileCondition, countsNeeded, isVacuous } from "./condition.ts";
import { RunTable } from "./layout.ts";
import type { Search } from "./pattern.ts";
import { type BytePattern, planSearch, shortestMatch, writeProgram } from "./pattern.ts";
import { type Pattern, packInfo, type Signature, SourceError } from "./source.ts";

const ANY = 0xffffffff;
const FLAGS = { literal: 1, fullword: 2, wide: 4, fromEnd: 8, multi: 16 } as const;
const TYPES_MAX = 127;

/** A signature that has been checked: every decision that can fail has been taken. */
interface Planned {
  readonly signature: Signature;
  /** By pattern; null for names and hashes. */
  readonly searches: readonly (Search | null)[];
  readonly counts: readonly number[];
}

/** Takes the decisions for one signature; throws SourceError. */
export function planSignature(signature: Signature): Planned {
  const counts: number[] = signature.patterns.map(() => 1);
  countsNeeded(signature.condition, counts);
  if (isVacuous(signature.condition)) {
    const at = { line: signature.line, column: 1 };
    const expected = "a condition that needs at least one pattern";
    throw new SourceError("the condition can hold without any pattern", at, expected);
  }
  const searches = signature.patterns.map((pattern, i) =>
    pattern.kind === "bytes" ? planSearch(pattern, (counts[i] ?? 1) > 1) : null,
  );
  return { signature, searches, counts };
}

interface HashEntry {
  readonly size: number;
  readonly pattern: number;
  readonly digest: Uint8Array;
}

class Assembler {
  readonly #signatures = new ByteWriter();
  readonly #patterns = new ByteWriter();
  readonly #code = new ByteWriter();
  readonly #conditions = new ByteWriter();
  readonly #typesets = new ByteWriter();
  readonly #direct = new ByteWriter();
  readonly #names = new ByteWriter();
  readonly #runs = new RunTable();
  readonly #hashes: Record<"md5" | "sha256", HashEntry[]> = { md5: [], sha256: [] };
  readonly #types = new Map<string, number>();
  readonly #typesetIds = new Map<string, number>();
  readonly #metadata: Uint8Array[] = [];
  #patternCount = 0;
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

  add({ signature, searches, counts }: Planned): void {
    const first = this.#patternCount;
    const program = compileCondition(signature.condition, (type) => this.#typeId(type));
    this.#signatures.words(this.#conditions.length / 4, program.length);
    this.#signatures.words(this.#typeset(signature.targets), first, signature.patterns.length);
    this.#conditions.words(...program);
    signature.patterns.forEach((pattern, i) => {
      const search = searches[i] ?? null;
      if (pattern.kind === "bytes" && search !== null) {
        this.#addBytes(pattern, search, counts[i] ?? 1);
      } else this.#addOther(pattern);
      this.#patternCount++;
    });
    this.#firsts.push(first);
    this.#metadata.push(Buffer.from(packInfo(signature.info), "utf8"));
  }

  #addBytes(pattern: BytePattern, search: Search, countMax: number): void {
    const id = this.#patternCount;
    const [op] = pattern.ops;
    const isWhole = pattern.ops.length === 1 && op?.kind === "literal" && search.kind === "runs";
    const at = this.#code.length;
    if (!isWhole) writeProgram(this.#code, pattern);
    let flags = isWhole ? FLAGS.literal : 0;
    if (pattern.isFullword) flags |= FLAGS.fullword;
    if (pattern.isWide) flags |= FLAGS.wide;
    if (pattern.place?.isFromEnd === true) flags |= FLAGS.fromEnd;
    let reach = 0;
    if (search.kind === "direct") this.#direct.u32(id);
    else {
      if (search.isMulti) flags |= FLAGS.multi;
      for (const { before } of search.groups.flat()) reach = Math.max(reach, before.max);
      this.#runs.add(id, search.groups, pattern.isFolded);
    }
    const { from, to } = pattern.place ?? { from: 0, to: ANY };
    this.#patterns.words(at, this.#code.length - at, this.#firsts.length, from, to);
    this.#patterns.u32(Math.min(reach, ANY));
    this.#patterns.u16(flags);
    this.#patterns.u16(countMax);
    this.#patterns.u32(shortestMatch(pattern));
  }

  #addOther(pattern: Pattern): void {
    const id = this.#patternCount;
    if (pattern.kind === "hash") {
      const { algorithm, size, digest } = pattern;
      if (algorithm !== "sha1")
        this.#hashes[algorithm].push({ size: size ?? 0, pattern: id, digest });
    } else if (pattern.kind === "name") {
      const text = Buffer.from(pattern.glob, "utf8");
      this.#names.words(id, this.#code.length, text.length);
      this.#code.append(text);
    }
    this.#patterns.words(0, 0, this.#firsts.length, 0, ANY, 0);
    this.#patterns.u16(0);
    this.#patterns.u16(1);
    this.#patterns.u32(0);
  }

  #hashSection(algorithm: "md5" | "sha256"): ImageSection {
    const entries = this.#hashes[algorithm];
    entries.sort((a, b) => a.size - b.size || Buffer.compare(a.digest, b.digest));
    const out = new ByteWriter();
    for (const { size, pattern, digest } of entries) {
      out.words(size, pattern);
      out.append(digest);
    }
    return { kind: SECTIONS[algorithm], bytes: out.bytes(), count: entries.length };
  }

  #metadataSection(): ImageSection {
    const out = new ByteWriter();
    let at = (this.#metadata.length + 1) * 4;
    for (const text of this.#metadata) {
      out.u32(at);
      at += text.length;
    }
    out.u32(at);
    for (const text of this.#metadata) out.append(text);
    return { kind: SECTIONS.metadata, bytes: out.bytes(), count: this.#metadata.length };
  }

  /** The image; or the place of a signature that turned out to be unfit for the search. */
  seal(core: CoreModule): Uint8Array | number {
    const search = this.#runs.build(core);
    if (typeof search === "number") return this.#firsts.findLastIndex((first) => first <= search);
    const entries = (kind: number, out: ByteWriter, size: number): ImageSection => ({
      ...{ kind, bytes: out.bytes(), count: out.length / size },
    });
    return sealImage([
      entries(SECTIONS.signatures, this.#signatures, 20),
      entries(SECTIONS.patterns, this.#patterns, 32),
      entries(SECTIONS.code, this.#code, 1),
      entries(SECTIONS.conditions, this.#conditions, 4),
      entries(SECTIONS.typesets, this.#typesets, 16),
      entries(SECTIONS.direct, this.#direct, 4),
      entries(SECTIONS.names, this.#names, 12),
      ...search,
      this.#hashSection("md5"),
      this.#hashSection("sha256"),
      this.#metadataSection(),
      {
        kind: SECTIONS.types,
        bytes: Buffer.from(JSON.stringify([...this.#types.keys()]), "utf8"),
        count: this.#types.size,
      },
    ]);
  }
}

/** Puts planned signatures into an image; or the place of one that can't be searched for. */
export function assemble(planned: readonly Planned[], core: CoreModule): Uint8Array | number {
  const assembler = new Assembler();
  for (const one of planned) assembler.add(one);
  return assembler.seal(core);
}
