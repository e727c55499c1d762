import { expect, test } from "bun:test";
import { nearest } from "../../src/text/nearest.ts";

const WORDS = ["scan", "serve", "send-test", "queue", "quarantine", "config"];

test.each([
  ["scna", "scan"],
  ["SERVE", "serve"],
  ["quarantaine", "quarantine"],
  ["cofnig", "config"],
  ["sendtest", "send-test"],
])("nearest() takes %s for %s", (word, meant) => {
  expect(nearest(word, WORDS)).toBe(meant);
});

test.each(["", "x", "frobnicate", "s".repeat(1000)])("nearest() does not guess at %p", (word) => {
  expect(nearest(word, WORDS)).toBeUndefined();
});
