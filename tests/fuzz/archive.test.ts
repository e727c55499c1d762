// Broken archives, compressed files and disk images from a fixed seed: taking them apart must neither
// throw, hang nor swell.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { fileType } from "../../src/scan/file-type.ts";
import { unpackerFor } from "../../src/unpack/registry.ts";
import { budgetOf, drain } from "../harness/extracts.ts";
import {
  build7z,
  buildArj,
  buildCab,
  buildLha,
  buildRar4,
  buildRar5,
} from "../unpack/archive/build-archives.ts";
import { buildChm } from "../unpack/archive/build-chm.ts";
import { buildIso, buildUdf } from "../unpack/archive/build-disc.ts";
import { buildAppleDisk, buildDmg, buildQcow, buildVmdk } from "../unpack/archive/build-disks.ts";
import { buildDynamicVhd, buildFat, buildGpt, buildMbr } from "../unpack/archive/build-images.ts";
import { buildTar, paxHeader } from "../unpack/archive/build-tar.ts";
import * as compressed from "../unpack/archive/compressed.ts";
import { encryptedRar5 } from "../unpack/archive/rar/build.ts";
import { packRar20, packRar20Sound, packRar29 } from "../unpack/archive/rar/build-old.ts";
import { buildOldRar } from "../unpack/archive/rar/build-old-archive.ts";
import { encrypted7z, packed7z } from "../unpack/archive/sevenzip/build.ts";
import { buildExfat } from "../unpack/archive/volume/build-exfat.ts";
import { buildExt } from "../unpack/archive/volume/build-ext.ts";
import { buildHfs } from "../unpack/archive/volume/build-hfs.ts";
import { buildNtfs } from "../unpack/archive/volume/build-ntfs.ts";
import { buildLzxWim, buildWim } from "../unpack/archive/wim/build-wim.ts";
import { mutated, random } from "./mutate.ts";

const { GW_CORPUS = join("..", "shared", "corpus"), GW_FUZZ_ROUNDS = "3000" } = process.env;
const FOLDERS = ["libarchive/libarchive", "rarfile"].map((name) =>
  join(GW_CORPUS, "containers", name),
);
const SEED = 20_261_122;
// A long run is started by hand: GW_FUZZ_ROUNDS=100000 bun test tests/fuzz/archive.test.ts
const ROUNDS = Number(GW_FUZZ_ROUNDS);
// Little time for passwords, which would take most of the run.
const LIMITS = {
  objectSizeMax: 1 << 20,
  expandedSizeMax: 8 << 20,
  objectCountMax: 500,
  timeMaxMs: 1000,
};
const SAMPLE_SIZE_MAX = 40_000;
const DICTIONARY = [
  ...[
    "\xff\xff\xff\xff",
    "\0\0\0\0",
    "\x7f",
    "\x80\x80\x80\x01",
    "ustar\x0000",
    "070701",
    "!<arch>\n",
  ],
  ...[
    "7z\xbc\xaf\x27\x1c",
    "Rar!\x1a\x07\x01\0",
    "MSCF",
    "-lh5-",
    "\x60\xea",
    "CD001\x01",
    "NM",
    "CE",
  ],
  ...[
    "FAT16   ",
    "EFI PART",
    "cxsparse",
    "\xfd7zXZ\0",
    "BZh91AY&SY",
    "\x28\xb5\x2f\xfd",
    "LZIP\x01",
  ],
];

function samples(): [type: string, bytes: Buffer][] {
  const files = [
    { name: "a.txt", content: "the content" },
    { name: "b.exe", content: "more content ".repeat(300) },
  ];
  const pax = paxHeader({ path: "x", "GNU.sparse.map": "0,4", "GNU.sparse.size": "9" });
  const fat = buildFat(12, files);
  const own = [
    ...[buildTar(...files), buildTar(pax, ...files), build7z(files), buildCab(files)],
    ...[encrypted7z(files, "infected"), packed7z(files), encryptedRar5(files, "infected", true)],
    ...[buildLha(files), buildArj(files), buildRar4(files), buildRar5(files)],
    ...[buildIso(files, { hasJoliet: true, hasRockRidge: true }), buildUdf(files)],
    ...[fat, buildMbr(fat, fat), buildGpt(fat), buildDynamicVhd(fat)],
    ...[compressed.XZ, compressed.LZMA, compressed.LZIP, compressed.BZIP2, compressed.X86_FILTERED],
    zstdCompressSync(compressed.SAMPLE_TEXT),
  ];
  for (const folder of FOLDERS) {
    for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
      const path = join(folder, name);
      if (statSync(path).size < SAMPLE_SIZE_MAX) own.push(readFileSync(path));
    }
  }
  own.push(buildNtfs(files, { packing: "lznt1" }), buildNtfs(files, { packing: "system" }));
  own.push(buildExfat(files), buildExt(files), buildExt(files, { map: "list" }));
  own.push(buildExt(files, { map: "inline" }));
  own.push(buildHfs(files, { resources: "x" }), buildVmdk(fat), buildVmdk(fat, { isStream: true }));
  own.push(buildQcow(fat, { isPacked: true }), buildDmg(fat), buildDmg(fat, { packing: "adc" }));
  own.push(buildAppleDisk(buildHfs(files)));
  const old = { name: "a", content: Buffer.from("content ".repeat(40)) };
  own.push(buildOldRar([{ ...old, version: 20, packed: packRar20(old.content) }]));
  own.push(buildOldRar([{ ...old, version: 20, packed: packRar20Sound(old.content, 2) }]));
  const filter = { crc: 0xad576887, length: 100, registers: [2] };
  own.push(
    buildOldRar([{ ...old, version: 29, isSolid: true, packed: packRar29(old.content, filter) }]),
  );
  own.push(buildChm(), buildLzxWim(), buildWim(files, { coder: "xpress", isSolid: true }));
  const typed = own.map((bytes): [string, Buffer] => [fileType(bytes), bytes]);
  return typed.filter(([type]) => !["text", "zip", "gzip", "binary", "empty"].includes(type));
}

test("archives that are broken in any way end", () => {
  const next = random(SEED);
  const all = samples();
  const slow: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [type, sample] = all[next(all.length)] as [string, Buffer];
    const bytes = mutated(sample, DICTIONARY, next);
    const unpack = unpackerFor(type);
    if (unpack === undefined) continue;
    const startedAt = performance.now();
    const { extracts } = drain(unpack(bytes, budgetOf(LIMITS)));
    const elapsed = performance.now() - startedAt;
    if (elapsed > 2000) slow.push(`round ${round}, ${type}: ${elapsed.toFixed(0)} ms`);
    const size = extracts.reduce((sum, extract) => sum + extract.bytes.length, 0);
    expect(size).toBeLessThanOrEqual(LIMITS.expandedSizeMax);
    expect(extracts.length).toBeLessThanOrEqual(LIMITS.objectCountMax);
  }
  expect(slow).toEqual([]);
}, 120_000);
