import { expect, test } from "bun:test";
import { RateMeter } from "../../../src/inbound/limits/rate-meter.ts";

test("count() forgets what is older than the span, bit by bit", () => {
  const meter = new RateMeter({ withinMs: 1000 });
  meter.add("a", 0, 10);
  expect(meter.count("a", 999)).toBe(10);
  expect(meter.count("a", 1000)).toBe(10);
  expect(meter.count("a", 1500)).toBe(5);
  expect(meter.count("a", 1999)).toBe(1);
  expect(meter.count("a", 2000)).toBe(0);
  meter.add("a", 10_500, 2);
  expect(meter.count("a", 10_500)).toBe(2);
  expect(meter.count("b", 10_500)).toBe(0);
});

test("clear() forgets a key at once", () => {
  const meter = new RateMeter({ withinMs: 1000 });
  meter.add("a", 0);
  meter.clear("a");
  expect(meter.count("a", 0)).toBe(0);
});

test("keys beyond the limit are not remembered, those that are go on", () => {
  const meter = new RateMeter({ withinMs: 1000, keysMax: 2 });
  for (const key of ["a", "b", "c", "a"]) meter.add(key, 0);
  expect(["a", "b", "c"].map((key) => meter.count(key, 0))).toEqual([2, 1, 0]);
});
