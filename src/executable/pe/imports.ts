// What a Windows program imports, at once and delayed, and the hash of it. "PE Format" §6.4 and
// §5.8; the import hash after its publication by Mandiant (2014).

import type { Reader } from "../reader.ts";
import { DIRECTORY, type PeImage } from "./image.ts";
import { ordinalName } from "./ordinals.ts";

const LIBRARIES_MAX = 16_384;
/** Functions of all libraries together: a table may be pointed to any number of times. */
const FUNCTIONS_MAX = 65_536;
const LIBRARY_NAME_MAX = 256;
const FUNCTION_NAME_MAX = 512;
const DESCRIPTOR = 20;
const DELAY_DESCRIPTOR = 32;

/** One imported function. */
export interface ImportedFunction {
  /** For ordinals the name that the library is known to have there, or "ord" and the number. */
  readonly name: string;
  readonly ordinal: number | undefined;
  /** Where its address is put, relative to the image. */
  readonly address: number;
}

/** A library and what is imported from it. */
export interface ImportedLibrary {
  readonly name: string;
  readonly functions: readonly ImportedFunction[];
}

/** The libraries that are bound when the program starts. */
export function readImports(image: PeImage): ImportedLibrary[] {
  const directory = image.directory(DIRECTORY.import);
  const libraries: ImportedLibrary[] = [];
  if (directory === undefined) return libraries;
  const { reader } = image;
  const room = { functions: FUNCTIONS_MAX };
  let at = image.offsetOf(directory.address);
  for (let count = 0; at >= 0 && count < LIBRARIES_MAX && reader.has(at, DESCRIPTOR); count++) {
    const nameAddress = reader.u32(at + 12);
    if (nameAddress === 0) break;
    const name = libraryName(reader, image.offsetOf(nameAddress));
    const bound = reader.u32(at + 16);
    const names = reader.u32(at);
    at += DESCRIPTOR;
    if (name === "") continue;
    const source = names !== 0 && image.offsetOf(names) >= 0 ? names : bound;
    const functions = readThunks(image, { library: name, names: source, slots: bound, room });
    if (functions.length > 0) libraries.push({ name, functions });
  }
  return libraries;
}

/** The libraries that are loaded when one of their functions is first called. */
export function readDelayedImports(image: PeImage): ImportedLibrary[] {
  const directory = image.directory(DIRECTORY.delayImport);
  const libraries: ImportedLibrary[] = [];
  if (directory === undefined) return libraries;
  const { reader } = image;
  const room = { functions: FUNCTIONS_MAX };
  // Old linkers wrote whole addresses and left the first attribute bit clear.
  const base = image.is64 ? 0 : reader.u32(image.layout.optionalHeader + 28);
  let at = image.offsetOf(directory.address);
  for (let n = 0; at >= 0 && n < LIBRARIES_MAX && reader.has(at, DELAY_DESCRIPTOR); n++) {
    const start = at;
    at += DELAY_DESCRIPTOR;
    const isRelative = image.is64 || (reader.u32(start) & 1) === 1;
    const field = (offset: number) => {
      const value = reader.u32(start + offset);
      return isRelative || value === 0 ? value : value - base;
    };
    if (field(4) === 0 || field(12) === 0 || field(16) === 0) break;
    const name = libraryName(reader, image.offsetOf(field(4)));
    if (name === "") continue;
    const library = { library: name, names: field(16), slots: field(12), room };
    libraries.push({ name, functions: readThunks(image, library) });
  }
  return libraries;
}

function libraryName(reader: Reader, at: number): string {
  const name = at < 0 ? "" : reader.text(at, LIBRARY_NAME_MAX);
  // What is no file name is a broken or misleading table.
  return name.length < LIBRARY_NAME_MAX && /^[\x20-\x7e\x80-\xff]+$/.test(name) ? name : "";
}

interface Thunks {
  readonly library: string;
  /** Where names or ordinals stand, and where addresses are put. */
  readonly names: number;
  readonly slots: number;
  readonly room: { functions: number };
}

function readThunks(image: PeImage, thunks: Thunks): ImportedFunction[] {
  const { reader } = image;
  const width = image.is64 ? 8 : 4;
  const functions: ImportedFunction[] = [];
  const start = image.offsetOf(thunks.names);
  for (let i = 0; start >= 0 && thunks.room.functions > 0; i++) {
    const at = start + i * width;
    const low = reader.u32(at);
    const high = image.is64 ? reader.u32(at + 4) : 0;
    if (!reader.has(at, width) || (low === 0 && high === 0)) break;
    thunks.room.functions--;
    const address = thunks.slots + i * width;
    const isOrdinal = ((image.is64 ? high : low) & 0x8000_0000) !== 0;
    if (isOrdinal) {
      const ordinal = low & 0xffff;
      functions.push({ name: ordinalName(thunks.library, ordinal), ordinal, address });
      continue;
    }
    const nameAt = high === 0 ? image.offsetOf(low) : -1;
    const name = nameAt < 0 ? "" : reader.text(nameAt + 2, FUNCTION_NAME_MAX);
    if (name !== "") functions.push({ name, ordinal: undefined, address });
  }
  return functions;
}

/** The text whose MD5 is the import hash: `library.function` in lower case, in the file's order. */
export function importHashText(libraries: readonly ImportedLibrary[]): string {
  return libraries
    .flatMap(({ name, functions }) => {
      const library = name.replace(/\.(?:dll|ocx|sys)$/i, "");
      return functions.map((one) => `${library}.${one.name}`.toLowerCase());
    })
    .join(",");
}
