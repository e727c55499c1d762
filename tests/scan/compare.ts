// The scan core against the reference, on signatures and data at random from a seed.
import { Engine } from "../../src/scan/engine.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSources } from "../../src/signature/compile.ts";
import { parseSource } from "../../src/signature/parse.ts";
import { Random, randomData, randomSignature } from "./generator.ts";
import { referenceScan } from "./reference.ts";

const LETTERS = [0x61, 0x41, 0x62, 0x42, 0x00, 0x2e, 0x63, 0x43, 0x7a, 0x20];
const OBJECTS = 6;

/** What is compared. */
export interface Comparison {
  readonly seed: number;
  /** Literal bytes that each pattern has at least: it decides which passes the search has. */
  readonly runMin: number;
  readonly hasFolded: boolean;
  /** Signatures; 40 if it is left out. */
  readonly count?: number;
}

/** How a comparison came out. */
export interface Compared {
  /** Signatures that were compiled, and how often one matched. */
  readonly kept: number;
  readonly matches: number;
  /** Objects of which the core says something else than the reference. */
  readonly differences: readonly { readonly found: string[]; readonly wanted: string[] }[];
}

/** Scans some objects with both. */
export async function compareCore(core: Uint8Array, given: Comparison): Promise<Compared> {
  const { seed, runMin, hasFolded, count = 40 } = given;
  const random = new Random(seed);
  const alphabet = LETTERS.slice(0, 2 + random.below(8));
  const mix = { alphabet, runMin, hasFolded };
  const names = Array.from({ length: count }, (_, i) => `T.${i}`);
  const text = names.map((name) => randomSignature(random, name, mix)).join("");
  const compiled = await compileSources([{ path: "random.gws", text }], core);
  const known = new Set(compiled.signatures.map(({ name }) => name));
  const parsed = parseSource("random.gws", text).signatures;
  const signatures = parsed.filter(({ info }) => known.has(info.name));
  const patterns = signatures.flatMap((signature) => signature.patterns);
  const set = loadSet(compiled.image, { arenas: 1, arenaSize: 65_536, core });
  const engine = await Engine.attach(set, 0);
  const differences: { found: string[]; wanted: string[] }[] = [];
  let matches = 0;
  for (let i = 0; i < OBJECTS; i++) {
    const bytes = randomData(random, patterns, { alphabet, length: 100 + random.below(400) });
    const seen = engine.scan({ bytes, name: "", type: "", containerType: "", depth: 0 });
    const wanted = referenceScan(signatures, bytes);
    const found = seen.findings.map(({ signature, offset }) => `${signature}@${offset}`).sort();
    if (!seen.isComplete || found.join() !== wanted.join()) differences.push({ found, wanted });
    matches += wanted.length;
  }
  return { kept: known.size, matches, differences };
}
