// Writes disk and disc images for tests: FAT of three widths, ISO 9660 with Joliet and Rock Ridge,
// UDF, partition tables, VHD.

import { bytesOf } from "./build-archives.ts";

export interface ImageFile {
  readonly name: string;
  readonly content: string;
}

const SECTOR = 512;

function entryOf(name: string, attributes: number, cluster: number, size: number): Buffer {
  const [base = "", extension = ""] = /^\.+$/.test(name) ? [name] : name.split(".");
  const entry = Buffer.alloc(32);
  entry.write(base.slice(0, 8).toUpperCase().padEnd(8), 0, "latin1");
  entry.write(extension.slice(0, 3).toUpperCase().padEnd(3), 8, "latin1");
  entry[11] = attributes;
  entry.writeUInt16LE(cluster >>> 16, 20);
  entry.writeUInt16LE(cluster & 0xffff, 26);
  entry.writeUInt32LE(size, 28);
  return entry;
}

// Thirteen characters in each entry, the last piece first.
function longEntries(name: string): Buffer[] {
  const pieces: Buffer[] = [];
  const text = Buffer.from(
    `${name}\0`.padEnd(Math.ceil((name.length + 1) / 13) * 13, "\uffff"),
    "utf16le",
  );
  for (let at = 0; at < text.length; at += 26) {
    const entry = Buffer.alloc(32);
    entry[0] = at / 26 + 1;
    entry[11] = 0x0f;
    text.copy(entry, 1, at, at + 10);
    text.copy(entry, 14, at + 10, at + 22);
    text.copy(entry, 28, at + 22, at + 26);
    pieces.unshift(entry);
  }
  return pieces;
}

/** A FAT volume: `files` in the root, the last of them in a folder; clusters of one sector. */
export function buildFat(bits: 12 | 16 | 32, files: readonly ImageFile[]): Buffer {
  const clusters = { 12: 100, 16: 5000, 32: 66_000 }[bits];
  const fatSectors = Math.ceil((clusters * bits) / 8 / SECTOR) + 1;
  const rootSectors = bits === 32 ? 0 : 4;
  const dataSector = 1 + fatSectors + rootSectors;
  const image = Buffer.alloc((dataSector + clusters) * SECTOR);
  image.set([0xeb, 0x3c, 0x90]);
  image.write("MSDOS5.0", 3, "latin1");
  image.writeUInt16LE(SECTOR, 11);
  image[13] = 1;
  image.writeUInt16LE(1, 14);
  image[16] = 1;
  image.writeUInt16LE((rootSectors * SECTOR) / 32, 17);
  image.writeUInt32LE(dataSector + clusters, 32);
  image.writeUInt16LE(bits === 32 ? 0 : fatSectors, 22);
  if (bits === 32) {
    image.writeUInt32LE(fatSectors, 36);
    image.writeUInt32LE(2, 44);
  }
  image.write(`FAT${bits}   `, bits === 32 ? 82 : 54, "latin1");
  image.set([0x55, 0xaa], 510);
  const link = (cluster: number, next: number) => {
    const at = SECTOR + Math.floor((cluster * bits) / 8);
    if (bits === 32) image.writeUInt32LE(next, at);
    else if (bits === 16) image.writeUInt16LE(next & 0xffff, at);
    else if (cluster % 2 === 0)
      image.writeUInt16LE((image.readUInt16LE(at) & 0xf000) | (next & 0xfff), at);
    else image.writeUInt16LE((image.readUInt16LE(at) & 0xf) | ((next & 0xfff) << 4), at);
  };
  const END = 0x0fff_ffff;
  // Every second cluster, so that no file is in one piece.
  let free = 4;
  const store = (content: Buffer) => {
    const first = free;
    for (let at = 0; at < content.length || at === 0; at += SECTOR) {
      content.copy(image, (dataSector + free - 2) * SECTOR, at, at + SECTOR);
      const isLast = at + SECTOR >= content.length;
      link(free, isLast ? END : free + 2);
      free += 2;
    }
    return first;
  };
  const entries = files.map(({ name, content }) => {
    const entry = entryOf(name, 0x20, store(bytesOf(content)), content.length);
    return Buffer.concat([...(/^[A-Z.]{1,12}$/.test(name) ? [] : longEntries(name)), entry]);
  });
  const last = entries.pop() ?? Buffer.alloc(0);
  const dots = [entryOf(".", 0x10, 2, 0), entryOf("..", 0x10, 0, 0)];
  const folder = store(Buffer.concat([...dots, last]));
  const label = entryOf("LABEL", 0x08, 0, 0);
  const deleted = entryOf("X", 0x20, 4, 5);
  deleted[0] = 0xe5;
  const root = Buffer.concat([label, deleted, ...entries, entryOf("SUB", 0x10, folder, 0)]);
  if (bits === 32) link(2, END);
  root.copy(image, (bits === 32 ? dataSector : 1 + fatSectors) * SECTOR);
  return image;
}

