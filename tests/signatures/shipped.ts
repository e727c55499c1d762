// The signatures that ship with gw, compiled and loaded, for the tests in this folder.
import { join, resolve } from "node:path";
import { Engine } from "../../src/scan/engine.ts";
import { FILE_TYPES, fileType } from "../../src/scan/file-type.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSources } from "../../src/signature/compile.ts";
import { readSources } from "../../src/signature/files.ts";
import type { SignatureInfo } from "../../src/signature/source.ts";
import { buildCore } from "../../wasm/build.ts";
import type { Sample } from "./cases.ts";

const ROOT = resolve(import.meta.dir, "../..");
const { GW_CORPUS = "../shared/corpus" } = process.env;

/** The folder of sample mails; it need not exist. */
export const CORPUS = resolve(ROOT, GW_CORPUS);

/** What a scan of one sample says. */
export interface Hits {
  readonly names: readonly string[];
  readonly infected: readonly string[];
}

/** Signatures and a way to try them. */
export interface Shipped {
  readonly signatures: readonly SignatureInfo[];
  scan(sample: Sample): Hits;
}

/** Compiles the sources strictly, with the types that fileType() knows. */
export async function loadShipped(): Promise<Shipped> {
  const core = await buildCore();
  const sources = await readSources(join(ROOT, "signatures"));
  const options = { isStrict: true, types: FILE_TYPES };
  const { image, signatures } = await compileSources(sources, core, options);
  const set = loadSet(image, { arenas: 1, arenaSize: 16 * 1024 * 1024, core });
  const engine = await Engine.attach(set, 0);
  return {
    signatures,
    scan({ bytes, name, container }) {
      const type = fileType(bytes);
      const object = { bytes, name, type, containerType: container, depth: 1 };
      const { findings, isComplete } = engine.scan(object);
      if (!isComplete) throw new Error(`the scan of ${name} was not completed`);
      const infected = findings.filter(({ severity }) => severity === "infected");
      return {
        names: findings.map(({ signature }) => signature),
        infected: infected.map(({ signature }) => signature),
      };
    },
  };
}
