// The scan core against the reference on random signatures and data.
import { expect, test } from "bun:test";
import { buildCore } from "../../wasm/build.ts";
import { compareCore } from "./compare.ts";

const core = await buildCore();

// The length of the shortest run decides which search passes an image has.
const CASES = [4, 6, 11, 15].flatMap((runMin) =>
  [true, false].flatMap((hasFolded) => [0, 1, 2].map((seed) => ({ runMin, hasFolded, seed }))),
);

test.each(CASES)("the core finds what the reference finds: %o", async (given) => {
  const { kept, matches, differences } = await compareCore(core, given);
  expect(differences).toEqual([]);
  expect(kept).toBeGreaterThan(10);
  expect(matches).toBeGreaterThan(0);
});
