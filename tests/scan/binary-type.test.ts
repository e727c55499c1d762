import { describe, expect, test } from "bun:test";
import {
  bmpType,
  hasMagic,
  isTar,
  lzmaType,
  textAt,
  u32,
  zipEnd,
  zipType,
} from "../../src/scan/binary-type.ts";

const bytesOf = (text: string) => Buffer.from(text, "latin1");

describe("what reads bytes at places", () => {
  const bytes = bytesOf("\x01\x02\x03\xffabc");

  test("stops at the object's end", () => {
    expect(textAt(bytes, 4, 10)).toBe("abc");
    expect(textAt(bytes, 7, 1)).toBe("");
    expect(textAt(bytes, -1, 1)).toBe("");
    expect(hasMagic(bytes, "abc", 4)).toBe(true);
    expect(hasMagic(bytes, "abcd", 4)).toBe(false);
    expect(hasMagic(bytes, "a", -3)).toBe(false);
  });

  test("u32() has no sign and counts what is missing as 0", () => {
    expect(u32(bytes, 0)).toBe(0xff030201);
    expect(u32(bytes, 6)).toBe(0x63);
    expect(u32(bytes, 0xffffffff)).toBe(0);
  });
});

describe("zipEnd()", () => {
  const end = (entries: number, directory: number) => {
    const record = Buffer.alloc(22);
    record.write("PK\x05\x06", "latin1");
    record.writeUInt16LE(entries, 8);
    record.writeUInt32LE(directory, 12);
    return record;
  };

  test("finds the record at the very end, or before a comment", () => {
    const bytes = Buffer.concat([Buffer.alloc(100), end(1, 60), bytesOf("comment")]);
    expect(zipEnd(bytes.subarray(0, 122), 22)).toBe(100);
    expect(zipEnd(bytes, 22)).toBe(-1);
    expect(zipEnd(bytes, 64)).toBe(100);
  });

  test("takes no record whose directory would lie before the object", () => {
    expect(zipEnd(Buffer.concat([Buffer.alloc(10), end(1, 60)]), 64)).toBe(-1);
    expect(zipEnd(end(0, 0), 22)).toBe(-1);
  });
});

describe("structural checks", () => {
  test("zipType() ends on members that lie about their sizes", () => {
    const member = Buffer.alloc(31);
    member.write("PK\x03\x04", "latin1");
    member.writeUInt16LE(0xffff, 26);
    member.writeUInt32LE(0xffffffff, 18);
    expect(zipType(member)).toBe("zip");
  });

  test("isTar() wants the checksum to be right", () => {
    const block = Buffer.alloc(512);
    block.write("a.txt", "latin1");
    block.write("000123\0 ", 148, "latin1");
    expect(isTar(block)).toBe(false);
  });

  test("lzmaType() wants a sound dictionary and length", () => {
    const head = (dictionary: number) => {
      const bytes = Buffer.alloc(20, 0xff);
      bytes.set([0x5d], 0);
      bytes.writeUInt32LE(dictionary, 1);
      bytes[13] = 0;
      return bytes;
    };
    expect(lzmaType(head(1 << 23))).toBe("lzma");
    expect(lzmaType(head(12_345))).toBeUndefined();
  });

  test("bmpType() wants a header size that exists", () => {
    const bytes = Buffer.alloc(30);
    expect(bmpType(bytes)).toBeUndefined();
    bytes.writeUInt32LE(40, 14);
    expect(bmpType(bytes)).toBe("bmp");
  });
});
