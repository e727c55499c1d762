// Writes virtual disks for tests: VMDK sparse and for streams, VHDX, QCOW2 and DMG. Blocks of zeros
// are left out, and the others are stored in turned order.

import { deflateRawSync, deflateSync } from "node:zlib";

const SECTOR = 512;
const ODD = 128;

const isZero = (bytes: Buffer) => bytes.every((byte) => byte === 0);

// Literals, and long matches of distance 1.
function packAdc(content: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    let run = 0;
    while (
      at > 0 &&
      run < 67 &&
      at + run < content.length &&
      content[at + run] === content[at - 1]
    ) {
      run++;
    }
    if (run >= 4) {
      pieces.push(Buffer.from([0x40 | (run - 4), 0, 0]));
      at += run;
    } else {
      const literals = content.subarray(at, at + 16);
      pieces.push(Buffer.from([0x80 | (literals.length - 1)]), literals);
      at += literals.length;
    }
  }
  return Buffer.concat(pieces);
}

// Blocks of `size` that have content, the last one first.
function blocksOf(disk: Buffer, size: number): { index: number; content: Buffer }[] {
  const blocks: { index: number; content: Buffer }[] = [];
  for (let index = Math.ceil(disk.length / size) - 1; index >= 0; index--) {
    const content = Buffer.alloc(size);
    disk.copy(content, 0, index * size, (index + 1) * size);
    if (!isZero(content)) blocks.push({ index, content });
  }
  return blocks;
}

export interface VmdkOptions {
  readonly isStream?: boolean;
  readonly parent?: string;
  /** Without a descriptor, as in a set of several files. */
  readonly isPart?: boolean;
}

/** A VMDK with grains of 4 KB. */
export function buildVmdk(disk: Buffer, options: VmdkOptions = {}): Buffer {
  const { isStream = false, parent = "ffffffff", isPart = false } = options;
  const grainSectors = 8;
  const perTable = 512;
  const grains = Math.ceil(disk.length / SECTOR / grainSectors);
  const tables = Math.ceil(grains / perTable);
  const descriptor = Buffer.alloc(2 * SECTOR);
  descriptor.write(`# Disk DescriptorFile\nversion=1\nCID=00000001\nparentCID=${parent}\n`);
  const header = Buffer.alloc(SECTOR);
  const pieces: Buffer[] = [header, descriptor];
  let sector = 3;
  const put = (bytes: Buffer) => {
    const whole = Buffer.concat([bytes, Buffer.alloc(-bytes.length & (SECTOR - 1))]);
    pieces.push(whole);
    sector += whole.length / SECTOR;
    return sector - whole.length / SECTOR;
  };
  const places = new Map<number, number>();
  for (const { index, content } of blocksOf(disk, grainSectors * SECTOR)) {
    if (!isStream) {
      places.set(index, put(content));
      continue;
    }
    const packed = deflateSync(content);
    const mark = Buffer.alloc(12);
    mark.writeUInt32LE(index * grainSectors, 0);
    mark.writeUInt32LE(packed.length, 8);
    places.set(index, put(Buffer.concat([mark, packed])));
  }
  const directory = Buffer.alloc(4 * tables);
  for (let table = 0; table < tables; table++) {
    const own = Buffer.alloc(4 * perTable);
    for (let i = 0; i < perTable; i++) {
      own.writeUInt32LE(places.get(table * perTable + i) ?? i % 2, 4 * i);
    }
    directory.writeUInt32LE(put(own), 4 * table);
  }
  const directoryAt = put(directory);
  header.write("KDMV", 0, "latin1");
  header.writeUInt32LE(isStream ? 3 : 1, 4);
  header.writeUInt32LE(isStream ? 0x3_0001 : 1, 8);
  header.writeUInt32LE(Math.ceil(disk.length / SECTOR), 12);
  header.writeUInt32LE(grainSectors, 20);
  if (!isPart) header.writeUInt32LE(1, 28);
  header.writeUInt32LE(2, 36);
  header.writeUInt32LE(perTable, 44);
  header.writeUInt32LE(directoryAt, 56);
  if (isStream) {
    pieces.push(Buffer.from(header), Buffer.alloc(SECTOR));
    header.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 56);
  }
  return Buffer.concat(pieces);
}

export interface VhdxOptions {
  readonly hasLog?: boolean;
  readonly hasParent?: boolean;
}

