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
  for (const name of ["a", "b", "c", "d", "e"]) tally.add("protected", "encrypted", name);
  expect(tally.outcome).toEqual({ status: "protected", note: "encrypted: a, b, c and 2 more" });
});
