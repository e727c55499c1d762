// Builds the scan core: C to WASM with the clang that npm brings. The result depends on nothing but
// the sources, so it is kept in .cache/ under their hash.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SOURCE_DIR = import.meta.dir;
const CACHE_DIR = join(SOURCE_DIR, "..", ".cache");
const COMPILER = "@yowasp/clang";

const FLAGS = [
  "--target=wasm32",
  "-std=c11",
  "-O3",
  "-Wall",
  "-Werror",
  "-msimd128",
  "-mbulk-memory",
  "-matomics",
  "-mmutable-globals",
  "-nostdlib",
  "-ffreestanding",
  "-Wl,--no-entry",
  "-Wl,--import-memory",
  "-Wl,--shared-memory",
  "-Wl,--max-memory=4294967296",
  "-Wl,--export=__heap_base",
  "-Wl,--export=__stack_pointer",
  "-Wl,-z,stack-size=65536",
  "-Wl,--strip-all",
] as const;

type Files = Record<string, string | Uint8Array>;

function readSources(): Record<string, string> {
  const names = readdirSync(SOURCE_DIR).filter((name) => /\.[ch]$/.test(name));
  const read = (name: string) => [name, readFileSync(join(SOURCE_DIR, name), "utf8")] as const;
  return Object.fromEntries(names.sort().map(read));
}

function compilerVersion(): string {
  const file = join(SOURCE_DIR, "..", "node_modules", COMPILER, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

async function compile(sources: Record<string, string>): Promise<Uint8Array> {
  // Imported only when needed: the compiler is 100 MB of WASM.
  const { commands, runLLVM } = await import("@yowasp/clang");
  // Loads the compiler without a word; it would print its progress otherwise.
  await runLLVM(undefined, {}, { fetchProgress: () => {} });
  const errors: Uint8Array[] = [];
  const units = Object.keys(sources).filter((name) => name.endsWith(".c"));
  const outputs = (await Promise.resolve(
    commands.clang([...FLAGS, ...units, "-o", "core.wasm"], sources, {
      stderr: (bytes) => {
        if (bytes !== null) errors.push(bytes.slice());
      },
    }),
  ).catch(() => {
    // Not as cause: the compiler's exit carries all its files.
    throw new Error(`the scan core does not compile:\n${Buffer.concat(errors)}`);
  })) as Files;
  const core = outputs["core.wasm"];
  if (!(core instanceof Uint8Array)) throw new Error("the compiler wrote no core.wasm");
  return core;
}

/** The scan core as a WASM module's bytes; compiled (10 to 20 s) only if its sources changed. */
export async function buildCore(): Promise<Uint8Array> {
  const sources = readSources();
  const hash = new Bun.CryptoHasher("sha256");
  hash.update(JSON.stringify([compilerVersion(), FLAGS, sources]));
  const cached = join(CACHE_DIR, `core-${hash.digest("hex").slice(0, 32)}.wasm`);
  try {
    return new Uint8Array(readFileSync(cached));
  } catch {
    // Not there yet.
  }
  const core = await compile(sources);
  mkdirSync(CACHE_DIR, { recursive: true });
  // Two builds at once must not see each other's half-written file.
  const draft = `${cached}.${process.pid}`;
  writeFileSync(draft, core);
  renameSync(draft, cached);
  return core;
}

if (import.meta.main) {
  const core = await buildCore();
  process.stdout.write(`${core.length} bytes\n`);
}
