// `gw signatures test --bench`: what signatures cost on files, so that a slow one can be found before
// it meets mail.
import { readFileSync } from "node:fs";
import type { Config } from "../../../config/schema.ts";
import { inspect } from "../../../pipeline/inspect.ts";
import { limitsOf, type Signatures } from "../../../pipeline/scanning.ts";
import { Engine } from "../../../scan/engine.ts";
import { loadSet } from "../../../scan/signature-set.ts";
import { printable } from "../../../text/printable.ts";
import { drawTable } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { reasonOf, walk } from "../../walk.ts";

/** Signatures that are shown, the dearest first. */
const SHOWN_MAX = 25;

interface Cost {
  readonly name: string;
  /** Times that its patterns were there, so that the rest of it had to be decided. */
  readonly judged: number;
  readonly hits: number;
  readonly elapsedMs: number;
}

/** What a run came to. */
interface Bench {
  readonly files: number;
  readonly objects: number;
  readonly bytes: number;
  /** Scanning, all of it; the rest of the time went into reading and taking apart. */
  readonly scanMs: number;
  readonly judgeMs: number;
  readonly costs: readonly Cost[];
}

const ms = (value: number) => value.toFixed(value < 10 ? 2 : 0);

async function run(config: Config, { image, core }: Signatures, paths: readonly string[]) {
  const limits = limitsOf(config);
  const set = loadSet(image, { arenas: 1, arenaSize: limits.objectSizeMax, core });
  const judged = new Map<string, { count: number; ms: number }>();
  const hits = new Map<string, number>();
  const engine = await Engine.attach(set, 0, {
    watch: (name, elapsedMs) => {
      const known = judged.get(name) ?? { count: 0, ms: 0 };
      judged.set(name, { count: known.count + 1, ms: known.ms + elapsedMs });
    },
  });
  const sum = { files: 0, objects: 0, bytes: 0, scanMs: 0 };
  const timed: Parameters<typeof inspect>[1] = {
    identity: engine.identity,
    scan: (object) => {
      const beganAt = performance.now();
      const result = engine.scan(object);
      sum.scanMs += performance.now() - beganAt;
      sum.objects++;
      sum.bytes += object.bytes.length;
      for (const { signature } of result.findings) {
        hits.set(signature, (hits.get(signature) ?? 0) + 1);
      }
      return result;
    },
  };
  const unreadable: string[] = [];
  for (const path of paths) {
    for (const walked of walk([path])) {
      if (walked.kind === "unreadable") {
        unreadable.push(`${printable(walked.path)}: ${walked.reason}`);
        continue;
      }
      if (walked.kind !== "file" || walked.size > limits.objectSizeMax) continue;
      try {
        const subject = { name: walked.path, declaredType: "", bytes: readFileSync(walked.path) };
        inspect(subject, timed, limits);
        sum.files++;
      } catch (error) {
        unreadable.push(`${printable(walked.path)}: ${reasonOf(error)}`);
      }
    }
  }
  const names = new Set([...judged.keys(), ...hits.keys()]);
  const costs = Array.from(names, (name): Cost => {
    const { count = 0, ms: elapsedMs = 0 } = judged.get(name) ?? {};
    return { name, judged: count, hits: hits.get(name) ?? 0, elapsedMs };
  }).sort((a, b) => b.elapsedMs - a.elapsedMs || b.hits - a.hits);
  const judgeMs = costs.reduce((total, cost) => total + cost.elapsedMs, 0);
  return { bench: { ...sum, judgeMs, costs } satisfies Bench, unreadable };
}

/** Scans files in this thread and shows which signatures took the time. */
export async function bench(
  config: Config,
  opened: Signatures,
  paths: readonly string[],
  { terminal, isJson }: { readonly terminal: Terminal; readonly isJson: boolean },
): Promise<void> {
  const { bench, unreadable } = await run(config, opened, paths);
  for (const line of unreadable) terminal.err(`gw: ${line}\n`);
  if (isJson) {
    terminal.out(`${JSON.stringify(bench)}\n`);
    return;
  }
  const { files, objects, bytes, scanMs, judgeMs, costs } = bench;
  const rate = scanMs === 0 ? "" : `, ${(bytes / 1e3 / scanMs).toFixed(1)} MB/s`;
  terminal.out(
    `${files} files, ${objects} objects, ${bytes} bytes: scanned in ${ms(scanMs)} ms${rate}\n`,
  );
  terminal.out(`searching ${ms(scanMs - judgeMs)} ms, deciding what was found ${ms(judgeMs)} ms\n`);
  if (costs.length === 0) return;
  const columns = [
    { title: "SIGNATURE" },
    { title: "DECIDED" },
    { title: "HITS" },
    { title: "MS" },
    { title: "US EACH" },
  ];
  const rows = costs
    .slice(0, SHOWN_MAX)
    .map(({ name, judged, hits, elapsedMs }) => [
      printable(name),
      `${judged}`,
      `${hits}`,
      ms(elapsedMs),
      judged === 0 ? "" : ms((elapsedMs * 1000) / judged),
    ]);
  terminal.out(drawTable(terminal, columns, rows));
  if (costs.length > SHOWN_MAX) terminal.out(`and ${costs.length - SHOWN_MAX} that cost less\n`);
}
