// Every parser over damaged files of the corpus, for as many rounds as wanted:
//
//   bun tests/fuzz/parsers.ts [ROUNDS] [SEED]     default 20,000 rounds; GW_CORPUS says where
//
// Each round damages one file and has one parser take it apart: the one of the file as it was, or of
// what it looks like now. It must neither throw, nor pass its bounds, nor take long; what does is
// printed with its round, and written to the folder of temporary files. The table at the end has a
// row for each parser.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeError } from "../../src/base/log.ts";
import { explodeMail } from "../../src/mime/explode.ts";
import { fileType } from "../../src/scan/file-type.ts";
import { unpackerFor } from "../../src/unpack/registry.ts";
import { budgetOf, drain, EICAR, type Exploded } from "../harness/extracts.ts";
import { Findings, runScript, tally } from "../harness/findings.ts";
import { WRAPPERS } from "../unpack/wrappers.ts";
import { mutated, type Random, random } from "./mutate.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDERS = ["containers", "mime"].map((name) => join(GW_CORPUS, name));
const SAMPLE_SIZE_MAX = 100_000;
const ROUNDS_DEFAULT = 20_000;
/** Small, so that a million rounds end the same day: what is tried is the way, not the distance. */
const LIMITS = {
  ...{ objectSizeMax: 1 << 20, expandedSizeMax: 8 << 20, objectCountMax: 500 },
  timeMaxMs: 200,
};
/** Of the processor, for one round; what may pass between two looks at the clock included. */
const SLOW_MS = 2000;
/** Memory of the process, the most that it ever had. */
const MEMORY_MAX = 1 << 30;
const REST_EVERY = 500;
const REPORT_EVERY = 10_000;
const DICTIONARY = [
  ...["\xff\xff\xff\xff", "\0\0\0\0", "\x7f\xff\xff\xff", "\x80\0\0\0", "\x01", "\xff"],
  ...[
    "PK\x03\x04",
    "PK\x01\x02",
    "PK\x05\x06",
    "stream\r\n",
    "endobj",
    "<<",
    "--b\r\n",
    "\r\n\r\n",
  ],
  ...[
    "{\\object",
    "\\bin999999999 ",
    "MZ",
    "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "Rar!\x1a\x07\x01\0",
  ],
];

interface Sample {
  readonly path: string;
  readonly type: string;
  readonly bytes: Buffer;
}

function samples(): Sample[] {
  const paths = FOLDERS.flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)))
      : [],
  );
  const small = paths.filter((path) => {
    const stat = statSync(path);
    return stat.isFile() && stat.size > 0 && stat.size <= SAMPLE_SIZE_MAX;
  });
  const all: { path: string; bytes: Buffer }[] = [];
  for (const path of small.sort()) all.push({ path, bytes: readFileSync(path) });
  const content = Buffer.from(EICAR, "latin1");
  for (const { name, wrap } of WRAPPERS) all.push({ path: name, bytes: wrap(content) });
  return all
    .map((one) => ({ ...one, type: fileType(one.bytes) as string }))
    .filter(({ type }) => isParsed(type));
}

const isParsed = (type: string) => type === "mail" || unpackerFor(type) !== undefined;

/** What is wrong with how one file was taken apart, "" if nothing is; milliseconds of the processor. */
function trialOf(type: string, bytes: Buffer): { readonly fault: string; readonly ms: number } {
  const explode = type === "mail" ? explodeMail : unpackerFor(type);
  const before = process.cpuUsage();
  let fault = "";
  try {
    if (explode !== undefined) fault = excessOf(drain(explode(bytes, budgetOf(LIMITS))));
  } catch (error) {
    fault = describeError(error);
  }
  // Of the processor, so that a busy machine is no fault of a parser.
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  return { fault: fault === "" && ms > SLOW_MS ? `${Math.round(ms)} ms` : fault, ms };
}

