// The literal search of an image: hands the runs to the core's builder, which picks anchors and fills
// filters and buckets. See wasm/build.c.
import { ByteWriter } from "../gwdb/byte-writer.ts";
import { type CoreModule, createCoreMemory, instantiateCore } from "../gwdb/core.ts";
import { type ImageSection, SECTIONS } from "../gwdb/image.ts";
import type { Objects } from "./image/objects.ts";
import type { Run } from "./pattern.ts";

const VARIABLE = 0x80000000;
const NONE = 0xffffffff;
const ANCHOR_SIZE = 20;
const RUN_SIZE = 24;
/** Zero bytes behind the runs, so that the core may read whole words of them. */
const RUN_PAD = 16;
/** Struct Layout in wasm/build.c. */
const LAYOUT_SIZE = 32;

/** Runs for programs only from which on, and from what share of all runs on, they are kept apart. */
const APART_MIN = 64;
const APART_SHARE = 0.5;

/** How a pattern is searched for. */
export interface Searched {
  readonly isFolded: boolean;
  /** Left out: in all objects. */
  readonly objects?: Objects;
}

/** What is searched for together: runs, and the patterns that they belong to. */
class Searching {
  readonly #list = new ByteWriter();
  readonly #owners: number[] = [];

  get count(): number {
    return this.#owners.length;
  }

  add(pattern: number, words: readonly number[]): void {
    this.#list.u32(pattern);
    for (const word of words) this.#list.u32(word);
    this.#owners.push(pattern);
  }

  /** Its sections of these kinds; or the number of a pattern that can't be found. */
  build(
    core: CoreModule,
    bytes: Uint8Array,
    kinds: { readonly anchors: number; readonly tiers: number },
  ): ImageSection[] | number {
    if (this.count === 0) return [];
    const built = layOut(core, { bytes, list: this.#list.bytes(), count: this.count });
    if (typeof built === "number") return this.#owners[built] ?? 0;
    const { anchors, tiers } = built;
    return [
      { kind: kinds.anchors, ...anchors },
      { kind: kinds.tiers, ...tiers },
    ];
  }
}

/** Gathers the runs of all patterns. */
export class RunTable {
  readonly #bytes = new ByteWriter();
  readonly #all = new Searching();
  /** What is not for programs only, and what asks for views. */
  readonly #general = new Searching();
  readonly #views = new Searching();

  /** Adds the groups of runs of one pattern; patterns come in ascending order. */
  add(pattern: number, groups: readonly (readonly Run[])[], { isFolded, objects }: Searched): void {
    groups.forEach((runs, group) => {
      for (const { bytes, before } of runs) {
        const distance = before.min === before.max ? before.min : before.min + VARIABLE;
        const at = this.#bytes.length;
        this.#bytes.append(bytes);
        const words = [group, isFolded ? 1 : 0, at, bytes.length, distance];
        this.#all.add(pattern, words);
        if (objects?.isProgramOnly !== true) this.#general.add(pattern, words);
        if (objects?.isForViews === true) this.#views.add(pattern, words);
      }
    });
  }

  /** The sections of all searches and their runs; or the number of a pattern that can't be found. */
  build(core: CoreModule): ImageSection[] | number {
    for (let i = 0; i < RUN_PAD; i++) this.#bytes.u8(0);
    const bytes = this.#bytes.bytes().slice();
    const sections: ImageSection[] = [{ kind: SECTIONS.runs, bytes, count: bytes.length }];
    for (const { searching, anchors, tiers } of this.#searches()) {
      const built = searching.build(core, bytes, { anchors, tiers });
      if (typeof built === "number") return built;
      sections.push(...built);
    }
    return sections;
  }

  // What is kept apart stands in the image twice, so it has to be worth it.
  #searches() {
    const { anchors, tiers, programAnchors, programTiers, viewAnchors, viewTiers } = SECTIONS;
    const apart = this.#all.count - this.#general.count;
    const isApart = apart >= APART_MIN && apart >= APART_SHARE * this.#all.count;
    const view = { searching: this.#views, anchors: viewAnchors, tiers: viewTiers };
    if (!isApart) return [{ searching: this.#all, anchors, tiers }, view];
    const program = { searching: this.#all, anchors: programAnchors, tiers: programTiers };
    return [program, { searching: this.#general, anchors, tiers }, view];
  }
}

const align = (n: number) => Math.ceil(n / 64) * 64;

function layOut(
  core: CoreModule,
  runs: { bytes: Uint8Array; list: Uint8Array; count: number },
): { anchors: Omit<ImageSection, "kind">; tiers: Omit<ImageSection, "kind"> } | number {
  // The sizes are asked from an instance on a memory of its own, which need not be large.
  const probe = instantiateCore(core, createCoreMemory(1 << 20));
  const base = align(probe.__heap_base.value);
  const bytesAt = align(base + LAYOUT_SIZE);
  const listAt = align(bytesAt + runs.bytes.length);
  const scratchAt = align(listAt + runs.count * RUN_SIZE);
  const outAt = align(scratchAt + (probe.gw_layout_scratch(runs.count) >>> 0));
  const memory = createCoreMemory(outAt + (probe.gw_layout_size(runs.count) >>> 0));
  const builder = instantiateCore(core, memory);
  const all = new Uint8Array(memory.buffer);
  all.set(runs.bytes, bytesAt);
  all.set(runs.list, listAt);
  const words = new Uint32Array(memory.buffer, base, LAYOUT_SIZE / 4);
  words.set([bytesAt, listAt, runs.count, outAt]);
  const fault = builder.gw_layout(base, scratchAt) >>> 0;
  if (fault !== NONE) return fault;
  const [, , , , anchors = 0, tiers = 0, tiersLength = 0, tierCount = 0] = words;
  // Copies: the memory is shared, and goes away.
  const copy = (from: number, length: number) => new Uint8Array(all.subarray(from, from + length));
  return {
    anchors: { bytes: copy(outAt, anchors * ANCHOR_SIZE), count: anchors },
    tiers: { bytes: copy(outAt + tiers, tiersLength), count: tierCount },
  };
}
