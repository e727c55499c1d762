// The scan core as a WASM module: how it is instantiated, and what it exports. It has no memory and
// no state of its own; see wasm/core.h for the meaning of the calls. Pointers are byte offsets into
// the memory.

/** The compiled scan core; may be sent to workers. */
export type CoreModule = WebAssembly.Module;

/** Bytes of stack that each instance needs; a stack grows down from its end. */
export const CORE_STACK_SIZE = 65_536;

/** Zero bytes the core wants before an object, and room behind it. */
export const CORE_PADDING = 64;

/** Places of a pattern that the core tells at once. */
export const CORE_MATCHES_MAX = 1024;

/** Bytes of the longest hash that the core is handed. */
export const CORE_DIGEST_SIZE = 32;

/** Signatures that are nothing but a hash or a literal, found in one object. */
export const CORE_ALONE_MAX = 16_384;

/** Longest object name that globs see, UTF-8 bytes. */
export const CORE_NAME_MAX = 4096;

/** The calls of wasm/*.c. */
export interface CoreExports {
  readonly __stack_pointer: WebAssembly.Global<"i32">;
  readonly __heap_base: WebAssembly.Global<"i32">;
  gw_layout_size(runs: number): number;
  gw_layout_scratch(runs: number): number;
  gw_layout(layout: number, scratch: number): number;
  gw_check(image: number, size: number, scratch: number): number;
  gw_scan_size(): number;
  gw_state_size(image: number): number;
  gw_attach(scan: number, image: number): void;
  gw_name(scan: number): number;
  gw_digest(scan: number): number;
  gw_findings(scan: number): number;
  gw_alone(scan: number): number;
  gw_alone_count(scan: number): number;
  gw_matches(scan: number): number;
  gw_is_trusted(scan: number): number;
  gw_is_incomplete(scan: number): number;
  gw_begin(scan: number, bytes: number, size: number, nameLength: number): void;
  gw_scan(scan: number, type: number, container: number, depth: number, search: number): number;
  gw_offset(scan: number, signature: number): number;
  gw_has(scan: number, signature: number, pattern: number): number;
  gw_count(scan: number, signature: number, pattern: number): number;
  gw_enumerate(scan: number, signature: number, pattern: number, from: number, max: number): number;
  gw_hashes(scan: number, size: number, first: number, end: number): number;
  gw_hash(scan: number, kind: number, size: number): void;
}

const PAGE_SIZE = 65_536;
const PAGE_MAX = 65_536;

/** Compiles the core's bytes (about 5 ms). */
export function loadCore(bytes: Uint8Array): CoreModule {
  return new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
}

/** Memory of at least `size` bytes that workers can share. */
export function createCoreMemory(size: number): WebAssembly.Memory {
  const initial = Math.ceil(size / PAGE_SIZE);
  return new WebAssembly.Memory({ initial, maximum: PAGE_MAX, shared: true });
}

/** An instance of the core on that memory. */
export function instantiateCore(core: CoreModule, memory: WebAssembly.Memory): CoreExports {
  const instance = new WebAssembly.Instance(core, { env: { memory } });
  return instance.exports as unknown as CoreExports;
}
