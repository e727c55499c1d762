// Fuzzes the signatures' side for a given time and prints what was done: importers with damaged files
// of every kind and damaged containers, the image loader with images whose checksum is right, the
// matcher with signatures at random against the reference; and, where clang is installed, the scan
// core in C under libFuzzer and sanitizers (wasm/native/fuzz.sh). Run by hand:
// bun tests/fuzz/signatures.ts [SECONDS] [SEED]
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { random } from "./mutate.ts";
import { KINDS, SignatureRounds } from "./signature-round.ts";

const [, , seconds = "60", first = "1"] = process.argv;
/** A round that takes more of a processor is told: it is close to a hang. */
const SLOW_MS = 3000;
const ROOT = join(import.meta.dir, "..", "..");
const NATIVE_LOG = join(ROOT, ".cache", "native", "fuzz.log");
/** Compilers that have libFuzzer. */
const COMPILERS = ["clang", "clang-19", "clang-16", "clang-14"];

/** What one kind of rounds came to. */
interface Tally {
  rounds: number;
  cpuMs: number;
  failed: number;
  slowestMs: number;
  readonly outcomes: Map<string, number>;
}

/** Starts the native fuzzer; resolves when it ends. Null if there is no compiler for it. */
function startNative(): Promise<void> | null {
  const paths = (process.env["PATH"] ?? "").split(":");
  const compiler = COMPILERS.find((name) => paths.some((path) => existsSync(join(path, name))));
  if (compiler === undefined) return null;
  mkdirSync(join(ROOT, ".cache", "native"), { recursive: true });
  const log = openSync(NATIVE_LOG, "w");
  const env = { ...process.env, CC: compiler, BUN: process.execPath };
  const stdio = ["ignore", log, log] as ("ignore" | number)[];
  const child = spawn(join(ROOT, "wasm/native/fuzz.sh"), [seconds], { env, stdio });
  return new Promise((resolve) => child.on("close", () => resolve()));
}

/** Executions and findings of the native fuzzer, of what it prints at its end. */
function nativeResult(): { text: string; failed: boolean } {
  const log = readFileSync(NATIVE_LOG, "utf8");
  const executions = /number_of_executed_units:\s*(\d+)/.exec(log)?.[1];
  const fault = /^(?:SUMMARY:|==\d+==\s*ERROR).*$/m.exec(log)?.[0];
  const failed = executions === undefined || fault !== undefined;
  return { text: `${executions ?? "no"} executions; ${fault ?? "no findings"}`, failed };
}

async function runRounds(ends: number): Promise<Map<string, Tally>> {
  const rounds = await SignatureRounds.begin();
  const tallies = new Map<string, Tally>();
  for (let seed = Number(first); performance.now() < ends; seed++) {
    const kind = KINDS[seed % KINDS.length] ?? "image";
    const empty = { rounds: 0, cpuMs: 0, failed: 0, slowestMs: 0, outcomes: new Map() };
    const tally = tallies.get(kind) ?? empty;
    tallies.set(kind, tally);
    const before = process.cpuUsage();
    let outcome: string;
    try {
      outcome = await rounds.round(kind, random(seed));
    } catch (error) {
      outcome = "FAILED";
      tally.failed++;
      console.log(`seed ${seed} (${kind}): ${(error as Error).stack}`);
    }
    const { user, system } = process.cpuUsage(before);
    const elapsed = (user + system) / 1000;
    if (elapsed > SLOW_MS) console.log(`seed ${seed} (${kind}): ${elapsed.toFixed(0)} ms of CPU`);
    tally.rounds++;
    tally.cpuMs += elapsed;
    tally.slowestMs = Math.max(tally.slowestMs, elapsed);
    tally.outcomes.set(outcome, (tally.outcomes.get(outcome) ?? 0) + 1);
  }
  return tallies;
}

const beganAt = performance.now();
const native = startNative();
const tallies = await runRounds(beganAt + 1000 * Number(seconds));
let failed = 0;
for (const [kind, tally] of tallies) {
  const { rounds, cpuMs, slowestMs, outcomes } = tally;
  const seen = [...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(", ");
  const time = `${(cpuMs / 3_600_000).toFixed(2)} h of CPU, slowest ${slowestMs.toFixed(0)} ms`;
  console.log(`${kind}: ${rounds} rounds, ${time}; ${seen}`);
  failed += tally.failed;
}
if (native === null) console.log("native: no clang (wasm/native/check.sh does with gcc)");
else {
  await native;
  const { text, failed: hasFailed } = nativeResult();
  console.log(`native: ${text}`);
  failed += hasFailed ? 1 : 0;
}
const hours = (performance.now() - beganAt) / 3_600_000;
console.log(`${hours.toFixed(2)} h, ${failed === 0 ? "no findings" : `${failed} findings`}`);
process.exitCode = failed > 0 ? 1 : 0;
