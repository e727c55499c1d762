// Compound files (OLE2), edited in place: storages and streams are taken out of the directory and
// their sectors overwritten; no other stream moves. [MS-CFB]. Only files in good order are edited.

import { asBuffer } from "../../base/bytes.ts";

const ENTRY_SIZE = 128;
const ENTRIES_MAX = 20_000;
const NONE = 0xffffffff;
const END_OF_CHAIN = 0xfffffffe;
const MINI_SIZE = 64;
const MINI_CUTOFF = 4096;
const HEADER_SIZE = 512;
const STORAGE = 1;
const STREAM = 2;
const ROOT = 5;

/** An entry of the directory. */
export interface Entry {
  readonly id: number;
  readonly name: string;
  readonly isStorage: boolean;
  /** Ids of its storages, outermost first, without the root. */
  readonly parents: readonly number[];
  readonly size: number;
}

/** A stretch of the file. */
interface Piece {
  readonly at: number;
  readonly size: number;
}

/** A copy of a compound file that is being edited. */
export class CompoundEditor {
  readonly bytes: Buffer;
  readonly entries: readonly Entry[];
  readonly #sectorSize: number;
  readonly #fat: readonly Piece[];
  readonly #directory: readonly number[];
  readonly #miniFat: readonly number[];
  readonly #mini: readonly number[];

