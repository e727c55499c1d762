import { expect, test } from "bun:test";
import { isPicture, isPlainPicture, looksLikeFile } from "../../../src/unpack/pdf/picture.ts";
import { type Dict, Name } from "../../../src/unpack/pdf/syntax.ts";

const bytesOf = (text: string) => Buffer.from(text, "latin1");

test.each<[string, boolean]>([
  ["MZ\x90\0", true],
  ["PK\x03\x04", true],
  ["junk %PDF-1.4", true],
  ["{\\rtf1", true],
  ["  <html>", true],
  ["\xef\xbb\xbf <svg>", true],
  ["%!PS-Adobe-3.0\n", true],
  ["%!PS-AdobeFont-1.0: CMR10", false],
  ["%!PS-Adobe-3.0 Resource-CMap", false],
  ['<?xpacket begin=""?>', false],
  ["<0041> <0042>", false],
  ["q 1 0 0 1 0 0 cm", false],
  ["", false],
])("looksLikeFile(%j) is %p", (text, isFile) => {
  expect(looksLikeFile(bytesOf(text))).toBe(isFile);
});

test.each<[string, string, boolean]>([
  ["DCTDecode", "\xff\xd8\xff\xe0", true],
  ["DCTDecode", "var a = 1;", false],
  ["JPXDecode", "\0\0\0\x0cjP  \r\n", true],
  ["JPXDecode", "\xff\x4f\xff\x51", true],
  ["JPXDecode", "MZ", false],
  ["CCITTFaxDecode", "anything", true],
])("isPicture() of %s and %j is %p", (filter, text, isOne) => {
  expect(isPicture(filter, bytesOf(text))).toBe(isOne);
});

test.each<[string, number, boolean]>([
  ["RGB", 1024 * 1024 * 3, true],
  ["grey with predictor bytes", 1025 * 1024, true],
  ["one byte more", 1024 * 1024 * 3 + 1, false],
])("isPlainPicture() of %s", (_, size, isOne) => {
  const dict: Dict = new Map<string, number | Name>([
    ["Subtype", new Name("Image")],
    ["Width", 1024],
    ["Height", 1024],
    ["BitsPerComponent", 8],
  ]);
  expect(isPlainPicture(dict, Buffer.alloc(size))).toBe(isOne);
  expect(isPlainPicture(new Map(), Buffer.alloc(size))).toBe(false);
});
