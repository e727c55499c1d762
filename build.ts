// Builds gw: the scan core (C to WASM), the shipped signature set, and executables that hold both.
//   bun build.ts               dist/gw for this machine
//   bun build.ts --embedded    only what gets embedded, for tests and for running from source
//   bun build.ts --all         dist/gw, an executable for every target below, and what is published beside

import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { Glob } from "bun";
import { ownLicenses, publish } from "./release/release.ts";
import { FILE_TYPES } from "./src/scan/file-type.ts";
import { compileSources } from "./src/signature/compile.ts";
import { readSources } from "./src/signature/files.ts";
import { buildCodec, buildCore } from "./wasm/build.ts";

const EMBEDDED = "dist/embedded";

// Bun has no build of itself for other systems that gw is meant for; docs/building.md says more.
const TARGETS: Readonly<Record<string, string>> = {
  "gw-linux-x64": "bun-linux-x64",
  "gw-linux-x64-baseline": "bun-linux-x64-baseline",
  "gw-linux-arm64": "bun-linux-arm64",
  "gw-linux-x64-musl": "bun-linux-x64-musl",
  "gw-linux-arm64-musl": "bun-linux-arm64-musl",
  "gw-freebsd-x64": "bun-freebsd-x64",
  "gw-freebsd-arm64": "bun-freebsd-arm64",
};

// Written aside and renamed, so that a reader never meets half a file.
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
}

async function buildEmbedded(): Promise<void> {
  await mkdir(EMBEDDED, { recursive: true });
  const core = await buildCore();
  await writeWhole(`${EMBEDDED}/core.wasm`, core);
  await writeWhole(`${EMBEDDED}/codec.wasm`, await buildCodec());
  const sources = await readSources("signatures");
  const options = { isStrict: true, types: FILE_TYPES };
  const { image, signatures } = await compileSources(sources, core, options);
  await writeWhole(`${EMBEDDED}/base.gwdb`, image);
  // The sources go along, so that a site's own signatures can be compiled together with them.
  const texts = sources.map(({ text }) => text);
  await writeWhole(`${EMBEDDED}/base.gws`, new TextEncoder().encode(texts.join("\n")));
  await writeWhole(`${EMBEDDED}/licenses.jsonl`, new TextEncoder().encode(ownLicenses()));
  console.log(`core.wasm ${core.length} bytes, base.gwdb ${signatures.length} signatures`);
}

// Every file that `workerUrl` names must be an entry point of its own.
async function workerFiles(): Promise<string[]> {
  const files: string[] = [];
  for await (const file of new Glob("src/**/*-worker.ts").scan(".")) files.push(file);
  return files.sort();
}

async function compile(name: string, target: string | undefined): Promise<void> {
  const began = performance.now();
  const outfile = `dist/${name}`;
  // Neither a .env nor a bunfig.toml of the folder that gw is started in may steer it.
  const flags = [
    "--compile",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "--format=esm",
    "--bytecode",
    "--minify",
    "--splitting",
    `--outfile=${outfile}`,
    ...(target === undefined ? [] : [`--target=${target}`]),
  ];
  const command = [process.execPath, "build", "src/main.ts", ...(await workerFiles()), ...flags];
  const run = Bun.spawnSync(command, { stdout: "pipe", stderr: "pipe" });
  const said = `${run.stdout}${run.stderr}`;
  // Bun has been seen to report an error and still exit with 0.
  if (run.exitCode !== 0 || /^error/m.test(said)) throw new Error(`${outfile}: ${said}`);
  const { size } = await stat(outfile);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${outfile} ${(size / 1e6).toFixed(1)} MB in ${seconds} s`);
}

await buildEmbedded();
if (!process.argv.includes("--embedded")) await compile("gw", undefined);
if (process.argv.includes("--all")) {
  const names = Object.keys(TARGETS);
  for (const name of names) {
    await compile(name, TARGETS[name]);
    for (const file of publish(name)) console.log(`  ${file}`);
  }
  // As sha256sum --check takes them.
  const sums = await Promise.all(names.map((name) => Bun.file(`dist/${name}.sha256`).text()));
  await writeWhole("dist/SHA256SUMS", new TextEncoder().encode(sums.join("")));
  console.log("dist/SHA256SUMS");
}
