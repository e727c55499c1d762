import { describe, expect, test } from "bun:test";
import { decodeBase64, looksBase64 } from "../../src/codec/base64.ts";

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

describe("decodeBase64() reads clean input in one way", () => {
  test.each([
    ["", ""],
    ["aGVsbG8=", "hello"],
    ["aGVs\r\nbG8=\r\n", "hello"],
    [" aGVs\t\nbG8 = ", "hello"],
    ["aGVsbG8", "hello"],
    ["aGVsbG8gd29ybGQh", "hello world!"],
  ])("%j", (input, expected) => {
    const reading = decodeBase64(Buffer.from(input));
    expect(textOf(reading.bytes)).toBe(expected);
    expect(reading.isClean).toBe(true);
    expect(reading.others).toEqual([]);
  });
});

describe("decodeBase64() gives every reading of unclean input", () => {
  test.each([
    ["junk between digits", "aGV*s\0b(G8=", "hello", []],
    ["padding in the middle", "aGVsbG8=d29ybGQ=", "helloworld", ["hello"]],
    ["padding twice at the end", "aGVsbG8====", "hello", []],
    ["text behind the padding", "aGVsbG8=\r\n--\r\nfooter", "hello", ["hello"]],
    ["a lone digit at the end", "aGVsbG8hA", "hello!", []],
  ])("%s", (_, input, usual, others) => {
    const reading = decodeBase64(Buffer.from(input));
    expect(textOf(reading.bytes)).toStartWith(usual);
    expect(reading.others.map(textOf)).toEqual(expect.arrayContaining(others));
  });

  test("digits behind padding are also read as if there were no padding", () => {
    const readings = decodeBase64(Buffer.from("aGVs=bG8h"));
    expect(textOf(readings.bytes)).toBe("hello!");
    const shifted = decodeBase64(Buffer.from("aGVsbG=8h"));
    expect(shifted.others.map(textOf)).toContain("hello!");
  });

  test("what a reader sees that stops at junk is a reading of its own", () => {
    const reading = decodeBase64(Buffer.from("aGVsbG8h\r\n_____\r\nmailing list\r\n"));
    expect(reading.others.map(textOf)).toContain("hello!");
    expect(reading.junk).toBe(5);
  });
});

test("decodeBase64() agrees with the encoder on all lengths", () => {
  for (let length = 0; length < 300; length++) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 37 + length) & 255));
    const text = bytes.toString("base64").replace(/.{76}/g, "$&\r\n");
    expect(decodeBase64(Buffer.from(text)).bytes).toEqual(bytes);
    const dirty = text.replace(/(.{7})/g, "$1!");
    expect(Buffer.from(decodeBase64(Buffer.from(dirty)).bytes)).toEqual(bytes);
  }
});

test.each([
  ["a line of digits", `${"QUJD".repeat(19)}\r\n${"QUJD".repeat(19)}\r\n`, true],
  ["blank lines first", `\r\n\r\n${"QUJD".repeat(19)}\r\n`, true],
  ["one line without end", "QUJD".repeat(400), true],
  ["prose", "This is a line of prose that is longer than forty characters.\r\n", false],
  ["markup", `<html>${"QUJD".repeat(19)}`, false],
  ["a short word", "QUJD\r\n", false],
])("looksBase64() on %s", (_, text, expected) => {
  expect(looksBase64(Buffer.from(text))).toBe(expected);
});
