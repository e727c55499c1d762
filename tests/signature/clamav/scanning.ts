// Scans samples with ClamAV's signatures as the gateway does: taken apart, object by object.

import { VIEW_TYPES } from "../../../src/gwdb/view-types.ts";
import { inspect } from "../../../src/pipeline/inspect.ts";
import { Engine } from "../../../src/scan/engine.ts";
import { FILE_TYPES } from "../../../src/scan/file-type.ts";
import { loadSet } from "../../../src/scan/signature-set.ts";
import { type ImportFile, importClamav } from "../../../src/signature/clamav/importer.ts";
import { compileSignatures } from "../../../src/signature/compile.ts";
import type { Diagnostic } from "../../../src/signature/source.ts";
import { buildCore } from "../../../wasm/build.ts";

const LIMITS = {
  objectSizeMax: 4 << 20,
  expandedSizeMax: 64 << 20,
  objectCountMax: 1000,
  depthMax: 10,
  timeMaxMs: 60_000,
};

/** Signatures in use. */
export interface Scanning {
  /** What was left out on purpose: how many by reason. */
  readonly skipped: ReadonlyMap<string, number>;
  /** What was wrong with them. */
  readonly diagnostics: readonly Diagnostic[];
  readonly loaded: number;
  readonly names: readonly string[];
  /** Names of what was found, each once, sorted; and whether everything was looked at. */
  scan(sample: Uint8Array, name?: string): { names: string[]; isWhole: boolean };
}

/** Imports files and makes an engine of them. */
export async function scanningWith(files: readonly ImportFile[]): Promise<Scanning> {
  const core = await buildCore();
  const { signatures, reports } = importClamav(files);
  const parsed = { signatures, diagnostics: reports.flatMap(({ diagnostics }) => diagnostics) };
  const compiled = await compileSignatures(parsed, core, { types: [...FILE_TYPES, ...VIEW_TYPES] });
  const set = loadSet(compiled.image, { arenas: 1, arenaSize: LIMITS.objectSizeMax, core });
  const engine = await Engine.attach(set, 0);
  const skipped = new Map<string, number>();
  for (const [reason, count] of reports.flatMap((report) => Object.entries(report.skipped))) {
    skipped.set(reason, (skipped.get(reason) ?? 0) + count);
  }
  return {
    skipped,
    diagnostics: compiled.diagnostics,
    loaded: compiled.signatures.length,
    names: compiled.signatures.map(({ name }) => name),
    scan: (bytes, name = "sample") => {
      const { objects } = inspect({ name, declaredType: "", bytes }, engine, LIMITS);
      const names = objects.flatMap(({ findings }) => findings.map((each) => each.signature));
      return {
        names: [...new Set(names)].sort(),
        isWhole: objects.every(({ status }) => status !== "unscanned"),
      };
    },
  };
}
