// Damages signature files and images for a given time and prints how often. Run by hand:
// bun tests/fuzz/signatures.ts [SECONDS] [SEED]
import { random } from "./mutate.ts";
import { KINDS, SignatureRounds } from "./signature-round.ts";

const [, , seconds = "60", first = "1"] = process.argv;
/** A round that takes longer is told: it is close to a hang. */
const SLOW_MS = 5000;

const rounds = await SignatureRounds.begin();
const ends = performance.now() + 1000 * Number(seconds);
const tally: Record<string, Record<string, number>> = {};
let failed = 0;
for (let seed = Number(first); performance.now() < ends; seed++) {
  const kind = KINDS[seed % KINDS.length] ?? "image";
  const started = performance.now();
  let outcome: string;
  try {
    outcome = await rounds.round(kind, random(seed));
  } catch (error) {
    outcome = "FAILED";
    failed++;
    console.log(`seed ${seed} (${kind}): ${(error as Error).stack}`);
  }
  const elapsed = performance.now() - started;
  if (elapsed > SLOW_MS) console.log(`seed ${seed} (${kind}): ${elapsed.toFixed(0)} ms`);
  const counts = tally[kind] ?? {};
  counts[outcome] = (counts[outcome] ?? 0) + 1;
  tally[kind] = counts;
}
console.log(JSON.stringify(tally));
process.exitCode = failed > 0 ? 1 : 0;
