import { expect, test } from "bun:test";
import { Tally } from "../../src/unpack/tally.ts";

test("Tally of nothing is clean", () => {
  expect(new Tally().outcome).toEqual({ status: "clean", note: "" });
});

test("Tally puts the gravest status and its reason first", () => {
  const tally = new Tally();
  tally.add("protected", "encrypted", "a.txt");
  tally.add("unscanned", "too many objects");
  tally.add("damaged", "cut short", "b.txt");
  const { status, note } = tally.outcome;
  expect(status).toBe("unscanned");
  expect(note).toStartWith("too many objects; ");
  expect(note).toContain("encrypted: a.txt");
});

test("Tally names three entries and counts the others", () => {
  const tally = new Tally();
  for (const name of ["a", "b", "c", "d", "e"]) tally.add("damaged", "cut", name);
  expect(tally.outcome).toEqual({ status: "damaged", note: "cut: a, b, c and 2 more" });
});

test("Tally tells which entries stayed closed, a thousand of them", () => {
  const tally = new Tally();
  tally.add("protected", "encrypted", "a", { size: 3, packedSize: 15 });
  for (let i = 0; i < 2000; i++) tally.add("protected", "encrypted", `${i}`);
  const { closed = [] } = tally.outcome;
  expect(closed[0]).toEqual({ name: "a", size: 3, packedSize: 15 });
  expect(closed).toHaveLength(1000);
});
