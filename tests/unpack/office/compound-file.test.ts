import { describe, expect, test } from "bun:test";
import { CompoundFile, installerName } from "../../../src/unpack/office/compound-file.ts";
import { buildCompound } from "./build-compound.ts";

const open = (bytes: Uint8Array): CompoundFile => {
  const file = CompoundFile.open(bytes);
  if (file === undefined) throw new Error("not opened");
  return file;
};

const contentsOf = (file: CompoundFile) =>
  Object.fromEntries(file.streams.map((stream) => [stream.path, String(file.read(stream).bytes)]));

const SMALL = "small content ".repeat(20);
const LARGE = "large content ".repeat(1000);
const STREAMS = { "a/b/small": SMALL, "a/large": LARGE, empty: "", "\x01odd": "x" };

describe("CompoundFile", () => {
  test.each([
    ["version 3", { shift: 9 as const }],
    ["version 4", { shift: 12 as const }],
    ["scattered sectors", { isScattered: true }],
  ])("reads %s", (_, options) => {
    const file = open(buildCompound(STREAMS, options));
    expect(contentsOf(file)).toEqual(STREAMS);
    expect(file.problem).toBe("");
    expect(file.streams.map((stream) => file.sizeOf(stream))).toEqual(
      file.streams.map((stream) => stream.size),
    );
  });

  test("reads a table that does not fit into the header", () => {
    const content = Buffer.alloc(8 << 20, "0123456789");
    const file = open(buildCompound({ content, other: SMALL }));
    const stream = file.find("CONTENT");
    expect(stream && file.read(stream).bytes.equals(content)).toBe(true);
    expect(file.problem).toBe("");
  });

  test("gives a stream without a copy if its sectors lie together", () => {
    const bytes = buildCompound({ large: LARGE });
    const file = open(bytes);
    const found = file.streams[0] && file.read(file.streams[0]).bytes;
    expect(found?.buffer).toBe(bytes.buffer);
  });

  test("lists what no storage leads to", () => {
    const file = open(buildCompound({ ...STREAMS, hidden: "found" }, { orphans: ["hidden", "a"] }));
    expect(file.streams.map((stream) => stream.path).sort()).toEqual(
      ["\x01odd", "empty", "orphan/a/b/small", "orphan/a/large", "orphan/hidden"].sort(),
    );
    expect(contentsOf(file)["orphan/hidden"]).toBe("found");
  });

  test("takes what stands behind the last sector as its tail", () => {
    const bytes = buildCompound({ large: LARGE });
    expect(open(bytes).tail.length).toBe(0);
    const file = open(Buffer.concat([bytes, Buffer.from("appended")]));
    expect(String(file.tail)).toBe("appended");
    expect(file.problem).toBe("");
  });

  test.each([
    ["no header", 0, undefined],
    ["a header alone", 512, []],
    ["half of it", 8192, []],
  ])("opens a file cut to %s", (_, size, expected) => {
    const file = CompoundFile.open(buildCompound(STREAMS).subarray(0, size));
    expect(file?.streams.map((stream) => stream.path)).toEqual(expected as string[]);
    if (file !== undefined) expect(file.problem).not.toBe("");
  });
});

describe("CompoundFile of a damaged file", () => {
  // The FAT is the last sector, and the large stream begins at sector 0.
  const damaged = (change: (bytes: Buffer, fat: number) => void) => {
    const bytes = buildCompound({ large: LARGE, small: SMALL });
    change(bytes, bytes.length - 512);
    return open(bytes);
  };
  const readLarge = (file: CompoundFile) => {
    const stream = file.find("large");
    return stream && file.read(stream);
  };

  test.each([
    ["a circle", 0, "its sectors run in a circle"],
    ["an end that comes early", 0xfffffffe, "cut short"],
    ["a mark for free sectors", 0xffffffff, "its chain of sectors is broken"],
    ["a sector that is not there", 0xffff, "its chain of sectors is broken"],
  ])("gives what comes before %s", (_, next, problem) => {
    const file = damaged((bytes, fat) => bytes.writeUInt32LE(next, fat + 4));
    const found = readLarge(file);
    expect(found?.problem).toBe(problem);
    expect(found?.bytes.toString()).toBe(LARGE.slice(0, 1024));
  });

  test("reads on where the table is lost", () => {
    const bytes = buildCompound({ large: LARGE, small: SMALL });
    const file = open(bytes.subarray(0, bytes.length - 512));
    expect(file.problem).toBe("part of its sector table is missing");
    expect(readLarge(file)?.bytes.toString()).toBe(LARGE);
  });

  test("finds a directory that the header does not lead to", () => {
    const file = damaged((bytes) => bytes.writeUInt32LE(0xfffffff0, 48));
    expect(file.problem).toBe("its directory is missing");
    expect(readLarge(file)?.bytes.toString()).toBe(LARGE);
  });

  test("survives a directory that refers to itself", () => {
    const file = damaged((bytes) => {
      const root = bytes.indexOf(Buffer.from("Root Entry", "utf16le"));
      bytes.writeUInt32LE(0, root + 76);
    });
    expect(file.problem).toBe("its directory contradicts itself");
    expect(file.streams.length).toBe(2);
  });

  test("reads a header with an impossible sector size as its version says", () => {
    const file = damaged((bytes) => bytes.writeUInt16LE(31, 30));
    expect(file.problem).toBe("the header tells an impossible sector size");
    expect(readLarge(file)?.bytes.toString()).toBe(LARGE);
  });

  test("does not trust a size", () => {
    const file = damaged((bytes) => {
      const entry = bytes.indexOf(Buffer.from("large\0", "utf16le"));
      bytes.writeUInt32LE(0x7fffffff, entry + 120);
    });
    const found = readLarge(file);
    expect(found?.problem).toBe("cut short");
    expect(found?.bytes.length).toBe(Math.ceil(LARGE.length / 512) * 512);
  });
});

test.each([
  ["plain", "plain"],
  ["\u4840\u3f3f\u4577\u446c\u3b6a\u45e4\u4824", "!_StringData"],
  ["\u4840\u3f7f\u4164\u422f\u4836", "!_Tables"],
  ["\x05SummaryInformation", "\x05SummaryInformation"],
])("installerName() reads %j", (stored, name) => {
  expect(installerName(stored)).toBe(name);
});
