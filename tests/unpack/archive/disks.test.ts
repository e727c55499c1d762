// Virtual disks of other makers than Microsoft's VHD, which image.test.ts has.
import { describe, expect, test } from "bun:test";
import { fileType, secondType } from "../../../src/scan/file-type.ts";
import { unpackerFor } from "../../../src/unpack/registry.ts";
import { budgetOf, drain } from "../../harness/extracts.ts";
import { buildAppleDisk, buildDmg, buildQcow, buildVhdx, buildVmdk } from "./build-disks.ts";
import { buildFat, buildMbr } from "./build-images.ts";
import { buildHfs } from "./volume/build-hfs.ts";

const FILES = [
  { name: "A.TXT", content: "the content" },
  { name: "IN.SUB", content: "more content ".repeat(900) },
];
const DISK = buildMbr(buildFat(16, FILES));

function open(bytes: Buffer, limits = {}) {
  const unpack = unpackerFor(fileType(bytes));
  if (unpack === undefined) throw new Error("no unpacker");
  const { status, note, extracts } = drain(unpack(bytes, budgetOf(limits)));
  return { status, note, disk: Buffer.from(extracts[0]?.bytes ?? []), count: extracts.length };
}

describe.each<[string, string, Buffer]>([
  ["VMDK", "vmdk", buildVmdk(DISK)],
  ["VMDK for streams", "vmdk", buildVmdk(DISK, { isStream: true })],
  ["VHDX", "vhdx", buildVhdx(DISK)],
  ["QCOW2", "qcow", buildQcow(DISK)],
  ["packed QCOW2", "qcow", buildQcow(DISK, { isPacked: true })],
  ["DMG", "dmg", buildDmg(DISK)],
  ["DMG of ADC", "dmg", buildDmg(DISK, { packing: "adc" })],
])("a %s", (_, type, bytes) => {
  test("is known and opened", () => {
    expect(fileType(bytes)).toBe(type as "vmdk");
    const { status, note, disk } = open(bytes);
    expect({ status, note }).toEqual({ status: "clean", note: "" });
    expect(DISK.subarray(0, disk.length).equals(disk)).toBe(true);
    expect(DISK.subarray(disk.length).every((byte) => byte === 0)).toBe(true);
  });

  test("that is larger than what may be extracted is unscanned", () => {
    const { status, count } = open(bytes, { objectSizeMax: 5000 });
    expect([status, count]).toEqual(["unscanned", 0]);
  });

  test("that is broken off is damaged", () => {
    const cut = bytes.subarray(0, Math.floor(bytes.length / 2));
    const unpack = unpackerFor(type);
    expect(unpack && drain(unpack(cut, budgetOf())).status).toBe("damaged");
    expect(unpack && drain(unpack(bytes.subarray(0, 70), budgetOf())).status).toBe("damaged");
  });
});

describe("disks that are not whole are told", () => {
  test.each<[string, Buffer, string, string]>([
    ["a description alone", Buffer.from("# Disk DescriptorFile\n"), "unscanned", "other files"],
    ["a part of a VMDK", buildVmdk(DISK, { isPart: true }), "unscanned", "several files"],
    ["a VMDK of differences", buildVmdk(DISK, { parent: "12345678" }), "unscanned", "parent"],
    ["a VHDX with a log", buildVhdx(DISK, { hasLog: true }), "unscanned", "log"],
    ["a VHDX of differences", buildVhdx(DISK, { hasParent: true }), "unscanned", "parent"],
    ["a QCOW of version 1", buildQcow(DISK, { field: [4, 1] }), "unscanned", "first version"],
    ["a QCOW2 of differences", buildQcow(DISK, { field: [12, 512] }), "unscanned", "parent"],
    ["a QCOW2 with its data outside", buildQcow(DISK, { field: [76, 4] }), "unscanned", "other"],
    ["an encrypted QCOW2", buildQcow(DISK, { field: [32, 2] }), "protected", "encrypted"],
    ["a DMG of LZFSE", buildDmg(DISK, { packing: "lzfse" }), "unscanned", "LZFSE"],
    ["an encrypted DMG", Buffer.from("encrcdsa\0\0\0\x02"), "protected", "encrypted"],
    ["a disk of what is not known", buildVmdk(Buffer.alloc(9000, 7)), "unscanned", "not known"],
  ])("%s", (_, bytes, status, word) => {
    const found = open(bytes);
    expect(found.status).toBe(status as "unscanned");
    expect(found.note).toContain(word);
  });
});

test("a DMG is known by its end, whatever it begins with", () => {
  const dmg = buildDmg(DISK);
  dmg.write("BZh91AY&SY", "latin1");
  expect(fileType(dmg)).toBe("bzip2");
  expect(secondType(dmg, "bzip2")).toBe("dmg");
});

test("Apple's table of partitions is read", () => {
  const volume = buildHfs(FILES);
  const disk = buildAppleDisk(volume);
  expect(fileType(disk)).toBe("disk");
  const { status, disk: partition } = open(disk);
  expect(status).toBe("clean");
  expect(fileType(partition)).toBe("hfs");
});
