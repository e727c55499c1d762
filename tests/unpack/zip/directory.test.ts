import { expect, test } from "bun:test";
import { findLocal, localEntry, readDirectory } from "../../../src/unpack/zip/directory.ts";
import { buildZip } from "../build-zip.ts";

const ZIP = buildZip([
  { name: "a.txt", bytes: Buffer.from("one") },
  { name: "b.txt", bytes: Buffer.from("two") },
]);
const namesIn = (bytes: Buffer) =>
  readDirectory(bytes)?.entries.map(({ headers }) => headers.map((header) => header.name));

test("readDirectory() joins central and local headers", () => {
  expect(namesIn(ZIP)).toEqual([
    ["a.txt", "a.txt"],
    ["b.txt", "b.txt"],
  ]);
  expect(readDirectory(ZIP)).toMatchObject({ lost: [], isCut: false, end: ZIP.length });
});

test.each([
  ["data before it", Buffer.concat([Buffer.alloc(1000, 1), ZIP])],
  ["data behind it", Buffer.concat([ZIP, Buffer.alloc(1000, 1)])],
  ["zip64 records", buildZip([{ name: "a.txt", bytes: Buffer.from("one"), isZip64: true }])],
])("readDirectory() of an archive with %s", (_, bytes) => {
  expect(namesIn(bytes)?.[0]).toEqual(["a.txt", "a.txt"]);
});

test("readDirectory() reads a comment that looks like an end record", () => {
  const bytes = Buffer.concat([ZIP, Buffer.from("PK\x05\x06 a comment of thirty-two bytes.")]);
  bytes.writeUInt16LE(bytes.length - ZIP.length, ZIP.length - 2);
  expect(namesIn(bytes)?.length).toBe(2);
});

test("readDirectory() says what it misses", () => {
  const lost = Buffer.from(ZIP);
  lost.writeUInt32LE(0, 0);
  expect(readDirectory(lost)?.lost).toEqual(["a.txt"]);
  const cut = Buffer.from(ZIP);
  cut.writeUInt16LE(9, cut.length - 12);
  expect(readDirectory(cut)?.isCut).toBe(true);
  expect(readDirectory(Buffer.from("no archive"))).toBeUndefined();
  expect(readDirectory(Buffer.alloc(0))).toBeUndefined();
});

test("readDirectory() takes many names of one place as one entry", () => {
  const bytes = Buffer.from(ZIP);
  const second = bytes.lastIndexOf("PK\x01\x02");
  bytes.writeUInt32LE(0, second + 42);
  expect(namesIn(bytes)).toEqual([["a.txt", "a.txt", "b.txt", "a.txt"]]);
});

test("localEntry() and findLocal() stay within the bytes", () => {
  expect(findLocal(ZIP, 0, ZIP.length)).toBe(0);
  expect(findLocal(ZIP, 1, 20)).toBe(-1);
  expect(localEntry(ZIP, 0)?.headers[0]?.name).toBe("a.txt");
  for (const start of [-1, 1, ZIP.length - 5, ZIP.length + 5]) {
    expect(localEntry(ZIP, start)).toBeUndefined();
  }
});
