// ELF programs, libraries and objects: 32 and 64 bits, both byte orders. "System V ABI", chapters 4
// and 5.

import { Reader } from "./reader.ts";
import type { ExecutableShape, Section, Stretch } from "./shape.ts";

const SECTIONS_MAX = 2048;
const SEGMENTS_MAX = 1024;
const SYMBOLS_MAX = 65_536;
const DYNAMIC_MAX = 4096;
const NAME_MAX = 1024;
const TYPE = { nobits: 8, symbols: 2, dynamicSymbols: 11, dynamic: 6 } as const;
const SEGMENT = { load: 1, dynamic: 2 } as const;
const RELOCATABLE = 1;

/** A section header. */
export interface ElfSection extends Section {
  readonly type: number;
  readonly link: number;
}

/** A program header. */
export interface ElfSegment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly fileSize: number;
  readonly address: number;
  readonly physicalAddress: number;
  readonly memorySize: number;
  readonly alignment: number;
}

/** A symbol of a symbol table. */
export interface ElfSymbol {
  readonly name: string;
  readonly value: number;
  readonly size: number;
  readonly type: number;
  readonly bind: number;
  readonly sectionIndex: number;
  readonly visibility: number;
}

/** An entry of the dynamic section. */
export interface ElfDynamic {
  readonly type: number;
  readonly value: number;
}

/** The file header's fields. */
export interface ElfHeader {
  readonly type: number;
  readonly machine: number;
  readonly version: number;
  readonly entry: number;
  readonly flags: number;
  readonly segmentOffset: number;
  readonly segmentEntrySize: number;
  readonly segmentCount: number;
  readonly sectionOffset: number;
  readonly sectionEntrySize: number;
  readonly sectionCount: number;
  readonly sectionNames: number;
}

/** An ELF file whose header can be read. */
export class ElfFile implements ExecutableShape {
  readonly format = "elf";
  readonly reader: Reader;
  readonly is64: boolean;
  readonly header: ElfHeader;
  readonly sections: readonly ElfSection[];
  readonly segments: readonly ElfSegment[];
  readonly entryPoint: number;
  readonly overlay: Stretch;

  constructor(reader: Reader) {
    this.reader = reader;
    this.is64 = reader.u8(4) === 2;
    this.header = readHeader(reader, this.is64);
    this.segments = readSegments(reader, this.header, this.is64);
    this.sections = readSections(reader, this.header, this.is64);
    this.entryPoint = this.#offsetOf(this.header.entry);
    this.overlay = this.#findOverlay();
  }

  /** The symbols a debugger would use. */
  get symbols(): readonly ElfSymbol[] | undefined {
    return this.#symbolsOf(TYPE.symbols);
  }

  /** The symbols that are bound when the program is loaded. */
  get dynamicSymbols(): readonly ElfSymbol[] | undefined {
    return this.#symbolsOf(TYPE.dynamicSymbols);
  }

  /** The dynamic section, up to its end mark and with it. */
  get dynamic(): readonly ElfDynamic[] | undefined {
    const segment = this.segments.find((one) => one.type === SEGMENT.dynamic);
    if (segment === undefined) return undefined;
    const width = this.is64 ? 8 : 4;
    const entries: ElfDynamic[] = [];
    const count = Math.min(DYNAMIC_MAX, Math.floor(segment.fileSize / (2 * width)));
    for (let i = 0; i < count; i++) {
      const at = segment.offset + i * 2 * width;
      if (!this.reader.has(at, 2 * width)) break;
      const type = word(this.reader, at, this.is64);
      entries.push({ type, value: word(this.reader, at + width, this.is64) });
      if (type === 0) break;
    }
    return entries;
  }

  #symbolsOf(type: number): ElfSymbol[] | undefined {
    const table = this.sections.find((section) => section.type === type);
    const strings = this.sections[table?.link ?? -1];
    if (table === undefined || strings === undefined) return;
    const width = this.is64 ? 24 : 16;
    const count = Math.min(SYMBOLS_MAX, Math.floor(table.size / width));
    const symbols: ElfSymbol[] = [];
    for (let i = 0; i < count && this.reader.has(table.offset + i * width, width); i++) {
      symbols.push(readSymbol(this.reader, table.offset + i * width, strings, this.is64));
    }
    return symbols;
  }

  // By segments for what can be run, by sections for objects that are yet to be linked.
  #offsetOf(address: number): number {
    if (address === 0) return -1;
    if (this.header.type === RELOCATABLE || this.segments.length === 0) {
      const section = this.sections.find(
        (one) =>
          one.type !== 0 && one.type !== TYPE.nobits && isWithin(address, one.address, one.size),
      );
      return section === undefined ? -1 : section.offset + address - section.address;
    }
    const segment = this.segments.find(
      (one) => one.type === SEGMENT.load && isWithin(address, one.address, one.memorySize),
    );
    return segment === undefined ? -1 : segment.offset + address - segment.address;
  }

  #findOverlay(): Stretch {
    const { header, reader } = this;
    let end = Math.max(
      header.sectionOffset + header.sectionCount * header.sectionEntrySize,
      header.segmentOffset + header.segmentCount * header.segmentEntrySize,
    );
    for (const segment of this.segments) end = Math.max(end, segment.offset + segment.fileSize);
    for (const section of this.sections) {
      if (section.type !== TYPE.nobits) end = Math.max(end, section.offset + section.size);
    }
    return end < reader.size ? { offset: end, size: reader.size - end } : { offset: 0, size: 0 };
  }
}