const MEGABYTE = 1 << 20;

/** A VHDX with blocks of a megabyte; the file has at least five of them. */
export function buildVhdx(disk: Buffer, { hasLog = false, hasParent = false }: VhdxOptions = {}) {
  const head = Buffer.alloc(3 * MEGABYTE);
  head.write("vhdxfile", 0, "latin1");
  for (const [index, at] of [0x1_0000, 0x2_0000].entries()) {
    head.write("head", at, "latin1");
    head.writeUInt32LE(index, at + 8);
    if (hasLog && index === 1) head.fill(0x11, at + 48, at + 64);
  }
  const guid = (text: string, at: number) => head.write(text, at, "hex");
  head.write("regi", 0x3_0000, "latin1");
  head.writeUInt32LE(2, 0x3_0008);
  guid("6677c22d23f600429d64115e9bfd4a08", 0x3_0010);
  head.writeUInt32LE(2 * MEGABYTE, 0x3_0020);
  guid("06a27c8b90479a4bb8fe575f050f886e", 0x3_0030);
  head.writeUInt32LE(MEGABYTE, 0x3_0040);
  head.write("metadata", MEGABYTE, "latin1");
  head.writeUInt16LE(3, MEGABYTE + 10);
  const items = [
    "3767a1ca36fa434db3b633f0aa44e76b",
    "2442a52f1bcd7648b2115dbed83bf4b8",
    "1dbf41816fa90947ba47f233a8faab5f",
  ];
  for (const [index, item] of items.entries()) {
    guid(item, MEGABYTE + 32 * (index + 1));
    head.writeUInt32LE(0x1_0000 + 16 * index, MEGABYTE + 32 * (index + 1) + 16);
  }
  head.writeUInt32LE(MEGABYTE, MEGABYTE + 0x1_0000);
  head.writeUInt32LE(hasParent ? 2 : 0, MEGABYTE + 0x1_0004);
  head.writeUInt32LE(disk.length, MEGABYTE + 0x1_0010);
  head.writeUInt32LE(SECTOR, MEGABYTE + 0x1_0020);
  const pieces: Buffer[] = [head];
  for (const { index, content } of blocksOf(disk, MEGABYTE)) {
    head.writeBigUInt64LE(
      BigInt(pieces.length + 2) * BigInt(MEGABYTE) + 6n,
      2 * MEGABYTE + 8 * index,
    );
    pieces.push(content);
  }
  return Buffer.concat(pieces);
}

export interface QcowOptions {
  readonly isPacked?: boolean;
  /** Overwrites a 32-bit field of the header. */
  readonly field?: readonly [at: number, value: number];
}

/** A QCOW2 file, version 3, with clusters of 4 KB. */
export function buildQcow(disk: Buffer, { isPacked = false, field }: QcowOptions = {}): Buffer {
  const cluster = 4096;
  const perTable = cluster / 8;
  const count = Math.ceil(disk.length / cluster);
  const header = Buffer.alloc(cluster);
  const tables = Math.ceil(count / perTable);
  const pieces: Buffer[] = [header];
  let end = cluster;
  const put = (bytes: Buffer) => {
    pieces.push(bytes);
    end += bytes.length;
    return end - bytes.length;
  };
  const entries = new Map<number, bigint>();
  for (const { index, content } of blocksOf(disk, cluster)) {
    const packed = deflateRawSync(content);
    if (!isPacked || packed.length >= cluster) {
      if (isPacked) put(Buffer.alloc(-end & (SECTOR - 1)));
      entries.set(index, BigInt(put(content)));
      continue;
    }
    // Packed clusters begin anywhere.
    const at = put(packed);
    const sectors = Math.floor((at + packed.length - 1) / SECTOR) - Math.floor(at / SECTOR);
    entries.set(index, (1n << 62n) | (BigInt(sectors) << 58n) | BigInt(at));
  }
  put(Buffer.alloc(-end & (cluster - 1)));
  const first = Buffer.alloc(cluster);
  for (let table = 0; table < tables; table++) {
    const own = Buffer.alloc(cluster);
    for (let i = 0; i < perTable; i++) {
      own.writeBigUInt64BE(entries.get(table * perTable + i) ?? 1n, 8 * i);
    }
    first.writeBigUInt64BE(BigInt(put(own)), 8 * table);
  }
  header.write("QFI\xfb", 0, "latin1");
  header.writeUInt32BE(3, 4);
  header.writeUInt32BE(12, 20);
  header.writeUInt32BE(disk.length, 28);
  header.writeUInt32BE(tables, 36);
  header.writeUInt32BE(put(first), 44);
  header.writeUInt32BE(104, 100);
  if (field !== undefined) header.writeUInt32BE(field[1], field[0]);
  return Buffer.concat(pieces);
}

