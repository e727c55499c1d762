// Compound files (OLE2): storages and streams, like folders and files, in the sectors of one file.
// [MS-CFB]. Damaged ones give what is readable; entries that no storage leads to are listed as well,
// since a reader that repairs the file would find them.

import { asBuffer } from "../../base/bytes.ts";
import {
  type ChainBytes,
  type CompoundHeader,
  CUT_SHORT,
  readFat,
  readHeader,
  SectorSpace,
} from "./sector-chain.ts";

const ENTRY_SIZE = 128;
const ENTRIES_MAX = 100_000;
const PATH_DEPTH_MAX = 64;
const NO_ENTRY = 0xffffffff;
const MINI_SHIFT = 6;
/** [MS-CFB] 2.2: smaller streams lie in the mini stream; no other value is allowed. */
const MINI_CUTOFF = 4096;
const STORAGE = 1;
const STREAM = 2;
const ROOT = 5;
const ROOT_NAME = Buffer.from("Root Entry", "utf16le");
const ORPHANS = "orphan";

/** A stream, and where in the tree it stands. */
export interface Stream {
  /** Name as stored (installer names decoded), with control characters such as `\x01`. */
  readonly name: string;
  /** Path of its storage, "" for the root; names joined by "/". */
  readonly storage: string;
  /** `storage` and `name`. */
  readonly path: string;
  /** What the directory says. */
  readonly size: number;
  readonly start: number;
}

/** An entry of the directory. */
interface Entry {
  readonly name: string;
  readonly kind: number;
  readonly left: number;
  readonly right: number;
  readonly child: number;
  readonly start: number;
  readonly size: number;
}

/** A compound file that has been opened. */
export class CompoundFile {
  readonly streams: readonly Stream[];
  /** What is wrong with the file as a whole, "" if nothing. */
  readonly problem: string;
  /** What stands behind the last sector in use: appended, or left over. */
  readonly tail: Uint8Array;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly #sectors: SectorSpace;
  readonly #mini: SectorSpace;
  readonly #byPath = new Map<string, Stream>();

  private constructor(bytes: Buffer, header: CompoundHeader) {
    const fat = readFat(bytes, header);
    const sectorSize = 2 ** header.sectorShift;
    const layout = { base: sectorSize, shift: header.sectorShift };
    this.#sectors = new SectorSpace(bytes, layout, fat.table);
    const directory = this.#directory(bytes, header.directoryStart);
    const entries = entriesOf(directory.bytes, header.isVersion4);
    const root = entries.find((entry) => entry.kind === ROOT);
    const miniSize = Math.min(root?.size ?? 0, bytes.length);
    this.size = bytes.length;
    this.tail = bytes.subarray(fat.end);
    const mini = this.#sectors.read(root?.start ?? NO_ENTRY, miniSize);
    const miniFat = this.#miniFat(header, mini.bytes.length);
    this.#mini = new SectorSpace(mini.bytes, { base: 0, shift: MINI_SHIFT }, miniFat.table);
    const tree = streamsOf(entries);
    this.streams = tree.streams;
    const parts = [header, fat, directory, mini, miniFat, tree];
    this.problem = parts.find((part) => part.problem !== "")?.problem ?? "";
  }

  /** Opens a file; undefined if it has not even a header. Never throws. */
  static open(bytes: Uint8Array): CompoundFile | undefined {
    const header = readHeader(bytes);
    return header === undefined ? undefined : new CompoundFile(asBuffer(bytes), header);
  }

  /** How many bytes `read()` will give. */
  sizeOf(stream: Stream): number {
    return this.#space(stream).reach(stream.start, stream.size);
  }

  /** A stream's content, at most `sizeMax` bytes of it. */
  read(stream: Stream, sizeMax = Number.POSITIVE_INFINITY): ChainBytes {
    if (stream.size === 0) return { bytes: Buffer.alloc(0), problem: "" };
    return this.#space(stream).read(stream.start, Math.min(stream.size, sizeMax));
  }

  /** The stream at `path`, whatever the case of its letters. [MS-CFB] 2.6.4 */
  find(path: string): Stream | undefined {
    if (this.#byPath.size === 0) {
      for (const stream of this.streams) this.#byPath.set(stream.path.toUpperCase(), stream);
    }
    return this.#byPath.get(path.toUpperCase());
  }

