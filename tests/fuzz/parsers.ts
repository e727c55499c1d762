// Every parser over damaged files of the corpus, for as many rounds as wanted:
//
//   bun tests/fuzz/parsers.ts [ROUNDS] [SEED]     default 20,000 rounds; GW_CORPUS says where
//
// Each round damages one file, tells its type as a scan would, or takes the type it had, and takes
// it apart with that type's reader alone. It must neither throw, nor pass its bounds, nor take long;
// what does is printed with its round, and written to the folder of temporary files.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeError } from "../../src/base/log.ts";
import { explodeMail } from "../../src/mime/explode.ts";
import { fileType } from "../../src/scan/file-type.ts";
import { unpackerFor } from "../../src/unpack/registry.ts";
import { budgetOf, drain, EICAR } from "../harness/extracts.ts";
import { Findings, runScript, tally } from "../harness/findings.ts";
import { WRAPPERS } from "../unpack/wrappers.ts";
import { mutated, random } from "./mutate.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDERS = ["containers", "mime"].map((name) => join(GW_CORPUS, name));
const SAMPLE_SIZE_MAX = 100_000;
const ROUNDS_DEFAULT = 20_000;
/** Time for one round, by the budget's clock, and with what may pass between two looks at it. */
const LIMITS = {
  ...{ objectSizeMax: 1 << 20, expandedSizeMax: 8 << 20, objectCountMax: 500 },
  timeMaxMs: 1000,
};
const SLOW_MS = 4000;
/** Memory of the process beyond what it has at the start. */
const MEMORY_MAX = 1 << 30;
const COLLECT_EVERY = 500;
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
    .filter(({ type }) => type === "mail" || unpackerFor(type) !== undefined);
}

/** What is wrong with how one file was taken apart; "" if nothing is. */
function faultOf(type: string, bytes: Buffer): string {
  const explode = type === "mail" ? explodeMail : unpackerFor(type);
  if (explode === undefined) return "";
  const before = process.cpuUsage();
  try {
    const { extracts } = drain(explode(bytes, budgetOf(LIMITS)));
    // Of the processor, so that a busy machine is no fault of a parser.
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1000;
    const size = extracts.reduce((sum, extract) => sum + extract.bytes.length, 0);
    if (size > LIMITS.expandedSizeMax) return `${size} bytes`;
    if (extracts.length > LIMITS.objectCountMax) return `${extracts.length} objects`;
    return ms > SLOW_MS ? `${Math.round(ms)} ms` : "";
  } catch (error) {
    return describeError(error);
  }
}

async function main(): Promise<number> {
  const [rounds = String(ROUNDS_DEFAULT), seed = "1"] = process.argv.slice(2);
  const all = samples();
  const byType = [...Map.groupBy(all, ({ type }) => type).values()];
  const next = random(Number(seed));
  const faults: string[] = [];
  const types = new Set<string>();
  const memoryAtStart = process.memoryUsage().rss;
  let peak = 0;
  const beganAt = performance.now();
  for (let round = 0; round < Number(rounds); round++) {
    // Each type as often as any other, however many files there are of it.
    const group = byType[next(byType.length)] ?? [];
    const sample = group[next(group.length)] as Sample;
    const bytes = mutated(sample.bytes, DICTIONARY, next);
    const type = next(2) === 0 ? sample.type : fileType(bytes);
    types.add(type);
    const fault = faultOf(type, bytes);
    if (fault !== "") {
      const file = join(tmpdir(), `gw-fuzz-${seed}-${round}`);
      writeFileSync(file, bytes);
      faults.push(`round ${round}, ${type}, ${sample.path}: ${fault} (${file})`);
      process.stderr.write(`${faults.at(-1)}\n`);
    }
    if (round % COLLECT_EVERY === 0) {
      Bun.gc(true);
      peak = Math.max(peak, process.memoryUsage().rss - memoryAtStart);
    }
    if (round % REPORT_EVERY === REPORT_EVERY - 1) {
      process.stderr.write(`${round + 1} rounds, ${faults.length} faults\n`);
    }
  }
  const seconds = (performance.now() - beganAt) / 1000;
  const findings = new Findings();
  findings.row("samples, types of them", `${all.length}, ${byType.length}`);
  findings.row("rounds", `${rounds} in ${Math.round(seconds)} s`);
  findings.row("types read", types.size);
  findings.row("memory beyond the start", `${Math.round(peak / 2 ** 20)} MiB`);
  findings.must("memory is bounded", peak < MEMORY_MAX);
  findings.row("faults by type", tally(faults.map((one) => one.split(", ")[1] ?? "")));
  findings.mustBeNone("faults", faults);
  return findings.print("fuzz of all parsers");
}

await runScript(main);
