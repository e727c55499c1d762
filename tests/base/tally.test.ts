import { expect, test } from "bun:test";
import { Tally } from "../../src/base/tally.ts";

test("enter() refuses beyond the limit of a key, and not the other keys", () => {
  const tally = new Tally();
  const limits = { totalMax: 10, perKeyMax: 2 };
  expect([1, 2, 3].map(() => tally.enter("a", limits))).toEqual([true, true, false]);
  expect(tally.enter("b", limits)).toBe(true);
  expect(tally.total).toBe(3);
});

test("enter() refuses beyond the limit of all", () => {
  const tally = new Tally();
  const limits = { totalMax: 2, perKeyMax: 2 };
  expect(["a", "b", "c"].map((key) => tally.enter(key, limits))).toEqual([true, true, false]);
});

test("leave() makes room again, and ignores what was never counted", () => {
  const tally = new Tally();
  const limits = { totalMax: 1, perKeyMax: 1 };
  tally.enter("a", limits);
  tally.leave("b");
  expect(tally.enter("a", limits)).toBe(false);
  tally.leave("a");
  expect(tally.total).toBe(0);
  expect(tally.enter("b", limits)).toBe(true);
});
