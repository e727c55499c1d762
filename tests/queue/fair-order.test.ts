import { expect, test } from "bun:test";
import { FairOrder } from "../../src/queue/fair-order.ts";

test("keys take turns, and each keeps its own order", () => {
  const order = new FairOrder<string>();
  for (const item of ["a1", "a2", "a3", "b1", "c1", "b2"]) order.push(item.charAt(0), item);
  expect([order.size, order.has("c"), order.has("d")]).toEqual([6, true, false]);
  const taken = Array.from({ length: 4 }, () => order.shift());
  order.push("c", "c2");
  expect([...taken, order.shift(), order.shift(), order.shift(), order.shift()]).toEqual([
    ...["a1", "b1", "c1", "a2", "b2", "a3", "c2", undefined],
  ]);
});

test("clear() gives all that is left", () => {
  const order = new FairOrder<number>();
  order.push("a", 1);
  order.push("b", 2);
  expect([order.clear(), order.size, order.shift()]).toEqual([[1, 2], 0, undefined]);
});
