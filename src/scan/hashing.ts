// Hashes of an object, of the sections of a program and of what it imports. They cost more than the
// search: each is computed only if a signature has exactly this size, or any.
import type { Executable } from "../executable/executable.ts";
import { importHashText } from "../executable/pe/imports.ts";
import type { CoreExports } from "../gwdb/core.ts";
import { HASH_KINDS, type ImageSection, SECTIONS } from "../gwdb/image.ts";

/** Bytes of sections that are hashed of one program, at most. */
const SECTION_BYTES_MAX = 256 * 1024 * 1024;

/** What hashing works on: the core's calls, its scan state, and where it takes digests. */
export interface HashingParts {
  readonly calls: CoreExports;
  readonly state: number;
  readonly digest: Uint8Array;
  readonly sections: ReadonlyMap<number, ImageSection>;
}

type HashedPart = (typeof HASH_KINDS)[number]["of"];

/** The hashes of one engine's objects. */
export class Hashing {
  readonly #parts: HashingParts;
  readonly #present: ReadonlySet<HashedPart>;

  constructor(parts: HashingParts) {
    this.#parts = parts;
    const isPresent = (_: unknown, kind: number) => {
      return (parts.sections.get(SECTIONS.hashes + kind)?.count ?? 0) > 0;
    };
    this.#present = new Set(HASH_KINDS.filter(isPresent).map(({ of }) => of));
  }

  /** Looks up all hashes that may matter of the object that the core has begun. */
  look(bytes: Uint8Array, executable: () => Executable | undefined): void {
    if (this.#present.size === 0) return;
    this.#lookAt("object", bytes, bytes.length);
    this.#lookAt("trusted", bytes, bytes.length);
    // "MZ": nothing else has sections or imports that are hashed.
    if (bytes[0] !== 0x4d || bytes[1] !== 0x5a) return;
    if (!this.#present.has("section") && !this.#present.has("imports")) return;
    const program = executable();
    if (program?.format !== "pe") return;
    if (this.#present.has("section")) this.#lookAtSections(bytes, program);
    if (this.#present.has("imports")) {
      const text = Buffer.from(importHashText(program.imports), "latin1");
      if (text.length > 0) this.#lookAt("imports", text, text.length);
    }
  }

  #lookAtSections(bytes: Uint8Array, { sections }: Executable): void {
    let left = SECTION_BYTES_MAX;
    for (const { offset, size } of sections) {
      const section = bytes.subarray(offset, offset + size);
      if (section.length === 0 || section.length !== size) continue;
      left -= section.length;
      if (left < 0) return;
      this.#lookAt("section", section, section.length);
    }
  }

  #lookAt(part: HashedPart, bytes: Uint8Array, size: number): void {
    if (!this.#present.has(part)) return;
    const { calls, state, digest } = this.#parts;
    const first = HASH_KINDS.findIndex(({ of }) => of === part);
    const end = HASH_KINDS.findLastIndex(({ of }) => of === part) + 1;
    const wanted = calls.gw_hashes(state, size, first, end);
    if (wanted === 0) return;
    for (let kind = first; kind < end; kind++) {
      const algorithm = HASH_KINDS[kind]?.algorithm;
      if ((wanted & (1 << kind)) === 0 || algorithm === undefined) continue;
      digest.set(new Bun.CryptoHasher(algorithm).update(bytes).digest());
      calls.gw_hash(state, kind, size);
    }
  }
}
