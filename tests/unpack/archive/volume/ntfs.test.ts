import { describe, expect, test } from "bun:test";
import { fileType } from "../../../../src/scan/file-type.ts";
import { Output } from "../../../../src/unpack/archive/stream/output.ts";
import { explodeNtfs } from "../../../../src/unpack/archive/volume/ntfs.ts";
import { unpackLznt1 } from "../../../../src/unpack/coder/lznt1.ts";
import { budgetOf, drain, textOf } from "../../../harness/extracts.ts";
import { buildNtfs, packLznt1 } from "./build-ntfs.ts";

function open(bytes: Uint8Array, limits = {}) {
  const { status, note, extracts } = drain(explodeNtfs(bytes, budgetOf(limits)));
  return { status, note, files: new Map(extracts.map((one) => [one.name, textOf(one.bytes)])) };
}

const FILES = [
  { name: "a.txt", content: "the content" },
  { name: "a rather long name.exe", content: `MZ${"more content ".repeat(200)}` },
  { name: "in.sub", content: `${"-".repeat(30_000)}${"=".repeat(20_000)}the end` },
];

describe("an NTFS volume", () => {
  test.each([
    ["plain", "none"],
    ["packed by the file system", "lznt1"],
    ["packed by Windows", "system"],
  ] as const)("is known and opened: %s", (_, packing) => {
    const image = buildNtfs(FILES, { packing });
    expect(fileType(image)).toBe("ntfs");
    const { status, note, files } = open(image);
    expect({ status, note }).toEqual({ status: "clean", note: "" });
    expect(files.get("a.txt")).toBe(FILES[0]?.content);
    expect(files.get("a rather long name.exe")).toBe(FILES[1]?.content);
    expect(files.get("SUB/in.sub")).toBe(FILES[2]?.content);
  });

  test("gives streams that stand beside a file's content", () => {
    for (const content of ["hidden", "hidden ".repeat(200)]) {
      const { files } = open(buildNtfs(FILES, { stream: { name: "x.exe", content } }));
      expect(files.get("a.txt:x.exe")).toBe(content);
    }
  });

  test("tells files that are encrypted", () => {
    const { status, note } = open(buildNtfs(FILES, { isEncrypted: true }));
    expect(status).toBe("protected");
    expect(note).toContain("SUB/in.sub");
  });

  test("whose file table can't be found through itself is damaged, and read all the same", () => {
    const image = buildNtfs(FILES);
    image.fill(0, 4 * 512, 4 * 512 + 4);
    const { status, files } = open(image);
    expect(status).toBe("damaged");
    expect(files.get("a.txt")).toBe("the content");
  });

  test.each<[string, (image: Buffer) => Buffer]>([
    ["cut short", (image) => image.subarray(0, image.length - 9000)],
    ["cut in its file table", (image) => image.subarray(0, 18 * 1024)],
    ["a boot sector alone", (image) => image.subarray(0, 512)],
    ["without sizes", (image) => image.fill(0, 11, 14)],
    [
      "with a broken record",
      (image) => image.fill("BAAD", 4 * 512 + 17 * 1024, 4 * 512 + 17 * 1024 + 4),
    ],
  ])("%s is damaged", (_, change) => {
    expect(open(change(buildNtfs(FILES))).status).toBe("damaged");
  });

  test.each(["none", "lznt1", "system"] as const)(
    "keeps to what may be extracted (%s)",
    (packing) => {
      const { status, files } = open(buildNtfs(FILES, { packing }), { objectSizeMax: 10_000 });
      expect(status).toBe("unscanned");
      expect(files.get("a.txt")).toBe("the content");
    },
  );

  test("with units of clusters as none are is damaged", () => {
    const image = buildNtfs(FILES, { packing: "lznt1" });
    // The attribute that is packed: 32,768 clusters together.
    for (let at = image.indexOf("FILE"); at >= 0; at = image.indexOf("FILE", at + 4)) {
      const data = at + 56;
      if (image.readUInt32LE(data) === 0x80 && image[data + 8] === 1) image[data + 34] = 15;
    }
    expect(open(image)).toMatchObject({ status: "damaged" });
  });

  test("with a packed stream of any size is refused", () => {
    const image = buildNtfs(FILES, { packing: "system" });
    const name = Buffer.from("WofCompressedData", "utf16le");
    for (let at = image.indexOf(name); at >= 0; at = image.indexOf(name, at + 4)) {
      image.writeBigUInt64LE(2n ** 40n, at - 64 + 48);
      image.writeBigUInt64LE(2n ** 40n, at - 64 + 56);
    }
    expect(open(image).status).toBe("unscanned");
  });

  test("whose folders lie in themselves ends", () => {
    const image = buildNtfs(FILES);
    const at = image.indexOf(Buffer.from("SUB", "utf16le"));
    image.writeUInt32LE(16, at - 66);
    expect(open(image).files.size).toBe(3);
  });
});

describe("unpackLznt1()", () => {
  const content = Buffer.from(`ab${"c".repeat(5000)}d${"e".repeat(90)}f`);

  test("reads what was packed", () => {
    const output = new Output(content.length);
    expect(unpackLznt1(packLznt1(content), output, content.length)).toBe(true);
    expect(textOf(output.made)).toBe(textOf(content));
  });

  test.each([
    ["a chunk that is cut short", packLznt1(content).subarray(0, 10)],
    ["a match before the beginning", Buffer.from("03b001000000", "hex")],
  ])("tells %s", (_, input) => {
    expect(unpackLznt1(input, new Output(content.length), content.length)).toBe(false);
  });
});
