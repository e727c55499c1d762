// An inspector for commands: the gateway's own, with the limits of the configuration.

import { silentLog } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import { ImageError } from "../gwdb/image.ts";
import type { Inspector } from "../pipeline/inspection/inspector.ts";
import { type Signatures, startInspector, workersOf } from "../pipeline/scanning.ts";
import { CliError } from "./command.ts";
import { openOwnSignatures } from "./signature-sources.ts";

/** A running inspector; `workers` threads are behind it. */
export interface Inspection {
  readonly inspector: Inspector;
  readonly workers: number;
}

/** What a command wants of its inspection beside the configuration. */
export interface InspectionOptions {
  /** Signatures of the person who types: see `openOwnSignatures`. */
  readonly signatures?: string | undefined;
  /** Signatures that are there already; taken instead. */
  readonly opened?: Signatures;
  /** Threads at most: one file needs no more than one. */
  readonly workersMax?: number;
}

/** Starts an inspector; the caller stops it. */
export async function startInspection(
  config: Config,
  options: InspectionOptions = {},
): Promise<Inspection> {
  const { signatures, workersMax = Number.POSITIVE_INFINITY } = options;
  const workers = Math.min(workersOf(config), workersMax);
  const opened = options.opened ?? (await openOwnSignatures(config, signatures));
  try {
    const isBrief = workersMax === 1;
    const parts = { signatures: opened, log: silentLog, workers, isBrief };
    const inspector = startInspector(config, parts);
    return { inspector, workers };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new CliError(`${signatures ?? "the signatures"}: ${error.message}`, { cause: error });
  }
}
