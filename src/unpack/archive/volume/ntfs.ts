// NTFS volumes: every file is a record of the master file table, which is read from one end to the
// other, so that no folder has to be whole. Streams beside a file's content are files of their own
// here, as they are for who runs them. Deleted files are not looked for: no program shows them.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type Extent, FileTable, HOLE } from "../image/file-table.ts";
import { joinPieces, type NtfsStream, unpackStream, unpackSystemFile } from "./ntfs-data.ts";
import { type NtfsName, type NtfsPiece, type NtfsRecord, readRecord } from "./ntfs-record.ts";

const SECTOR = 512;
const RECORD_MAX = 65_536;
const RECORDS_MAX = 1_000_000;
const PATH_DEPTH_MAX = 64;
/** Records of the file system itself: its table, log, map of clusters. */
const OWN_RECORDS = 16;
const ROOT = 5;
const PACKED_STREAM = "WofCompressedData";

interface NtfsLayout {
  readonly clusterSize: number;
  readonly tableAt: number;
  readonly recordSize: number;
}

/** A file, gathered from all its records. */
interface NtfsFile {
  readonly names: NtfsName[];
  readonly pieces: NtfsPiece[];
  systemPacking: number | undefined;
}

/** Yields the files of an NTFS volume, and the streams beside them. */
export function* explodeNtfs(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const table = new FileTable(input, giver);
  const layout = readLayout(input);
  if (layout === undefined) giver.note("damaged", "the boot sector is broken");
  else new NtfsVolume(input, layout, giver).addTo(table);
  yield* table.give();
  return giver.outcome;
}

// Large clusters, and the size of records, are written as negative powers of two.
function readLayout(input: Buffer): NtfsLayout | undefined {
  if (input.length < SECTOR) return;
  const sector = input.readUInt16LE(11);
  const [clusters, records] = [input.readInt8(13), input.readInt8(64)];
  const perCluster = clusters < -31 ? input.readUInt8(13) : clusters;
  const clusterSize = perCluster < 0 ? 2 ** -perCluster * sector : perCluster * sector;
  const recordSize = records < 0 ? 2 ** Math.min(31, -records) : records * clusterSize;
  const tableAt = Number(input.readBigUInt64LE(48)) * clusterSize;
  if (![512, 1024, 2048, 4096].includes(sector) || clusterSize < SECTOR) return;
  const isGood = recordSize >= SECTOR && recordSize <= RECORD_MAX && tableAt < input.length;
  return isGood ? { clusterSize, tableAt, recordSize } : undefined;
}

class NtfsVolume {
  readonly #input: Buffer;
  readonly #layout: NtfsLayout;
  readonly #giver: Giver;
  readonly #files = new Map<number, NtfsFile>();
  readonly #folders = new Map<number, NtfsName>();

  constructor(input: Buffer, layout: NtfsLayout, giver: Giver) {
    this.#input = input;
    this.#layout = layout;
    this.#giver = giver;
  }

