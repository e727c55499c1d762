// What a Windows program (mostly a library) exports. "PE Format" §6.3.

import { DIRECTORY, type PeImage } from "./image.ts";

const EXPORTS_MAX = 16_384;
const NAME_MAX = 512;

/** One exported function. */
export interface ExportedFunction {
  /** Undefined if it has but an ordinal. */
  readonly name: string | undefined;
  readonly ordinal: number;
  /** Relative to the image. */
  readonly address: number;
  /** File offset, -1 if it lies nowhere in the file or is forwarded. */
  readonly offset: number;
  /** `library.function` that it stands for. */
  readonly forward: string | undefined;
}

/** The export directory. */
export interface Exports {
  readonly libraryName: string;
  readonly timestamp: number;
  readonly functions: readonly ExportedFunction[];
}

/** The exports, or undefined if there is no such directory. */
export function readExports(image: PeImage): Exports | undefined {
  const directory = image.directory(DIRECTORY.export);
  const at = directory === undefined ? -1 : image.offsetOf(directory.address);
  const { reader } = image;
  if (directory === undefined || at < 0 || !reader.has(at, 40)) return;
  const base = reader.u32(at + 16);
  const count = Math.min(reader.u32(at + 20), EXPORTS_MAX);
  const table = image.offsetOf(reader.u32(at + 28));
  const names = readNames(image, at);
  const nameAt = image.offsetOf(reader.u32(at + 12));
  const functions: ExportedFunction[] = [];
  for (let i = 0; table >= 0 && i < count && reader.has(table + i * 4, 4); i++) {
    const address = reader.u32(table + i * 4);
    // An address inside the directory is that of a text: the export is another library's.
    const isForward = address >= directory.address && address < directory.address + directory.size;
    const target = image.offsetOf(address);
    const forward = isForward && target >= 0 ? reader.text(target, NAME_MAX) : undefined;
    functions.push({
      ...{ name: names.get(i), ordinal: base + i, address, forward },
      offset: isForward ? -1 : target,
    });
  }
  return {
    libraryName: nameAt < 0 ? "" : reader.text(nameAt, NAME_MAX),
    timestamp: reader.u32(at + 4),
    functions,
  };
}

// Names are sorted in a table of their own, beside one that says which function each is of.
function readNames(image: PeImage, at: number): Map<number, string> {
  const { reader } = image;
  const count = Math.min(reader.u32(at + 24), EXPORTS_MAX);
  const table = image.offsetOf(reader.u32(at + 32));
  const indexes = image.offsetOf(reader.u32(at + 36));
  const names = new Map<number, string>();
  if (table < 0 || indexes < 0) return names;
  for (let i = 0; i < count && reader.has(table + i * 4, 4); i++) {
    const index = reader.u16(indexes + i * 2);
    const nameAt = image.offsetOf(reader.u32(table + i * 4));
    if (nameAt >= 0 && !names.has(index)) names.set(index, reader.text(nameAt, NAME_MAX));
  }
  return names;
}
