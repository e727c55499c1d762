// Engines for tests, straight from signature sources.
import { Engine, type ScanResult } from "../../src/scan/engine.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSources } from "../../src/signature/compile.ts";
import { buildCore } from "../../wasm/build.ts";

/** The image of a source that must be without errors. */
export async function imageOf(text: string): Promise<Uint8Array> {
  const files = [{ path: "test.gws", text }];
  return (await compileSources(files, await buildCore(), { isStrict: true })).image;
}

/** An engine over a source. */
export async function engineOf(text: string, arenaSize = 1 << 20): Promise<Engine> {
  const set = loadSet(await imageOf(text), { arenas: 1, arenaSize, core: await buildCore() });
  return Engine.attach(set, 0);
}

/** What an object may be besides its bytes. */
export interface About {
  readonly name?: string;
  readonly type?: string;
  readonly containerType?: string;
  readonly depth?: number;
}

/** Scans a latin-1 string or bytes. */
export function scan(engine: Engine, data: string | Uint8Array, about: About = {}): ScanResult {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  return engine.scan({ bytes, name: "", type: "", containerType: "", depth: 0, ...about });
}

/** Names of what was found. */
export function names(result: ScanResult): string[] {
  return result.findings.map(({ signature }) => signature);
}
