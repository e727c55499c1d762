// The host of libarchive, compiled to WebAssembly (libarchive-wasm 1.2.0: libarchive 3.7.7 with zlib,
// bzip2 and liblzma). The library sees nothing but its own memory: every system call it could make
// is refused here. Each archive gets an instance of its own, so nothing outlives a hostile file.

import { readFileSync } from "node:fs";
import libraryPath from "libarchive-wasm/dist/libarchive.wasm" with { type: "file" };
import { asBuffer } from "../../../base/bytes.ts";
import { withFuel } from "./fuel.ts";
import { libraryImports } from "./imports.ts";

/** What the library says of an entry before its data is read. */
export interface LibraryEntry {
  /** "" if there is none, or none that it can decode. */
  readonly name: string;
  readonly kind: "file" | "folder" | "link";
  readonly isEncrypted: boolean;
}

/** An entry's data as far as it could be had. */
export interface LibraryData {
  readonly bytes: Uint8Array;
  readonly end: "whole" | "broken" | "too-large";
}

/** Memory the library may use beside the archive itself: the largest dictionaries in use are 64 MB. */
const MEMORY_EXTRA_MAX = 256 << 20;
/**
 * The library takes whatever ends like a ZIP for one, even an archive whose last member is one: where
 * it looks for that end, zeros are put.
 */
const ZIP_SEARCH_BYTES = 20 << 10;
const PAGE_BYTES = 65_536;
const CHUNK_BYTES = 16 << 10;
/** What a chunk holds before it is read. */
const FILLER = 0xa5;
const NAME_LENGTH_MAX = 4096;
/** Steps of loops in one call: less than a second. A chunk takes a thousandth of them. */
const FUEL_PER_CALL = 50_000_000;
const TYPE_FOLDER = 0o040000;
const TYPE_LINK = 0o120000;

// The exports that are used, by the names that the package's compiler gave them.
interface LibraryExports {
  readonly w: WebAssembly.Memory;
  /** Steps that loops may still take in this call. */
  readonly fuel: WebAssembly.Global<"i32">;
  /** Runs the constructors. */
  x(): void;
  /** archive_read_new, …support_filter_all, …support_format_all, …open_memory. */
  z(): number;
  A(archive: number): number;
  B(archive: number): number;
  D(archive: number, bytes: number, size: number): number;
  /** archive_read_next_header: the entry, 0 at the end or at an error. */
  E(archive: number): number;
  /** archive_entry_filetype, …pathname_utf8, …is_encrypted. */
  J(entry: number): number;
  M(entry: number): number;
  P(entry: number): number;
  /** malloc. */
  R(size: number): number;
  /** archive_read_has_encrypted_entries, archive_read_data, archive_error_string. */
  S(archive: number): number;
  T(archive: number, buffer: number, size: number): number;
  X(archive: number): number;
}

// Compiling takes some 60 ms, running an instance 2 ms: each thread compiles once, when first needed.
// What is kept is code, the same for every archive.
let compiled: WebAssembly.Module | undefined;

function libraryModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(withFuel(readFileSync(libraryPath)));
  return compiled;
}

/** One archive in the library's hands. Its methods never throw: traps end it like damage. */
export class LibraryArchive {
  readonly #exports: LibraryExports | undefined;
  #archive = 0;
  #buffer = 0;
  #problem = "";
  #isOutOfMemory = false;
  #isEnded = false;
  #isOutOfFuel = false;
  #salvaged = new Uint8Array(0);

