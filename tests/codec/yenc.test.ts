import { expect, test } from "bun:test";
import { yencBlocks } from "../../src/codec/yenc.ts";
import { yencode } from "../harness/encode.ts";

const blocksOf = (text: string) =>
  [...yencBlocks(Buffer.from(text, "latin1"))].map(({ name, bytes }) => [
    name,
    Buffer.from(bytes).toString("latin1"),
  ]);

const ALL_BYTES = String.fromCharCode(...Array(256).keys());

test("yencBlocks() reads all byte values back", () => {
  expect(blocksOf(`before\r\n${yencode("all bytes.bin", ALL_BYTES)}after`)).toEqual([
    ["all bytes.bin", ALL_BYTES],
  ]);
});

test("yencBlocks() reads several blocks, and a part of a file", () => {
  const part = yencode("b", "part two").replace("\r\n", "\r\n=ypart begin=9 end=16\r\n");
  expect(blocksOf(yencode("a", "part one") + part)).toEqual([
    ["a", "part one"],
    ["b", "part two"],
  ]);
});

test("yencBlocks() reads a block that is cut", () => {
  expect(blocksOf(yencode("a", "content").replace(/=yend.*/s, ""))).toEqual([["a", "content"]]);
});

test.each(["=ybegin ", "x =ybegin line=1 name=a\r\nabc", "no block"])("none in %j", (text) => {
  expect(blocksOf(text)).toEqual([]);
});
