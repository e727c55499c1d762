// The filters of RAR 2.9 to 4: small programs for a machine of RAR's own, of which RAR itself has ever
// written six. They are known by their length and checksum, and done here; others are told.

import { crc32 } from "node:zlib";
import type { BitReader } from "../../archive/stream/bits.ts";
import { filterAudio, filterCalls, filterDelta, filterPicture } from "./filter-kinds.ts";

type Filter = (bytes: Buffer, registers: readonly number[], at: number) => Buffer;

/** By the checksum of the program. */
const KNOWN: ReadonlyMap<number, Filter> = new Map<number, Filter>([
  [0xad576887, (bytes, _, at) => filterCalls(bytes, at, false)],
  [0x3cd7e57e, (bytes, _, at) => filterCalls(bytes, at, true)],
  [0x0e06077d, (bytes, registers) => filterDelta(bytes, registers[0] ?? 0)],
  [0x1c2c5dc8, (bytes, registers) => filterPicture(bytes, registers[0] ?? 0, registers[1] ?? 0)],
  [0xbc85e701, (bytes, registers) => filterAudio(bytes, registers[0] ?? 0)],
]);
const PROGRAMS_MAX = 1024;
const USES_MAX = 8192;
const CODE_MAX = 65_536;
const REGISTERS = 7;
const FLAG = { program: 0x80, far: 0x40, length: 0x20, registers: 0x10, data: 0x08 } as const;
const FAR = 258;

interface Program {
  readonly crc: number;
  /** Bytes of the last block it was for. */
  length: number;
}

interface Use {
  readonly program: Program;
  readonly start: number;
  readonly length: number;
  readonly registers: readonly number[];
}

/** The filters of one archive, and where they are to be used in its current file. */
export class RarFilters {
  #programs: Program[] = [];
  #last = 0;
  #uses: Use[] = [];

  /** Begins a file; only one that goes on from the last one knows its programs. */
  begin(isSolid: boolean): void {
    this.#uses = [];
    if (isSolid) return;
    this.#programs = [];
    this.#last = 0;
  }

  /** Reads a declaration that stands in the stream where `at` bytes of the file are made. */
  declare(bits: BitReader, at: number): boolean {
    const flags = bits.take(8);
    let size = (flags & 7) + 1;
    if (size === 7) size = bits.take(8) + 7;
    else if (size === 8) size = bits.take(16);
    const code = Buffer.alloc(size);
    for (let i = 0; i < size; i++) code[i] = bits.take(8);
    return !bits.isPast && this.#read(new Declaration(code), flags, at);
  }

  #read(from: Declaration, flags: number, at: number): boolean {
    let index = this.#last;
    if ((flags & FLAG.program) !== 0) {
      const number = from.number();
      if (number === 0) {
        this.#programs = [];
        this.#uses = [];
      }
      index = Math.max(0, number - 1);
    }
    if (index > this.#programs.length || index >= PROGRAMS_MAX) return false;
    this.#last = index;
    const known = this.#programs[index];
    const start = at + from.number() + ((flags & FLAG.far) !== 0 ? FAR : 0);
    const length = (flags & FLAG.length) !== 0 ? from.number() : (known?.length ?? 0);
    const registers = [0, 0, 0, 0, length, 0, 0];
    if ((flags & FLAG.registers) !== 0) {
      const mask = from.take(7);
      for (let i = 0; i < REGISTERS; i++) if (((mask >> i) & 1) === 1) registers[i] = from.number();
    }
    const program = known ?? readProgram(from);
    if (program === undefined) return false;
    this.#programs[index] = program;
    program.length = length;
    if (this.#uses.length >= USES_MAX) return false;
    this.#uses.push({ program, start, length, registers });
    return !from.isPast;
  }

  /** The file's bytes with all filters undone; `unsupported` says if one is not known. */
  apply(made: Buffer): { readonly bytes: Buffer; readonly unsupported: string } {
    let unsupported = "";
    for (const { program, start, length, registers } of this.#uses) {
      const filter = KNOWN.get(program.crc);
      if (filter === undefined) unsupported = "a filter of its own";
      else if (start + length <= made.length && length > 0) {
        filter(made.subarray(start, start + length), registers, start).copy(made, start);
      }
    }
    return { bytes: made, unsupported };
  }
}

function readProgram(from: Declaration): Program | undefined {
  const size = from.number();
  if (size > CODE_MAX || size === 0) return;
  const code = Buffer.alloc(size);
  for (let i = 0; i < size; i++) code[i] = from.take(8);
  return from.isPast ? undefined : { crc: crc32(code), length: 0 };
}

/** Bits of a declaration, highest first. */
class Declaration {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isPast(): boolean {
    return this.#at > this.#bytes.length * 8;
  }

  take(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      const byte = this.#bytes[this.#at >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  /** A number of 4, 8, 16 or 32 bits; small negative ones have a form of their own. */
  number(): number {
    switch (this.take(2)) {
      case 0:
        return this.take(4);
      case 1: {
        const value = this.take(8);
        return value >= 16 ? value : 0xffff_ff00 + value * 16 + this.take(4);
      }
      case 2:
        return this.take(16);
      default:
        return this.take(32);
    }
  }
}
