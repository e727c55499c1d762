import { expect, test } from "bun:test";
import { Basket } from "../../../src/unpack/pdf/basket.ts";
import { textOf } from "../../harness/extracts.ts";

test("Basket joins pieces of one name and kind", () => {
  const basket = new Basket();
  for (const text of ["one", "\0\x01", "two"]) {
    expect([...basket.add("streams", Buffer.from(text))]).toEqual([]);
  }
  const found = [...basket.empty()].map(({ name, bytes }) => [name, textOf(bytes)]);
  expect(found).toEqual([
    ["streams", "one\ntwo"],
    ["streams 2", "\0\x01"],
  ]);
  expect([...basket.empty()]).toEqual([]);
});

test("Basket gives what is full, and a large piece without copying it", () => {
  const basket = new Basket();
  const large = Buffer.alloc(2 << 20, "x");
  const [first] = [...basket.add("streams", large)];
  expect(first?.bytes).toBe(large);
  const given = Array.from({ length: 5 }, () => [
    ...basket.add("streams", Buffer.alloc(300_000, "y")),
  ]);
  expect(given.flat().map(({ name, bytes }) => [name, bytes.length])).toEqual([
    ["streams 2", 1_200_003],
  ]);
});
