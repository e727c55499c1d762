import { describe, expect, test } from "bun:test";
import { fileType } from "../../../../src/scan/file-type.ts";
import { explodeHfs } from "../../../../src/unpack/archive/volume/hfs.ts";
import { unpackerFor } from "../../../../src/unpack/registry.ts";
import { budgetOf, drain, textOf } from "../../../harness/extracts.ts";
import { buildHfs } from "./build-hfs.ts";

function open(bytes: Uint8Array, limits = {}) {
  const { status, note, extracts } = drain(explodeHfs(bytes, budgetOf(limits)));
  return { status, note, files: new Map(extracts.map((one) => [one.name, textOf(one.bytes)])) };
}

const FILES = [
  { name: "a.txt", content: "the content" },
  { name: "long.bin", content: Array.from({ length: 900 }, (_, i) => `line ${i}`).join("\n") },
  ...Array.from({ length: 12 }, (_, i) => ({ name: `file ${i}`, content: `content ${i}` })),
  { name: "in.sub", content: "more content ".repeat(200) },
];

describe("an HFS+ volume", () => {
  test.each([
    ["alone", buildHfs(FILES, { resources: "the resources" })],
    ["in one of the older kind", buildHfs(FILES, { resources: "the resources", isWrapped: true })],
  ])("is known and opened: %s", (_, image) => {
    expect(fileType(image)).toBe("hfs");
    const { status, note, files } = open(image);
    expect({ status, note }).toEqual({ status: "clean", note: "" });
    expect(files.size).toBe(FILES.length + 1);
    for (const { name, content } of FILES) {
      expect(files.get(name === "in.sub" ? "sub/in.sub" : name)).toBe(content);
    }
    expect(files.get("a.txt (resources)")).toBe("the resources");
  });

  test("tells files that the file system has packed", () => {
    const { status, note, files } = open(buildHfs(FILES, { isPacked: true, resources: "x" }));
    expect(status).toBe("unscanned");
    expect(note).toContain("a.txt");
    expect(files.get("a.txt (resources)")).toBe("x");
  });

  test("of the older kind is told, and so is APFS", () => {
    const old = Buffer.alloc(4096);
    old.write("BD", 1024, "latin1");
    old.writeUInt32BE(4096, 1044);
    expect(fileType(old)).toBe("hfs");
    expect(open(old).status).toBe("unscanned");
    const apfs = Buffer.alloc(4096);
    apfs.write("NXSB", 32, "latin1");
    expect(fileType(apfs)).toBe("apfs");
    const unpack = unpackerFor("apfs");
    expect(unpack && drain(unpack(apfs, budgetOf())).status).toBe("unscanned");
  });

  test.each<[string, (image: Buffer) => Buffer]>([
    ["cut short", (image) => image.subarray(0, 6000)],
    ["without a header", (image) => image.fill(0, 1024 + 40, 1024 + 44)],
    ["whose catalogue is none", (image) => image.fill(0xff, 1024 + 288, 1024 + 296)],
    ["whose extents are lost", (image) => image.fill(0, 1024 + 208, 1024 + 216)],
  ])("%s is damaged", (_, change) => {
    expect(open(change(buildHfs(FILES))).status).toBe("damaged");
  });

  test("whose leaves run in circles ends", () => {
    const image = buildHfs(FILES);
    const start = image.readUInt32BE(1024 + 288) * 512;
    image.writeUInt32BE(1, start + 2 * 4096);
    expect(open(image).files.size).toBeLessThan(30);
  });

  test("keeps to what may be extracted", () => {
    const found = open(buildHfs(FILES), { objectSizeMax: 2000 });
    expect(found.status).toBe("unscanned");
    expect(found.files.get("a.txt")).toBe("the content");
  });
});
