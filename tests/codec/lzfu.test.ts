import { expect, test } from "bun:test";
import { decompressRtf } from "../../src/codec/lzfu.ts";
import { storedRtf } from "../unpack/mail/build-tnef.ts";

// The example of [MS-OXRTFCP] §3.1.1, which refers to the preloaded words.
const EXAMPLE = Buffer.from(
  "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0",
  "hex",
);
const PLAIN = "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n";

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

test("decompressRtf() reads the specification's example", () => {
  const { bytes, end } = decompressRtf(EXAMPLE, 1000);
  expect([textOf(bytes), end]).toEqual([PLAIN, "whole"]);
});

test("decompressRtf() reads a run that overlaps itself", () => {
  // Literals "XYZ", then a reference to where they stand that is longer than they are.
  const body = Buffer.from([
    0b0001_1000,
    0x58,
    0x59,
    0x5a,
    (207 >> 4) & 255,
    (207 & 15) << 4,
    0,
    0,
  ]);
  body.writeUInt16BE((207 << 4) | 7, 4);
  body.writeUInt16BE((((207 + 12) % 4096) << 4) | 0, 6);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(body.length + 12, 0);
  header.writeUInt32LE(12, 4);
  header.write("LZFu", 8);
  const { bytes, end } = decompressRtf(Buffer.concat([header, body]), 1000);
  expect([textOf(bytes), end]).toEqual(["XYZXYZXYZXYZ", "whole"]);
});

test("decompressRtf() reads what is stored", () => {
  const { bytes, end } = decompressRtf(storedRtf("{\\rtf1 x}"), 1000);
  expect([textOf(bytes), end]).toEqual(["{\\rtf1 x}", "whole"]);
});

test.each<[string, Uint8Array, string]>([
  ["nothing", Buffer.alloc(0), "corrupt"],
  ["another kind", Buffer.alloc(40, 0x41), "corrupt"],
  ["a cut stream", EXAMPLE.subarray(0, 40), "truncated"],
  ["a cut store", storedRtf("{\\rtf1 x}").subarray(0, 20), "truncated"],
])("decompressRtf() of %s is not whole", (_, bytes, end) => {
  expect(decompressRtf(bytes, 1000).end).toBe(end as "corrupt");
});

test("decompressRtf() is bounded, whatever the header declares", () => {
  const lie = Buffer.from(EXAMPLE);
  lie.writeUInt32LE(0xffff_ffff, 4);
  expect(textOf(decompressRtf(lie, 1 << 30).bytes)).toBe(PLAIN);
  const cut = decompressRtf(EXAMPLE, 10);
  expect([cut.bytes.length, cut.end]).toEqual([10, "too-large"]);
});
