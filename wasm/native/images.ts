// Writes what check.c eats: signature images over random signatures, random objects, and what the
// reference finds in them. bun wasm/native/images.ts FOLDER
//
// A case file: u32 bytes of the image, the image, u32 number of signatures that the reference does
// not know, and for each its number; u32 number of objects, and for each u32 bytes,
// the bytes, u32 number of findings, and for each u32 signature, u32 offset (ascending by
// signature).
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ByteWriter } from "../../src/gwdb/byte-writer.ts";
import { compileSources } from "../../src/signature/compile.ts";
import { parseSource } from "../../src/signature/parse.ts";
import { Random, randomData, randomSignature } from "../../tests/scan/generator.ts";
import { referenceScan } from "../../tests/scan/reference.ts";
import { buildCore } from "../build.ts";

const SIGNATURES = 40;
const OBJECTS = 6;
const OBJECT_SIZE_MAX = 500;
/** More would be cut by the core. */
const FINDINGS_MAX = 64;
const LETTERS = [0x61, 0x41, 0x62, 0x42, 0x00, 0x2e, 0x63, 0x43];

// Besides the random ones: what only one line of the source format makes.
const EXTRAS = `signature T.Name
  name $n "*.ex?"
end
signature T.Hash
  md5 "900150983cd24fb0d6963f7d28e17f72" size 3
  sha256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" size 3
end
signature T.Type
  target zip
  text $a "abcdefgh" nocase
  condition $a and size < 1KB and depth < 3 and not container is mail
end
`;

async function writeCase(path: string, core: Uint8Array, seed: number): Promise<void> {
  const random = new Random(seed);
  const alphabet = LETTERS.slice(0, 2 + random.below(LETTERS.length - 1));
  const runMin = random.pick([4, 6, 11, 15]);
  const mix = { alphabet, runMin, hasFolded: random.below(2) === 0 };
  const names = Array.from({ length: SIGNATURES }, (_, i) => `T.${i}`);
  const text = names.map((name) => randomSignature(random, name, mix)).join("") + EXTRAS;
  const { image, signatures } = await compileSources([{ path: "random.gws", text }], core);
  const index = new Map(signatures.map(({ name }, i) => [name, i]));
  const parsed = parseSource("random.gws", text).signatures;
  const kept = parsed.filter(({ info, patterns }) => {
    return index.has(info.name) && patterns.every(({ kind }) => kind === "bytes");
  });
  const plain = kept.filter(({ targets }) => targets.length === 0);
  const patterns = plain.flatMap((signature) => signature.patterns);
  const out = new ByteWriter();
  out.u32(image.length);
  out.append(image);
  const known = new Set(plain.map(({ info }) => info.name));
  const unknown = signatures.flatMap(({ name }, i) => (known.has(name) ? [] : [i]));
  out.words(unknown.length, ...unknown, OBJECTS);
  for (let i = 0; i < OBJECTS; i++) {
    const bytes = randomData(random, patterns, { alphabet, length: random.below(OBJECT_SIZE_MAX) });
    out.u32(bytes.length);
    out.append(bytes);
    const found = referenceScan(plain, bytes)
      .map((finding) => finding.split("@"))
      .map(([name = "", offset]) => [index.get(name) ?? 0, Number(offset)] as const)
      .sort(([a], [b]) => a - b);
    if (found.length > FINDINGS_MAX) throw new Error("too many findings for one object");
    out.u32(found.length);
    for (const finding of found) out.words(...finding);
  }
  writeFileSync(path, out.bytes());
}

const [folder = "", count = "12"] = process.argv.slice(2);
const core = await buildCore();
mkdirSync(folder, { recursive: true });
for (let seed = 0; seed < Number(count); seed++) {
  await writeCase(join(folder, `${seed}.case`), core, seed);
}
