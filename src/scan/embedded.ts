// What is embedded in the executable for scanning: the scan core and the signature set that gw ships
// with. build.ts makes both; run from source, they lie in dist/embedded.
import { readFileSync } from "node:fs";
import setPath from "../../dist/embedded/base.gwdb" with { type: "file" };
import sourcePath from "../../dist/embedded/base.gws" with { type: "file" };
import corePath from "../../dist/embedded/core.wasm" with { type: "file" };

/** The scan core's bytes. */
export function embeddedCore(): Uint8Array {
  return readFileSync(corePath);
}

/** The image of the signature set that gw ships with. */
export function embeddedSet(): Uint8Array {
  return readFileSync(setPath);
}

/** The sources of that set, as one text. The extension tells its format, as that of all files. */
export function embeddedSource(): { readonly path: string; readonly text: string } {
  return { path: "(shipped).gws", text: readFileSync(sourcePath, "utf8") };
}
