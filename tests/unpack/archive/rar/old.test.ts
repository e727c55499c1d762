import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { explodeRar } from "../../../../src/unpack/archive/library/rar.ts";
import { Rar20Decoder } from "../../../../src/unpack/coder/rar/rar20.ts";
import { Rar29Decoder } from "../../../../src/unpack/coder/rar/rar29.ts";
import { budgetOf, drain, textOf } from "../../../harness/extracts.ts";
import { type FilterUse, packRar20, packRar20Sound, packRar29 } from "./build-old.ts";
import { buildOldRar, type OldFile } from "./build-old-archive.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const TEXT = Buffer.from(`the content ${"-".repeat(500)} and the end`);
const goesOn = () => true;

function open(bytes: Uint8Array, limits = {}) {
  const { status, note, extracts } = drain(explodeRar(bytes, budgetOf(limits)));
  return { status, note, files: extracts.map((one) => [one.name, textOf(one.bytes)]) };
}

const solid = (version: number, pack: (content: Buffer, hasTable: boolean) => Buffer): OldFile[] =>
  ["first file", "second file, first file", "third"].map((text, index) => {
    const content = Buffer.from(`${text} ${"=".repeat(40)}`);
    return {
      name: `${index}.txt`,
      content,
      version,
      packed: pack(content, index === 0),
      isSolid: index > 0,
    };
  });

describe("archives of RAR 2 and solid ones of RAR 3", () => {
  test.each<[string, OldFile[]]>([
    ["RAR 2.0", [{ name: "a.txt", content: TEXT, version: 20, packed: packRar20(TEXT) }]],
    ["RAR 2.6", [{ name: "a.txt", content: TEXT, version: 26, packed: packRar20(TEXT) }]],
    ["solid RAR 3", solid(29, (content, hasTable) => packRar29(content, undefined, hasTable))],
  ])("%s is opened", (_, files) => {
    const expected = files.map(({ name, content }) => [name, textOf(content)]);
    expect(open(buildOldRar(files))).toEqual({ status: "clean", note: "", files: expected });
  });

  test.each<[string, OldFile[], [string, string, number]]>([
    [
      "RAR 1.5",
      [{ name: "a.txt", content: TEXT, version: 15, packed: TEXT }],
      ["unscanned", "before version 2", 0],
    ],
    [
      "PPMd in a solid archive",
      [
        {
          name: "a.txt",
          content: TEXT,
          version: 29,
          packed: Buffer.alloc(50, 0x80),
          isSolid: true,
        },
      ],
      ["unscanned", "PPMd", 0],
    ],
    [
      "data that break off",
      [{ name: "a.txt", content: TEXT, version: 20, packed: packRar20(TEXT).subarray(0, 130) }],
      ["damaged", "broken data", 1],
    ],
    [
      "a wrong checksum",
      [
        {
          name: "a.txt",
          content: TEXT,
          version: 20,
          packed: packRar20(Buffer.from(TEXT).fill("x")),
        },
      ],
      ["damaged", "checksum", 1],
    ],
  ])("%s is told", (_, files, [status, word, count]) => {
    const found = open(buildOldRar(files));
    expect([found.status, found.files.length]).toEqual([status as "damaged", count]);
    expect(found.note).toContain(word);
  });

  test("a file that goes on from one that was left out is unscanned", () => {
    const files = solid(29, (content, hasTable) => packRar29(content, undefined, hasTable));
    const large = { ...(files[0] as OldFile), size: 100_000 };
    const found = open(buildOldRar([large, ...files.slice(1)]), { objectSizeMax: 50_000 });
    expect([found.status, found.files.length]).toEqual(["unscanned", 0]);
    expect(found.note).toContain("goes on from");
  });

  test.each([
    ["rarfile/rar3-solid.rar", 2],
    ["rarfile/rar2-unix-owner.rar", 1],
    ["libarchive/libarchive/test_read_format_rar4_solid_encrypted.rar", 4],
  ])("%s of the corpus is opened", (name, count) => {
    const path = join(GW_CORPUS, "containers", name);
    const found = existsSync(path) ? open(readFileSync(path)) : undefined;
    expect([found?.status ?? "clean", found?.files.length ?? count]).toEqual(["clean", count]);
  });
});

describe("sound of RAR 2.0", () => {
  test.each([1, 2, 4])("is guessed from what was before it, %d channels", (channels) => {
    const packed = packRar20Sound(Buffer.alloc(200), channels);
    const end = new Rar20Decoder().unpack(packed, 200, false, goesOn);
    expect([end.kind, end.bytes.every((byte) => byte === 0)]).toEqual(["whole", true]);
  });

  test("has differences with their sign turned", () => {
    const packed = packRar20Sound(Buffer.from([0xf0, 0, 0, 0]));
    const { bytes } = new Rar20Decoder().unpack(packed, 4, false, goesOn);
    expect([...bytes]).toEqual([16, 16, 16, 16]);
  });
});

describe("filters of RAR 3", () => {
  const unpack = (content: Buffer, filter: FilterUse) =>
    new Rar29Decoder().unpack(packRar29(content, filter), content.length, false, goesOn);

  test("calls get their relative targets back", () => {
    const content = Buffer.alloc(60);
    for (const [index, at] of [10, 30].entries()) {
      content[at] = 0xe8 + index;
      content.writeInt32LE(1000, at + 1);
    }
    for (const [crc, places] of [
      [0xad576887, [10]],
      [0x3cd7e57e, [10, 30]],
    ] as const) {
      const { kind, bytes } = unpack(content, { crc, length: 60 });
      expect(kind).toBe("whole");
      for (const at of places) expect(bytes.readInt32LE(at + 1)).toBe(1000 - at - 1);
    }
  });

  test("differences are added up, channel after channel", () => {
    const content = Buffer.from([255, 255, 255, 254, 254, 254]);
    const { bytes } = unpack(content, { crc: 0x0e06077d, length: 6, registers: [2] });
    expect([...bytes]).toEqual([1, 2, 2, 4, 3, 6]);
  });

  test("pictures and sound are guessed", () => {
    const content = Buffer.alloc(120);
    const filters = [
      { crc: 0x1c2c5dc8, length: 120, registers: [33, 0] },
      { crc: 0xbc85e701, length: 120, registers: [2] },
    ];
    for (const filter of filters) {
      const { kind, bytes } = unpack(content, filter);
      expect([kind, bytes.every((byte) => byte === 0)]).toEqual(["whole", true]);
    }
  });

  test("that are not known are told", () => {
    const end = unpack(TEXT, { crc: 0x12345678, length: 20 });
    expect(end.kind).toBe("unsupported");
  });

  test("with numbers beyond all bounds end", () => {
    for (const length of [0xffff_ffff, 0x7fff_ffff]) {
      const filter = { crc: 0x0e06077d, length, registers: [0xffff_ffff] };
      expect(unpack(TEXT, filter).bytes.equals(TEXT)).toBe(true);
    }
  });
});