function excessOf({ extracts }: Exploded): string {
  const size = extracts.reduce((sum, extract) => sum + extract.bytes.length, 0);
  if (size > LIMITS.expandedSizeMax) return `${size} bytes`;
  return extracts.length > LIMITS.objectCountMax ? `${extracts.length} objects` : "";
}

/** What became of one parser. */
interface Row {
  rounds: number;
  ms: number;
  slowestMs: number;
  faults: number;
}

/** All rounds, by the type whose parser ran. */
class Trial {
  readonly rows = new Map<string, Row>();
  readonly faults: string[] = [];
  readonly #seed: string;
  readonly #next: Random;
  readonly #byType: readonly (readonly Sample[])[];

  constructor(all: readonly Sample[], seed: string) {
    this.#seed = seed;
    this.#next = random(Number(seed));
    this.#byType = [...Map.groupBy(all, ({ type }) => type).values()];
  }

  run(round: number): void {
    const sample = this.#draw();
    const bytes = mutated(sample.bytes, DICTIONARY, this.#next);
    const seen = this.#next(2) === 0 ? sample.type : fileType(bytes);
    // What looks like nothing now would be no trial at all.
    const type = isParsed(seen) ? seen : sample.type;
    const { fault, ms } = trialOf(type, bytes);
    const row = this.rows.get(type) ?? { rounds: 0, ms: 0, slowestMs: 0, faults: 0 };
    this.rows.set(type, row);
    row.rounds++;
    row.ms += ms;
    row.slowestMs = Math.max(row.slowestMs, ms);
    if (fault === "") return;
    row.faults++;
    const file = join(tmpdir(), `gw-fuzz-${this.#seed}-${round}`);
    writeFileSync(file, bytes);
    this.faults.push(`round ${round}, ${type}, ${sample.path}: ${fault} (${file})`);
    process.stderr.write(`${this.faults.at(-1)}\n`);
  }

  // Each type as often as any other, however many files there are of it; small files more often.
  #draw(): Sample {
    const group = this.#byType[this.#next(this.#byType.length)] ?? [];
    const one = group[this.#next(group.length)] as Sample;
    const other = group[this.#next(group.length)] as Sample;
    return other.bytes.length < one.bytes.length ? other : one;
  }
}

async function main(): Promise<number> {
  const [rounds = String(ROUNDS_DEFAULT), seed = "1"] = process.argv.slice(2);
  const all = samples();
  const trial = new Trial(all, seed);
  const beganAt = performance.now();
  const seconds = () => Math.round((performance.now() - beganAt) / 1000);
  for (let round = 0; round < Number(rounds); round++) {
    trial.run(round);
    // A turn of the event loop, as there is one after each message: what was decompressed with an
    // error is let go of only then.
    if (round % REST_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
    if (round % REPORT_EVERY === REPORT_EVERY - 1) {
      const count = `${round + 1} rounds, ${trial.faults.length} faults, ${seconds()} s`;
      const { rss } = process.memoryUsage();
      process.stderr.write(`${count}, ${Math.round(rss / 2 ** 20)} MiB\n`);
    }
  }
  const rows = [...trial.rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [type, { rounds: count, ms, slowestMs, faults }] of rows) {
    const each = (ms / count).toFixed(2);
    const cells = [type, count, each, slowestMs.toFixed(0), faults];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
  // The system counts in KiB.
  const peak = process.resourceUsage().maxRSS * 1024;
  const findings = new Findings();
  findings.row("samples", all.length);
  findings.row("parsers", rows.length);
  findings.row("rounds", `${rounds} in ${seconds()} s`);
  findings.row("memory at most", `${Math.round(peak / 2 ** 20)} MiB`);
  findings.must("memory is bounded", peak < MEMORY_MAX);
  findings.row("faults by type", tally(trial.faults.map((one) => one.split(", ")[1] ?? "")));
  findings.mustBeNone("faults", trial.faults);
  return findings.print("fuzz of all parsers");
}

await runScript(main);
