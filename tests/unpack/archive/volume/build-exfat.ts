// Writes exFAT volumes for tests: files in chains that leave out every second cluster, or in runs.

import { bytesOf } from "../build-archives.ts";
import type { ImageFile } from "../build-images.ts";

const SECTOR = 512;

interface Place {
  readonly cluster: number;
  readonly size: number;
  readonly isRun: boolean;
}

function entriesOf(name: string, isFolder: boolean, { cluster, size, isRun }: Place): Buffer {
  const names = Math.ceil(name.length / 15);
  const bytes = Buffer.alloc(32 * (2 + names));
  bytes[0] = 0x85;
  bytes[1] = 1 + names;
  bytes.writeUInt16LE(isFolder ? 0x10 : 0x20, 4);
  bytes[32] = 0xc0;
  bytes[33] = isRun ? 3 : 1;
  bytes[35] = name.length;
  bytes.writeUInt32LE(cluster, 32 + 20);
  bytes.writeBigUInt64LE(BigInt(size), 32 + 24);
  for (let index = 0; index < names; index++) {
    const at = 64 + 32 * index;
    bytes[at] = 0xc1;
    bytes.write(name.slice(15 * index, 15 * index + 15), at + 2, "utf16le");
  }
  return bytes;
}

/** A volume: `files` in the root, the last of them in the folder sub; clusters of one sector. */
export function buildExfat(files: readonly ImageFile[], isRun = false): Buffer {
  const size = files.reduce((sum, { content }) => sum + bytesOf(content).length, 0);
  const clusters = 64 + 2 * Math.ceil(size / SECTOR) + 2 * files.length;
  const fatSectors = Math.ceil((4 * (clusters + 2)) / SECTOR);
  const dataSector = 24 + fatSectors;
  const image = Buffer.alloc((dataSector + clusters) * SECTOR);
  image.write("\xeb\x76\x90EXFAT   ", 0, "latin1");
  image.writeUInt32LE(24, 80);
  image.writeUInt32LE(fatSectors, 84);
  image.writeUInt32LE(dataSector, 88);
  image.writeUInt32LE(clusters, 92);
  image.writeUInt32LE(2, 96);
  image[108] = 9;
  image.set([0x55, 0xaa], 510);
  // The root takes a chain of its own, in the first clusters.
  let free = 16;
  const link = (cluster: number, next: number) => {
    image.writeUInt32LE(next, 24 * SECTOR + 4 * cluster);
  };
  const store = (content: Buffer, step: number): Place => {
    const first = free;
    for (let at = 0; at < content.length; at += SECTOR) {
      content.copy(image, (dataSector + free - 2) * SECTOR, at, at + SECTOR);
      if (step > 1) link(free, at + SECTOR < content.length ? free + step : 0xffff_ffff);
      free += step;
    }
    return { cluster: first, size: content.length, isRun: step === 1 };
  };
  const step = isRun ? 1 : 2;
  const entries = files.map(({ name, content }) =>
    entriesOf(name, false, store(bytesOf(content), step)),
  );
  const last = entries.pop() ?? Buffer.alloc(0);
  const deleted = entriesOf("deleted", false, { cluster: 5, size: 10, isRun: true });
  for (let at = 0; at < deleted.length; at += 32) deleted[at] = (deleted[at] as number) & 0x7f;
  const folder = Buffer.concat([last, Buffer.alloc(SECTOR)]);
  const sub = entriesOf("sub", true, store(folder, step));
  const root = Buffer.concat([deleted, ...entries, sub]);
  for (let at = 0, cluster = 2; at < root.length; at += SECTOR, cluster++) {
    root.copy(image, (dataSector + cluster - 2) * SECTOR, at, at + SECTOR);
    link(cluster, at + SECTOR < root.length ? cluster + 1 : 0xffff_ffff);
  }
  return image;
}
