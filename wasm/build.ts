// Builds the WASM modules, the scan core (this folder) and the codecs (codec/): C to WASM with the clang that npm brings. The result depends on nothing but
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
  "-nostdlib",
  "-ffreestanding",
  "-Wl,--no-entry",
  "-Wl,-z,stack-size=65536",
  "-Wl,--strip-all",
] as const;

// The scan core lives in a memory that workers share.
const SHARED_FLAGS = [
  "-matomics",
  "-mmutable-globals",
  "-Wl,--import-memory",
  "-Wl,--shared-memory",
  "-Wl,--max-memory=4294967296",
  "-Wl,--export=__heap_base",
  "-Wl,--export=__stack_pointer",
] as const;

/** A module: C files of one folder. */
interface Module {
  readonly name: string;
  readonly folder: string;
  readonly flags: readonly string[];
}
const CORE = { name: "core", folder: SOURCE_DIR, flags: [...FLAGS, ...SHARED_FLAGS] };
const CODEC = { name: "codec", folder: join(SOURCE_DIR, "codec"), flags: FLAGS };

type Files = Record<string, string | Uint8Array>;

function readSources(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => /\.[ch]$/.test(name));
  const read = (name: string) => [name, readFileSync(join(folder, name), "utf8")] as const;
  return Object.fromEntries(names.sort().map(read));
}

function compilerVersion(): string {
  const file = join(SOURCE_DIR, "..", "node_modules", COMPILER, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

async function compile(module: Module, sources: Record<string, string>): Promise<Uint8Array> {
  // Imported only when needed: the compiler is 100 MB of WASM.
  const { commands, runLLVM } = await import("@yowasp/clang");
  // Loads the compiler without a word; it would print its progress otherwise.
  await runLLVM(undefined, {}, { fetchProgress: () => {} });
  const errors: Uint8Array[] = [];
  const units = Object.keys(sources).filter((name) => name.endsWith(".c"));
  const outputs = (await Promise.resolve(
    commands.clang([...module.flags, ...units, "-o", "out.wasm"], sources, {
      stderr: (bytes) => {
        if (bytes !== null) errors.push(bytes.slice());
      },
    }),
  ).catch(() => {
    // Not as cause: the compiler's exit carries all its files.
    throw new Error(`the module ${module.name} does not compile:\n${Buffer.concat(errors)}`);
  })) as Files;
  const wasm = outputs["out.wasm"];
  if (!(wasm instanceof Uint8Array)) throw new Error("the compiler wrote no module");
  return wasm;
}

/** The scan core's bytes; compiled (10 to 20 s) only if its sources changed. */
export function buildCore(): Promise<Uint8Array> {
  return build(CORE);
}

/** The codecs' bytes. */
export function buildCodec(): Promise<Uint8Array> {
  return build(CODEC);
}

async function build(module: Module): Promise<Uint8Array> {
  const sources = readSources(module.folder);
  const hash = new Bun.CryptoHasher("sha256");
  hash.update(JSON.stringify([compilerVersion(), module.flags, sources]));
  const cached = join(CACHE_DIR, `${module.name}-${hash.digest("hex").slice(0, 32)}.wasm`);
  try {
    return new Uint8Array(readFileSync(cached));
  } catch {
    // Not there yet.
  }
  const wasm = await compile(module, sources);
  mkdirSync(CACHE_DIR, { recursive: true });
  // Two builds at once must not see each other's half-written file.
  const draft = `${cached}.${process.pid}`;
  writeFileSync(draft, wasm);
  renameSync(draft, cached);
  return wasm;
}

if (import.meta.main) {
  for (const wasm of [await buildCore(), await buildCodec()]) {
    process.stdout.write(`${wasm.length} bytes\n`);
  }
}
