// OneNote sections and Flash files: documents that carry other files.
import { expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodeFlash } from "../../../src/unpack/script/flash.ts";
import { explodeOneNote } from "../../../src/unpack/script/onenote.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import {
  oneNoteName as named,
  ONENOTE_HEAD as SECTION,
  oneNoteFile as stored,
  flashTag as tag,
} from "./build-carriers.ts";

const files = (unpack: typeof explodeOneNote, ...parts: Buffer[]) => {
  const { status, extracts } = drain(unpack(Buffer.concat(parts), budgetOf()));
  return { status, files: extracts.map((one) => [one.name, textOf(one.bytes)]) };
};

test("explodeOneNote() gives embedded files with their names", () => {
  const parts = [
    SECTION,
    named("open me.hta"),
    stored("<script>"),
    stored("\x89PNG picture"),
    named("b.cmd"),
    stored("@echo"),
  ];
  expect(files(explodeOneNote, ...parts)).toEqual({
    status: "clean",
    files: [
      ["open me.hta", "<script>"],
      ["embedded file 2", "\x89PNG picture"],
      ["b.cmd", "@echo"],
    ],
  });
});

test("explodeOneNote() gives all names to each file if it cannot tell them apart", () => {
  const parts = [SECTION, named("a.txt"), named("b.hta"), stored("content")];
  expect(files(explodeOneNote, ...parts).files).toEqual([["a.txt | b.hta", "content"]]);
});

test("explodeOneNote() gives files whose size is a lie, up to their foot", () => {
  const found = files(
    explodeOneNote,
    SECTION,
    stored("contents", 2 ** 40),
    stored("second file", 3),
  );
  expect(found.status).toBe("damaged");
  expect(found.files.map(([, text]) => text)).toEqual([
    "contents",
    expect.stringContaining("second file"),
  ]);
});

test("explodeOneNote() leaves a section without files clean", () => {
  expect(files(explodeOneNote, SECTION, named("not a file.txt"))).toEqual({
    status: "clean",
    files: [],
  });
  expect(fileType(SECTION)).toBe("one");
});

const BODY = Buffer.concat([
  Buffer.from("080000180100", "hex"),
  tag(9, "\xff\xff\xff"),
  tag(87, "\x01\0\0\0\0\0payload"),
  Buffer.from([0, 0]),
]);
const swf = (magic: string, body: Buffer) => {
  const head = Buffer.from(`${magic}\x0a\0\0\0\0`, "latin1");
  head.writeUInt32LE(BODY.length + 8, 4);
  return Buffer.concat([head, body]);
};

test("explodeFlash() gives a compressed file unpacked, and the data in that", () => {
  const packed = swf("CWS", deflateSync(BODY));
  const plain = swf("FWS", BODY);
  expect(fileType(packed)).toBe("swf");
  expect(files(explodeFlash, packed)).toEqual({
    status: "clean",
    files: [["unpacked.swf", textOf(plain)]],
  });
  expect(files(explodeFlash, plain)).toEqual({
    status: "clean",
    files: [["binary data 1", "payload"]],
  });
});

test("explodeFlash() hands on LZMA as a file of that type", () => {
  const stream = Buffer.concat([
    Buffer.alloc(4),
    Buffer.from("5d00008000", "hex"),
    Buffer.alloc(9, 0),
  ]);
  const found = drain(explodeFlash(swf("ZWS", stream), budgetOf()));
  expect(found.extracts.map(({ bytes }) => fileType(bytes))).toEqual(["lzma"]);
});

test.each<[string, Buffer]>([
  ["a cut stream", swf("CWS", deflateSync(BODY).subarray(0, 12))],
  ["no stream", swf("CWS", Buffer.from("not zlib"))],
  ["a tag beyond the end", swf("FWS", BODY.subarray(0, -4))],
  ["LZMA without a header", swf("ZWS", Buffer.alloc(4))],
])("explodeFlash() calls a file with %s damaged", (_, bytes) => {
  expect(files(explodeFlash, bytes).status).toBe("damaged");
});

test("explodeFlash() is bounded", () => {
  const bomb = swf("CWS", deflateSync(Buffer.alloc(4 << 20)));
  const { status, extracts } = drain(explodeFlash(bomb, budgetOf({ objectSizeMax: 1 << 20 })));
  expect([status, extracts.length]).toEqual(["unscanned", 0]);
});
