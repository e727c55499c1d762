// Scans files with YARA-X and prints its hits, `RULE FILE` a line, as `yara -w` does. A program of its
// own, because YARA-X keeps memory with every scan: the comparison starts it anew for each batch.
// Rule files that it does not take are printed as `! FILE REASON`.
// bun tests/e2e/yara-x-scan.ts RULES FILES (each a file with one path a line)
import { readFileSync } from "node:fs";
import { Compiler, initSync } from "@virustotal/yara-x";
import { EXTERNALS } from "./yara-samples.ts";

const WASM = new URL(
  "../../node_modules/@virustotal/yara-x/pkg/yara_x_js_bg.wasm",
  import.meta.url,
);
const linesOf = (path: string) => readFileSync(path, "utf8").split("\n").filter(Boolean);

function compilerOf(sources: readonly string[]): Compiler {
  const compiler = new Compiler();
  for (const name of EXTERNALS) compiler.defineGlobal(name, "");
  for (const [i, path] of sources.entries()) {
    compiler.newNamespace(`n${i}`);
    compiler.addSource(readFileSync(path, "utf8"));
  }
  return compiler;
}

// A mistake in one rule would leave the others of its file in use, which `yara` does not do.
function isRefused(path: string): boolean {
  try {
    compilerOf([path]).free();
    return false;
  } catch (error) {
    console.log(`! ${path} ${String(error).split("\n")[0]}`);
    return true;
  }
}

const [rules = "", files = ""] = process.argv.slice(2);
initSync({ module: readFileSync(WASM) });
const compiled = compilerOf(linesOf(rules).filter((path) => !isRefused(path))).build();
for (const path of linesOf(files)) {
  const { matches } = compiled.scan(readFileSync(path));
  for (const { identifier, isPrivate } of matches) if (!isPrivate) console.log(identifier, path);
}