function isWithin(address: number, start: number, size: number): boolean {
  return address >= start && address < start + size;
}

/** The ELF file in `bytes`, or undefined if its header is cut short or of no known kind. */
export function parseElf(bytes: Uint8Array): ElfFile | undefined {
  const isElf = bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
  const [width, order] = [bytes[4], bytes[5]];
  if (!isElf || (width !== 1 && width !== 2) || (order !== 1 && order !== 2)) return;
  return bytes.length < (width === 2 ? 64 : 52)
    ? undefined
    : new ElfFile(new Reader(bytes, order === 2));
}

function word(reader: Reader, at: number, is64: boolean): number {
  return is64 ? reader.u64(at) : reader.u32(at);
}

function readHeader(reader: Reader, is64: boolean): ElfHeader {
  const width = is64 ? 8 : 4;
  const tail = 24 + 3 * width;
  return {
    type: reader.u16(16),
    machine: reader.u16(18),
    version: reader.u32(20),
    entry: word(reader, 24, is64),
    segmentOffset: word(reader, 24 + width, is64),
    sectionOffset: word(reader, 24 + 2 * width, is64),
    flags: reader.u32(tail),
    segmentEntrySize: reader.u16(tail + 6),
    segmentCount: reader.u16(tail + 8),
    sectionEntrySize: reader.u16(tail + 10),
    sectionCount: reader.u16(tail + 12),
    sectionNames: reader.u16(tail + 14),
  };
}

function readSegments(reader: Reader, header: ElfHeader, is64: boolean): ElfSegment[] {
  const width = is64 ? 56 : 32;
  const segments: ElfSegment[] = [];
  const count = header.segmentOffset === 0 ? 0 : Math.min(header.segmentCount, SEGMENTS_MAX);
  for (
    let at = header.segmentOffset;
    segments.length < count && reader.has(at, width);
    at += width
  ) {
    const field = (index: number) => word(reader, at + (is64 ? 8 : 4) * index, is64);
    segments.push({
      type: reader.u32(at),
      flags: reader.u32(at + (is64 ? 4 : 24)),
      offset: field(1),
      address: field(2),
      physicalAddress: field(3),
      fileSize: field(4),
      memorySize: field(5),
      alignment: field(is64 ? 6 : 7),
    });
  }
  return segments;
}

function readSections(reader: Reader, header: ElfHeader, is64: boolean): ElfSection[] {
  const width = is64 ? 64 : 40;
  const raw: { at: number; offset: number }[] = [];
  const count = header.sectionOffset === 0 ? 0 : Math.min(header.sectionCount, SECTIONS_MAX);
  for (let at = header.sectionOffset; raw.length < count && reader.has(at, width); at += width) {
    raw.push({ at, offset: word(reader, at + (is64 ? 24 : 16), is64) });
  }
  const names = raw[header.sectionNames]?.offset ?? -1;
  return raw.map(({ at, offset }) => ({
    name: names < 0 ? "" : reader.text(names + reader.u32(at), NAME_MAX),
    type: reader.u32(at + 4),
    flags: word(reader, at + 8, is64),
    address: word(reader, at + (is64 ? 16 : 12), is64),
    offset,
    size: word(reader, at + (is64 ? 32 : 20), is64),
    virtualSize: word(reader, at + (is64 ? 32 : 20), is64),
    link: reader.u32(at + (is64 ? 40 : 24)),
  }));
}

function readSymbol(reader: Reader, at: number, strings: ElfSection, is64: boolean): ElfSymbol {
  const nameOffset = reader.u32(at);
  const info = reader.u8(at + (is64 ? 4 : 12));
  return {
    name: nameOffset < strings.size ? reader.text(strings.offset + nameOffset, NAME_MAX) : "",
    value: word(reader, at + (is64 ? 8 : 4), is64),
    size: word(reader, at + (is64 ? 16 : 8), is64),
    type: info & 0x0f,
    bind: info >> 4,
    visibility: reader.u8(at + (is64 ? 5 : 13)),
    sectionIndex: reader.u16(at + (is64 ? 6 : 14)),
  };
}
