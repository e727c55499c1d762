// Writes CD and DVD images for tests.

import { bytesOf } from "./build-archives.ts";
import type { ImageFile } from "./build-images.ts";

const SECTOR = 2048;

interface IsoEntry {
  readonly name: Buffer;
  readonly sector: number;
  readonly size: number;
  readonly flags?: number;
  readonly systemUse?: Buffer;
}

function record({ name, sector, size, flags = 0, systemUse = Buffer.alloc(0) }: IsoEntry): Buffer {
  const nameEnd = 33 + name.length + (1 - (name.length & 1));
  const bytes = Buffer.alloc(nameEnd + systemUse.length + (systemUse.length & 1));
  bytes[0] = bytes.length;
  bytes.writeUInt32LE(sector, 2);
  bytes.writeUInt32LE(size, 10);
  bytes[25] = flags;
  bytes[32] = name.length;
  name.copy(bytes, 33);
  systemUse.copy(bytes, nameEnd);
  return bytes;
}

function folder(sector: number, entries: readonly IsoEntry[]): Buffer {
  const self = { name: Buffer.from([0]), sector, size: SECTOR, flags: 2 };
  const parent = { ...self, name: Buffer.from([1]) };
  const bytes = Buffer.alloc(SECTOR);
  Buffer.concat([self, parent, ...entries].map(record)).copy(bytes);
  return bytes;
}

function descriptor(type: number, root: number, pathTable?: { sector: number; size: number }) {
  const bytes = Buffer.alloc(SECTOR);
  bytes[0] = type;
  bytes.write("CD001\x01", 1, "latin1");
  if (type === 2) bytes.write("%/E", 88, "latin1");
  bytes.writeUInt16LE(SECTOR, 128);
  bytes.writeUInt32LE(pathTable?.size ?? 0, 132);
  bytes.writeUInt32LE(pathTable?.sector ?? 0, 140);
  const self = { name: Buffer.from([0]), sector: root, size: SECTOR, flags: 2 };
  record(self).copy(bytes, 156);
  return bytes;
}

function rockName(name: string): Buffer {
  return Buffer.concat([
    Buffer.from(["N".charCodeAt(0), "M".charCodeAt(0), 5 + name.length, 1, 0]),
    Buffer.from(name),
  ]);
}

export interface DiscOptions {
  readonly hasJoliet?: boolean;
  readonly hasRockRidge?: boolean;
  /** The last file is in a folder that stands in the path table alone. */
  readonly isHidden?: boolean;
  /** The first file has a record for each of its sectors. */
  readonly isSplit?: boolean;
  readonly hasUdf?: boolean;
  /** The Joliet tree has a file of its own. */
  readonly jolietOnly?: ImageFile;
}

function contentSectors(content: string | Uint8Array): Buffer {
  const bytes = bytesOf(content);
  return Buffer.concat([bytes, Buffer.alloc((SECTOR - (bytes.length % SECTOR)) % SECTOR)]);
}

/** An ISO 9660 image; short names are made of the number of the file. */
export function buildIso(files: readonly ImageFile[], options: DiscOptions = {}): Buffer {
  // Sectors: 16–19 descriptors, 20 path table, 21 root, 22 folder, 23 Joliet root, then files.
  let next = 24;
  const pieces: Buffer[] = [];
  const place = ({ name, content }: ImageFile, index: number): IsoEntry[] => {
    const sectors = contentSectors(content);
    const sector = next;
    next += sectors.length / SECTOR;
    pieces.push(sectors);
    const short = Buffer.from(`FILE${index}.BIN;1`);
    const systemUse = options.hasRockRidge ? rockName(name) : Buffer.alloc(0);
    if (!options.isSplit || index > 0)
      return [{ name: short, sector, size: content.length, systemUse }];
    const count = sectors.length / SECTOR;
    return Array.from({ length: count }, (_, i) => ({
      ...{ name: short, sector: sector + i, systemUse },
      size: i < count - 1 ? SECTOR : content.length - i * SECTOR,
      flags: i < count - 1 ? 0x80 : 0,
    }));
  };
  const placed = files.map(place);
  const extra = options.jolietOnly === undefined ? [] : place(options.jolietOnly, files.length);
  const hidden = options.isHidden ? (placed.at(-1) ?? []) : [];
  const shown = options.isHidden ? placed.slice(0, -1) : placed;
  const wide = (name: string) => Buffer.from(name, "utf16le").swap16();
  const joliet = shown.flatMap((entries, index) =>
    entries.map(({ systemUse: _, ...entry }) => ({
      ...entry,
      name: wide(`${files[index]?.name};1`),
    })),
  );
  const own = extra.map(({ systemUse: _, ...entry }) => ({
    ...entry,
    name: wide(options.jolietOnly?.name ?? ""),
  }));
  // One entry for the root, one for the hidden folder.
  const pathTable = Buffer.alloc(SECTOR);
  pathTable.set([1, 0, 21, 0, 0, 0, 1, 0, 0, 0]);
  pathTable.set([3, 0, 22, 0, 0, 0, 1, 0, 0x53, 0x55, 0x42, 0], 10);
  const table = { sector: 20, size: options.isHidden ? 22 : 10 };
  return Buffer.concat([
    Buffer.alloc(16 * SECTOR),
    descriptor(1, 21, table),
    options.hasJoliet ? descriptor(2, 23) : descriptor(255, 0),
    descriptor(255, 0),
    Buffer.alloc(SECTOR),
    pathTable,
    folder(21, shown.flat()),
    folder(22, hidden),
    folder(23, [...joliet, ...own]),
    ...pieces,
  ]);
}

