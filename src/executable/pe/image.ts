// The headers of Windows programs: where everything lies in the file and where it would lie in
// memory. "PE Format" (Microsoft), and what Windows' loader is known to accept beyond it.

import type { Reader } from "../reader.ts";
import type { ExecutableShape, Section, Stretch } from "../shape.ts";

/** Windows loads no more sections than that. */
const SECTIONS_MAX = 96;
const DIRECTORIES_MAX = 16;
const FILE_HEADER = 20;
const SECTION_HEADER = 40;
const MAGIC_64 = 0x20b;
const SECTOR = 0x200;
const PAGE = 0x1000;

/** The data directories that are read here, by their place in the table. */
export const DIRECTORY = {
  ...{ export: 0, import: 1, resource: 2, security: 4, debug: 6, delayImport: 13, dotnet: 14 },
} as const;

/** A section with what its header alone says. */
export interface PeSection extends Section {
  /** The name looked up in the symbols' string table where the header only points there. */
  readonly fullName: string;
  readonly relocations: Stretch;
  readonly lineNumbers: Stretch;
}

/** A data directory: an address relative to the image (a file offset for signatures). */
export interface Directory {
  readonly address: number;
  readonly size: number;
}

/** Where the file and the optional header stand, and which kind it is. */
export interface PeLayout {
  /** File offset of "PE\0\0". */
  readonly start: number;
  readonly fileHeader: number;
  readonly optionalHeader: number;
  readonly is64: boolean;
}

/** A Windows program whose headers can be read. */
export class PeImage implements ExecutableShape {
  readonly reader: Reader;
  readonly layout: PeLayout;
  readonly sections: readonly PeSection[];
  readonly directories: readonly Directory[];
  readonly overlay: Stretch;
  readonly entryPoint: number;

  constructor(reader: Reader, layout: PeLayout) {
    this.reader = reader;
    this.layout = layout;
    this.directories = readDirectories(reader, layout);
    this.sections = readSections(reader, layout);
    this.overlay = findOverlay(this.sections, reader.size);
    this.entryPoint = this.offsetOf(reader.u32(layout.optionalHeader + 16));
  }

  get is64(): boolean {
    return this.layout.is64;
  }

  /** The directory at `index` if it is declared and not empty. */
  directory(index: number): Directory | undefined {
    const directory = this.directories[index];
    return directory === undefined || directory.address === 0 ? undefined : directory;
  }

  /**
   * The file offset of what is loaded at `address` (relative to the image), -1 if nothing in the file
   * is. Before the first section the file itself is mapped.
   */
  offsetOf(address: number): number {
    let found: PeSection | undefined;
    let first = Infinity;
    for (const section of this.sections) {
      first = Math.min(first, section.address);
      if (address >= section.address && section.address >= (found?.address ?? 0)) found = section;
    }
    if (address < first) return address < this.reader.size ? address : -1;
    if (found === undefined || address - found.address >= mappedSize(found)) return -1;
    const offset = this.#mappedOffset(found) + address - found.address;
    return offset < this.reader.size ? offset : -1;
  }

  // The loader rounds offsets down to sectors, whatever alignment the header declares.
  #mappedOffset(section: PeSection): number {
    const { optionalHeader } = this.layout;
    const sectionAlignment = this.reader.u32(optionalHeader + 32);
    const fileAlignment = Math.min(this.reader.u32(optionalHeader + 36), SECTOR);
    if (sectionAlignment >= PAGE) return section.offset - (section.offset % SECTOR);
    return fileAlignment === 0 ? section.offset : section.offset - (section.offset % fileAlignment);
  }
}

// Whole pages are mapped: code in the slack behind a section's declared end runs as well, and is
// where infectors put theirs.
function mappedSize(section: PeSection): number {
  const { size, virtualSize } = section;
  return virtualSize === 0 ? size : Math.min(size, Math.ceil(virtualSize / PAGE) * PAGE);
}

/** The layout of a program, or undefined for what no Windows would load. */
export function peLayout(reader: Reader): PeLayout | undefined {
  const mark = reader.u16(0);
  if (mark !== 0x5a4d && mark !== 0x4d5a) return;
  const start = reader.u32(0x3c);
  const fileHeader = start + 4;
  const optionalHeader = fileHeader + FILE_HEADER;
  if (reader.u32(start) !== 0x4550) return;
  const is64 = reader.u16(optionalHeader) === MAGIC_64;
  // Tiny programs cut the header behind the fields that the loader reads.
  return reader.has(optionalHeader, is64 ? 112 : 96)
    ? { start, fileHeader, optionalHeader, is64 }
    : undefined;
}

function readDirectories(reader: Reader, layout: PeLayout): Directory[] {
  const start = layout.optionalHeader + (layout.is64 ? 112 : 96);
  const count = Math.min(reader.u32(start - 4), DIRECTORIES_MAX);
  const directories: Directory[] = [];
  for (let at = start; directories.length < count && reader.has(at, 8); at += 8) {
    directories.push({ address: reader.u32(at), size: reader.u32(at + 4) });
  }
  return directories;
}

function readSections(reader: Reader, layout: PeLayout): PeSection[] {
  const { fileHeader, optionalHeader } = layout;
  const count = Math.min(reader.u16(fileHeader + 2), SECTIONS_MAX);
  const symbols = reader.u32(fileHeader + 8);
  const strings = symbols === 0 ? 0 : symbols + 18 * reader.u32(fileHeader + 12);
  const sections: PeSection[] = [];
  let at = optionalHeader + reader.u16(fileHeader + 16);
  for (; sections.length < count && reader.has(at, SECTION_HEADER); at += SECTION_HEADER) {
    const name = reader.text(at, 8);
    sections.push({
      name,
      fullName: fullNameOf(reader, name, strings),
      offset: reader.u32(at + 20),
      size: reader.u32(at + 16),
      address: reader.u32(at + 12),
      virtualSize: reader.u32(at + 8),
      flags: reader.u32(at + 36),
      relocations: { offset: reader.u32(at + 24), size: reader.u16(at + 32) },
      lineNumbers: { offset: reader.u32(at + 28), size: reader.u16(at + 34) },
    });
  }
  return sections;
}

const SECTION_NAME_MAX = 256;

// "/123" is the place of a longer name in the string table.
function fullNameOf(reader: Reader, name: string, strings: number): string {
  if (strings === 0 || !/^\/\d{1,7}$/.test(name)) return name;
  const at = strings + Number(name.slice(1));
  return reader.text(at, SECTION_NAME_MAX) || name;
}

function findOverlay(sections: readonly PeSection[], size: number): Stretch {
  let end = 0;
  for (const section of sections) {
    if (section.size > 0) end = Math.max(end, section.offset + section.size);
  }
  return end > 0 && end < size ? { offset: end, size: size - end } : { offset: 0, size: 0 };
}
