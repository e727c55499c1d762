// The thread in which a set is made ready: files read and checked, compiled, loaded, tried. What comes
// out is memory that all threads share; the one that takes mail has nothing to do but to turn to it.
import { join } from "node:path";
import { describeError } from "../../base/log.ts";
import { embeddedCore, embeddedSet } from "../../scan/embedded.ts";
import { Engine } from "../../scan/engine.ts";
import { loadSet } from "../../scan/signature-set.ts";
import type { FileReport } from "../../signature/clamav/report.ts";
import { CACHE_FOLDER } from "../scanning.ts";
import { compileOnce } from "../signatures/cache.ts";
import { feedOf, gatherSignatures, throwOwnMistakes } from "../signatures/gather.ts";
import type { FeedLoad, Prepared, PrepareOrder } from "./prepare.ts";
import { failuresOf } from "./trial/trial.ts";

declare const self: Worker;

function loadsOf(reports: readonly FileReport[], feeds: readonly string[]): FeedLoad[] {
  return feeds.map((feed) => {
    const own = reports.filter(({ file }) => feedOf(file) === feed);
    const sum = (count: (report: FileReport) => number) =>
      own.reduce((total, report) => total + count(report), 0);
    return {
      feed,
      files: own.length,
      loaded: sum(({ loaded }) => loaded),
      skipped: sum(({ skipped }) =>
        Object.values(skipped).reduce((total, count) => total + count, 0),
      ),
      malformed: sum(({ malformed }) => malformed),
    };
  });
}

async function prepare(order: PrepareOrder): Promise<Prepared> {
  const { places, arenas, arenaSize, trial, core = embeddedCore() } = order;
  const { files, problems, isPlain } = gatherSignatures(places);
  const folder = join(places.dataDir, CACHE_FOLDER);
  const { image, reports } = isPlain
    ? { image: embeddedSet(), reports: [] }
    : await compileOnce(files, folder, { isApart: true });
  throwOwnMistakes(reports);
  const set = loadSet(image, { core, arenas, arenaSize });
  if (trial !== undefined) {
    const failures = failuresOf(await Engine.attach(set, 0), trial);
    if (failures.length > 0) return { kind: "rejected", reason: failures.join("; ") };
  }
  return { kind: "ready", set, problems, loads: loadsOf(reports, places.feeds) };
}

self.onmessage = async ({ data }: MessageEvent<PrepareOrder>) => {
  let answer: Prepared;
  try {
    answer = await prepare(data);
  } catch (error) {
    answer = { kind: "failed", reason: describeError(error) };
  }
  self.postMessage(answer);
};
