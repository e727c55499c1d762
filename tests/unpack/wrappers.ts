// Every container and encoding that can be written here, by name: each puts one file into itself.
import { crc32, deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { base64Lines, quotedPrintable, uuencode, yencode } from "../harness/encode.ts";
import {
  build7z,
  buildArj,
  buildCab,
  buildLha,
  buildRar4,
  buildRar5,
} from "./archive/build-archives.ts";
import { buildIso, buildUdf } from "./archive/build-disc.ts";
import { buildDmg, buildQcow, buildVhdx, buildVmdk } from "./archive/build-disks.ts";
import {
  buildDynamicVhd,
  buildFat,
  buildFixedVhd,
  buildGpt,
  buildMbr,
} from "./archive/build-images.ts";
import { buildTar } from "./archive/build-tar.ts";
import { buildXar } from "./archive/build-xar.ts";
import { deflated7z, encrypted7z, packed7z } from "./archive/sevenzip/build.ts";
import { buildExfat } from "./archive/volume/build-exfat.ts";
import { buildExt } from "./archive/volume/build-ext.ts";
import { buildHfs } from "./archive/volume/build-hfs.ts";
import { buildNtfs } from "./archive/volume/build-ntfs.ts";
import { buildWim } from "./archive/wim/build-wim.ts";
import { buildZip, type Member } from "./build-zip.ts";
import { attachment, tnef } from "./mail/build-tnef.ts";
import { buildCompound } from "./office/build-compound.ts";
import { packageStream } from "./office/build-office.ts";
import { buildPdf } from "./pdf/build-pdf.ts";
import { encryptAes, encryptTraditional, implode, reduce, shrink } from "./zip/pack-legacy.ts";

export interface Wrapper {
  readonly name: string;
  /** The most that it can hold. */
  readonly sizeMax?: number;
  wrap(content: Buffer): Buffer;
}

const NAME = "FILE.BIN";
const files = (content: Buffer) => [{ name: NAME, content: content as unknown as string }];
const zip = (member: Partial<Member>, content: Buffer) =>
  buildZip([{ name: NAME, bytes: content, ...member }]);
const text = (content: Buffer) => content.toString("latin1");
const far = { distance: 1, length: 4 };
// Legacy samples end with a match, which repeats the last byte: it is a part of what is packed.
const repeated = (content: Buffer) =>
  Buffer.concat([content, Buffer.alloc(4, content.at(-1) ?? 0)]);

// In one piece with it, so that packing makes the whole shorter.
const ZEROS = { name: "ZEROS", content: "\0".repeat(9000) };

const ZIPS: Wrapper[] = [
  ["stored", (content: Buffer) => ({ method: 0, packed: content })],
  ["deflate", () => ({})],
  ["shrink", (content: Buffer) => ({ method: 1, packed: shrink(content) })],
  [
    "reduce",
    (content: Buffer) => ({ method: 2, bytes: repeated(content), packed: reduce(content, far) }),
  ],
  [
    "implode",
    (content: Buffer) => ({
      ...{ method: 6, flags: 4 },
      bytes: repeated(content),
      packed: implode(content, far, true),
    }),
  ],
  [
    "deflate64",
    (content: Buffer) => ({ method: 9, packed: deflateRawSync(content, { level: 0 }) }),
  ],
  ["Zstandard", (content: Buffer) => ({ method: 93, packed: zstdCompressSync(content) })],
  ["data descriptor", () => ({ hasDescriptor: true })],
  ["zip64", () => ({ isZip64: true })],
  ["not in the directory", () => ({ isHidden: true })],
  [
    "ZipCrypto",
    (content: Buffer) => ({
      ...{ method: 0, flags: 1 },
      packed: encryptTraditional(content, "infected", crc32(content) >>> 24),
    }),
  ],
  [
    "AES",
    (content: Buffer) => ({ method: 99, flags: 1, crc: 0, ...encryptAes(content, "infected", 0) }),
  ],
].map(([name, member]) => ({
  name: `zip, ${String(name)}`,
  wrap: (content) => zip((member as (content: Buffer) => Partial<Member>)(content), content),
}));

const IMAGE_MAX = 20_000;
const EXT_MAX = 300_000;

const inVolume = (content: Buffer) => buildMbr(buildFat(12, files(content)));

const ARCHIVES: Wrapper[] = [
  { name: "gzip", wrap: (content) => gzipSync(content) },
  { name: "zstd", wrap: (content) => zstdCompressSync(content) },
  { name: "tar", wrap: (content) => buildTar({ name: NAME, content }) },
  { name: "7z, copy", sizeMax: 16_000, wrap: (content) => build7z(files(content)) },
  { name: "7z, Zstandard", sizeMax: 16_000, wrap: (content) => packed7z(files(content)) },
  { name: "7z, Deflate64", sizeMax: 16_000, wrap: (content) => deflated7z(files(content)) },
  { name: "7z, AES", sizeMax: 16_000, wrap: (content) => encrypted7z(files(content), "infected") },
  { name: "RAR 4", wrap: (content) => buildRar4(files(content)) },
  { name: "RAR 5", sizeMax: 16_000, wrap: (content) => buildRar5(files(content)) },
  { name: "CAB", sizeMax: 32_000, wrap: (content) => buildCab(files(content)) },
  { name: "LHA", wrap: (content) => buildLha(files(content)) },
  { name: "ARJ", wrap: (content) => buildArj(files(content)) },
  { name: "XAR", wrap: (content) => buildXar(NAME, content) },
  { name: "WIM", wrap: (content) => buildWim(files(content)) },
  {
    name: "WIM, XPRESS",
    wrap: (content) => buildWim([...files(content), ZEROS], { coder: "xpress", isSolid: true }),
  },
  { name: "ISO 9660", wrap: (content) => buildIso(files(content)) },
  { name: "UDF", wrap: (content) => buildUdf(files(content)) },
  { name: "FAT 12", sizeMax: IMAGE_MAX, wrap: (content) => buildFat(12, files(content)) },
  { name: "FAT 16", sizeMax: IMAGE_MAX, wrap: (content) => buildFat(16, files(content)) },
  { name: "NTFS", wrap: (content) => buildNtfs(files(content)) },
  {
    name: "NTFS, LZNT1",
    wrap: (content) => buildNtfs([...files(content), ZEROS], { packing: "lznt1" }),
  },
  { name: "exFAT", wrap: (content) => buildExfat(files(content)) },
  { name: "ext2", sizeMax: EXT_MAX, wrap: (content) => buildExt(files(content), { map: "list" }) },
  { name: "ext4", sizeMax: EXT_MAX, wrap: (content) => buildExt(files(content)) },
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

const DOCUMENTS: Wrapper[] = [
  { name: "OLE2 stream", wrap: (content) => buildCompound({ Stream: content }) },
  {
    name: "OLE2 package",
    wrap: (content) => buildCompound({ "\x01Ole10Native": packageStream(NAME, content) }),
  },
  {
    name: "PDF attachment",
    wrap: (content) =>
      buildPdf([
        "<< /Type /Catalog >>",
        `<< /Type /Filespec /F (${NAME}) /EF << /F 3 0 R >> >>`,
        { data: content },
      ]),
  },
  {
    name: "HTML with a data: URL",
    wrap: (content) =>
      Buffer.from(
        `<html><body><a href="data:application/zip;base64,${content.toString("base64")}">x</a></body></html>`,
      ),
  },
];

const mail = (encoding: string, body: string) =>
  Buffer.from(
    [
      ...["From: a@example.org", "To: b@example.org", "Subject: x", "MIME-Version: 1.0"],
      ...["Content-Type: multipart/mixed; boundary=b", "", "--b"],
      ...[`Content-Type: application/octet-stream; name=${NAME}`],
      ...[`Content-Transfer-Encoding: ${encoding}`, "", body, "--b--", ""],
    ].join("\r\n"),
    "latin1",
  );

const MAILS: Wrapper[] = [
  { name: "mail, base64", wrap: (content) => mail("base64", base64Lines(content)) },
  {
    name: "mail, quoted-printable",
    wrap: (content) => mail("quoted-printable", quotedPrintable(text(content))),
  },
  { name: "mail, uuencode", wrap: (content) => mail("x-uuencode", uuencode(NAME, text(content))) },
  { name: "mail, yEnc", wrap: (content) => mail("x-yenc", yencode(NAME, text(content))) },
  {
    name: "mail, uuencode in text",
    wrap: (content) => mail("7bit", `see:\r\n${uuencode(NAME, text(content))}`),
  },
  {
    name: "mbox",
    wrap: (content) =>
      Buffer.concat([
        Buffer.from("From a@example.org Sun Nov 22 10:00:00 2026\n"),
        mail("base64", base64Lines(content)),
      ]),
  },
  { name: "TNEF", wrap: (content) => tnef(attachment(NAME, content)) },
];

export const WRAPPERS: readonly Wrapper[] = [...ZIPS, ...ARCHIVES, ...DOCUMENTS, ...MAILS];