  // Which of the two spaces a stream is in follows from its size alone.
  #space(stream: Stream): SectorSpace {
    return stream.size < MINI_CUTOFF ? this.#mini : this.#sectors;
  }

  // The directory's size stands nowhere: it ends where its chain does, or with the last whole entry.
  #directory(bytes: Buffer, start: number): ChainBytes {
    const sizeMax = Math.min(ENTRIES_MAX * ENTRY_SIZE, bytes.length);
    const found = this.#sectors.read(start, sizeMax);
    const problem = found.problem === CUT_SHORT ? "" : found.problem;
    if (found.bytes[66] === ROOT) return { bytes: found.bytes, problem };
    // Without its beginning the directory can still be known by the name of its first entry.
    const at = bytes.indexOf(ROOT_NAME);
    const rest = at < 0 ? Buffer.alloc(0) : bytes.subarray(at, at + sizeMax);
    return { bytes: rest, problem: "its directory is missing" };
  }

  // A table that is too short for the mini stream is told; what it lacks counts as contiguous.
  #miniFat(header: CompoundHeader, miniSize: number): { table: Uint32Array; problem: string } {
    const count = Math.ceil(miniSize / 2 ** MINI_SHIFT);
    const told = header.miniFatCount * 2 ** header.sectorShift;
    const { bytes } = this.#sectors.read(header.miniFatStart, Math.min(count * 4, told));
    const table = new Uint32Array(Math.floor(bytes.length / 4));
    for (let n = 0; n < table.length; n++) table[n] = bytes.readUInt32LE(n * 4);
    return { table, problem: table.length < count ? "part of its mini table is missing" : "" };
  }
}

// [MS-CFB] 2.6.1
function entriesOf(directory: Buffer, isVersion4: boolean): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at + ENTRY_SIZE <= directory.length; at += ENTRY_SIZE) {
    const nameSize = Math.min(64, directory.readUInt16LE(at + 64));
    const raw = directory.toString("utf16le", at, at + Math.max(0, nameSize - 2));
    // Version 3 has 32 bits for the size, and some writers leave what was there in the others.
    const high = isVersion4 ? directory.readUInt32LE(at + 124) : 0;
    entries.push({
      name: installerName(raw).replaceAll("/", "_"),
      kind: directory[at + 66] ?? 0,
      left: directory.readUInt32LE(at + 68),
      right: directory.readUInt32LE(at + 72),
      child: directory.readUInt32LE(at + 76),
      start: directory.readUInt32LE(at + 116),
      size: high * 2 ** 32 + directory.readUInt32LE(at + 120),
    });
  }
  return entries;
}

const INSTALLER_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";

/** A stream's name as an installer package (MSI) means it: two letters are packed into one there. */
export function installerName(name: string): string {
  let text = "";
  for (const character of name) {
    const code = character.charCodeAt(0);
    if (code < 0x3800 || code > 0x4840) text += character;
    // Marks the tables of its database; files and scripts have plain names.
    else if (code === 0x4840) text += "!";
    else if (code >= 0x4800) text += INSTALLER_LETTERS[code - 0x4800];
    else {
      text += INSTALLER_LETTERS[(code - 0x3800) & 63];
      text += INSTALLER_LETTERS[((code - 0x3800) >> 6) & 63];
    }
  }
  return text;
}

/** An entry that is still to be visited. */
interface Place {
  readonly id: number;
  readonly storage: string;
  readonly depth: number;
}

// The tree of all entries that the root leads to, then what it does not lead to.
function streamsOf(entries: readonly Entry[]): { streams: Stream[]; problem: string } {
  const streams: Stream[] = [];
  const seen = new Uint8Array(entries.length);
  let problem = entries.length === 0 ? "it has no directory" : "";
  const walk = (from: Place) => {
    const open = [from];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const { id, storage, depth } = place;
      if (id === NO_ENTRY) continue;
      const entry = entries[id];
      if (entry === undefined || seen[id] === 1 || depth > PATH_DEPTH_MAX) {
        problem ||= "its directory contradicts itself";
        continue;
      }
      seen[id] = 1;
      // The entries of one storage form a binary tree of siblings. [MS-CFB] 2.6.4
      open.push({ id: entry.right, storage, depth });
      if (entry.kind === STREAM) streams.push(streamOf(entry, storage));
      if (entry.kind === STORAGE) {
        open.push({ id: entry.child, storage: joinPath(storage, entry.name), depth: depth + 1 });
      }
      open.push({ id: entry.left, storage, depth });
    }
  };
  const root = entries.findIndex((entry) => entry.kind === ROOT);
  const first = entries[root];
  if (first !== undefined) {
    seen[root] = 1;
    walk({ id: first.child, storage: "", depth: 0 });
  } else problem ||= "its directory has no root";
  const found = problem;
  for (const kind of [STORAGE, STREAM]) {
    entries.forEach((entry, id) => {
      if (entry.kind !== kind || seen[id] === 1) return;
      seen[id] = 1;
      if (kind === STREAM) streams.push(streamOf(entry, ORPHANS));
      else walk({ id: entry.child, storage: joinPath(ORPHANS, entry.name), depth: 1 });
    });
  }
  return { streams, problem: found };
}

function streamOf({ name, size, start }: Entry, storage: string): Stream {
  return { name, storage, path: joinPath(storage, name), size, start };
}

/** A path in the file: `name` in `storage`, which is "" for the root. */
export function joinPath(storage: string, name: string): string {
  return storage === "" ? name : `${storage}/${name}`;
}
