// An inspector for commands: the gateway's own, with the limits of the configuration. It is put
// together here and not by gateway.ts, because loading all that a gateway consists of takes longer
// than scanning a mail.
import { availableParallelism } from "node:os";
import { ImageError } from "../base/image.ts";
import { silentLog } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import { Inspector } from "../pipeline/inspector.ts";
import { loadSet } from "../scan/signature-set.ts";
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
  /** Threads at most: one file needs no more than one. */
  readonly workersMax?: number;
}

/** Starts an inspector; the caller stops it. */
export async function startInspection(
  config: Config,
  options: InspectionOptions = {},
): Promise<Inspection> {
  const { signatures, workersMax = Number.POSITIVE_INFINITY } = options;
  const workers = Math.min(config["scan.workers"] || availableParallelism(), workersMax);
  const { core, image } = await openOwnSignatures(config, signatures);
  const limits = {
    objectSizeMax: config["scan.object_size_max"],
    expandedSizeMax: config["scan.expanded_size_max"],
    objectCountMax: config["scan.object_count_max"],
    depthMax: config["scan.depth_max"],
    timeMaxMs: config["scan.timeout"],
  };
  try {
    const set = loadSet(image, { core, arenas: workers, arenaSize: limits.objectSizeMax });
    const timeoutMs = limits.timeMaxMs;
    const inspector = Inspector.start({ set, workers, limits, timeoutMs, log: silentLog });
    return { inspector, workers };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new CliError(`${signatures ?? "the signatures"}: ${error.message}`, { cause: error });
  }
}
