import { describe, expect, test } from "bun:test";
import { fileType } from "../../../../src/scan/file-type.ts";
import { explodeExfat } from "../../../../src/unpack/archive/volume/exfat.ts";
import { budgetOf, drain, textOf } from "../../../harness/extracts.ts";
import { buildExfat } from "./build-exfat.ts";

function open(bytes: Uint8Array, limits = {}) {
  const { status, note, extracts } = drain(explodeExfat(bytes, budgetOf(limits)));
  return { status, note, files: extracts.map((one) => [one.name, textOf(one.bytes)]) };
}

const FILES = [
  { name: "a.txt", content: "the content" },
  { name: "a rather long name that takes two entries.exe", content: "more content ".repeat(200) },
  { name: "in.sub", content: "in a folder ".repeat(90) },
];

describe("an exFAT volume", () => {
  test.each([
    ["chains", false],
    ["runs", true],
  ])("is known and opened: %s", (_, isRun) => {
    const image = buildExfat(FILES, isRun);
    expect(fileType(image)).toBe("exfat");
    const files = FILES.map(({ name, content }) => [name.replace("in.", "sub/in."), content]);
    expect(open(image)).toEqual({ status: "clean", note: "", files });
  });

  test.each<[string, (image: Buffer) => Buffer]>([
    ["cut short", (image) => image.subarray(0, image.indexOf("in a folder") + 100)],
    ["a boot sector alone", (image) => image.subarray(0, 512)],
    ["with sectors of no size", (image) => image.fill(0, 108, 109)],
    ["without a root", (image) => image.fill(0, 96, 100)],
    ["whose chains are broken", (image) => image.fill(0, 24 * 512 + 64, 24 * 512 + 512)],
    [
      "with a folder that is broken",
      (image) => {
        const at = image.indexOf(Buffer.from("a.txt", "utf16le"));
        return image.fill(1, at - 34, at - 33);
      },
    ],
  ])("%s is damaged", (_, change) => {
    expect(open(change(buildExfat(FILES))).status).toBe("damaged");
  });

  test("whose chains run in circles ends", () => {
    const image = buildExfat(FILES);
    for (let at = 24 * 512; at < 25 * 512; at += 4) image.writeUInt32LE(4, at);
    expect(open(image).files.length).toBeLessThan(10);
  });

  test("keeps to what may be extracted", () => {
    const found = open(buildExfat(FILES), { objectSizeMax: 2000 });
    expect([found.status, found.files.length]).toEqual(["unscanned", 2]);
  });
});
