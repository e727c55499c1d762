// Mach-O programs and libraries, thin ones, and the universal files that hold several of them.
// "OS X ABI Mach-O File Format Reference" (Apple).

import { Reader } from "./reader.ts";
import type { ExecutableShape, Section, Stretch } from "./shape.ts";

const COMMANDS_MAX = 4096;
const SECTIONS_MAX = 4096;
const MEMBERS_MAX = 32;
const NAME_MAX = 16;
const PATH_MAX = 1024;
const COMMAND = {
  ...{ segment: 0x1, thread: 0x4, unixThread: 0x5, symbols: 0x2, library: 0xc, segment64: 0x19 },
  ...{ weakLibrary: 0x8000_0018, signature: 0x1d, main: 0x8000_0028 },
} as const;
/** Where the instruction pointer stands in a thread's registers, by processor: index, 64 bits. */
const POINTERS: ReadonlyMap<number, readonly [index: number, is64: boolean]> = new Map([
  [7, [10, false]],
  [0x0100_0007, [16, true]],
  [12, [15, false]],
  [0x0100_000c, [32, true]],
  [18, [0, false]],
  [0x0100_0012, [0, true]],
]);

/** A load command that maps a stretch of the file. */
export interface MachSegment extends Section {
  readonly sections: readonly Section[];
}

/** A thin Mach-O file, alone or as a member of a universal one. */
export class MachFile implements ExecutableShape {
  readonly format = "macho";
  readonly reader: Reader;
  /** Where this program begins in the file: 0, or its place in the universal file. */
  readonly start: number;
  readonly is64: boolean;
  readonly processor: number;
  readonly fileType: number;
  readonly flags: number;
  readonly segments: readonly MachSegment[];
  readonly libraries: readonly string[];
  readonly entryPoint: number;
  readonly overlay: Stretch;
  /** The code signature's superblob, if there is one. */
  readonly signature: Stretch | undefined;

  constructor(reader: Reader, start: number) {
    this.reader = reader;
    this.start = start;
    this.is64 = (reader.u32(start) & 1) === 1;
    this.processor = reader.u32(start + 4);
    this.fileType = reader.u32(start + 12);
    this.flags = reader.u32(start + 24);
    const commands = this.#commands();
    this.segments = commands
      .filter(({ type }) => type === COMMAND.segment || type === COMMAND.segment64)
      .map(({ at, type }) => this.#segment(at, type === COMMAND.segment64));
    this.libraries = commands
      .filter(({ type }) => type === COMMAND.library || type === COMMAND.weakLibrary)
      .map(({ at, size }) => {
        const offset = reader.u32(at + 8);
        return reader.text(at + offset, Math.min(PATH_MAX, size - offset));
      });
    const signed = commands.find(({ type }) => type === COMMAND.signature);
    this.signature = signed && {
      offset: start + reader.u32(signed.at + 8),
      size: reader.u32(signed.at + 12),
    };
    this.entryPoint = this.#entryPoint(commands);
    this.overlay = this.#findOverlay(commands);
  }

  get sections(): readonly Section[] {
    return this.segments.flatMap((segment) => segment.sections);
  }

  #commands(): { type: number; at: number; size: number }[] {
    const count = Math.min(this.reader.u32(this.start + 16), COMMANDS_MAX);
    const commands: { type: number; at: number; size: number }[] = [];
    let at = this.start + (this.is64 ? 32 : 28);
    while (commands.length < count && this.reader.has(at, 8)) {
      const size = this.reader.u32(at + 4);
      if (size < 8) break;
      commands.push({ type: this.reader.u32(at), at, size });
      at += size;
    }
    return commands;
  }