  private constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#sectorSize = 2 ** bytes.readUInt16LE(30);
    this.#fat = this.#fatSectors();
    this.#directory = this.#chain(bytes.readUInt32LE(48));
    this.#miniFat = this.#chain(bytes.readUInt32LE(60));
    const root = this.#entryAt(0);
    if (this.bytes[root + 66] !== ROOT) throw new RangeError("no root");
    this.#mini = this.#chain(bytes.readUInt32LE(root + 116));
    this.entries = this.#walk();
  }

  /** Opens a copy; undefined unless the file is in good order. */
  static open(bytes: Uint8Array): CompoundEditor | undefined {
    const copy = Buffer.from(asBuffer(bytes));
    const shift = copy.length < HEADER_SIZE ? 0 : copy.readUInt16LE(30);
    if (shift !== 9 && shift !== 12) return undefined;
    try {
      return new CompoundEditor(copy);
    } catch (error) {
      // A place outside of the file, or a circle: a file out of order is not edited.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** A stream's bytes, a copy. */
  read(entry: Entry): Buffer {
    const pieces = this.#pieces(entry).map(({ at, size }) => this.bytes.subarray(at, at + size));
    return Buffer.concat(pieces);
  }

  /** Puts as many bytes back as `read()` gave. */
  write(entry: Entry, content: Buffer): void {
    let done = 0;
    for (const { at, size } of this.#pieces(entry)) {
      content.copy(this.bytes, at, done, done + size);
      done += size;
    }
  }

  /** Takes entries out, with all that is in them; their bytes are overwritten. */
  remove(isDoomed: (entry: Entry) => boolean): number {
    const doomed = new Set<number>();
    // Storages stand before what is in them.
    for (const entry of this.entries) {
      if (isDoomed(entry) || entry.parents.some((id) => doomed.has(id))) doomed.add(entry.id);
    }
    for (const entry of this.entries) {
      if (!doomed.has(entry.id) || entry.isStorage) continue;
      for (const { at, size } of this.#pieces(entry)) this.bytes.fill(0, at, at + size);
    }
    const parents = new Map<number, number[]>();
    for (const entry of this.entries) {
      const parent = entry.parents.at(-1) ?? 0;
      const list = parents.get(parent) ?? [];
      parents.set(parent, list);
      if (!doomed.has(entry.id)) list.push(entry.id);
    }
    for (const [parent, children] of parents) {
      if (doomed.has(parent)) continue;
      this.bytes.writeUInt32LE(this.#balanced(children), this.#entryAt(parent) + 76);
    }
    for (const id of doomed) {
      const at = this.#entryAt(id);
      this.bytes.fill(0, at, at + ENTRY_SIZE).fill(0xff, at + 68, at + 80);
    }
    return doomed.size;
  }

  // [MS-CFB] 2.6.4: siblings in a search tree. They come in its order; a tree that is balanced may
  // be black throughout.
  #balanced(sorted: readonly number[]): number {
    const link = (from: number, to: number): number => {
      if (from >= to) return NONE;
      const middle = (from + to) >> 1;
      const id = sorted[middle] as number;
      const at = this.#entryAt(id);
      this.bytes[at + 67] = 1;
      this.bytes.writeUInt32LE(link(from, middle), at + 68);
      this.bytes.writeUInt32LE(link(middle + 1, to), at + 72);
      return id;
    };
    return link(0, sorted.length);
  }

  #entryAt(id: number): number {
    const perSector = this.#sectorSize / ENTRY_SIZE;
    const sector = this.#directory[Math.floor(id / perSector)];
    if (sector === undefined) throw new RangeError("no such entry");
    return this.#place(sector) + (id % perSector) * ENTRY_SIZE;
  }

  #place(sector: number): number {
    const at = (sector + 1) * this.#sectorSize;
    if (at + this.#sectorSize > this.bytes.length + this.#sectorSize - 1)
      throw new RangeError("cut");
    return at;
  }

  // In the order of the tree, each storage before what is in it.
  #walk(): Entry[] {
    const found: Entry[] = [];
    const seen = new Set<number>([0]);
    const storages: { id: number; parents: readonly number[] }[] = [{ id: 0, parents: [] }];
    for (let top = storages.shift(); top !== undefined; top = storages.shift()) {
      const { parents } = top;
      const stack: { id: number; isOpen: boolean }[] = [
        { id: this.bytes.readUInt32LE(this.#entryAt(top.id) + 76), isOpen: false },
      ];
      for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
        if (next.id === NONE) continue;
        const at = this.#entryAt(next.id);
        if (!next.isOpen) {
          if (seen.has(next.id) || seen.size > ENTRIES_MAX) throw new RangeError("a circle");
          seen.add(next.id);
          stack.push({ id: this.bytes.readUInt32LE(at + 72), isOpen: false });
          stack.push({ id: next.id, isOpen: true });
          stack.push({ id: this.bytes.readUInt32LE(at + 68), isOpen: false });
          continue;
        }
        const kind = this.bytes[at + 66];
        if (kind !== STORAGE && kind !== STREAM) throw new RangeError("an odd entry");
        const nameSize = Math.min(64, this.bytes.readUInt16LE(at + 64));
        const name = this.bytes.toString("utf16le", at, at + Math.max(0, nameSize - 2));
        const size = this.bytes.readUInt32LE(at + 120);
        found.push({ id: next.id, name, isStorage: kind === STORAGE, parents, size });
        if (kind === STORAGE) storages.push({ id: next.id, parents: [...parents, next.id] });
      }
    }
    return found;
  }

  #pieces(entry: Entry): Piece[] {
    const start = this.bytes.readUInt32LE(this.#entryAt(entry.id) + 116);
    if (entry.isStorage || entry.size === 0) return [];
    const isMini = entry.size < MINI_CUTOFF;
    const unit = isMini ? MINI_SIZE : this.#sectorSize;
    const chain = isMini ? this.#miniChain(start) : this.#chain(start);
    if (chain.length * unit < entry.size) throw new RangeError("cut short");
    return chain.slice(0, Math.ceil(entry.size / unit)).map((sector, index) => ({
      at: isMini ? this.#miniPlace(sector) : this.#place(sector),
      size: Math.min(unit, entry.size - index * unit),
    }));
  }

  #miniPlace(sector: number): number {
    const at = sector * MINI_SIZE;
    const home = this.#mini[Math.floor(at / this.#sectorSize)];
    if (home === undefined) throw new RangeError("no such mini sector");
    return this.#place(home) + (at % this.#sectorSize);
  }

  #fatSectors(): Piece[] {
    const count = this.bytes.readUInt32LE(44);
    const perSector = this.#sectorSize / 4;
    if (count > this.bytes.length / this.#sectorSize) throw new RangeError("too many tables");
    const sectors: number[] = [];
    for (let n = 0; n < Math.min(count, 109); n++)
      sectors.push(this.bytes.readUInt32LE(76 + n * 4));
    let next = this.bytes.readUInt32LE(68);
    while (sectors.length < count && next < END_OF_CHAIN) {
      const at = this.#place(next);
      for (let n = 0; n < perSector - 1 && sectors.length < count; n++) {
        sectors.push(this.bytes.readUInt32LE(at + n * 4));
      }
      next = this.bytes.readUInt32LE(at + (perSector - 1) * 4);
    }
    return sectors.map((sector) => ({ at: this.#place(sector), size: this.#sectorSize }));
  }

  #chain(start: number): number[] {
    const perSector = this.#sectorSize / 4;
    return this.#follow(start, (sector) => {
      const table = this.#fat[Math.floor(sector / perSector)];
      return table === undefined
        ? undefined
        : this.bytes.readUInt32LE(table.at + (sector % perSector) * 4);
    });
  }

  #miniChain(start: number): number[] {
    const perSector = this.#sectorSize / 4;
    return this.#follow(start, (sector) => {
      const table = this.#miniFat[Math.floor(sector / perSector)];
      return table === undefined
        ? undefined
        : this.bytes.readUInt32LE(this.#place(table) + (sector % perSector) * 4);
    });
  }

  #follow(start: number, next: (sector: number) => number | undefined): number[] {
    const chain: number[] = [];
    const max = this.bytes.length / MINI_SIZE + 1;
    for (let at: number | undefined = start; at !== END_OF_CHAIN && at !== NONE; at = next(at)) {
      if (at === undefined || chain.length > max) throw new RangeError("a broken chain");
      chain.push(at);
    }
    return chain;
  }
}
