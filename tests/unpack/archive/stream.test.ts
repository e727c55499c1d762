import { describe, expect, test } from "bun:test";
import { zstdCompressSync } from "node:zlib";
import type { Budget } from "../../../src/base/budget.ts";
import type { Explosion, Extract } from "../../../src/message.ts";
import { explodeBzip2 } from "../../../src/unpack/archive/stream/bzip2.ts";
import { explodeCompress } from "../../../src/unpack/archive/stream/compress.ts";
import { explodeLz4 } from "../../../src/unpack/archive/stream/lz4.ts";
import { explodeLzip, explodeLzma, explodeXz } from "../../../src/unpack/archive/stream/xz.ts";
import { explodeZstd } from "../../../src/unpack/archive/stream/zstd.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import * as compressed from "./compressed.ts";

type Unpack = (bytes: Uint8Array, budget: Budget) => Generator<Extract, Explosion>;

const { SAMPLE_TEXT } = compressed;

function open(unpack: Unpack, bytes: Uint8Array, limits = {}) {
  const found = drain(unpack(bytes, budgetOf(limits)));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

const CLEAN = { status: "clean" as const, note: "", files: [["content", SAMPLE_TEXT]] };

// LZ4 with literals of any length, and one match that overlaps itself.
function lz4Frame(text: string): Buffer {
  const first = text.slice(0, 40);
  const rest = Buffer.from(text.slice(40));
  const longLength = (value: number) => [...Array(Math.floor(value / 255)).fill(255), value % 255];
  const block = Buffer.concat([
    Buffer.from([0xff, ...longLength(first.length - 15)]),
    Buffer.from(first),
    // 24 bytes from one byte back, which are checked below.
    Buffer.from([1, 0, 24 - 4 - 15]),
    Buffer.from([0xf0, ...longLength(rest.length - 15)]),
    rest,
  ]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
  return Buffer.concat([header, size, block, Buffer.alloc(4)]);
}

// LZW as compress writes it, with codes that grow to 16 bits and groups of eight codes.
function compress(input: Uint8Array): Buffer {
  const bits: number[] = [];
  const codes = new Map<string, number>();
  let width = 9;
  let next = 257;
  let groupStart = 0;
  const put = (code: number) => {
    for (let i = 0; i < width; i++) bits.push((code >> i) & 1);
  };
  let prefix = "";
  for (const byte of input) {
    const character = String.fromCharCode(byte);
    const codeOf = (text: string) => (text.length === 1 ? text.charCodeAt(0) : codes.get(text));
    if (codeOf(prefix + character) !== undefined) {
      prefix += character;
      continue;
    }
    put(codeOf(prefix) ?? 0);
    if (next < 65_536) codes.set(prefix + character, next++);
    prefix = character;
    // One code later than the writer's own table is full, since the reader lags behind.
    if (next > 1 << width && width < 16) {
      while ((bits.length - groupStart) % (width * 8) !== 0) bits.push(0);
      groupStart = bits.length;
      width++;
    }
  }
  put(prefix.length === 1 ? prefix.charCodeAt(0) : (codes.get(prefix) ?? 0));
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [at, bit] of bits.entries())
    bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (bit << (at & 7));
  return Buffer.concat([Buffer.from([0x1f, 0x9d, 0x90]), bytes]);
}

const zstd = zstdCompressSync(SAMPLE_TEXT);
const SKIPPABLE = Buffer.from("532a4d1803000000aabbcc", "hex");

const FORMATS: [string, Unpack, Buffer][] = [
  ["xz", explodeXz, compressed.XZ],
  ["lzma", explodeLzma, compressed.LZMA],
  ["lzip", explodeLzip, compressed.LZIP],
  ["bzip2", explodeBzip2, compressed.BZIP2],
  ["zstd", explodeZstd, zstd],
  ["compress", explodeCompress, compress(Buffer.from(SAMPLE_TEXT))],
];

describe.each(FORMATS)("%s", (name, unpack, bytes) => {
  test("is opened", () => {
    expect(open(unpack, bytes)).toEqual(CLEAN);
  });

  test("is bounded in size", () => {
    const found = open(unpack, bytes, { objectSizeMax: 5000 });
    expect(found).toMatchObject({ status: "unscanned", files: [] });
  });

  test("that is cut short gives what was there, and no other word than damaged", () => {
    for (let size = 0; size < bytes.length - 1; size += 1 + (size >> 4)) {
      const { status, files } = open(unpack, bytes.subarray(0, size));
      // Nothing in compress says where its end is.
      if (name === "compress" && size > 2) expect(status).toBe("clean");
      else expect([size, status]).toEqual([size, "damaged"]);
      expect(SAMPLE_TEXT.startsWith(files[0]?.[1] ?? "")).toBe(true);
    }
  });

  test("of other bytes is damaged or not known", () => {
    for (const other of [Buffer.alloc(0), Buffer.from("text"), Buffer.alloc(300, 0xff)]) {
      const { status, files } = open(unpack, other);
      expect(["damaged", "unscanned"]).toContain(status);
      expect(files).toEqual([]);
    }
  });

  test.skipIf(name === "compress")("with a changed byte is never taken for whole", () => {
    let told = 0;
    for (let at = 14; at < bytes.length - 14; at += 7) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 0x55;
      const { status, files } = open(unpack, changed);
      if (status !== "clean") told++;
      else if (name !== "lzma" && name !== "zstd") expect(files).toEqual(CLEAN.files);
    }
    expect(told).toBeGreaterThan(name === "zstd" ? 0 : 20);
  });
});

