// The engine on sets as they are in use: ClamAV's kinds beside clamscan, YARA's beside yara; small
// objects, hostile ones, hashes, memory, threads.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../../src/base/log.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { VIEW_TYPES } from "../../../src/gwdb/view-types.ts";
import { startInspector } from "../../../src/pipeline/scanning.ts";
import { Engine } from "../../../src/scan/engine.ts";
import { FILE_TYPES } from "../../../src/scan/file-type.ts";
import { loadSet } from "../../../src/scan/signature-set.ts";
import { compileSignatures } from "../../../src/signature/compile.ts";
import { loadSignatures, readSignatureFiles } from "../../../src/signature/import/load.ts";
import { buildCore } from "../../../wasm/build.ts";
import { Random } from "../../scan/generator.ts";
import type { Data } from "./data.ts";
import type { Literals } from "./literals.ts";
import { mixedSet } from "./mixed.ts";
import { best, namesIn, PIECE, rates, scanAll } from "./own.ts";
import type { Row } from "./run.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
/** Peers are slow: they scan so much of each kind. */
const PEER_SIZE = 16 << 20;
const SMALL = 10 * 1024;
const SMALL_ROUNDS = 500;
const MIXED = 10_000;
const HASHES = 1_000_000;
const MEMORY_COUNT = 100_000;

interface Options extends Literals {
  readonly data: Data;
  readonly rounds: number;
}

type Add = (row: Row) => void;

const yaraSets = () =>
  readdirSync(join(CORPUS, "signatures"))
    .filter((name) => /^yara-(bartblaze|ditekshen|reversinglabs)$/.test(name))
    .map((name) => join(CORPUS, "signatures", name));

async function imageOf(paths: readonly string[]) {
  const core = await buildCore();
  const { signatures } = loadSignatures(readSignatureFiles(paths));
  const options = { types: [...FILE_TYPES, ...VIEW_TYPES] };
  const compiled = await compileSignatures({ signatures, diagnostics: [] }, core, options);
  return { image: compiled.image, count: compiled.signatures.length };
}

async function engineOf(image: Uint8Array): Promise<Engine> {
  const core = await buildCore();
  return await Engine.attach(loadSet(image, { arenas: 1, arenaSize: PIECE, core }), 0);
}

/** Seconds a command takes on `file` beyond what it takes on an empty one: its loading. */
function peerSeconds(command: readonly string[], file: string, empty: string): number {
  const run = (path: string) => {
    const began = performance.now();
    Bun.spawnSync([...command, path], { stdout: "ignore", stderr: "ignore" });
    return (performance.now() - began) / 1000;
  };
  run(empty);
  return Math.max(0.001, run(file) - Math.min(run(empty), run(empty)));
}

async function mixedRow({ data, rounds, literals, plain }: Options, folder: string, add: Add) {
  const database = join(folder, "mixed");
  const files = [`${database}.ndb`, `${database}.ldb`];
  const found = new Set<string>();
  const write = () => {
    const { ndb, ldb } = mixedSet(literals.slice(0, MIXED));
    const isKept = (line: string) => !found.has(/^[^:;]*/.exec(line)?.[0] ?? "");
    const kept = (text: string) => text.split("\n").filter(isKept).join("\n");
    writeFileSync(`${database}.ndb`, kept(ndb));
    writeFileSync(`${database}.ldb`, kept(ldb));
  };
  write();
  let engine = await engineOf((await imageOf(files)).image);
  // A vendor drops what hits clean files, and clamscan ends at its first hit.
  for (const bytes of Object.values(data)) {
    for (const name of namesIn(engine, bytes)) found.add(name);
  }
  write();
  engine = await engineOf((await imageOf(files)).image);
  const own = rates(engine, data, rounds);
  const shares = Object.keys(own).map((key) => (own[key] ?? 0) / (plain[key] ?? 1));
  add({
    what: `${MIXED.toLocaleString("en")} mixed signatures: share of the literals' speed`,
    measured: `${shares.map((share) => share.toFixed(2)).join(" / ")} (${Object.values(own).join(" / ")} MB/s)`,
    target: "0.7",
    isMet: Math.min(...shares) >= 0.7,
  });
  if (Bun.which("clamscan") === null) return;
  const flags = ["--max-filesize=200M", "--max-scansize=400M", "--no-summary"];
  const ratios = peerRatios(
    ["clamscan", ...flags, "-d", `${database}.ndb`, "-d", `${database}.ldb`],
    { data, folder, own },
  );
  add({
    what: "the same against clamscan, without its loading",
    measured: ratios.map((ratio) => `${ratio.toFixed(0)}×`).join(" / "),
    target: "20×",
    isMet: Math.min(...ratios) >= 20,
  });
}

