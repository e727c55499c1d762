// The literal search of an image: hands the runs to the core's builder, which picks anchors and fills
// filters and buckets. See wasm/build.c.
import { ByteWriter } from "../gwdb/byte-writer.ts";
import { type CoreModule, createCoreMemory, instantiateCore } from "../gwdb/core.ts";
import { type ImageSection, SECTIONS } from "../gwdb/image.ts";
import type { Run } from "./pattern.ts";

const VARIABLE = 0x80000000;
const NONE = 0xffffffff;
const ANCHOR_SIZE = 20;
const RUN_SIZE = 24;
/** Zero bytes behind the runs, so that the core may read whole words of them. */
const RUN_PAD = 16;
/** Struct Layout in wasm/build.c. */
const LAYOUT_SIZE = 32;

/** Gathers the runs of all patterns. */
export class RunTable {
  readonly #bytes = new ByteWriter();
  readonly #list = new ByteWriter();
  readonly #owners: number[] = [];

  /** Adds the groups of runs of one pattern; patterns come in ascending order. */
  add(pattern: number, groups: readonly (readonly Run[])[], isFolded: boolean): void {
    groups.forEach((runs, group) => {
      for (const { bytes, before } of runs) {
        const distance = before.min === before.max ? before.min : before.min + VARIABLE;
        const at = this.#bytes.length;
        this.#bytes.append(bytes);
        this.#list.words(pattern, group, isFolded ? 1 : 0, at, bytes.length, distance);
        this.#owners.push(pattern);
      }
    });
  }

  /** The sections `anchors`, `runs` and `tiers`; or the number of a pattern that can't be found. */
  build(core: CoreModule): ImageSection[] | number {
    const count = this.#owners.length;
    for (let i = 0; i < RUN_PAD; i++) this.#bytes.u8(0);
    const bytes = this.#bytes.bytes().slice();
    const runs = { kind: SECTIONS.runs, bytes, count: bytes.length };
    if (count === 0) return [runs];
    const built = layOut(core, { bytes, list: this.#list.bytes(), count });
    return typeof built === "number" ? (this.#owners[built] ?? 0) : [runs, ...built];
  }
}

const align = (n: number) => Math.ceil(n / 64) * 64;

function layOut(
  core: CoreModule,
  runs: { bytes: Uint8Array; list: Uint8Array; count: number },
): ImageSection[] | number {
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
  return [
    { kind: SECTIONS.anchors, bytes: copy(outAt, anchors * ANCHOR_SIZE), count: anchors },
    { kind: SECTIONS.tiers, bytes: copy(outAt + tiers, tiersLength), count: tierCount },
  ];
}