/** A disk with an MBR: `partitions` one after another, the last one logical if there are two. */
export function buildMbr(...partitions: readonly Buffer[]): Buffer {
  const sectors = partitions.map((one) => Math.ceil(one.length / SECTOR));
  const total = 1 + sectors.reduce((one, two) => one + two + 1, 0);
  const disk = Buffer.alloc(total * SECTOR);
  const put = (table: number, index: number, values: readonly [number, number, number]) => {
    const at = table * SECTOR + 446 + index * 16;
    disk[at + 4] = values[0];
    disk.writeUInt32LE(values[1], at + 8);
    disk.writeUInt32LE(values[2], at + 12);
    disk.set([0x55, 0xaa], table * SECTOR + 510);
  };
  let sector = 1;
  for (const [index, bytes] of partitions.entries()) {
    const count = sectors[index] as number;
    if (index === 0) put(0, 0, [0x06, sector, count]);
    else {
      put(0, index, [0x05, sector, count + 1]);
      put(sector, 0, [0x06, 1, count]);
      sector++;
    }
    bytes.copy(disk, sector * SECTOR);
    sector += count;
  }
  return disk;
}

/** A disk with a GPT around one partition. */
export function buildGpt(partition: Buffer): Buffer {
  const disk = Buffer.alloc(34 * SECTOR + partition.length);
  disk[446 + 4] = 0xee;
  disk.writeUInt32LE(1, 446 + 8);
  disk.writeUInt32LE(0xffffffff, 446 + 12);
  disk.set([0x55, 0xaa], 510);
  disk.write("EFI PART", SECTOR, "latin1");
  disk.writeBigUInt64LE(2n, SECTOR + 72);
  disk.writeUInt32LE(128, SECTOR + 80);
  disk.writeUInt32LE(128, SECTOR + 84);
  disk[2 * SECTOR] = 1;
  disk.writeBigUInt64LE(34n, 2 * SECTOR + 32);
  disk.writeBigUInt64LE(BigInt(33 + partition.length / SECTOR), 2 * SECTOR + 40);
  partition.copy(disk, 34 * SECTOR);
  return disk;
}

function vhdFooter(size: number, type: number): Buffer {
  const footer = Buffer.alloc(SECTOR);
  footer.write("conectix", 0, "latin1");
  footer.writeBigUInt64BE(type === 2 ? 0xffff_ffff_ffff_ffffn : 512n, 16);
  footer.writeBigUInt64BE(BigInt(size), 48);
  footer.writeUInt32BE(type, 60);
  return footer;
}

export function buildFixedVhd(disk: Buffer): Buffer {
  return Buffer.concat([disk, vhdFooter(disk.length, 2)]);
}

/** A dynamic VHD with blocks of 4 kB: those of zeros are left out, and the others stored backwards. */
export function buildDynamicVhd(disk: Buffer): Buffer {
  const blockSize = 4096;
  const count = Math.ceil(disk.length / blockSize);
  const header = Buffer.alloc(1024);
  header.write("cxsparse", 0, "latin1");
  header.writeBigUInt64BE(1536n, 16);
  header.writeUInt32BE(count, 28);
  header.writeUInt32BE(blockSize, 32);
  const table = Buffer.alloc(Math.ceil((count * 4) / SECTOR) * SECTOR, 0xff);
  const blocks: Buffer[] = [];
  let sector = (1536 + table.length) / SECTOR;
  for (let index = count - 1; index >= 0; index--) {
    const content = disk.subarray(index * blockSize, (index + 1) * blockSize);
    if (content.every((byte) => byte === 0)) continue;
    table.writeUInt32BE(sector, index * 4);
    blocks.push(Buffer.alloc(SECTOR, 0xff), content, Buffer.alloc(blockSize - content.length));
    sector += 1 + blockSize / SECTOR;
  }
  const footer = vhdFooter(disk.length, 3);
  return Buffer.concat([footer, header, table, ...blocks, footer]);
}
