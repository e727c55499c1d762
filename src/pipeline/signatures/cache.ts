// Compiled sets of the site's signatures, kept beside the gateway's data under a hash of what they
// were made of: a start with a hundred thousand own signatures then takes milliseconds.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { VERSION } from "../../base/version.ts";
import { workerUrl } from "../../base/worker-url.ts";
import { openImage } from "../../gwdb/image.ts";
import { embeddedCore, embeddedSet } from "../../scan/embedded.ts";
import type { CompiledFiles, SignatureFile } from "./compile.ts";
import type { CompileAnswer } from "./compile-worker.ts";

/** Below this many bytes compiling takes less than starting a thread for it. */
const INLINE_SIZE_MAX = 64 * 1024;
const COMPILE_TIME_MAX_MS = 15 * 60_000;
/** Sets kept: the present one, the last one to go back to, and one that is tried. */
const KEPT = 3;
const REPORTS = ".json";
const IMAGE = ".gwdb";

/** What the set depends on: the files, and the program that compiles them. */
function keyOf(files: readonly SignatureFile[]): string {
  const hash = createHash("sha256");
  const add = (bytes: Uint8Array | string) => {
    hash.update(`${bytes.length}:`);
    hash.update(bytes);
  };
  // The shipped set stands for the compiler, which made it.
  for (const part of [VERSION, embeddedCore(), embeddedSet()]) add(part);
  for (const { path, bytes } of files) {
    add(Buffer.from(path));
    add(bytes);
  }
  return hash.digest("hex").slice(0, 32);
}

function read(folder: string, key: string): CompiledFiles | undefined {
  try {
    const image = new Uint8Array(readFileSync(join(folder, key + IMAGE)));
    // A set that the disk damaged is made again.
    openImage(image);
    touch(join(folder, key + IMAGE));
    return { image, reports: JSON.parse(readFileSync(join(folder, key + REPORTS), "utf8")) };
  } catch {
    // Not there yet, or not whole.
    return undefined;
  }
}

// What is in use stays longest.
function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // It may belong to another user; then it only counts as old.
  }
}

function write(folder: string, key: string, { image, reports }: CompiledFiles): void {
  // Not with its parents: a command that only looks must not make a data folder.
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  const put = (name: string, data: Uint8Array | string) => {
    const draft = join(folder, `${name}.${process.pid}.tmp`);
    try {
      writeFileSync(draft, data, { mode: 0o600 });
      renameSync(draft, join(folder, name));
    } catch (error) {
      // Half a set is of no use to anybody, and the disk may be full.
      rmSync(draft, { force: true });
      throw error;
    }
  };
  // The image last: it counts only with its reports.
  put(key + REPORTS, JSON.stringify(reports));
  put(key + IMAGE, image);
  for (const name of outdated(folder, key)) rmSync(join(folder, name), { force: true });
}

/** Names of files of sets beyond those kept, the oldest and whatever is no set. */
function outdated(folder: string, key: string): string[] {
  const names = readdirSync(folder);
  const ageOf = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs;
  const others = names
    .filter((name) => name.endsWith(IMAGE) && name !== key + IMAGE)
    .map((name) => ({ key: name.slice(0, -IMAGE.length), at: ageOf(name) ?? 0 }))
    .sort((a, b) => b.at - a.at);
  const kept = new Set([key, ...others.slice(0, KEPT - 1).map((each) => each.key)]);
  return names.filter((name) => !kept.has(name.slice(0, name.lastIndexOf("."))));
}

async function compileApart(files: readonly SignatureFile[]): Promise<CompiledFiles> {
  const worker = new Worker(workerUrl("pipeline/signatures/compile-worker.ts"));
  const answered = Promise.withResolvers<CompileAnswer>();
  worker.onmessage = ({ data }: MessageEvent<CompileAnswer>) => answered.resolve(data);
  worker.onerror = (event: ErrorEvent) => answered.resolve({ error: event.message });
  const end = () => answered.resolve({ error: "compiling the signatures took too long" });
  const timer = setTimeout(end, COMPILE_TIME_MAX_MS);
  try {
    worker.postMessage(files);
    const answer = await answered.promise;
    if ("error" in answer) throw new Error(`the signatures can't be compiled: ${answer.error}`);
    return answer;
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}

/**
 * Compiles files, in a thread of their own unless this is one (`isApart`); or takes what was compiled
 * of the same files before.
 */
export async function compileOnce(
  files: readonly SignatureFile[],
  folder: string,
  { isApart = false } = {},
): Promise<CompiledFiles> {
  const key = keyOf(files);
  const known = read(folder, key);
  if (known !== undefined) return known;
  const size = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const { compileFiles } = await import("./compile.ts");
  const isLarge = size > INLINE_SIZE_MAX && !isApart;
  const compiled = isLarge ? await compileApart(files) : await compileFiles(files);
  try {
    write(folder, key, compiled);
  } catch {
    // A command may be run by someone who must not write there; the next one compiles again.
  }
  return compiled;
}
