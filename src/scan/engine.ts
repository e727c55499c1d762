// Scans objects: one engine per worker, each in its own arena of the shared memory. An object is
// copied in, the core finds what matches, and only for that the signature's name is looked up.
import { CORE_NAME_MAX, CORE_PADDING, type CoreExports, instantiateCore } from "../gwdb/core.ts";
import { openSections, SECTIONS } from "../gwdb/image.ts";
import type { Finding, Severity } from "../message.ts";
import type { Arena, SharedSet } from "./signature-set.ts";

const NO_OFFSET = 0xffffffff;
const INCOMPLETE = 0x80000000;
/** Matches that the core lists for one object. */
const RESULTS_MAX = 64;
const HASHES = [
  { kind: 1, algorithm: "md5" },
  { kind: 2, algorithm: "sha256" },
] as const;
/** Bytes scanned at attach, so that the first message meets compiled code. */
const WARM_UP = 256 * 1024;
const WARM_UP_ROUNDS = 8;

/** An object to scan. */
export interface EngineObject {
  readonly bytes: Uint8Array;
  /** Decoded name, "" if it has none. */
  readonly name: string;
  /** File type, as fileType() tells it, of the object and of what it was taken out of. */
  readonly type: string;
  readonly containerType: string;
  /** The message is at depth 0. */
  readonly depth: number;
}

/** What was found in an object. Unless `isComplete`, nothing may be concluded from no finding. */
export interface ScanResult {
  readonly findings: readonly Finding[];
  /** Bytes looked at. */
  readonly scanned: number;
  readonly isComplete: boolean;
}

/** A signature's information as an image keeps it: what is usual is left out. */
interface SignatureText {
  readonly name: string;
  readonly severity?: Severity;
  readonly description?: string;
}

/** One worker's scanner. Calls don't overlap: everything is synchronous. */
export class Engine {
  readonly identity: string;
  readonly #arenaSize: number;
  readonly #arena: Arena;
  readonly #calls: CoreExports;
  readonly #object: Uint8Array;
  readonly #digest: Uint8Array;
  readonly #name: Uint8Array;
  readonly #results: Uint32Array;
  readonly #metadata: Uint8Array;
  readonly #typeIds: ReadonlyMap<string, number>;
  readonly #hasHashes: boolean;
  readonly #hasNames: boolean;
  readonly #encoder = new TextEncoder();

  private constructor(set: SharedSet, arena: Arena) {
    const { buffer } = set.memory;
    this.identity = set.identity;
    this.#arenaSize = set.arenaSize;
    this.#arena = arena;
    this.#calls = instantiateCore(set.core, set.memory);
    this.#calls.__stack_pointer.value = arena.stackEnd;
    this.#calls.gw_attach(arena.state, set.imageOffset);
    this.#object = new Uint8Array(buffer, arena.object, set.arenaSize + CORE_PADDING);
    this.#digest = new Uint8Array(buffer, this.#calls.gw_digest(arena.state), 32);
    this.#name = new Uint8Array(buffer, this.#calls.gw_name(arena.state), CORE_NAME_MAX);
    this.#results = new Uint32Array(buffer, this.#calls.gw_results(arena.state), 2 * RESULTS_MAX);
    const image = new Uint8Array(buffer, set.imageOffset, set.imageSize);
    const sections = openSections(image);
    const countOf = (kind: number) => sections.get(kind)?.count ?? 0;
    this.#metadata = sections.get(SECTIONS.metadata)?.bytes ?? new Uint8Array(0);
    this.#hasHashes = countOf(SECTIONS.md5) + countOf(SECTIONS.sha256) > 0;
    this.#hasNames = countOf(SECTIONS.names) > 0;
    this.#typeIds = new Map(set.types.map((type, i) => [type, i + 1]));
  }

  /** An engine in the given arena, ready to run at full speed. */
  static async attach(set: SharedSet, arena: number): Promise<Engine> {
    const place = set.arenas[arena];
    if (place === undefined) throw new RangeError(`the signature set has no arena ${arena}`);
    const engine = new Engine(set, place);
    engine.#warmUp();
    return engine;
  }

  #warmUp(): void {
    const bytes = new Uint8Array(Math.min(WARM_UP, this.#arenaSize));
    // A cheap sequence that never repeats soon; what it holds does not matter.
    for (let i = 0, x = 1; i < bytes.length; i++) {
      x = (Math.imul(x, 1664525) + 1013904223) | 0;
      bytes[i] = x >>> 24;
    }
    for (let round = 0; round < WARM_UP_ROUNDS; round++) {
      this.scan({ bytes, name: "", type: "", containerType: "", depth: 0 });
    }
  }

  /** Looks at one object. Never throws for what is in it. */
  scan(object: EngineObject): ScanResult {
    const { bytes } = object;
    if (bytes.length > this.#arenaSize) return { findings: [], scanned: 0, isComplete: false };
    const { state } = this.#arena;
    this.#object.set(bytes);
    const named = this.#hasNames ? object.name.toLowerCase() : "";
    const nameLength = this.#encoder.encodeInto(named, this.#name).written;
    this.#calls.gw_begin(state, this.#arena.object, bytes.length, nameLength);
    if (this.#hasHashes) this.#matchHashes(bytes);
    const type = this.#typeIds.get(object.type) ?? 0;
    const container = this.#typeIds.get(object.containerType) ?? 0;
    const answer = this.#calls.gw_scan(state, type, container, object.depth) >>> 0;
    const count = answer < INCOMPLETE ? answer : answer - INCOMPLETE;
    // Behind many weak matches a grave one may have found no place in the list.
    const isComplete = answer < RESULTS_MAX;
    return {
      findings: count === 0 ? [] : this.#findings(count),
      scanned: isComplete ? bytes.length : 0,
      isComplete,
    };
  }

  // Hashes cost more than the search: they are computed only if a signature has exactly this size.
  #matchHashes(bytes: Uint8Array): void {
    const { state } = this.#arena;
    const wanted = this.#calls.gw_hashes(state);
    if (wanted === 0) return;
    for (const { kind, algorithm } of HASHES) {
      if ((wanted & kind) === 0) continue;
      this.#digest.set(new Bun.CryptoHasher(algorithm).update(bytes).digest());
      this.#calls.gw_hash(state, kind);
    }
  }

  #findings(count: number): Finding[] {
    const findings: Finding[] = [];
    for (let i = 0; i < count; i++) {
      const offset = this.#results[2 * i + 1] ?? NO_OFFSET;
      const {
        name,
        severity = "infected",
        description,
      } = this.#describe(this.#results[2 * i] ?? 0);
      findings.push({
        ...{ signature: name, severity },
        offset: offset === NO_OFFSET ? -1 : offset,
        ...(description ? { description } : {}),
      });
    }
    return findings;
  }

  #describe(signature: number): SignatureText {
    const { buffer, byteOffset } = this.#metadata;
    const view = new DataView(buffer, byteOffset, this.#metadata.length);
    const from = view.getUint32(4 * signature, true);
    const to = view.getUint32(4 * signature + 4, true);
    return JSON.parse(Buffer.from(this.#metadata.subarray(from, to)).toString("utf8"));
  }
}