function tag(id: number, bytes: Buffer): Buffer {
  bytes.writeUInt16LE(id, 0);
  bytes[4] = 0;
  bytes[4] = bytes.subarray(0, 16).reduce((one, two) => (one + two) & 255, 0);
  return bytes;
}

// A file entry with one short descriptor; blocks count from the partition's start.
function udfEntry(isFolder: boolean, block: number, size: number): Buffer {
  const bytes = Buffer.alloc(SECTOR);
  bytes[27] = isFolder ? 4 : 5;
  bytes.writeUInt32LE(size, 56);
  bytes.writeUInt32LE(8, 172);
  bytes.writeUInt32LE(size, 176);
  bytes.writeUInt32LE(block, 180);
  return tag(261, bytes);
}

function udfName(name: string, block: number): Buffer {
  const text = Buffer.concat([Buffer.from([8]), Buffer.from(name, "latin1")]);
  const bytes = Buffer.alloc(Math.ceil((38 + text.length) / 4) * 4);
  if (name === "") bytes[18] = 8;
  bytes[19] = name === "" ? 0 : text.length;
  bytes.writeUInt32LE(block, 24);
  if (name !== "") text.copy(bytes, 38);
  return tag(257, bytes.length < 40 ? Buffer.concat([bytes, Buffer.alloc(2)]) : bytes);
}

/** A UDF image without an ISO 9660 volume. `mapType`: 2 is a partition that is not physical. */
export function buildUdf(files: readonly ImageFile[], mapType = 1): Buffer {
  const recognition = ["BEA01", "NSR02", "TEA01"].map((id) => {
    const bytes = Buffer.alloc(SECTOR);
    bytes.write(id, 1, "latin1");
    return bytes;
  });
  const start = 260;
  const partition = Buffer.alloc(SECTOR);
  partition.writeUInt32LE(start, 188);
  const volume = Buffer.alloc(SECTOR);
  volume.writeUInt32LE(SECTOR, 212);
  volume.writeUInt32LE(0, 252);
  volume.writeUInt32LE(1, 268);
  volume.set([mapType, 6, 1, 0, 0, 0], 440);
  const anchor = Buffer.alloc(SECTOR);
  anchor.writeUInt32LE(20, 20);
  const image = Buffer.alloc(start * SECTOR);
  recognition.forEach((bytes, index) => {
    bytes.copy(image, (16 + index) * SECTOR);
  });
  tag(5, partition).copy(image, 20 * SECTOR);
  tag(6, volume).copy(image, 21 * SECTOR);
  tag(8, Buffer.alloc(SECTOR)).copy(image, 22 * SECTOR);
  tag(2, anchor).copy(image, 256 * SECTOR);
  // Blocks: 0 file set, 1 root entry, 2 root's names, then an entry and the content of each file.
  const set = Buffer.alloc(SECTOR);
  set.writeUInt32LE(1, 404);
  const blocks = [tag(256, set)];
  let next = 3;
  const names = [udfName("", 1)];
  const contents: Buffer[] = [];
  for (const { name, content } of files) {
    const sectors = contentSectors(content);
    names.push(udfName(name, next));
    contents.push(udfEntry(false, next + 1, content.length), sectors);
    next += 1 + sectors.length / SECTOR;
  }
  const listed = Buffer.concat(names);
  blocks.push(udfEntry(true, 2, listed.length), contentSectors(listed.toString("latin1")));
  blocks[2] = Buffer.concat([listed, Buffer.alloc(SECTOR - listed.length)]);
  return Buffer.concat([image, ...blocks, ...contents]);
}