function peerRatios(
  command: readonly string[],
  given: { readonly data: Data; readonly folder: string; readonly own: Record<string, number> },
): number[] {
  const { data, folder, own } = given;
  const empty = join(folder, "empty");
  writeFileSync(empty, "");
  return Object.entries(data).map(([name, bytes]) => {
    const file = join(folder, name);
    const part = bytes.subarray(0, PEER_SIZE);
    writeFileSync(file, part);
    return (own[name] ?? 0) / (part.length / 1e6 / peerSeconds(command, file, empty));
  });
}

async function yaraRow({ data, rounds }: Options, folder: string, add: Add): Promise<void> {
  const files = readSignatureFiles(yaraSets());
  const { image, count } = await imageOf(yaraSets());
  const engine = await engineOf(image);
  const own = rates(engine, shortened(data), rounds);
  const what = `${count.toLocaleString("en")} YARA rules of public sets`;
  add({ what: `${what}, MB/s`, measured: Object.values(own).join(" / "), target: "" });
  if (Bun.which("yara") === null) return;
  const named = files.map(({ path }, i) => `n${i}:${path}`);
  const externals = ["filename", "filepath", "extension", "filetype", "owner"];
  const defines = externals.flatMap((name) => ["-d", `${name}=`]);
  const ratios = peerRatios(["yara", "-w", ...defines, ...named], { data, folder, own });
  add({
    what: `${what} against yara, without its loading`,
    measured: ratios.map((ratio) => `${ratio.toFixed(1)}×`).join(" / "),
    target: "10×",
    isMet: Math.min(...ratios) >= 10,
  });
}

const shortened = (data: Data) =>
  Object.fromEntries(
    Object.entries(data).map(([name, bytes]) => [name, bytes.subarray(0, PEER_SIZE)]),
  ) as Data;

async function smallRow({ data }: Options, add: Add): Promise<void> {
  const sets = ["ditekshen-clamav", "twinclams"].map((name) => join(CORPUS, "signatures", name));
  const { image, count } = await imageOf([...yaraSets(), ...sets]);
  const engine = await engineOf(image);
  const times = Object.entries(data).map(([name, bytes]) => {
    const small = bytes.subarray(1 << 20, (1 << 20) + SMALL);
    const type = name === "binary" || name === "random" ? "binary" : "text";
    const ms = best(5, () => {
      for (let i = 0; i < SMALL_ROUNDS; i++) scanAll(engine, small, type);
    });
    return ms / SMALL_ROUNDS;
  });
  add({
    what: `10 KB with all sets of the corpus (${count.toLocaleString("en")} signatures), ms`,
    measured: times.map((ms) => ms.toFixed(3)).join(" / "),
    target: "0.2",
    isMet: Math.max(...times) < 0.2,
  });
}

// Signatures that share their beginning, over nothing but that beginning.
async function hostileRow({ data }: Options, folder: string, add: Add): Promise<void> {
  const random = new Random(14);
  const head = "the same start of all of them ";
  const lines = Array.from({ length: 1000 }, (_, i) => {
    const tail = random.bytes(12, [...Array(256).keys()]);
    return `Twin.${i}:0:*:${Buffer.from(head).toString("hex")}${Buffer.from(tail).toString("hex")}`;
  });
  const file = join(folder, "hostile.ndb");
  writeFileSync(file, `${lines.join("\n")}\n`);
  const engine = await engineOf((await imageOf([file])).image);
  const bytes = Buffer.from(head.repeat(Math.ceil(PIECE / head.length)).slice(0, PIECE));
  const usual = best(3, () => scanAll(engine, data.text.subarray(0, PIECE)));
  let isComplete = true;
  const ms = best(3, () => {
    const about = { name: "", type: "binary", containerType: "mail", depth: 1 };
    isComplete = engine.scan({ bytes, ...about }).isComplete;
  });
  const slower = ms / usual;
  add({
    what: "hostile: every window a candidate of 1,000 signatures",
    measured: `${slower.toFixed(1)} times slower than text${isComplete ? "" : ", then unscanned"}`,
    target: "20 times",
    isMet: slower <= 20,
  });
}