  constructor(bytes: Uint8Array, options: { readonly isZip?: boolean } = {}) {
    let memory: WebAssembly.Memory | undefined;
    const sizeMax = bytes.length + MEMORY_EXTRA_MAX;
    const grow = (size: number) => {
      if (size >>> 0 > sizeMax) this.#isOutOfMemory = true;
      return memory !== undefined && size >>> 0 <= sizeMax && grown(memory, size >>> 0) ? 1 : 0;
    };
    try {
      const imports = libraryImports({ memory: () => memory, grow });
      const instance = new WebAssembly.Instance(libraryModule(), { a: imports });
      const exports = instance.exports as unknown as LibraryExports;
      memory = exports.w;
      this.#exports = exports;
      this.#open(
        exports,
        bytes,
        options.isZip !== true && endsLikeZip(bytes) ? ZIP_SEARCH_BYTES : 0,
      );
    } catch (error) {
      this.#trap(error);
    }
  }

  /** Why it ended or broke, "" if it did not; the library's own words. */
  get problem(): string {
    return this.#isOutOfMemory ? "needs more memory than is allowed" : this.#problem;
  }

  get isOutOfMemory(): boolean {
    return this.#isOutOfMemory;
  }

  /** Whether it was stopped in a loop that would not end. */
  get isOutOfFuel(): boolean {
    return this.#isOutOfFuel;
  }

  /** Whether the library met an encrypted entry or header so far. */
  get hasEncrypted(): boolean {
    return !this.#isEnded && this.#guard(0, ({ S }) => S(this.#archive)) === 1;
  }

  /** The next entry; undefined at the end, with `problem` telling whether it is a good one. */
  next(): LibraryEntry | undefined {
    if (this.#isEnded) return;
    return this.#guard(undefined, ({ E, J, M, P }) => {
      const entry = E(this.#archive);
      this.#problem = this.#lastError();
      this.#isEnded = entry === 0;
      if (entry === 0) return;
      const type = J(entry) & 0o170000;
      const kind = type === TYPE_FOLDER ? "folder" : type === TYPE_LINK ? "link" : "file";
      return { name: this.#text(M(entry)), kind, isEncrypted: P(entry) !== 0 };
    });
  }

  /** The entry's data, at most `sizeMax` bytes; `goesOn` is asked between chunks. */
  read(sizeMax: number, goesOn: () => boolean): LibraryData {
    this.#salvaged = new Uint8Array(0);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const piece = this.#isEnded ? undefined : this.#readChunk();
      if (piece === undefined) {
        return { bytes: Buffer.concat([...pieces, this.#salvaged]), end: "broken" };
      }
      if (piece.length === 0) return { bytes: Buffer.concat(pieces), end: "whole" };
      size += piece.length;
      if (size > sizeMax || !goesOn()) return { bytes: new Uint8Array(0), end: "too-large" };
      pieces.push(piece);
    }
  }

  /** Runs through the entry's data without keeping it; false if that was given up. */
  skip(sizeMax: number, goesOn: () => boolean): boolean {
    for (let size = 0; size <= sizeMax && goesOn() && !this.#isEnded; ) {
      const piece = this.#readChunk();
      if (piece === undefined || piece.length === 0) return piece !== undefined;
      size += piece.length;
    }
    return false;
  }

  #open(exports: LibraryExports, bytes: Uint8Array, padding: number): void {
    exports.fuel.value = FUEL_PER_CALL;
    exports.x();
    const size = bytes.length + padding;
    const at = exports.R(size || 1);
    this.#buffer = exports.R(CHUNK_BYTES);
    this.#archive = exports.z();
    if (at === 0 || this.#buffer === 0 || this.#archive === 0) {
      this.#isEnded = true;
      this.#isOutOfMemory = true;
      return;
    }
    const memory = new Uint8Array(exports.w.buffer);
    memory.set(bytes, at);
    memory.fill(0, at + bytes.length, at + size);
    exports.A(this.#archive);
    exports.B(this.#archive);
    if (exports.D(this.#archive, at, size) !== 0) {
      this.#problem = this.#lastError();
      this.#isEnded = true;
    }
  }

  // Undefined at an error; nothing at the entry's end. At an error the library does not say how much
  // of the chunk it had filled before: whatever is no filler any more.
  #readChunk(): Uint8Array | undefined {
    return this.#guard(undefined, ({ T, w }) => {
      const end = this.#buffer + CHUNK_BYTES;
      new Uint8Array(w.buffer).fill(FILLER, this.#buffer, end);
      const count = T(this.#archive, this.#buffer, CHUNK_BYTES);
      const chunk = new Uint8Array(w.buffer).subarray(this.#buffer, end);
      if (count >= 0) return chunk.slice(0, count);
      this.#problem = this.#lastError() || "broken data";
      this.#salvaged = chunk.slice(0, 1 + chunk.findLastIndex((byte) => byte !== FILLER));
      return;
    });
  }

  #lastError(): string {
    return this.#guard("", ({ X }) => this.#text(X(this.#archive)));
  }

  #text(at: number): string {
    const memory = this.#exports?.w;
    if (memory === undefined || at === 0) return "";
    const bytes = new Uint8Array(memory.buffer).subarray(at, at + NAME_LENGTH_MAX);
    const end = bytes.indexOf(0);
    return asBuffer(bytes).toString("utf8", 0, end < 0 ? bytes.length : end);
  }

  #guard<Result>(fallback: Result, step: (exports: LibraryExports) => Result): Result {
    if (this.#exports === undefined) return fallback;
    this.#exports.fuel.value = FUEL_PER_CALL;
    try {
      return step(this.#exports);
    } catch (error) {
      this.#trap(error);
      return fallback;
    }
  }

  // A trap is the sandbox doing its work: the archive led the library out of its bounds.
  #trap(error: unknown): void {
    this.#isEnded = true;
    this.#isOutOfFuel = this.#exports?.fuel.value === 0;
    this.#problem = `the library stopped: ${error instanceof Error ? error.message : "trap"}`;
  }
}

function endsLikeZip(bytes: Uint8Array): boolean {
  return asBuffer(bytes).subarray(-ZIP_SEARCH_BYTES).includes("PK\x05\x06", 0, "latin1");
}

function grown(memory: WebAssembly.Memory, size: number): boolean {
  try {
    memory.grow(Math.ceil((size - memory.buffer.byteLength) / PAGE_BYTES));
    return true;
  } catch {
    // The machine has no more either: the library sees a failed allocation.
    return false;
  }
}
