// The trial of a new set before it is used: the check corpus, and the site's own folder of files that
// are known to be good. A feed whose signatures find the test file no more, or find harm everywhere,
// must never reach the mail.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Limits } from "../../../base/budget.ts";
import type { Verdict } from "../../../message.ts";
import type { Engine } from "../../../scan/engine.ts";
import { inspect, MESSAGE } from "../../inspect.ts";
import { harmfulSamples, harmlessSamples, type Sample } from "./samples.ts";

/** How a set is tried. */
export interface TrialOptions {
  readonly limits: Limits;
  /** Folder with files in which nothing may be found; "" for none. */
  readonly goodDir: string;
}

const GOOD_FILES_MAX = 10_000;
const GOOD_TIME_MAX_MS = 10 * 60_000;
const DEPTH_MAX = 8;
/** Failures that are told; one is enough to refuse a set. */
const FAILURES_MAX = 3;

function findingsOf(verdict: Verdict): string[] {
  const names = verdict.objects.flatMap(({ findings }) => findings.map((one) => one.signature));
  return [...new Set(names)];
}

const isHarmful = ({ status }: Verdict) => status === "infected" || status === "suspicious";

/** Files of the good folder, as many as are tried. */
function* goodFiles(folder: string, limits: Limits): Generator<Sample> {
  const open = [{ path: folder, depth: 0 }];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const entry of readdirSync(next.path, { withFileTypes: true })) {
      const path = join(next.path, entry.name);
      if (entry.isDirectory() && next.depth < DEPTH_MAX) {
        open.push({ path, depth: next.depth + 1 });
      }
      if (!entry.isFile() || statSync(path).size > limits.objectSizeMax) continue;
      if (++count > GOOD_FILES_MAX) return;
      yield { name: path, bytes: readFileSync(path) };
    }
  }
}

function lookAt({ name, bytes }: Sample, engine: Engine, limits: Limits): Verdict {
  const declaredType = name.endsWith(".eml") ? MESSAGE : "";
  return inspect({ bytes, name, declaredType }, engine, limits, { passwords: [] });
}

/** What a set finds in the check corpus' harmless files, a sentence for each file. */
export function falseAlarmsOf(engine: Engine, limits: Limits): string[] {
  return harmlessSamples().flatMap((sample) => {
    const verdict = lookAt(sample, engine, limits);
    if (!isHarmful(verdict)) return [];
    const names = findingsOf(verdict).join(", ");
    return [`${names} found in the check file ${sample.name}, which is harmless`];
  });
}

/** What is wrong with a set, in sentences; empty if it may be used. */
export function failuresOf(engine: Engine, { limits, goodDir }: TrialOptions): string[] {
  const failures: string[] = [];
  const look = (sample: Sample) => lookAt(sample, engine, limits);
  for (const sample of harmfulSamples()) {
    if (look(sample).status === "infected") continue;
    failures.push(`the test file EICAR is not found in the check file ${sample.name}`);
  }
  failures.push(...falseAlarmsOf(engine, limits));
  if (goodDir === "") return failures.slice(0, FAILURES_MAX);
  try {
    const deadline = performance.now() + GOOD_TIME_MAX_MS;
    for (const sample of goodFiles(goodDir, limits)) {
      if (failures.length >= FAILURES_MAX || performance.now() > deadline) break;
      const verdict = look(sample);
      if (!isHarmful(verdict)) continue;
      failures.push(`${findingsOf(verdict).join(", ")} found in ${sample.name} (update.good_dir)`);
    }
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    failures.push(`update.good_dir can't be read: ${error.message}`);
  }
  return failures.slice(0, FAILURES_MAX);
}
