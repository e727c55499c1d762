// Writes what check.c eats: signature images over random signatures, random objects, and what the
// reference finds in them. bun wasm/native/images.ts FOLDER [COUNT [SEEDS]]
// SEEDS is a folder for what fuzz.c begins with: the same objects, with the number of their image.
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
/** One image in three has that many, which need searches of other kinds; see build.c. */
const MANY_SIGNATURES = 700;
const MANY_ONE_IN = 3;
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

/** A case file, and its objects. */
async function makeCase(core: Uint8Array, seed: number): Promise<[Uint8Array, Uint8Array[]]> {
  const random = new Random(seed);
  const hasMany = seed % MANY_ONE_IN === MANY_ONE_IN - 1;
  const alphabet = hasMany ? LETTERS : LETTERS.slice(0, 2 + random.below(LETTERS.length - 1));
  const runMin = random.pick([4, 6, 11, 15]);
  const mix = { alphabet, runMin, hasFolded: random.below(2) === 0 };
  const count = hasMany ? MANY_SIGNATURES : SIGNATURES;
  const names = Array.from({ length: count }, (_, i) => `T.${i}`);
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
  const objects = Array.from({ length: OBJECTS }, () => {
    return randomData(random, patterns, { alphabet, length: random.below(OBJECT_SIZE_MAX) });
  });
  for (const bytes of objects) {
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
  return [out.bytes(), objects];
}

const [folder = "", count = "12", seeds] = process.argv.slice(2);
const core = await buildCore();
mkdirSync(folder, { recursive: true });
if (seeds !== undefined) mkdirSync(seeds, { recursive: true });
for (let seed = 0; seed < Number(count); seed++) {
  const [bytes, objects] = await makeCase(core, seed);
  const number = String(seed).padStart(3, "0");
  writeFileSync(join(folder, `${number}.case`), bytes);
  if (seeds === undefined) continue;
  for (const [i, object] of objects.entries()) {
    // Which image, no edits, and what the object lies in; see fuzz.c.
    writeFileSync(
      join(seeds, `${number}-${i}`),
      Buffer.concat([Buffer.from([seed, 0, 0, 0]), object]),
    );
  }
}
