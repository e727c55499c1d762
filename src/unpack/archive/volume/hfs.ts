// HFS+ and HFSX volumes, as Apple's disk images have them: a catalogue of all files, each with the
// forks its bytes are in. Apple Technical Note TN1150 "HFS Plus Volume Format".

import type { Budget } from "../../../base/budget.ts";
import { Reader } from "../../../executable/reader.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type Extent, FileTable } from "../image/file-table.ts";
import { folderBytes } from "./folder.ts";
import { type HfsRecord, readRecords } from "./hfs-tree.ts";

const HEADER_AT = 1024;
const HEADER_BYTES = 512;
const FORK_BYTES = 80;
const FORK_EXTENTS = 8;
const ROOT = 2;
const PATH_DEPTH_MAX = 64;
const RECORD_FOLDER = 1;
const RECORD_FILE = 2;
const FLAG_PACKED = 0x20;
const EXTENTS_FILE = 3;
const CATALOGUE_FILE = 4;
const FORK_DATA = 0;
const FORK_RESOURCE = 0xff;

/** Yields the files of an HFS+ volume, and their resource forks. */
export function* explodeHfs(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const volume = findVolume(new Reader(bytes, true), giver);
  const table = new FileTable(volume.bytes, giver);
  const isThere = volume.has(HEADER_AT, HEADER_BYTES) && volume.u32(HEADER_AT + 40) >= 512;
  if (isThere) new HfsVolume(volume, giver).addTo(table);
  else if (giver.outcome.status === "clean") giver.note("damaged", "the volume header is broken");
  yield* table.give();
  return giver.outcome;
}

// An HFS+ volume may lie in one of the older kind, as a wrapper for systems that know only that.
function findVolume(reader: Reader, giver: Giver): Reader {
  if (reader.text(HEADER_AT, 2) !== "BD") return reader;
  if (reader.text(HEADER_AT + 124, 2) !== "H+") {
    giver.note("unscanned", "HFS volumes of the older kind are not opened");
    return new Reader(Buffer.alloc(0), true);
  }
  const at = reader.u16(HEADER_AT + 28) * 512;
  const blockSize = reader.u32(HEADER_AT + 20);
  const [start, count] = [reader.u16(HEADER_AT + 126), reader.u16(HEADER_AT + 128)];
  return new Reader(reader.slice(at + start * blockSize, count * blockSize), true);
}

interface Folder {
  readonly name: string;
  readonly parent: number;
}

class HfsVolume {
  readonly #volume: Reader;
  readonly #giver: Giver;
  readonly #blockSize: number;
  readonly #folders = new Map<number, Folder>();
  /** Extents of forks beyond their first eight, by file and fork. */
  readonly #overflow = new Map<string, { readonly first: number; readonly extents: Extent[] }[]>();

  constructor(volume: Reader, giver: Giver) {
    this.#volume = volume;
    this.#giver = giver;
    this.#blockSize = volume.u32(HEADER_AT + 40);
  }

  addTo(table: FileTable): void {
    this.#readOverflow();
    const tree = this.#tree(HEADER_AT + 272, CATALOGUE_FILE);
    const files: HfsRecord[] = [];
    for (const record of readRecords(tree, this.#giver)) {
      const type = record.data.u16(0);
      if (type === RECORD_FOLDER) {
        const { name, parent } = nameOf(record);
        this.#folders.set(record.data.u32(8), { name, parent });
      } else if (type === RECORD_FILE) files.push(record);
    }
    for (const record of files) {
      if (!this.#giver.goesOn()) return;
      this.#addFile(table, record);
    }
  }

  #addFile(table: FileTable, record: HfsRecord): void {
    const { data } = record;
    const { name, parent } = nameOf(record);
    const path = this.#path(name, parent);
    const id = data.u32(8);
    const isPacked = (data.u8(41) & FLAG_PACKED) !== 0 && data.u64(88) === 0;
    if (isPacked)
      this.#giver.note("unscanned", "files packed by the file system are not opened", path);
    else table.add(path, this.#fork(data, 88, id, FORK_DATA));
    if (data.u64(168) > 0)
      table.add(`${path} (resources)`, this.#fork(data, 168, id, FORK_RESOURCE));
  }

  #path(name: string, parent: number): string {
    const parts = [name];
    let at = parent;
    for (let depth = 0; depth < PATH_DEPTH_MAX && at > ROOT; depth++) {
      const folder = this.#folders.get(at);
      if (folder === undefined) break;
      parts.unshift(folder.name);
      at = folder.parent;
    }
    return parts.join("/");
  }

  // §"Fork Data Structure": size, blocks, and eight extents; more of them in a tree of their own.
  #fork(reader: Reader, at: number, file: number, fork: number): Extent[] {
    const size = reader.u64(at);
    const extents = this.#extents(reader, at + 16);
    const more = this.#overflow.get(`${file} ${fork}`) ?? [];
    for (const { extents: own } of more.sort((one, two) => one.first - two.first)) {
      extents.push(...own);
    }
    let left = size;
    const used = extents.map((extent) => {
      const part = { at: extent.at, size: Math.min(extent.size, left) };
      left -= part.size;
      return part;
    });
    if (left > 0) this.#giver.note("damaged", "extents are not there", `file ${file}`);
    return used;
  }

  #extents(reader: Reader, at: number): Extent[] {
    const extents: Extent[] = [];
    for (let index = 0; index < FORK_EXTENTS; index++) {
      const [start, count] = [reader.u32(at + 8 * index), reader.u32(at + 8 * index + 4)];
      if (count === 0) continue;
      extents.push({ at: start * this.#blockSize, size: count * this.#blockSize });
    }
    return extents;
  }

  #tree(at: number, file: number): Reader {
    const fork = this.#volume.slice(at, FORK_BYTES);
    const extents = this.#fork(new Reader(fork, true), 0, file, FORK_DATA);
    return new Reader(folderBytes(this.#volume.bytes, extents, this.#giver), true);
  }

  #readOverflow(): void {
    for (const { key, data } of readRecords(
      this.#tree(HEADER_AT + 192, EXTENTS_FILE),
      this.#giver,
    )) {
      const place = `${key.u32(4)} ${key.u8(2)}`;
      const known = this.#overflow.get(place) ?? [];
      known.push({ first: key.u32(8), extents: this.#extents(data, 0) });
      this.#overflow.set(place, known);
    }
  }
}

// §"Catalog File Keys": the parent's number, and a name in big-endian UTF-16.
function nameOf({ key }: HfsRecord): Folder {
  const text = Buffer.from(key.slice(8, 2 * key.u16(6)));
  const name = text
    .subarray(0, text.length & ~1)
    .swap16()
    .toString("utf16le");
  // What programs show as a slash.
  return { name: name.replaceAll("/", ":"), parent: key.u32(2) };
}
