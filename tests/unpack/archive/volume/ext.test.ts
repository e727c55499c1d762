import { describe, expect, test } from "bun:test";
import { fileType } from "../../../../src/scan/file-type.ts";
import { explodeExt } from "../../../../src/unpack/archive/volume/ext.ts";
import { budgetOf, drain, textOf } from "../../../harness/extracts.ts";
import { buildExt } from "./build-ext.ts";

function open(bytes: Uint8Array, limits = {}) {
  const { status, note, extracts } = drain(explodeExt(bytes, budgetOf(limits)));
  return { status, note, files: new Map(extracts.map((one) => [one.name, textOf(one.bytes)])) };
}

// With holes, and large enough for blocks of pointers to blocks of pointers.
const PIECES = Array.from({ length: 60 }, (_, i) => `piece ${i}`.padEnd(5000, "\0")).join("");
const FILES = [
  { name: "a.txt", content: "the content" },
  { name: "a rather long name", content: "content of some length ".repeat(5) },
  { name: "pieces.bin", content: `${PIECES}the end` },
  { name: "in.sub", content: "more content ".repeat(200) },
];

describe("an ext volume", () => {
  test.each(["extents", "tree", "list", "inline"] as const)("is known and opened: %s", (map) => {
    const image = buildExt(FILES, { map });
    expect(fileType(image)).toBe("ext");
    const { status, note, files } = open(image);
    expect({ status, note }).toEqual({ status: "clean", note: "" });
    expect([...files.keys()].sort()).toEqual([
      "a rather long name",
      "a.txt",
      "pieces.bin",
      "sub/in.sub",
    ]);
    for (const { name, content } of FILES) {
      expect(files.get(name === "in.sub" ? "sub/in.sub" : name)).toBe(content);
    }
  });

  test.each<[string, number, string, string]>([
    ["a journal that is not written back", 0x4, "unscanned", "journal"],
    ["a feature that changes everything", 0x1, "unscanned", "features"],
  ])("with %s is unscanned", (_, incompat, status, word) => {
    const found = open(buildExt(FILES, { incompat }));
    expect(found.status).toBe(status as "unscanned");
    expect(found.note).toContain(word);
  });

  test("tells files that are encrypted", () => {
    const { status, files } = open(buildExt(FILES, { isEncrypted: true }));
    expect([status, files.size]).toEqual(["protected", 0]);
  });

  test.each<[string, (image: Buffer) => Buffer]>([
    ["cut short", (image) => image.subarray(0, image.length - 3000)],
    ["cut in its inodes", (image) => image.subarray(0, 5 * 1024 + 300)],
    ["without a superblock", (image) => image.fill(0, 1024, 2048)],
    ["without sizes", (image) => image.fill(0, 1024 + 24, 1024 + 44)],
    [
      "with a broken tree",
      (image) => image.fill(0xff, 5 * 1024 + 11 * 256 + 40, 5 * 1024 + 11 * 256 + 60),
    ],
    [
      "with a broken folder",
      (image) => image.fill(0, image.indexOf("a.txt") - 4, image.indexOf("a.txt") - 2),
    ],
  ])("%s is damaged", (_, change) => {
    expect(open(change(buildExt(FILES))).status).toBe("damaged");
  });

  test("whose folders lie in themselves ends", () => {
    const image = buildExt(FILES);
    const at = image.indexOf("in.sub") - 8;
    image.writeUInt32LE(11, at);
    expect(open(image).files.size).toBe(3);
    image.writeUInt32LE(2, at);
    expect(open(image).files.size).toBe(3);
  });

  test("keeps to what may be extracted", () => {
    const image = buildExt(FILES);
    const found = open(image, { objectSizeMax: 100_000 });
    expect(found.status).toBe("unscanned");
    expect(found.files.get("a.txt")).toBe("the content");
    // A hole of four gigabytes.
    image.writeUInt32LE(0xffff_ffff, 5 * 1024 + 11 * 256 + 4);
    expect(open(image).status).toBe("unscanned");
  });
});
