import { describe, expect, test } from "bun:test";
import type { Budget } from "../../../src/base/budget.ts";
import type { Explosion, Extract } from "../../../src/message.ts";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodeDisk } from "../../../src/unpack/archive/image/disk.ts";
import { explodeIso } from "../../../src/unpack/archive/image/iso.ts";
import { explodeVhd } from "../../../src/unpack/archive/image/vhd.ts";
import { explodeFat } from "../../../src/unpack/archive/volume/fat.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { buildIso, buildUdf, type DiscOptions } from "./build-disc.ts";
import {
  buildDynamicVhd,
  buildFat,
  buildFixedVhd,
  buildGpt,
  buildMbr,
  type ImageFile,
} from "./build-images.ts";

type Unpack = (bytes: Uint8Array, budget: Budget) => Generator<Extract, Explosion>;

function open(unpack: Unpack, bytes: Uint8Array, limits = {}) {
  const found = drain(unpack(bytes, budgetOf(limits)));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

const FILES: ImageFile[] = [
  { name: "A.TXT", content: "the content" },
  { name: "a rather long name.exe", content: "more content ".repeat(200) },
  { name: "IN.SUB", content: "in a folder" },
];
const [A, B, C] = FILES.map(({ content }) => content);

describe.each([12, 16, 32] as const)("FAT%d", (bits) => {
  const image = buildFat(bits, FILES);

  test("is known by its boot sector and opened: long names, folders, files in pieces", () => {
    expect(fileType(image)).toBe("fat");
    const { status, files } = open(explodeFat, image);
    expect(status).toBe("clean");
    expect(files).toEqual([
      ["A.TXT", A],
      ["a rather long name.exe", B],
      ["SUB/IN.SUB", C],
    ] as string[][]);
  });

  test("that is cut short is damaged, and gives what is there", () => {
    const found = open(explodeFat, image.subarray(0, image.indexOf("more content") + 100));
    expect(found.status).toBe("damaged");
    expect(found.files).toContainEqual(["A.TXT", A] as string[]);
  });

  test("whose chains run in circles ends", () => {
    const looped = Buffer.from(image);
    // All links of the first table lead to the fourth cluster.
    const link = { 12: [0x04, 0x40, 0x00], 16: [4, 0], 32: [4, 0, 0, 0] }[bits];
    for (let at = 512; at < 1024 - 4; at += link.length) looped.set(link, at);
    expect(open(explodeFat, looped).files.length).toBeLessThan(10);
  });
});

test("explodeFat() tells a boot sector that is none", () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(512), Buffer.alloc(4096, 0xff)]) {
    expect(open(explodeFat, bytes).status).toBe("damaged");
  }
});

describe("explodeDisk() gives partitions", () => {
  const fat = buildFat(12, FILES);

  test.each<[string, Buffer, number]>([
    ["of an MBR", buildMbr(fat), 1],
    ["that are logical", buildMbr(fat, fat), 2],
    ["of a GPT", buildGpt(fat), 1],
  ])("%s", (_, disk, count) => {
    expect(fileType(disk)).toBe("disk");
    const { status, extracts } = drain(explodeDisk(disk, budgetOf()));
    expect([status, extracts.length]).toEqual(["clean", count]);
    for (const { bytes } of extracts) {
      expect(fileType(bytes)).toBe("fat");
      expect(open(explodeFat, bytes).files.length).toBe(3);
    }
  });

  test("and tells file systems that are not opened", () => {
    const other = Buffer.alloc(4096, 0x41);
    expect(open(explodeDisk, buildMbr(other)).status).toBe("unscanned");
    expect(open(explodeDisk, buildMbr(Buffer.alloc(4096))).status).toBe("clean");
    const ntfs = Buffer.alloc(4096);
    ntfs.write("\xeb\x52\x90NTFS    ", "latin1");
    expect(fileType(ntfs)).toBe("ntfs");
    expect(open(explodeDisk, buildMbr(ntfs)).status).toBe("clean");
  });

  test("and tells those that are not there", () => {
    expect(open(explodeDisk, buildMbr(fat, fat).subarray(0, 2048)).status).toBe("damaged");
  });
});