export interface DmgOptions {
  /** Of odd stretches; the others are stored or left out. */
  readonly packing?: "zlib" | "adc" | "lzfse";
}

/** A DMG in stretches of 64 KB. */
export function buildDmg(disk: Buffer, { packing = "zlib" }: DmgOptions = {}): Buffer {
  const type = { zlib: 0x8000_0005, adc: 0x8000_0004, lzfse: 0x8000_0007 }[packing];
  const rows: Buffer[] = [];
  const pieces: Buffer[] = [];
  let end = 0;
  const row = (kind: number, sector: number, sectors: number, size: number) => {
    const bytes = Buffer.alloc(40);
    bytes.writeUInt32BE(kind, 0);
    bytes.writeUInt32BE(sector, 12);
    bytes.writeUInt32BE(sectors, 20);
    bytes.writeUInt32BE(end, 28);
    bytes.writeUInt32BE(size, 36);
    rows.push(bytes);
    end += size;
  };
  for (let sector = 0; sector * SECTOR < disk.length; sector += ODD) {
    const content = disk.subarray(sector * SECTOR, (sector + ODD) * SECTOR);
    const sectors = Math.ceil(content.length / SECTOR);
    if (isZero(content)) {
      row(2, sector, sectors, 0);
      continue;
    }
    const isStored = (sector / ODD) % 2 === 1;
    const packed = packing === "adc" ? packAdc(content) : deflateSync(content);
    pieces.push(isStored ? content : packed);
    row(isStored ? 1 : type, sector, sectors, isStored ? content.length : packed.length);
  }
  row(0xffff_ffff, Math.ceil(disk.length / SECTOR), 0, 0);
  const table = Buffer.alloc(204);
  table.write("mish", 0, "latin1");
  table.writeUInt32BE(1, 4);
  table.writeUInt32BE(Math.ceil(disk.length / SECTOR), 20);
  table.writeUInt32BE(rows.length, 200);
  const data = Buffer.concat([table, ...rows])
    .toString("base64")
    .replace(/.{60}/g, "$&\n\t\t");
  const list = Buffer.from(
    [
      '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">\n<dict>\n<key>resource-fork</key>',
      "<dict>\n<key>blkx</key>\n<array>\n<dict>\n<key>Attributes</key>\n<string>0x0050</string>",
      `<key>Data</key>\n<data>\n${data}\n</data>\n<key>ID</key>\n<string>0</string>`,
      "<key>Name</key>\n<string>whole disk</string>\n</dict>\n</array>",
      "<key>plst</key>\n<array></array>\n</dict>\n</dict>\n</plist>\n",
    ].join("\n"),
  );
  const trailer = Buffer.alloc(SECTOR);
  trailer.write("koly", 0, "latin1");
  trailer.writeUInt32BE(4, 4);
  trailer.writeUInt32BE(SECTOR, 8);
  trailer.writeUInt32BE(end, 36);
  trailer.writeUInt32BE(end, 220);
  trailer.writeUInt32BE(list.length, 228);
  trailer.writeUInt32BE(Math.ceil(disk.length / SECTOR), 0x1f0);
  return Buffer.concat([...pieces, list, trailer]);
}

/** Apple's partition table around one HFS+ volume. */
export function buildAppleDisk(volume: Buffer): Buffer {
  const head = Buffer.alloc(3 * SECTOR);
  head.write("ER", 0, "latin1");
  head.writeUInt16BE(SECTOR, 2);
  const entry = (index: number, start: number, sectors: number, type: string) => {
    const at = index * SECTOR;
    head.write("PM", at, "latin1");
    head.writeUInt32BE(2, at + 4);
    head.writeUInt32BE(start, at + 8);
    head.writeUInt32BE(sectors, at + 12);
    head.write(type, at + 48, "latin1");
  };
  entry(1, 1, 2, "Apple_partition_map");
  entry(2, 3, volume.length / SECTOR, "Apple_HFS");
  return Buffer.concat([head, volume]);
}
