// Signatures that a person names on the command line: sources in a file or a folder, or a set that
// has been compiled before.
import { readFileSync, statSync } from "node:fs";
import type { Config } from "../config/schema.ts";
import { openSignatures, type SignatureSource, type Signatures } from "../pipeline/scanning.ts";
import { embeddedCore } from "../scan/embedded.ts";
import { CliError } from "./command.ts";
import { reasonOf } from "./walk.ts";

const COMPILED = ".gwdb";

/** The sources in a file, or in the *.gws files of a folder. */
export async function readOwnSources(path: string): Promise<readonly SignatureSource[]> {
  try {
    if (!statSync(path).isDirectory()) return [{ path, text: readFileSync(path, "utf8") }];
    const { readSources } = await import("../signature/files.ts");
    const sources = await readSources(path);
    if (sources.length === 0) throw new CliError(`${path}: holds no *.gws files`);
    return sources;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * The signatures of the configuration; with `path`, its sources beside them, or if it is a compiled
 * set, that set alone. What is wrong in sources becomes a CliError that says where.
 */
export async function openOwnSignatures(config: Config, path?: string): Promise<Signatures> {
  try {
    return await open(config, path);
  } catch (error) {
    throw explained(error);
  }
}

// What the compiler finds wrong in sources is for whoever wrote them, not a bug of gw.
function explained(error: unknown): unknown {
  if (!(error instanceof Error) || !("diagnostics" in error)) return error;
  return new CliError(`the signatures have mistakes\n${error.message}`, { cause: error });
}

async function open(config: Config, path: string | undefined): Promise<Signatures> {
  if (path === undefined) return openSignatures(config);
  if (path.endsWith(COMPILED)) return { core: embeddedCore(), image: readImage(path) };
  return openSignatures(config, await readOwnSources(path));
}

function readImage(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliError(`${path}: ${reasonOf(error)}`, { cause: error });
  }
}
