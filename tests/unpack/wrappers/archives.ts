// Archives and compressed streams that can be written here.
import { gzipSync, zstdCompressSync } from "node:zlib";
import { bzip2 } from "../../harness/pack/bzip2.ts";
import { lzipFile, lzmaFile } from "../../harness/pack/lzma.ts";
import { compress, lz4, xz } from "../../harness/pack/streams.ts";
import {
  build7z,
  buildArj,
  buildCab,
  buildLha,
  buildRar4,
  buildRar5,
} from "../archive/build-archives.ts";
import { storedChm } from "../archive/build-chm.ts";
import { buildTar, paxHeader } from "../archive/build-tar.ts";
import { afio, arMember, binaryCpio, newc, odc, rpmHeader } from "../archive/build-unix.ts";
import { buildXar } from "../archive/build-xar.ts";
import { packRar20, packRar29 } from "../archive/rar/build-old.ts";
import { buildOldRar, type OldFile } from "../archive/rar/build-old-archive.ts";
import { deflated7z, encrypted7z, lzma7z, packed7z } from "../archive/sevenzip/build.ts";
import { buildWim } from "../archive/wim/build-wim.ts";
import { files, NAME, text, type Wrapper, ZEROS } from "./wrapper.ts";

type Cpio = typeof odc;

const cpio = (write: Cpio, content: Buffer) =>
  Buffer.concat([write({ name: NAME, content }), write({ name: "TRAILER!!!", mode: 0 })]);
const ar = (...members: readonly string[]) => Buffer.from(`!<arch>\n${members.join("")}`, "latin1");
const newcOf = (content: Buffer) => cpio((member) => newc(member), content);

// RPM: a lead, the header with the signature, padded to eight bytes, the header, the payload.
function rpm(payload: Buffer): Buffer {
  const lead = Buffer.alloc(96);
  lead.writeUInt32BE(0xedab_eedb, 0);
  lead[4] = 3;
  const signature = rpmHeader(1, "12345678");
  return Buffer.concat([lead, signature, rpmHeader(1, "x"), payload]);
}

/** The largest that sorting for bzip2 is quick enough for. */
const BZIP2_MAX = 40_000;
const OLD_RAR_MAX = 50_000;

// A file as old versions packed it; the second one of a solid archive goes on from the first.
function old(content: Buffer, version: 20 | 29): OldFile {
  const isFirst = content.length < 10;
  const packed = version === 20 ? packRar20(content) : packRar29(content, undefined, isFirst);
  return { name: NAME, content, version, packed, isSolid: version === 29 && !isFirst };
}

/** Archives of all kinds. */
export const ARCHIVES: readonly Wrapper[] = [
  { name: "bzip2", sizeMax: BZIP2_MAX, wrap: bzip2 },
  { name: "xz", wrap: xz },
  { name: "lzma", wrap: lzmaFile },
  { name: "lzip", wrap: lzipFile },
  { name: "lz4", wrap: lz4 },
  { name: "compress", wrap: compress },
  { name: "cpio, newc", wrap: newcOf },
  { name: "cpio, odc", wrap: (content) => cpio(odc, content) },
  { name: "cpio, afio", wrap: (content) => cpio(afio, content) },
  {
    name: "cpio, binary",
    sizeMax: 60_000,
    wrap: (content) => cpio((member) => binaryCpio(member, true), content),
  },
  { name: "ar", wrap: (content) => ar(arMember(NAME, text(content))) },
  {
    name: "Debian package",
    wrap: (content) => {
      const data = text(xz(buildTar({ name: NAME, content })));
      const control = text(gzipSync(buildTar({ name: "control", content: "Package: x\n" })));
      return ar(
        arMember("debian-binary", "2.0\n"),
        arMember("control.tar.gz", control),
        arMember("data.tar.xz", data),
      );
    },
  },
  { name: "RPM", wrap: (content) => rpm(gzipSync(newcOf(content))) },
  { name: "CHM", wrap: (content) => storedChm(NAME, content) },
  { name: "gzip", wrap: (content) => gzipSync(content) },
  { name: "zstd", wrap: (content) => zstdCompressSync(content) },
  { name: "tar", wrap: (content) => buildTar({ name: NAME, content }) },
  {
    name: "tar, v7",
    wrap: (content) => buildTar({ name: NAME, content, dialect: "v7" }),
  },
  {
    name: "tar, GNU, size in base 256",
    wrap: (content) => buildTar({ name: NAME, content, dialect: "gnu", isBinarySize: true }),
  },
  {
    name: "tar, pax",
    wrap: (content) => buildTar(paxHeader({ path: `a/${NAME}` }), { name: NAME, content }),
  },
  { name: "7z, LZMA", sizeMax: 15_000, wrap: (content) => lzma7z(files(content)) },
  { name: "7z, copy", sizeMax: 16_000, wrap: (content) => build7z(files(content)) },
  { name: "7z, Zstandard", sizeMax: 16_000, wrap: (content) => packed7z(files(content)) },
  { name: "7z, Deflate64", sizeMax: 16_000, wrap: (content) => deflated7z(files(content)) },
  { name: "7z, AES", sizeMax: 16_000, wrap: (content) => encrypted7z(files(content), "infected") },
  { name: "RAR 4", wrap: (content) => buildRar4(files(content)) },
  { name: "RAR 2", sizeMax: OLD_RAR_MAX, wrap: (content) => buildOldRar([old(content, 20)]) },
  {
    name: "RAR 3, solid",
    sizeMax: OLD_RAR_MAX,
    wrap: (content) => buildOldRar([old(Buffer.from("before it"), 29), old(content, 29)]),
  },
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
];
