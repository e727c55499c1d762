// What scanning needs, made from the configuration: the signatures, the bounds and the threads. The
// gateway and the commands that scan start here alike.

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Limits } from "../base/budget.ts";
import type { Log } from "../base/log.ts";
import { parsePasswordList } from "../base/password/passwords.ts";
import type { Config } from "../config/schema.ts";
import { embeddedCore, embeddedSet, embeddedSource } from "../scan/embedded.ts";
import { FILE_TYPES } from "../scan/file-type.ts";
import { loadSet } from "../scan/signature-set.ts";
import { Inspector } from "./inspector.ts";

/** A compiled signature set, and the core that runs it. */
export interface Signatures {
  readonly core: Uint8Array;
  readonly image: Uint8Array;
}

/** A text of signatures, and the name it has in errors. */
export interface SignatureSource {
  readonly path: string;
  readonly text: string;
}

// All arenas lie in one WebAssembly memory of 4 GB, beside the signature set.
const ARENAS_SIZE_MAX = 3 * 1024 ** 3;

/**
 * The shipped signature set; compiled anew together with the site's sources, if the configuration
 * names a folder, and with `more`. Throws CompileError with file, line and column of what is wrong.
 */
export async function openSignatures(
  config: Config,
  more: readonly SignatureSource[] = [],
): Promise<Signatures> {
  const core = embeddedCore();
  const folder = config["scan.signatures_dir"];
  if (folder === "" && more.length === 0) return { core, image: embeddedSet() };
  // Loaded only here: most gateways run on the set as it was shipped.
  const { compileSources } = await import("../signature/compile.ts");
  const { readSources } = await import("../signature/files.ts");
  const site = folder === "" ? [] : await readSources(folder);
  const sources = [embeddedSource(), ...site, ...more];
  const { image } = await compileSources(sources, core, { isStrict: true, types: FILE_TYPES });
  return { core, image };
}

function limitsOf(config: Config): Limits {
  return {
    objectSizeMax: config["scan.object_size_max"],
    expandedSizeMax: config["scan.expanded_size_max"],
    objectCountMax: config["scan.object_count_max"],
    depthMax: config["scan.depth_max"],
    timeMaxMs: config["scan.timeout"],
  };
}

// Throws with the path of a list that can't be read: passwords that were meant to be tried would not
// be, and nobody would know.
function passwordsOf(config: Config): string[] {
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
}

/** Starts the threads that scan, over one signature set in memory that they share. */
export function startInspector(config: Config, parts: InspectorParts): Inspector {
  const { signatures, log, workers = workersOf(config) } = parts;
  const limits = limitsOf(config);
  const set = loadSet(signatures.image, {
    core: signatures.core,
    arenas: workers,
    arenaSize: limits.objectSizeMax,
  });
  const passwords = passwordsOf(config);
  return Inspector.start({ set, workers, limits, passwords, timeoutMs: limits.timeMaxMs, log });
}
