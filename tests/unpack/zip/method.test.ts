import { describe, expect, test } from "bun:test";
import { crc32, deflateRawSync, zstdCompressSync } from "node:zlib";
import { explodeZip } from "../../../src/unpack/zip/zip.ts";
import { budgetOf, budgetWith, drain, textOf } from "../../harness/extracts.ts";
import * as compressed from "../archive/compressed.ts";
import { buildZip, type Member } from "../build-zip.ts";
import {
  deflate64,
  encryptAes,
  encryptTraditional,
  implode,
  reduce,
  shrink,
  shrinkWithClearing,
} from "./pack-legacy.ts";

const TEXT = Buffer.from(compressed.SAMPLE_TEXT);
const SHORT = Buffer.from("abacabadabacabacad\x90 some text, abab and acac ".repeat(3), "latin1");
const tail = (bytes: Buffer, distance: number, length: number) => {
  const all = [...bytes];
  for (let i = 0; i < length; i++) all.push(all[all.length - distance] ?? 0);
  return Buffer.from(all);
};
const LONG = Buffer.from(Array.from({ length: 60_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));

// The header of ZIP's LZMA: a version, the length of the properties, the properties.
const LZMA = Buffer.concat([
  Buffer.from([9, 20, 5, 0]),
  compressed.LZMA.subarray(0, 5),
  compressed.LZMA.subarray(13),
]);

describe("explodeZip() unpacks every method that is in use", () => {
  test.each<[string, number, Buffer, Buffer]>([
    ["shrink", 1, SHORT, shrink(SHORT)],
    ["shrink with long strings", 1, Buffer.alloc(3000, "ab"), shrink(Buffer.alloc(3000, "ab"))],
    ["shrink with a dictionary that is cleared", 1, Buffer.from("abcdcd"), shrinkWithClearing()],
    ["shrink of much", 1, TEXT, shrink(TEXT)],
    ["reduce", 2, SHORT, reduce(SHORT)],
    ["reduce with a match", 2, tail(SHORT, 9, 20), reduce(SHORT, { distance: 9, length: 20 })],
    ["implode", 6, tail(SHORT, 70, 30), implode(SHORT, { distance: 70, length: 30 }, false)],
    [
      "implode with a tree for literals",
      6,
      tail(SHORT, 70, 200),
      implode(SHORT, { distance: 70, length: 200 }, true),
    ],
    ["deflate64, as plain deflate", 9, TEXT, deflateRawSync(TEXT)],
    ["deflate64, stored", 9, TEXT, deflateRawSync(TEXT, { level: 0 })],
    [
      "deflate64 with a long match from afar",
      9,
      tail(LONG, 50_000, 60_000),
      deflate64(LONG, 50_000, 60_000),
    ],
    ["bzip2", 12, TEXT, compressed.BZIP2],
    ["LZMA with an end mark", 14, TEXT, LZMA],
    ["LZMA of known size", 14, TEXT, LZMA],
    ["Zstandard", 93, TEXT, zstdCompressSync(TEXT)],
    ["Zstandard by its old number", 20, TEXT, zstdCompressSync(TEXT)],
    ["xz", 95, TEXT, compressed.XZ],
  ])("%s", (name, method, content, packed) => {
    // Flags say that implode has a tree for literals, and LZMA an end mark.
    const flags = name.includes("tree") ? 4 : name.includes("mark") ? 2 : 0;
    const member: Member = { name: "a", bytes: content, method, packed, flags };
    const found = drain(explodeZip(buildZip([member]), budgetOf()));
    expect({ status: found.status, note: found.note }).toEqual({ status: "clean", note: "" });
    expect(found.extracts.map(({ bytes }) => crc32(bytes))).toEqual([crc32(content)]);
  });

  test("and never more than the budget has", () => {
    for (const [method, packed] of [
      [1, shrink(SHORT)],
      [6, implode(SHORT, { distance: 70, length: 30 }, false)],
      [9, deflateRawSync(TEXT)],
      [12, compressed.BZIP2],
      [14, LZMA],
      [93, zstdCompressSync(TEXT)],
      [95, compressed.XZ],
    ] as const) {
      const bytes = buildZip([{ name: "a", bytes: TEXT, method, packed }]);
      const found = drain(explodeZip(bytes, budgetOf({ objectSizeMax: 100 })));
      expect({ method, ...found }).toMatchObject({ method, status: "unscanned", extracts: [] });
    }
  });
});

describe("explodeZip() opens encrypted entries with the passwords it is given", () => {
  const packed = deflateRawSync(TEXT);
  const sum = crc32(TEXT) >>> 24;
  const aes = encryptAes(packed, "s3cret", 8);
  const entry = { name: "a", bytes: TEXT, flags: 1 };
  test.each<[string, Member]>([
    ["traditional", { ...entry, packed: encryptTraditional(packed, "s3cret", sum) }],
    [
      "traditional, stored",
      { ...entry, method: 0, packed: encryptTraditional(TEXT, "s3cret", sum) },
    ],
    ["AES", { ...entry, method: 99, packed: aes.packed, extra: aes.extra, crc: 0 }],
  ])("%s", (_, member) => {
    const bytes = buildZip([member]);
    const opened = drain(explodeZip(bytes, budgetWith("The password: s3cret.")));
    expect(opened).toMatchObject({ status: "clean", note: 'opened with the password "s3cret"' });
    expect(opened.extracts.map((extract) => textOf(extract.bytes))).toEqual([TEXT.toString()]);
    const closed = drain(explodeZip(bytes, budgetWith("The password comes by telephone.")));
    expect(closed).toMatchObject({ status: "protected", note: "encrypted: a", extracts: [] });
  });
});

describe("explodeZip() of archives that are pieces, or several in one", () => {
  test("the first piece of a split archive is told", () => {
    const bytes = Buffer.concat([
      Buffer.from("PK\x07\x08"),
      buildZip([{ name: "a", bytes: TEXT }]),
    ]);
    const cut = bytes.subarray(0, bytes.lastIndexOf("PK\x01\x02"));
    const found = drain(explodeZip(cut, budgetOf()));
    expect(found.note).toContain("one piece of an archive that was split");
  });

  test("an entry is read as each of several directories says", () => {
    const plain = { name: "a", bytes: TEXT, packed: deflateRawSync(TEXT) };
    const right = buildZip([plain]);
    const wrong = buildZip([{ ...plain, method: 0, name: "harmless.txt" }]);
    const directory = (bytes: Buffer) => bytes.subarray(bytes.indexOf("PK\x01\x02"));
    // Both directories name the place of the one entry; the last is what most programs take.
    const both = Buffer.concat([
      wrong.subarray(0, wrong.indexOf("PK\x01\x02")),
      directory(right),
      directory(wrong),
    ]);
    const found = drain(explodeZip(both, budgetOf()));
    expect(found.extracts.map(({ bytes }) => crc32(bytes))).toContain(crc32(TEXT));
  });
});
