import { expect, test } from "bun:test";
import {
  ascii85Decode,
  asciiHexDecode,
  lzwDecode,
  runLengthDecode,
  unpredict,
} from "../../../src/unpack/pdf/filters.ts";
import { random } from "../../fuzz/mutate.ts";

const ROOM = 1 << 20;
const bytesOf = (text: string) => Buffer.from(text, "latin1");
const text = (made: { bytes: Buffer }) => made.bytes.toString("latin1");

test.each<[string, string]>([
  ["48 65 6c 6C\n6f>ignored", "Hello"],
  ["4", "@"],
  ["", ""],
])("asciiHexDecode(%j)", (input, output) => {
  expect(text(asciiHexDecode(bytesOf(input), ROOM))).toBe(output);
});

test.each<[string, string]>([
  ["9jqo^~>", "Man "],
  ["<~9jq\no^z~>", "Man \0\0\0\0"],
  ["9jqo", "Man"],
  ["9j~>9jqo", "M"],
  ["9", ""],
  ["", ""],
])("ascii85Decode(%j)", (input, output) => {
  expect(text(ascii85Decode(bytesOf(input), ROOM))).toBe(output);
});

test.each<[string, string]>([
  ["\x04Hello\x80rest", "Hello"],
  ["\xfea\x01cd\x05", "aaacd"],
  ["\xfea\x01bc\x80", "aaabc"],
  ["\x05ab", "ab"],
  ["\xfe", ""],
])("runLengthDecode(%j)", (input, output) => {
  expect(text(runLengthDecode(bytesOf(input), ROOM))).toBe(output);
});

// The encoder of the specification: it clears its table before it is full.
function lzwEncode(input: Buffer, early: number): Buffer {
  const out: number[] = [];
  let bits = 0n;
  let held = 0n;
  let width = 9;
  let table = new Map<string, number>();
  const put = (code: number) => {
    bits = (bits << BigInt(width)) | BigInt(code);
    held += BigInt(width);
    for (; held >= 8n; held -= 8n) out.push(Number((bits >> (held - 8n)) & 255n));
    bits &= (1n << held) - 1n;
  };
  const codeOf = (word: string) => (word.length === 1 ? word.charCodeAt(0) : table.get(word));
  put(256);
  let word = "";
  for (const byte of input) {
    const longer = word + String.fromCharCode(byte);
    if (codeOf(longer) !== undefined) {
      word = longer;
      continue;
    }
    put(codeOf(word) as number);
    table.set(longer, 258 + table.size);
    // The encoder is one string ahead of the decoder.
    const next = 257 + table.size + early;
    width = next >= 2048 ? 12 : next >= 1024 ? 11 : next >= 512 ? 10 : 9;
    if (table.size >= 3800) {
      put(256);
      table = new Map();
      width = 9;
    }
    word = String.fromCharCode(byte);
  }
  if (word !== "") put(codeOf(word) as number);
  // The decoder has learnt one more string by now.
  const next = 258 + table.size + early;
  width = next >= 2048 ? 12 : next >= 1024 ? 11 : next >= 512 ? 10 : 9;
  put(257);
  if (held > 0n) out.push(Number((bits << (8n - held)) & 255n));
  return Buffer.from(out);
}

test("lzwDecode() reads the example of the specification", () => {
  const input = Buffer.from([0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01]);
  const output = Buffer.from([45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
  expect(lzwDecode(input, ROOM, 1)).toEqual({ bytes: output, end: "whole" });
});

test.each([0, 1])("lzwDecode() undoes an encoder with EarlyChange %d", (early) => {
  const next = random(7);
  const inputs = [
    Buffer.alloc(20_000, "a"),
    bytesOf(Array.from({ length: 9000 }, (_, i) => `${i * i}`).join(" ")),
    Buffer.from(Array.from({ length: 30_000 }, () => next(4))),
    Buffer.from(Array.from({ length: 9000 }, () => next(256))),
  ];
  for (const input of inputs) {
    const made = lzwDecode(lzwEncode(input, early), ROOM, early);
    expect(made.end).toBe("whole");
    expect(made.bytes.equals(input)).toBe(true);
  }
});

test("lzwDecode() gives the intact front of what is damaged", () => {
  const whole = lzwEncode(bytesOf("some content ".repeat(100)), 1);
  const cut = lzwDecode(whole.subarray(0, whole.length / 2), ROOM, 1);
  expect(text(cut)).toStartWith("some content some content");
  const broken = lzwDecode(Buffer.concat([whole.subarray(0, 40), Buffer.alloc(40, 255)]), ROOM, 1);
  expect(broken.end).toBe("corrupt");
  expect(text(broken)).toStartWith("some content");
});

test("no filter makes more than it may", () => {
  const made = [
    asciiHexDecode(Buffer.alloc(500, "4"), 100),
    ascii85Decode(Buffer.alloc(100, "z"), 100),
    ascii85Decode(Buffer.alloc(200, "5"), 100),
    runLengthDecode(Buffer.alloc(100, 0x81), 100),
    lzwDecode(lzwEncode(Buffer.alloc(5000, "a"), 1), 100, 1),
  ];
  for (const { end, bytes } of made) expect([end, bytes.length]).toEqual(["too-large", 0]);
});

test("unpredict() undoes each PNG method", () => {
  const how = { predictor: 15, colors: 1, bits: 8, columns: 3 };
  const rows = [0, 1, 2, 3, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 1, 1, 4, 1, 1, 1, 9, 7, 7, 7];
  expect([...unpredict(Buffer.from(rows), how)]).toEqual(
    [
      [1, 2, 3],
      [1, 2, 3],
      [2, 3, 4],
      [2, 3, 4],
      [3, 4, 5],
      [7, 7, 7],
    ].flat(),
  );
  expect([...unpredict(Buffer.from([2, 1, 2]), how)]).toEqual([1, 2]);
});

test("unpredict() undoes TIFF's, and leaves alone what makes no sense", () => {
  const tiff = { predictor: 2, colors: 1, bits: 8, columns: 3 };
  expect([...unpredict(Buffer.from([1, 1, 1, 5, 255, 0]), tiff)]).toEqual([1, 2, 3, 5, 4, 4]);
  const input = Buffer.from([1, 2, 3]);
  for (const columns of [1e300, Number.NaN]) {
    expect(unpredict(input, { predictor: 12, colors: 1, bits: 8, columns })).toEqual(input);
  }
});
