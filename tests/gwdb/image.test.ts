import { expect, test } from "bun:test";
import { ByteWriter } from "../../src/gwdb/byte-writer.ts";
import { ImageError, openImage, openSections, sealImage } from "../../src/gwdb/image.ts";

const one = { kind: 1, bytes: new Uint8Array([1, 2, 3]), count: 3 };
const two = { kind: 70, bytes: new Uint8Array(100).fill(7), count: 25 };

test("openImage() gives back what sealImage() was given", () => {
  const image = openImage(sealImage([one, two]));
  expect(image.section(1)).toEqual(one);
  expect(image.section(70)).toEqual(two);
  expect(image.section(5)).toEqual({ kind: 5, bytes: new Uint8Array(0), count: 0 });
  expect(image.identity).toMatch(/^gwdb-[0-9a-f]{16}$/);
});

test("sections begin at multiples of 64", () => {
  const bytes = sealImage([one, two]);
  for (const { bytes: part } of openSections(bytes).values()) expect(part.byteOffset % 64).toBe(0);
});

test("openImage() says what is wrong", () => {
  const whole = sealImage([one]);
  const other = whole.slice();
  other[4] = 9;
  const flipped = whole.slice();
  flipped[100] = 1;
  expect(() => openImage(new Uint8Array(3))).toThrow("not a compiled signature set");
  expect(() => openImage(Buffer.from("x".repeat(64)))).toThrow("not a compiled signature set");
  expect(() => openImage(other)).toThrow("format 9");
  expect(() => openImage(whole.subarray(0, 64))).toThrow("is cut: 64 of 128 bytes");
  expect(() => openImage(flipped)).toThrow("checksum is wrong");
});

test("sealImage() refuses more sections than an image can have", () => {
  expect(() => sealImage(Array.from({ length: 33 }, () => one))).toThrow(ImageError);
});

test("a byte writer grows, little-endian", () => {
  const out = new ByteWriter();
  out.u8(1);
  out.u16(0x0302);
  out.words(0x07060504, 0xffffffff);
  out.append(new Uint8Array(5000));
  expect(out.length).toBe(5011);
  expect([...out.bytes().subarray(0, 12)]).toEqual([1, 2, 3, 4, 5, 6, 7, 255, 255, 255, 255, 0]);
});