  #segment(at: number, is64: boolean): MachSegment {
    const { reader, start } = this;
    const field = (index: number) =>
      is64 ? reader.u64(at + 24 + 8 * index) : reader.u32(at + 24 + 4 * index);
    const tail = at + (is64 ? 56 : 40);
    const count = Math.min(reader.u32(tail + 8), SECTIONS_MAX);
    const width = is64 ? 80 : 68;
    const sections: Section[] = [];
    let from = tail + 16;
    for (; sections.length < count && reader.has(from, width); from += width) {
      sections.push(this.#section(from, is64));
    }
    return {
      ...{ name: reader.text(at + 8, NAME_MAX), address: field(0), virtualSize: field(1) },
      ...{ offset: start + field(2), size: field(3), flags: reader.u32(tail + 12), sections },
    };
  }

  #section(at: number, is64: boolean): Section {
    const { reader, start } = this;
    const size = is64 ? reader.u64(at + 40) : reader.u32(at + 36);
    const tail = at + (is64 ? 48 : 40);
    return {
      name: reader.text(at, NAME_MAX),
      address: is64 ? reader.u64(at + 32) : reader.u32(at + 32),
      ...{ size, virtualSize: size, offset: start + reader.u32(tail) },
      flags: reader.u32(tail + 16),
    };
  }

  // LC_MAIN says it as an offset, a thread's registers as an address.
  #entryPoint(commands: readonly { type: number; at: number }[]): number {
    const { reader, start } = this;
    const main = commands.find(({ type }) => type === COMMAND.main);
    if (main !== undefined) return start + reader.u64(main.at + 8);
    const thread = commands.find(
      ({ type }) => type === COMMAND.unixThread || type === COMMAND.thread,
    );
    const pointer = POINTERS.get(this.processor);
    if (thread === undefined || pointer === undefined) return -1;
    const [index, is64] = pointer;
    const at = thread.at + 16 + index * (is64 ? 8 : 4);
    const address = is64 ? reader.u64(at) : reader.u32(at);
    for (const segment of this.segments) {
      const distance = address - segment.address;
      if (distance >= 0 && distance < segment.size) return segment.offset + distance;
    }
    return -1;
  }

  #findOverlay(commands: readonly { at: number; size: number }[]): Stretch {
    const last = commands.at(-1);
    let end = last === undefined ? this.start : last.at + last.size;
    for (const { offset, size } of this.segments) end = Math.max(end, offset + size);
    if (this.start > 0 || end >= this.reader.size) return { offset: 0, size: 0 };
    return { offset: end, size: this.reader.size - end };
  }
}

/** A program in a universal file. */
export interface MachMember extends Stretch {
  readonly processor: number;
}

/** The programs in a universal file; none for any other. */
export function universalMembers(bytes: Uint8Array): MachMember[] {
  const reader = new Reader(bytes, true);
  const magic = reader.u32(0);
  const is64 = magic === 0xcafe_babf;
  const count = reader.u32(4);
  // A Java class begins alike, and has its version where the count stands.
  if ((magic !== 0xcafe_babe && !is64) || count === 0 || count > MEMBERS_MAX) return [];
  const members: MachMember[] = [];
  for (let i = 0; i < count; i++) {
    const at = 8 + i * (is64 ? 32 : 20);
    const offset = is64 ? reader.u64(at + 8) : reader.u32(at + 8);
    const size = is64 ? reader.u64(at + 16) : reader.u32(at + 12);
    if (offset > 8 && reader.has(offset, 28)) {
      members.push({ processor: reader.u32(at), offset, size });
    }
  }
  return members;
}

/** The Mach-O program in `bytes`, of a universal file the first; undefined if there is none. */
export function parseMach(bytes: Uint8Array): MachFile | undefined {
  const start = universalMembers(bytes)[0]?.offset ?? 0;
  return machAt(bytes, start);
}

/** The thin Mach-O program that begins at `start`. */
export function machAt(bytes: Uint8Array, start: number): MachFile | undefined {
  const magic = new Reader(bytes, true).u32(start);
  const isBig = magic === 0xfeed_face || magic === 0xfeed_facf;
  const isLittle = magic === 0xcefa_edfe || magic === 0xcffa_edfe;
  if (!isBig && !isLittle) return;
  return bytes.length < start + 28 ? undefined : new MachFile(new Reader(bytes, isBig), start);
}
