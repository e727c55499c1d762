// One file in every wrapper, alone and in pairs of wrappers: it is found each time.
import { expect, test } from "bun:test";
import type { Limits } from "../../src/base/budget.ts";
import { inspect, type ObjectScanner } from "../../src/pipeline/inspect.ts";
import { LIMITS } from "../harness/extracts.ts";
import type { Wrapper } from "./wrappers/wrapper.ts";
import { WRAPPERS } from "./wrappers.ts";

const { GW_ALL_PAIRS = "" } = process.env;
// All of them take minutes: GW_ALL_PAIRS=1 bun test --timeout 600000 tests/unpack/wrappers.test.ts
const PAIRS_STEP = GW_ALL_PAIRS === "" ? 13 : 1;
const MARKER = Buffer.from("the marker that is looked for, and nothing else: 7f3a91\r\n".repeat(2));
// Samples are small; what is very large would be a mistake in them.
const BOUNDS: Limits = { ...LIMITS, objectSizeMax: 16 << 20 };

/** Finds objects that are the marker, and begin with it. */
const scanner: ObjectScanner = {
  identity: "test",
  scan({ bytes }) {
    const isMarker = Buffer.from(bytes).subarray(0, MARKER.length).equals(MARKER);
    const finding = { signature: "Test.Marker", severity: "infected", offset: 0 } as const;
    return { findings: isMarker ? [finding] : [], scanned: bytes.length, isComplete: true };
  },
};

const isFound = (bytes: Buffer) =>
  inspect({ name: "x", declaredType: "", bytes }, scanner, BOUNDS).status === "infected";

const fits = ({ sizeMax = Infinity, takes }: Wrapper, content: Buffer) =>
  content.length <= sizeMax && takes?.(content) !== false;

test("a file is found in each wrapper", () => {
  const missed = WRAPPERS.filter(
    (wrapper) => fits(wrapper, MARKER) && !isFound(wrapper.wrap(MARKER)),
  );
  expect(missed.map(({ name }) => name)).toEqual([]);
});

test("a file is found in pairs of wrappers", () => {
  const missed: string[] = [];
  let count = 0;
  for (const [index, inner] of WRAPPERS.entries()) {
    if (!fits(inner, MARKER)) continue;
    const content = inner.wrap(MARKER);
    for (const [place, outer] of WRAPPERS.entries()) {
      if ((index * 3 + place) % PAIRS_STEP !== 0) continue;
      if (!fits(outer, content)) continue;
      count++;
      if (!isFound(outer.wrap(content))) missed.push(`${inner.name} in ${outer.name}`);
    }
  }
  process.stdout.write(`${WRAPPERS.length} wrappers, ${count} pairs: ${missed.length} missed\n`);
  expect(missed).toEqual([]);
  expect(count).toBeGreaterThan(300);
});
