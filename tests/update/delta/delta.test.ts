import { describe, expect, test } from "bun:test";
import { applyDelta } from "../../../src/update/delta/apply.ts";
import { makeDelta } from "../../../src/update/delta/make.ts";

const text = (value: string) => Buffer.from(value);
const lines = (count: number, from = 0) =>
  Array.from(
    { length: count },
    (_, n) => `Sig.${n + from}:0:*:${((n + from) * 7919).toString(16)}`,
  );

/** Numbers of one seed, the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const list = lines(500);
const CASES: readonly (readonly [string, string, string])[] = [
  ["nothing and nothing", "", ""],
  ["nothing and something", "", "abc"],
  ["something and nothing", "abc", ""],
  ["the same", list.join("\n"), list.join("\n")],
  ["a line more in the middle", list.join("\n"), list.toSpliced(250, 0, "New:0:*:ff").join("\n")],
  ["a line less", list.join("\n"), list.toSpliced(99, 1).join("\n")],
  ["lines in another order", list.join("\n"), list.toReversed().join("\n")],
  [
    "the second half first",
    list.join("\n"),
    [...list.slice(250), ...list.slice(0, 250)].join("\n"),
  ],
  ["nothing in common", "a".repeat(5000), "b".repeat(4000)],
  ["one text many times over", "a".repeat(100_000), `${"a".repeat(70_000)}b${"a".repeat(9)}`],
  ["less than a block", "short", "short!"],
];

test.each(CASES)("a delta leads from old to new: %s", (_name, old, made) => {
  const delta = makeDelta(text(old), text(made));
  const result = applyDelta(text(old), delta, made.length);
  expect(result && Buffer.from(result).toString()).toBe(made);
});

test("a line more in a list of 100,000 costs about the line, wherever it stands", () => {
  const many = lines(100_000);
  const old = text(many.join("\n"));
  for (const place of [0, 50_000, 100_000]) {
    const made = text(
      many.toSpliced(place, 0, "Site.New.Signature:0:*:0123456789abcdef").join("\n"),
    );
    const delta = makeDelta(old, made);
    expect(delta.length).toBeLessThan(200);
    expect(Buffer.compare(applyDelta(old, delta, made.length) ?? text(""), made)).toBe(0);
  }
});

test("random edits of random bytes come out right", () => {
  const next = random(7);
  const bytes = (length: number) => Uint8Array.from({ length }, () => next(4));
  for (let round = 0; round < 200; round++) {
    const old = bytes(next(3000));
    const made = [...old];
    for (let edit = next(6); edit > 0; edit--) {
      made.splice(next(made.length + 1), next(200), ...bytes(next(200)));
    }
    const wanted = Uint8Array.from(made);
    const result = applyDelta(old, makeDelta(old, wanted), wanted.length);
    expect(result !== undefined && Buffer.compare(result, wanted) === 0).toBe(true);
  }
});

describe("applyDelta() gives nothing for", () => {
  const old = text(list.join("\n"));
  const made = text(list.toSpliced(250, 0, "New:0:*:ff").join("\n"));
  const delta = makeDelta(old, made);
  test.each([
    ["no delta at all", text("hello"), made.length],
    ["an empty file", text(""), made.length],
    ["its first bytes alone", delta.subarray(0, 4), made.length],
    ["a delta that is cut", delta.subarray(0, -3), made.length],
    ["a size that is too small", delta, made.length - 1],
    ["a size that is too large", delta, made.length + 1],
    ["more than a file of this size needs", makeDelta(text(""), Buffer.alloc(1e6)), 10],
  ])("%s", (_name, bytes, size) => {
    expect(applyDelta(old, bytes, size)).toBeUndefined();
  });

  test("an old file that is another one, or another result", () => {
    expect(applyDelta(text("short"), delta, made.length)).toBeUndefined();
  });
});

test("applyDelta() never throws for damaged deltas", () => {
  const next = random(11);
  const old = text(list.join("\n"));
  const made = text(list.toReversed().join("\n"));
  const delta = makeDelta(old, made);
  for (let round = 0; round < 2000; round++) {
    const damaged = Uint8Array.from(delta);
    for (let edit = 1 + next(3); edit > 0; edit--) damaged[next(damaged.length)] = next(256);
    const result = applyDelta(old, damaged, made.length);
    expect(result === undefined || result.length === made.length).toBe(true);
  }
});
