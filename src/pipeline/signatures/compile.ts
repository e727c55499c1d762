// Signature files to a compiled set. Loaded only when needed: most gateways run on the set as it was
// shipped.

import { VIEW_TYPES } from "../../gwdb/view-types.ts";
import { embeddedCore } from "../../scan/embedded.ts";
import { FILE_TYPES } from "../../scan/file-type.ts";
import type { FileReport } from "../../signature/clamav/report.ts";
import { compileSignatures } from "../../signature/compile.ts";
import { addDiagnostics, loadSignatures } from "../../signature/import/load.ts";

/** A file of signatures, in a format that its name tells. */
export interface SignatureFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A compiled set, and what became of each file. */
export interface CompiledFiles {
  readonly image: Uint8Array;
  readonly reports: readonly FileReport[];
}

/** Compiles files together; what is wrong in them is in the reports. */
export async function compileFiles(files: readonly SignatureFile[]): Promise<CompiledFiles> {
  const loaded = loadSignatures(files);
  const parsed = { signatures: loaded.signatures, diagnostics: [] };
  const options = { types: [...FILE_TYPES, ...VIEW_TYPES], lists: loaded.lists };
  const { image, diagnostics } = await compileSignatures(parsed, embeddedCore(), options);
  return { image, reports: addDiagnostics(loaded.reports, diagnostics) };
}
