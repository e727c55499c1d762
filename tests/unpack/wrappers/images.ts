// Volumes of all file systems, and the images of disks that hold them.
import { buildIso, buildUdf } from "../archive/build-disc.ts";
import { buildDmg, buildQcow, buildVhdx, buildVmdk } from "../archive/build-disks.ts";
import {
  buildDynamicVhd,
  buildFat,
  buildFixedVhd,
  buildGpt,
  buildMbr,
} from "../archive/build-images.ts";
import { buildExfat } from "../archive/volume/build-exfat.ts";
import { buildExt } from "../archive/volume/build-ext.ts";
import { buildHfs } from "../archive/volume/build-hfs.ts";
import { buildNtfs } from "../archive/volume/build-ntfs.ts";
import { files, type Wrapper, ZEROS } from "./wrapper.ts";

const IMAGE_MAX = 20_000;
const VOLUME_MAX = 300_000;

const inVolume = (content: Buffer) => buildMbr(buildFat(12, files(content)));

/** Discs, volumes and disks. */
export const IMAGES: readonly Wrapper[] = [
  { name: "ISO 9660", wrap: (content) => buildIso(files(content)) },
  { name: "UDF", wrap: (content) => buildUdf(files(content)) },
  { name: "FAT 12", sizeMax: IMAGE_MAX, wrap: (content) => buildFat(12, files(content)) },
  { name: "FAT 16", sizeMax: IMAGE_MAX, wrap: (content) => buildFat(16, files(content)) },
  { name: "NTFS", wrap: (content) => buildNtfs(files(content)) },
  {
    name: "NTFS, LZNT1",
    sizeMax: VOLUME_MAX,
    wrap: (content) => buildNtfs([...files(content), ZEROS], { packing: "lznt1" }),
  },
  { name: "exFAT", wrap: (content) => buildExfat(files(content)) },
  {
    name: "ext2",
    sizeMax: VOLUME_MAX,
    wrap: (content) => buildExt(files(content), { map: "list" }),
  },
  { name: "ext4", sizeMax: VOLUME_MAX, wrap: (content) => buildExt(files(content)) },
  {
    name: "MBR disk",
    sizeMax: IMAGE_MAX,
    wrap: (content) => inVolume(content),
  },
  {
    name: "GPT disk",
    sizeMax: IMAGE_MAX,
    wrap: (content) => buildGpt(buildFat(12, files(content))),
  },
  {
    name: "fixed VHD",
    sizeMax: IMAGE_MAX,
    wrap: (content) => buildFixedVhd(inVolume(content)),
  },
  {
    name: "dynamic VHD",
    sizeMax: IMAGE_MAX,
    wrap: (content) => buildDynamicVhd(inVolume(content)),
  },
  { name: "HFS+", wrap: (content) => buildHfs(files(content)) },
  { name: "VMDK", sizeMax: IMAGE_MAX, wrap: (content) => buildVmdk(inVolume(content)) },
  {
    name: "VMDK for streams",
    sizeMax: IMAGE_MAX,
    wrap: (content) => buildVmdk(inVolume(content), { isStream: true }),
  },
  { name: "VHDX", sizeMax: IMAGE_MAX, wrap: (content) => buildVhdx(inVolume(content)) },
  {
    name: "QCOW2",
    sizeMax: IMAGE_MAX,
    wrap: (content) => buildQcow(inVolume(content), { isPacked: true }),
  },
  { name: "DMG", wrap: (content) => buildDmg(buildHfs(files(content))) },
];