test.each<[string, Unpack, Buffer]>([
  ["xz, with padding", explodeXz, Buffer.concat([compressed.XZ, Buffer.alloc(8), compressed.XZ])],
  ["lzip", explodeLzip, Buffer.concat([compressed.LZIP, compressed.LZIP])],
  ["bzip2", explodeBzip2, Buffer.concat([compressed.BZIP2, compressed.BZIP2])],
  ["zstd, with a frame to skip", explodeZstd, Buffer.concat([SKIPPABLE, zstd, SKIPPABLE, zstd])],
])("streams that follow each other are one file: %s", (_, unpack, bytes) => {
  expect(open(unpack, bytes)).toEqual({ ...CLEAN, files: [["content", SAMPLE_TEXT.repeat(2)]] });
});

test.each<[string, Unpack, Buffer]>([
  ["xz", explodeXz, compressed.XZ],
  ["lzip", explodeLzip, compressed.LZIP],
  ["bzip2", explodeBzip2, compressed.BZIP2],
  ["zstd", explodeZstd, zstd],
])("what stands behind the last stream is given: %s", (_, unpack, bytes) => {
  const { status, files } = open(unpack, Buffer.concat([bytes, Buffer.from("hidden data")]));
  expect(status).toBe("clean");
  expect(files[1]).toEqual(["data behind the archive", "hidden data"]);
});

describe("explodeXz()", () => {
  test.each<[string, Buffer, string]>([
    ["delta", compressed.DELTA_FILTERED, SAMPLE_TEXT.slice(0, 3000)],
    ["x86", compressed.X86_FILTERED, textOf(compressed.SAMPLE_X86)],
    ["ARM", compressed.ARM_FILTERED, textOf(compressed.SAMPLE_ARM)],
  ])("undoes the %s filter", (_, bytes, text) => {
    expect(open(explodeXz, bytes)).toEqual({ ...CLEAN, files: [["content", text]] });
  });

  test("opens LZMA2 chunks that are not compressed", () => {
    const bytes = Buffer.from(Array.from({ length: 60 }, (_, i) => i * 167 + 13));
    expect(compressed.STORED_XZ[24]).toBe(1);
    const found = open(explodeXz, compressed.STORED_XZ);
    expect(found).toEqual({ ...CLEAN, files: [["content", textOf(bytes)]] });
  });
});

describe("explodeLz4()", () => {
  const text = `${SAMPLE_TEXT.slice(0, 40)}${SAMPLE_TEXT[39]?.repeat(24)}${SAMPLE_TEXT.slice(40)}`;

  test("opens frames, with frames to skip between them", () => {
    const found = open(explodeLz4, Buffer.concat([lz4Frame(SAMPLE_TEXT), SKIPPABLE]));
    expect(found).toEqual({ ...CLEAN, files: [["content", text]] });
  });

  test("opens legacy frames", () => {
    const block = lz4Frame(SAMPLE_TEXT).subarray(7, -4);
    const legacy = Buffer.concat([Buffer.from("02214c18", "hex"), block]);
    expect(open(explodeLz4, legacy).files).toEqual([["content", text]]);
  });

  test("tells what is cut short or broken", () => {
    const frame = lz4Frame(SAMPLE_TEXT);
    expect(open(explodeLz4, frame.subarray(0, 600)).note).toBe("cut short");
    const broken = Buffer.from(frame);
    // A distance of 0 cannot be.
    broken[7 + 4 + 2 + 40] = 0;
    expect(open(explodeLz4, broken).note).toBe("broken data");
    expect(open(explodeLz4, Buffer.from("text")).status).toBe("damaged");
    expect(open(explodeLz4, frame, { objectSizeMax: 1000 }).status).toBe("unscanned");
  });
});

describe("explodeZstd()", () => {
  test("tells what needs a dictionary or too large a window", () => {
    const dictionary = Buffer.from(zstd);
    dictionary[4] = (dictionary[4] as number) | 1;
    expect(open(explodeZstd, dictionary).status).not.toBe("clean");
    // A window of 2 GB: magic, no flags, window descriptor, one empty last block.
    const window = Buffer.from("28b52ffd00a8010000", "hex");
    expect(open(explodeZstd, window).note).toBe("needs more memory than is allowed");
  });

  test("stops a bomb", () => {
    const bomb = zstdCompressSync(Buffer.alloc(32 << 20));
    expect(open(explodeZstd, bomb, { objectSizeMax: 1 << 20 })).toMatchObject({ files: [] });
  });
});

test("explodeCompress() reads codes of all widths, and clear codes", () => {
  const noise = Buffer.alloc(300_000);
  for (let at = 0, state = 1; at < noise.length; at++) {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    noise[at] = (state >>> 16) & 63;
  }
  expect(open(explodeCompress, compress(noise)).files[0]?.[1]).toBe(textOf(noise));
  // 9-bit codes: "a", clear; then, from the next group of eight codes on, "b".
  const cleared = Buffer.alloc(3 + 9 + 2);
  cleared.set([0x1f, 0x9d, 0x90, 0x61, 0x00, 0x02 | 0]);
  cleared[12] = 0x62;
  expect(open(explodeCompress, cleared).files[0]?.[1]).toStartWith("ab");
});