  addTo(table: FileTable): void {
    this.#readTable();
    for (const [index, file] of this.#files) {
      if (!this.#giver.goesOn()) return;
      // What lies beside the root folder's own data counts; that of the file system does not.
      if (index < OWN_RECORDS && index !== ROOT) continue;
      const streams = joinPieces(file.pieces);
      const packed = streams.find(({ name }) => name === PACKED_STREAM);
      for (const stream of streams) {
        const isSystemPacked = file.systemPacking !== undefined && packed !== undefined;
        for (const path of this.#paths(file, index)) {
          const name = stream.name === "" ? path : `${path}:${stream.name}`;
          const key = `${index} ${stream.name}`;
          if (isSystemPacked && stream.name === "") {
            table.addMade(name, key, () => this.#unpackSystemFile(file, stream, packed, name));
          } else this.#addStream(table, name, key, stream);
        }
      }
    }
  }

  #addStream(table: FileTable, name: string, key: string, stream: NtfsStream): void {
    const { resident } = stream;
    if (stream.isEncrypted) this.#giver.note("protected", "encrypted", name);
    else if (resident !== undefined) table.addMade(name, key, () => resident);
    else if (stream.unitClusters === 0) table.add(name, this.#extents(stream));
    else table.addMade(name, key, () => this.#unpack(stream, name));
  }

  #unpack(stream: NtfsStream, name: string): Uint8Array | undefined {
    const made = unpackStream(this.#input, stream, this.#layout.clusterSize, this.#giver);
    if (made === undefined) this.#giver.refuse(name);
    else if (made.problem !== "") this.#giver.note("damaged", made.problem, name);
    return made?.bytes;
  }

  #unpackSystemFile(
    file: NtfsFile,
    { size }: NtfsStream,
    packed: NtfsStream,
    name: string,
  ): Uint8Array | undefined {
    // Runs may name the same clusters again and again.
    if (packed.size > this.#giver.room) {
      this.#giver.refuse(name);
      return;
    }
    const bytes =
      packed.resident ?? Buffer.concat(this.#extents(packed).map((extent) => this.#view(extent)));
    const made = unpackSystemFile(asBuffer(bytes), size, file.systemPacking ?? 0, this.#giver);
    if (made === undefined) this.#giver.note("unscanned", "packed in an unknown way", name);
    else if (made.isRefused) this.#giver.refuse(name);
    else if (made.problem !== "") this.#giver.note("damaged", made.problem, name);
    return made?.isRefused === true ? undefined : made?.bytes;
  }

  // What was never written of a stream reads as zeros.
  #extents({ runs, size, written }: NtfsStream): Extent[] {
    const { clusterSize } = this.#layout;
    const extents: Extent[] = [];
    let left = Math.min(size, written);
    for (const { cluster, count } of runs) {
      const used = Math.min(count * clusterSize, left);
      extents.push({ at: cluster === HOLE ? HOLE : cluster * clusterSize, size: used });
      left -= used;
    }
    extents.push({ at: HOLE, size: left + Math.max(0, size - Math.max(written, 0)) });
    return extents;
  }

  #view({ at, size }: Extent): Buffer {
    return at === HOLE ? Buffer.alloc(0) : this.#input.subarray(at, at + size);
  }

  #readTable(): void {
    const { recordSize } = this.#layout;
    const table = this.#table();
    let broken = 0;
    const count = Math.min(RECORDS_MAX, Math.floor(table.length / recordSize));
    for (let index = 0; index < count && this.#giver.goesOn(); index++) {
      const start = index * recordSize;
      const record = readRecord(table.subarray(start, start + recordSize), index);
      if (record === "broken") broken++;
      else if (record !== undefined) this.#take(record);
    }
    if (broken > 0) this.#giver.note("damaged", "records of the file table are broken");
  }

  #take(record: NtfsRecord): void {
    const { base, names, pieces, systemPacking } = record;
    const file = this.#files.get(base) ?? { names: [], pieces: [], systemPacking: undefined };
    this.#files.set(base, file);
    file.names.push(...names);
    file.pieces.push(...pieces);
    file.systemPacking ??= systemPacking;
    const [name] = names;
    if (record.isFolder && name !== undefined) this.#folders.set(base, name);
  }

  // The table is a file as well: its first record tells where it lies. Without that it is taken to be
  // in one piece.
  #table(): Buffer {
    const { tableAt, recordSize } = this.#layout;
    const first = readRecord(this.#input.subarray(tableAt, tableAt + recordSize), 0);
    const pieces = first === "broken" || first === undefined ? [] : first.pieces;
    const stream = joinPieces(pieces).find(({ name }) => name === "");
    if (stream === undefined || stream.runs.length === 0) {
      this.#giver.note("damaged", "the file table does not tell where it is");
      return this.#input.subarray(tableAt);
    }
    const views: Buffer[] = [];
    let left = this.#input.length;
    for (const extent of this.#extents(stream)) {
      const view = this.#view(extent).subarray(0, left);
      left -= view.length;
      if (extent.at !== HOLE && view.length < extent.size) {
        this.#giver.note("damaged", "the file table is cut short");
      }
      views.push(view);
    }
    return Buffer.concat(views);
  }

  #paths({ names }: NtfsFile, index: number): string[] {
    const long = names.filter(({ isShort }) => !isShort);
    const used = long.length === 0 ? names : long;
    const paths = used.map((name) => this.#path(name));
    return paths.length === 0 ? [`record ${index}`] : paths;
  }

  #path({ name, folder }: NtfsName): string {
    const parts = [name];
    let at = folder;
    for (let depth = 0; depth < PATH_DEPTH_MAX && at !== ROOT; depth++) {
      const parent = this.#folders.get(at);
      if (parent === undefined) break;
      parts.unshift(parent.name);
      at = parent.folder;
    }
    return parts.join("/");
  }
}