async function hashRow(folder: string, add: Add): Promise<void> {
  const random = new Random(15);
  const bytes = [...Array(256).keys()];
  const lines = Array.from({ length: HASHES }, (_, i) => {
    return `${Buffer.from(random.bytes(16, bytes)).toString("hex")}:${1000 + (i % 60_000)}:Hash.One`;
  });
  const file = join(folder, "million.hdb");
  writeFileSync(file, `${lines.join("\n")}\n`);
  const { image } = await imageOf([file]);
  const size = image.length / 1e6;
  const measured = `${size.toFixed(1)} MB`;
  add({ what: "a million MD5 hashes", measured, target: "24 MB", isMet: size <= 24 });
}

async function memoryRow({ literals }: Options, folder: string, add: Add): Promise<void> {
  if (Bun.which("clamscan") === null || literals.length < MEMORY_COUNT) return;
  const line = (one: Buffer, i: number) => `Memory.${i}:0:*:${one.toString("hex")}`;
  const few = join(folder, "few.ndb");
  const many = join(folder, "many.ndb");
  writeFileSync(few, `${literals.slice(0, 10).map(line).join("\n")}\n`);
  writeFileSync(many, `${literals.slice(0, MEMORY_COUNT).map(line).join("\n")}\n`);
  // What a process inherits from its parent counts in its resource usage, but not in VmHWM.
  const peak = async (file: string) => {
    const run = Bun.spawn(["clamscan", "-d", file, few], { stdout: "ignore", stderr: "ignore" });
    let most = 0;
    while (run.exitCode === null) {
      const status = await Bun.file(`/proc/${run.pid}/status`)
        .text()
        .catch(() => "");
      const kb = Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0);
      if (/Name:\s*clamscan/.test(status)) most = Math.max(most, kb * 1024);
      await Bun.sleep(5);
    }
    return most;
  };
  const theirs = ((await peak(many)) - (await peak(few))) / MEMORY_COUNT;
  const ours = (await imageOf([many])).image.length / MEMORY_COUNT;
  const share = ours / theirs;
  add({
    what: "memory per signature, beside clamscan's",
    measured: `${ours.toFixed(0)} of ${theirs.toFixed(0)} B: ${share.toFixed(2)}`,
    target: "0.55",
    isMet: share <= 0.55,
  });
}

async function threadRow({ data, literals }: Options, folder: string, add: Add): Promise<void> {
  const file = join(folder, "threads.ndb");
  const lines = literals.slice(0, MIXED).map((one, i) => `T.${i}:0:*:${one.toString("hex")}`);
  writeFileSync(file, `${lines.join("\n")}\n`);
  const { image } = await imageOf([file]);
  const sample = join(folder, "sample.bin");
  writeFileSync(sample, data.binary.subarray(0, 4 << 20));
  const body = { kind: "file", path: sample, offset: 0, size: 4 << 20 } as const;
  const config = loadConfig(undefined);
  const timed = async (workers: number) => {
    const signatures = { core: await buildCore(), image };
    const inspector = startInspector(config, { signatures, log: silentLog, workers });
    const scans = () =>
      Promise.all(
        Array.from({ length: 24 }, () =>
          inspector.inspect({ body, name: "a.bin", isMessage: false }),
        ),
      );
    await scans();
    const began = performance.now();
    await scans();
    const ms = performance.now() - began;
    inspector.stop();
    return ms;
  };
  const gain = (await timed(1)) / (await timed(2));
  add({
    what: "two threads on one image against one thread",
    measured: `${gain.toFixed(2)} times as fast`,
    target: "",
  });
}

export async function otherRows(options: Options, add: Add): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gw-engine-"));
  try {
    await mixedRow(options, folder, add);
    if (existsSync(join(CORPUS, "signatures"))) {
      await yaraRow(options, folder, add);
      await smallRow(options, add);
    }
    await hostileRow(options, folder, add);
    await hashRow(folder, add);
    await memoryRow(options, folder, add);
    await threadRow(options, folder, add);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
