// A compiled signature set in use: one image in one shared memory, and an arena in it for each
// worker. What is made here may be sent to workers as it is.
//
// The memory: data of the core | image | per arena: stack, scan state, object with its padding.
import {
  CORE_PADDING,
  CORE_STACK_SIZE,
  type CoreModule,
  createCoreMemory,
  instantiateCore,
  loadCore,
} from "../gwdb/core.ts";
import { HASH_KINDS, type Image, ImageError, openImage, SECTIONS } from "../gwdb/image.ts";
import { readLists } from "../gwdb/lists/lists.ts";

const ARENA_SIZE_MAX = 512 * 1024 * 1024;
const ALIGNMENT = 64;
const MEMORY_MAX = 4_294_901_760;

/** Where one worker scans; byte offsets into the memory. */
export interface Arena {
  /** First free byte behind the stack. */
  readonly stackEnd: number;
  /** Scan state; `object` is where objects are put. */
  readonly state: number;
  readonly object: number;
}

/** A signature set that workers attach to. */
export interface SharedSet {
  readonly memory: WebAssembly.Memory;
  readonly core: CoreModule;
  /** Where the image lies in `memory`. */
  readonly imageOffset: number;
  readonly imageSize: number;
  readonly arenas: readonly Arena[];
  /** Largest object that can be scanned. */
  readonly arenaSize: number;
  /** Changes when the signatures do. */
  readonly identity: string;
  readonly signatureCount: number;
  /** File types the signatures speak of; the id of a type is its place + 1. */
  readonly types: readonly string[];
}

/** How a set is loaded. */
export interface LoadOptions {
  /** Number of workers. */
  readonly arenas: number;
  /** Largest object that can be scanned, bytes. */
  readonly arenaSize: number;
  /** The scan core: wasm bytes, or already compiled. */
  readonly core: Uint8Array | CoreModule;
}

// What gw_check answers, see wasm/image.c.
const FAULTS = [
  "",
  "its header is wrong",
  "its version is unknown",
  "a section is out of place",
  "a signature points outside of it",
  "a pattern is malformed",
  "an anchor points outside of it",
  "a search table is malformed",
  "a hash points outside of it",
  "a condition is malformed",
] as const;

/** What the core keeps of one pattern or signature in an object, and of how many at most. */
const STATE_SIZE = 24;
const STATES_LEAST = 64;
const STATES_MAX = 65_536;
/** What it keeps besides. */
const SCAN_SIZE_MAX = 1 << 19;

const align = (n: number) => Math.ceil(n / ALIGNMENT) * ALIGNMENT;

function readTypes(image: Image): string[] {
  const { bytes } = image.section(SECTIONS.types);
  if (bytes.length === 0) return [];
  let types: unknown;
  try {
    types = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    // What it says instead does not matter: below, it is no list.
  }
  if (!Array.isArray(types) || !types.every((type) => typeof type === "string")) {
    throw new ImageError("the signature set is damaged: its file types are no list");
  }
  return types;
}

/**
 * Loads an image and sets up arenas for workers. Throws ImageError if the image is cut, damaged, of
 * another version or malformed; nothing of such an image is ever used.
 */
export function loadSet(bytes: Uint8Array, options: LoadOptions): SharedSet {
  const { arenas: count, arenaSize } = options;
  if (count < 1 || arenaSize < 1 || arenaSize > ARENA_SIZE_MAX) {
    throw new RangeError("a signature set needs an arena of 1 byte to 512 MB");
  }
  const image = openImage(bytes);
  const types = readTypes(image);
  // Threads read them again; here it is found out whether they can.
  readLists(image.section(SECTIONS.lists).bytes);
  const core = options.core instanceof Uint8Array ? loadCore(options.core) : options.core;

  // Sizes first: the state depends on the image, so the core is asked in the final memory.
  const { signatures, patterns, anchors, hashes } = SECTIONS;
  const kinds = [signatures, patterns, anchors, ...HASH_KINDS.map((_, kind) => hashes + kind)];
  const scanned = kinds.reduce((sum, kind) => sum + image.section(kind).count, 0);
  const states = Math.min(4 * (scanned + STATES_LEAST), STATES_MAX) * STATE_SIZE;
  const perArena = align(CORE_STACK_SIZE + arenaSize + 4 * CORE_PADDING + SCAN_SIZE_MAX + states);
  const size = (1 << 18) + align(bytes.length) + perArena * count;
  if (size > MEMORY_MAX) throw new RangeError("the arenas and the signature set exceed 4 GB");
  const memory = createCoreMemory(size);
  const calls = instantiateCore(core, memory);
  const imageOffset = align(calls.__heap_base.value);
  new Uint8Array(memory.buffer, imageOffset, bytes.length).set(bytes);

  const first = imageOffset + align(bytes.length);
  const fault = calls.gw_check(imageOffset, bytes.length, first);
  if (fault !== 0) {
    throw new ImageError(`the signature set can't be used: ${FAULTS[fault] ?? "unknown fault"}`);
  }
  // The check used the first arena as scratch.
  new Uint8Array(memory.buffer, first, align(calls.gw_scan_size())).fill(0);
  const stateSize = align(calls.gw_state_size(imageOffset) >>> 0);
  const arenas = Array.from({ length: count }, (_, i) => {
    const stackEnd = first + i * perArena + CORE_STACK_SIZE;
    return { stackEnd, state: stackEnd, object: stackEnd + stateSize + CORE_PADDING };
  });
  return {
    ...{ memory, core, imageOffset, imageSize: bytes.length, arenas, arenaSize, types },
    identity: image.identity,
    signatureCount: image.section(SECTIONS.metadata).count,
  };
}
