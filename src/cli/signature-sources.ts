// Signatures that a person names on the command line: files of any supported format, folders of
// them, or a set that has been compiled before.
import { readFileSync, statSync } from "node:fs";
import type { Config } from "../config/schema.ts";
import { openNamedSignatures, openSignatures, type Signatures } from "../pipeline/scanning.ts";
import { embeddedCore } from "../scan/embedded.ts";
import { CliError } from "./command.ts";
import { reasonOf } from "./walk.ts";

const COMPILED = ".gwdb";

/** A text of signatures, and the name it has in errors. */
export interface SignatureSource {
  readonly path: string;
  readonly text: string;
}

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
 * The signatures of the configuration; or with `path`, exactly those there. What is wrong in gw's
 * own sources becomes a CliError that says where.
 */
export async function openOwnSignatures(config: Config, path?: string): Promise<Signatures> {
  try {
    if (path === undefined) return await openSignatures(config);
    if (path.endsWith(COMPILED)) return { core: embeddedCore(), image: readImage(path) };
    return await openNamed(path);
  } catch (error) {
    throw explained(error);
  }
}

async function openNamed(path: string): Promise<Signatures> {
  try {
    statSync(path);
  } catch (error) {
    throw new CliError(`${path}: ${reasonOf(error)}`, { cause: error });
  }
  const opened = await openNamedSignatures([path]);
  if (opened.reports.some(({ loaded }) => loaded > 0)) return opened;
  const hint = "`gw signatures import` says what became of each file";
  throw new CliError(`${path}: holds no signatures; ${hint}`);
}

// What the compiler finds wrong in sources is for whoever wrote them, not a bug of gw.
function explained(error: unknown): unknown {
  if (!(error instanceof Error) || !("diagnostics" in error)) return error;
  return new CliError(`the signatures have mistakes\n${error.message}`, { cause: error });
}

function readImage(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliError(`${path}: ${reasonOf(error)}`, { cause: error });
  }
}
