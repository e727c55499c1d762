// What scanning needs, made from the configuration: the signatures, the bounds and the threads. The
// gateway and the commands that scan start here alike.

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Limits } from "../base/budget.ts";
import type { Log } from "../base/log.ts";
import { parsePasswordList } from "../base/password/passwords.ts";
import type { Config } from "../config/schema.ts";
import { embeddedCore, embeddedSet } from "../scan/embedded.ts";
import { loadSet } from "../scan/signature-set.ts";
import type { FileReport } from "../signature/clamav/report.ts";
import { Inspector } from "./inspection/inspector.ts";
import type { CompiledFiles } from "./signatures/compile.ts";

/** A compiled signature set, and the core that runs it. */
export interface Signatures {
  readonly core: Uint8Array;
  readonly image: Uint8Array;
}

/** Signatures that have been read and compiled, and what became of each file. */
export interface OpenedSignatures extends Signatures {
  readonly reports: readonly FileReport[];
  /** What is not as it should be with the feeds' files. */
  readonly problems: readonly string[];
}

/** Below the data folder: compiled sets of the site's signatures. */
export const CACHE_FOLDER = "signatures";

// All arenas lie in one WebAssembly memory of 4 GB, beside the signature set.
const ARENAS_SIZE_MAX = 3 * 1024 ** 3;

/**
 * The shipped signature set; compiled anew together with the site's files and those of the feeds, if
 * there are any. Throws CompileError for mistakes in the site's own; in files of others they are in
 * the reports.
 */
export async function openSignatures(config: Config): Promise<OpenedSignatures> {
  const shipped = { core: embeddedCore(), image: embeddedSet(), reports: [] };
  // What reads and compiles files is not even loaded where there are none.
  if (!hasOwnSignatures(config)) return { ...shipped, problems: [] };
  const { gatherSignatures, placesOf } = await import("./signatures/gather.ts");
  const { files, problems, isPlain } = gatherSignatures(placesOf(config));
  if (isPlain) return { ...shipped, problems };
  const { compileOnce } = await import("./signatures/cache.ts");
  const compiled = await compileOnce(files, join(config["server.data_dir"], CACHE_FOLDER));
  return { ...(await withCore(compiled)), problems };
}

/** Whether signatures come from elsewhere than from gw itself. */
export function hasOwnSignatures(config: Config): boolean {
  return config["scan.signatures_dir"] !== "" || config.feed.length > 0;
}

/** Exactly the signatures in these files and folders. */
export async function openNamedSignatures(paths: readonly string[]): Promise<OpenedSignatures> {
  const { readSignatureFiles } = await import("../signature/import/load.ts");
  const { compileFiles } = await import("./signatures/compile.ts");
  return await withCore(await compileFiles(readSignatureFiles(paths)));
}

async function withCore({ image, reports }: CompiledFiles): Promise<OpenedSignatures> {
  const { throwOwnMistakes } = await import("./signatures/gather.ts");
  throwOwnMistakes(reports);
  return { core: embeddedCore(), image, reports, problems: [] };
}

/** The bounds of inspections, as configured. */
export function limitsOf(config: Config): Limits {
  return {
    objectSizeMax: config["scan.object_size_max"],
    expandedSizeMax: config["scan.expanded_size_max"],
    objectCountMax: config["scan.object_count_max"],
    depthMax: config["scan.depth_max"],
    timeMaxMs: config["scan.timeout"],
  };
}

/**
 * The administrator's passwords. Throws with the path of a list that can't be read: passwords that
 * were meant to be tried would not be, and nobody would know.
 */
export function passwordsOf(config: Config): string[] {
  const path = config["scan.passwords_file"];
  return path === "" ? [] : parsePasswordList(readFileSync(path, "utf8"));
}

/** How many threads scan: as configured, else one for each processor, as far as memory goes. */
export function workersOf(config: Config): number {
  const wanted = config["scan.workers"] || availableParallelism();
  const room = Math.floor(ARENAS_SIZE_MAX / config["scan.object_size_max"]);
  return Math.max(1, Math.min(wanted, room));
}

/** What an inspector is started with beside the configuration. */
export interface InspectorParts {
  readonly signatures: Signatures;
  readonly log: Log;
  /** Default: `workersOf` the configuration. */
  readonly workers?: number;
  /** It is for a file or two. */
  readonly isBrief?: boolean;
}

/** Starts the threads that scan, over one signature set in memory that they share. */
export function startInspector(config: Config, parts: InspectorParts): Inspector {
  const { signatures, log, workers = workersOf(config), isBrief = false } = parts;
  const limits = limitsOf(config);
  const set = loadSet(signatures.image, {
    core: signatures.core,
    arenas: workers,
    arenaSize: limits.objectSizeMax,
  });
  const passwords = passwordsOf(config);
  return Inspector.start({
    ...{ set, workers, limits, passwords, timeoutMs: limits.timeMaxMs, log },
    isPhishingChecked: config["scan.phishing_links"],
    isBrief,
  });
}
