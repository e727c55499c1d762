import { expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { inflate } from "../../src/unpack/inflate.ts";
import { textOf } from "../harness/extracts.ts";

const CONTENT = Array.from({ length: 500 }, (_, i) => `line ${i} of the content\n`).join("");
const PACKED = deflateRawSync(CONTENT);

test("inflate() gives the content, and tells where the stream ends", () => {
  const input = Buffer.concat([PACKED, Buffer.from("what stands behind")]);
  const found = inflate(input, 1 << 20);
  expect(found).toMatchObject({ end: "whole", consumed: PACKED.length });
  expect(textOf(found.bytes)).toBe(CONTENT);
});

test.each([1, 64, 5000])("inflate() does not mind a size hint of %d", (hint) => {
  expect(inflate(PACKED, 1 << 20, hint).bytes.length).toBe(CONTENT.length);
});

test("inflate() gives what a cut stream holds", () => {
  const found = inflate(PACKED.subarray(0, PACKED.length / 2), 1 << 20);
  expect(found.end).toBe("truncated");
  expect(found.bytes.length).toBeGreaterThan(1000);
  expect(CONTENT).toStartWith(textOf(found.bytes));
});

test("inflate() gives what stands before the place where a stream is broken", () => {
  const blocks = Buffer.concat([PACKED.subarray(0, PACKED.length - 40), Buffer.alloc(60, 0xff)]);
  const found = inflate(blocks, 1 << 20);
  expect(["corrupt", "truncated"]).toContain(found.end);
  expect(found.bytes.length).toBeGreaterThan(1000);
});

test.each([
  ["nothing", Buffer.alloc(0), "truncated"],
  ["no stream", Buffer.from([0xff, 0xff, 0xff]), "corrupt"],
] as const)("inflate() of %s", (_, input, end) => {
  expect(inflate(input, 1000)).toMatchObject({ end });
});

test("inflate() stops a bomb at its bound", () => {
  const bomb = deflateRawSync(Buffer.alloc(50 << 20));
  expect(inflate(bomb, 1 << 20)).toMatchObject({ end: "too-large", consumed: 0 });
  expect(inflate(PACKED, 0).end).toBe("too-large");
  expect(inflate(PACKED, CONTENT.length).end).toBe("whole");
  expect(inflate(PACKED, CONTENT.length - 1).end).toBe("too-large");
});
