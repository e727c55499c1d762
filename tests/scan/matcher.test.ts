// The scan core against the reference on random signatures and data.
import { expect, test } from "bun:test";
import { Engine } from "../../src/scan/engine.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSources } from "../../src/signature/compile.ts";
import { parseSource } from "../../src/signature/parse.ts";
import { buildCore } from "../../wasm/build.ts";
import { Random, randomData, randomSignature } from "./generator.ts";
import { referenceScan } from "./reference.ts";

const core = await buildCore();

const LETTERS = [0x61, 0x41, 0x62, 0x42, 0x00, 0x2e, 0x63, 0x43, 0x7a, 0x20];

/** Compares on random objects; how many signatures were compiled and how often one matched. */
async function compare(seed: number, runMin: number, hasFolded: boolean) {
  const random = new Random(seed);
  const alphabet = LETTERS.slice(0, 2 + random.below(8));
  const mix = { alphabet, runMin, hasFolded };
  const names = Array.from({ length: 40 }, (_, i) => `T.${i}`);
  const text = names.map((name) => randomSignature(random, name, mix)).join("");
  const compiled = await compileSources([{ path: "random.gws", text }], core);
  const kept = new Set(compiled.signatures.map(({ name }) => name));
  const parsed = parseSource("random.gws", text).signatures;
  const signatures = parsed.filter(({ info }) => kept.has(info.name));
  const patterns = signatures.flatMap((signature) => signature.patterns);
  const set = loadSet(compiled.image, { arenas: 1, arenaSize: 65_536, core });
  const engine = await Engine.attach(set, 0);
  let matches = 0;
  for (let i = 0; i < 6; i++) {
    const bytes = randomData(random, patterns, { alphabet, length: 100 + random.below(400) });
    const seen = engine.scan({ bytes, name: "", type: "", containerType: "", depth: 0 });
    expect(seen.isComplete).toBe(true);
    const wanted = referenceScan(signatures, bytes);
    const found = seen.findings.map(({ signature, offset }) => `${signature}@${offset}`).sort();
    expect(found).toEqual(wanted);
    matches += wanted.length;
  }
  return { kept: kept.size, matches };
}

// The length of the shortest run decides which search passes an image has.
const CASES = [4, 6, 11, 15].flatMap((runMin) =>
  [true, false].flatMap((hasFolded) => [0, 1, 2].map((seed) => ({ runMin, hasFolded, seed }))),
);

test.each(CASES)("the core finds what the reference finds: %o", async (given) => {
  const { kept, matches } = await compare(given.seed, given.runMin, given.hasFolded);
  expect(kept).toBeGreaterThan(10);
  expect(matches).toBeGreaterThan(0);
});