describe("explodeVhd() gives the disk", () => {
  const disk = buildMbr(buildFat(16, FILES));

  test("of a fixed and of a dynamic one", () => {
    const fixed = drain(explodeVhd(buildFixedVhd(disk), budgetOf()));
    expect([fixed.status, fixed.extracts[0]?.bytes.length]).toEqual(["clean", disk.length]);
    const dynamic = buildDynamicVhd(disk);
    expect(fileType(dynamic)).toBe("vhd");
    expect(dynamic.length).toBeLessThan(disk.length / 4);
    const found = drain(explodeVhd(dynamic, budgetOf()));
    expect(found.status).toBe("clean");
    const made = Buffer.from(found.extracts[0]?.bytes ?? []);
    expect(disk.subarray(0, made.length).equals(made)).toBe(true);
    expect(disk.subarray(made.length).every((byte) => byte === 0)).toBe(true);
  });

  test("but not if it is too large, cut short, or one of differences", () => {
    const dynamic = buildDynamicVhd(disk);
    expect(open(explodeVhd, dynamic, { objectSizeMax: 5000 }).status).toBe("unscanned");
    expect(open(explodeVhd, dynamic.subarray(0, -600)).status).toBe("damaged");
    const differences = Buffer.from(buildFixedVhd(disk));
    differences.writeUInt32BE(4, differences.length - 512 + 60);
    expect(open(explodeVhd, differences).status).toBe("unscanned");
    expect(open(explodeVhd, Buffer.alloc(100)).status).toBe("damaged");
  });
});

describe("explodeIso()", () => {
  const shortNames = [
    ["FILE0.BIN", A],
    ["FILE1.BIN", B],
    ["FILE2.BIN", C],
  ];
  const jolietNames = FILES.map(({ name, content }, index) => [
    `FILE${index}.BIN | ${name}`,
    content,
  ]);
  const large = [{ name: "large", content: "0123456789".repeat(700) }];

  test.each<[string, DiscOptions, (string | undefined)[][]]>([
    ["plain", {}, shortNames],
    ["Rock Ridge", { hasRockRidge: true }, FILES.map(({ name, content }) => [name, content])],
    ["Joliet", { hasJoliet: true }, jolietNames],
    [
      "a folder in the path table alone",
      { isHidden: true },
      [...shortNames.slice(0, 2), ["SUB/FILE2.BIN", C]],
    ],
    [
      "a file in the Joliet tree alone",
      { hasJoliet: true, jolietOnly: { name: "x.exe", content: "hidden" } },
      [...jolietNames, ["x.exe", "hidden"]],
    ],
  ])("reads an image: %s", (_, options, files) => {
    const image = buildIso(FILES, options);
    expect(fileType(image)).toBe("iso9660");
    const found = open(explodeIso, image);
    expect(found).toEqual({ status: "clean", note: "", files: files as string[][] });
  });

  test("joins a file of several extents", () => {
    const { files } = open(explodeIso, buildIso(large, { isSplit: true }));
    expect(files).toEqual([["FILE0.BIN", large[0]?.content ?? ""]]);
  });

  test("gives what is there of a file that is cut short", () => {
    const image = buildIso(large);
    const found = open(explodeIso, image.subarray(0, image.length - 3000));
    expect([found.status, found.files.length]).toEqual(["damaged", 1]);
  });

  test("ends where folders hold themselves", () => {
    const image = buildIso(FILES);
    // The first file becomes the root folder.
    const at = image.indexOf("FILE0.BIN") - 33;
    image.writeUInt32LE(21, at + 2);
    image[at + 25] = 2;
    expect(open(explodeIso, image).files.length).toBe(2);
  });

  test("gives the boot image", () => {
    const image = buildIso(FILES);
    // In place of an end: the catalogue is the sector behind, and the image the second file.
    image.write("\0CD001\x01EL TORITO", 17 * 2048, "latin1");
    image.writeUInt32LE(19, 17 * 2048 + 71);
    image[19 * 2048 + 32] = 0x88;
    image.writeUInt16LE(4, 19 * 2048 + 38);
    image.writeUInt32LE(25, 19 * 2048 + 40);
    expect(open(explodeIso, image).files.map(([name]) => name)).toContain("boot image");
  });

  test("reads UDF, and tells what it does not read of it", () => {
    const image = buildUdf(FILES);
    expect(fileType(image)).toBe("udf");
    const files = FILES.map(({ name, content }) => [name, content]);
    expect(open(explodeIso, image)).toEqual({ status: "clean", note: "", files });
    expect(open(explodeIso, buildUdf(FILES, 2)).status).toBe("unscanned");
    expect(open(explodeIso, image.subarray(0, 250 * 2048)).status).toBe("unscanned");
  });

  test("tells an image without a volume", () => {
    expect(open(explodeIso, Buffer.alloc(100_000)).status).toBe("unscanned");
  });
});
