// Disks, discs and file systems: known by what stands in their first sectors, some of it far in.

import { hasMagic, u32 } from "./binary-type.ts";

/** What an image of a disk, or a part of one, can turn out to be. */
export const VOLUME_TYPES = [
  ...(["iso9660", "udf", "fat", "disk", "ntfs", "exfat", "ext", "hfs", "apfs"] as const),
] as const;

type VolumeType = (typeof VOLUME_TYPES)[number];

// ECMA-119 §6.2: sixteen unused sectors come before the first volume descriptor.
const VOLUME_AT = 32_769;
const PARTITIONS_AT = 446;
const SIGNATURE_AT = 510;

/** A CD or DVD, whatever its first sectors hold. */
export function volumeType(bytes: Uint8Array): "iso9660" | "udf" | undefined {
  if (bytes.length <= VOLUME_AT) return;
  if (hasMagic(bytes, "CD001", VOLUME_AT)) return "iso9660";
  return hasMagic(bytes, "BEA01", VOLUME_AT) || hasMagic(bytes, "NSR0", VOLUME_AT)
    ? "udf"
    : undefined;
}

/** The file system that a boot sector starts. */
export function bootType(bytes: Uint8Array): VolumeType | undefined {
  if (hasMagic(bytes, "NTFS    ", 3)) return "ntfs";
  if (hasMagic(bytes, "EXFAT   ", 3)) return "exfat";
  if (!hasMagic(bytes, "\x55\xaa", SIGNATURE_AT)) return;
  return hasMagic(bytes, "FAT", 54) || hasMagic(bytes, "FAT32", 82) ? "fat" : undefined;
}

/** A disk with a partition table, or a file system that does not say so at its beginning. */
export function diskType(bytes: Uint8Array): "disk" | "ext" | "hfs" | "apfs" | undefined {
  // ext2 to ext4: the superblock's magic number, and a state that exists.
  const isExt = hasMagic(bytes, "\x53\xef", 1080) && (bytes[1082] ?? 0) < 8 && bytes[1083] === 0;
  if (isExt) return "ext";
  if (isHfs(bytes)) return "hfs";
  if (hasMagic(bytes, "NXSB", 32)) return "apfs";
  if (hasMagic(bytes, "ER", 0) && hasMagic(bytes, "PM\0\0", 512)) return "disk";
  if (bytes.length < 1024 || !hasMagic(bytes, "\x55\xaa", SIGNATURE_AT)) return;
  let count = 0;
  // Each of the four entries is empty, or has a status that exists and a place on the disk.
  for (let at = PARTITIONS_AT; at < SIGNATURE_AT; at += 16) {
    if (((bytes[at] ?? 0) & 0x7f) !== 0) return;
    if (bytes[at + 4] === 0) continue;
    const start = u32(bytes, at + 8);
    if (start === 0 || u32(bytes, at + 12) === 0 || start * 512 >= bytes.length) return;
    count++;
  }
  return count > 0 ? "disk" : undefined;
}

// Apple TN1150: HFS Plus version 4, HFSX version 5; the older HFS, whose blocks are whole sectors.
function isHfs(bytes: Uint8Array): boolean {
  if (hasMagic(bytes, "H+\0\x04", 1024) || hasMagic(bytes, "HX\0\x05", 1024)) return true;
  if (!hasMagic(bytes, "BD", 1024)) return false;
  const blockSize = bytes.slice(1044, 1048);
  return blockSize.length === 4 && blockSize[3] === 0 && ((blockSize[2] ?? 1) & 1) === 0;
}
