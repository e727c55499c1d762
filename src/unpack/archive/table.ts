// Which reader opens which type of archive, compressed file or disk image.

import { explodeAr } from "./ar.ts";
import { explodeArj } from "./arj.ts";
import { explodeChm } from "./chm.ts";
import { explodeCpio } from "./cpio.ts";
import { explodeDisk } from "./image/disk.ts";
import { explodeDmg } from "./image/dmg.ts";
import { explodeIso } from "./image/iso.ts";
import { explodeQcow } from "./image/qcow.ts";
import { explodeVhd } from "./image/vhd.ts";
import { explodeVhdx } from "./image/vhdx.ts";
import { explodeVmdk } from "./image/vmdk.ts";
import { explodeForeign } from "./library/foreign.ts";
import { explodeRar } from "./library/rar.ts";
import { explodeRpm } from "./rpm.ts";
import { explode7z } from "./sevenzip/explode.ts";
import { explodeBzip2 } from "./stream/bzip2.ts";
import { explodeCompress } from "./stream/compress.ts";
import { explodeLz4 } from "./stream/lz4.ts";
import { explodeLzip, explodeLzma, explodeXz } from "./stream/xz.ts";
import { explodeZstd } from "./stream/zstd.ts";
import { explodeTar } from "./tar.ts";
import { UNOPENED_FORMATS, unopened } from "./unopened.ts";
import { explodeExfat } from "./volume/exfat.ts";
import { explodeExt } from "./volume/ext.ts";
import { explodeFat } from "./volume/fat.ts";
import { explodeHfs } from "./volume/hfs.ts";
import { explodeNtfs } from "./volume/ntfs.ts";
import { explodeWim } from "./wim/wim.ts";
import { explodeXar } from "./xar.ts";

/** By type of `scan/file-type.ts`. */
export const ARCHIVE_UNPACKERS = [
  ["tar", explodeTar],
  ["cpio", explodeCpio],
  ["chm", explodeChm],
  ["ar", explodeAr],
  ["arj", explodeArj],
  ["rpm", explodeRpm],
  ["xar", explodeXar],
  ["wim", explodeWim],
  ["7z", explode7z],
  ["rar", explodeRar],
  ["cab", explodeForeign],
  ["lha", explodeForeign],
  ["iso9660", explodeIso],
  ["udf", explodeIso],
  ["fat", explodeFat],
  ["ntfs", explodeNtfs],
  ["exfat", explodeExfat],
  ["ext", explodeExt],
  ["disk", explodeDisk],
  ["hfs", explodeHfs],
  ["vhd", explodeVhd],
  ["vhdx", explodeVhdx],
  ["vmdk", explodeVmdk],
  ["qcow", explodeQcow],
  ["dmg", explodeDmg],
  ["bzip2", explodeBzip2],
  ["xz", explodeXz],
  ["lzip", explodeLzip],
  ["lzma", explodeLzma],
  ["zstd", explodeZstd],
  ["lz4", explodeLz4],
  ["compress", explodeCompress],
  ...[...UNOPENED_FORMATS].map(([type, format]) => [type, unopened(format)] as const),
] as const;
