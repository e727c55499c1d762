import { expect, test } from "bun:test";
import { Load } from "../../../src/inbound/limits/load.ts";

test("take() finds no room for what is announced beyond the limit", () => {
  const load = new Load();
  const first = load.take(600, 1000);
  expect(load.take(600, 1000)).toBeUndefined();
  first?.release();
  first?.release();
  expect(load.bytes).toBe(0);
  expect(load.take(600, 1000)).toBeDefined();
});

test("grow() counts what was not announced, and tells when it is too much", () => {
  const load = new Load();
  const first = load.take(600, 1000);
  const second = load.take(0, 1000);
  expect(second?.grow(300)).toBe(true);
  expect(second?.grow(500)).toBe(false);
  expect(load.bytes).toBe(1100);
  expect(first?.grow(600)).toBe(true);
  second?.release();
  first?.release();
  expect(load.bytes).toBe(0);
});

test("a message that is alone finds room, however large", () => {
  const load = new Load();
  expect(load.take(5000, 1000)?.grow(6000)).toBe(true);
});
