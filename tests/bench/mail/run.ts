// Measures gw beside Postfix and Postfix with clamd: `bun tests/bench/mail/run.ts --help`.
// Systems take turns round by round, each started anew, with the same mail, generator and next hop.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runScript } from "../../harness/findings.ts";
import { runCommand } from "../../harness/process.ts";
import { type CellResult, LoadProcess, runCell } from "./cell.ts";
import { type ColdScan, runColdScans } from "./cold-scan.ts";
import { LOADS, type Load } from "./mail-set.ts";
import { checkTargets, coldScanTable, resultTable, targetTable } from "./report.ts";
import { provideSignatureSet, type SignatureFolders } from "./signature-set.ts";
import { type BenchSystem, obstacles, SYSTEM_NAMES, SYSTEMS } from "./systems.ts";

const HELP = `usage: bun tests/bench/mail/run.ts [options]
  --systems LIST   of ${SYSTEM_NAMES.join(", ")} (default: gw,postfix,postfix+clamd)
  --loads LIST     of ${LOADS.join(", ")} (default: all)
  --sessions LIST  numbers of sessions at the same time (default: 20,100)
  --rounds N       how often each cell is run (default: 3)
  --messages N     messages per cell instead of the default, which depends on the load
  --scans N        how often the cold scans are run (default: 20; 0: not at all)
  --quick          a quarter of the messages, one round, five scans
  --json           print all results as JSON instead of tables
  --docs           write the tables into docs/performance.md as well
  --folder DIR     where the systems work (default: .bench/mail); its disk is what is measured
Peers come from Debian: apt install postfix clamav clamav-daemon clamav-milter; then
systemctl disable --now postfix clamav-daemon clamav-freshclam clamav-milter. They need root.`;

/** Messages per cell: enough for some seconds of the slowest system, and for a 99th percentile. */
const COUNTS: Readonly<Record<Load, number>> = { "5k": 4000, "100k": 800, "5m": 120, mix: 1200 };
const WARM_UP = 300;
const SIGNATURES = { bodies: 10_000, hashes: 100_000 };
const DOCUMENT = "docs/performance.md";
const BEGIN = "<!-- bench:begin -->";
const END = "<!-- bench:end -->";

interface Plan {
  readonly systems: readonly BenchSystem[];
  readonly loads: readonly Load[];
  readonly sessions: readonly number[];
  readonly rounds: number;
  readonly scans: number;
  readonly share: number;
  readonly messages: number | undefined;
  readonly folder: string;
  readonly isJson: boolean;
  readonly isDocumented: boolean;
}

function chosen<Name extends string>(text: string, names: readonly Name[]): Name[] {
  return text.split(",").map((word) => {
    const name = names.find((one) => one === word);
    if (name === undefined) throw new Error(`"${word}" is none of ${names.join(", ")}`);
    return name;
  });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Error(`"${text}" is no number`);
  return Number(text);
}

function readPlan(): Plan | undefined {
  const { values } = parseArgs({
    options: {
      systems: { type: "string", default: "gw,postfix,postfix+clamd" },
      loads: { type: "string", default: LOADS.join(",") },
      sessions: { type: "string", default: "20,100" },
      rounds: { type: "string" },
      messages: { type: "string" },
      scans: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      docs: { type: "boolean", default: false },
      folder: { type: "string", default: ".bench/mail" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const names = chosen(values.systems, SYSTEM_NAMES);
  return {
    systems: SYSTEMS.filter((one) => names.includes(one.name)),
    loads: chosen(values.loads, LOADS),
    sessions: values.sessions.split(",").map(wholeNumber),
    rounds: wholeNumber(values.rounds ?? (values.quick ? "1" : "3")),
    scans: wholeNumber(values.scans ?? (values.quick ? "5" : "20")),
    share: values.quick ? 0.25 : 1,
    messages: values.messages === undefined ? undefined : wholeNumber(values.messages),
    folder: resolve(values.folder),
    isJson: values.json,
    isDocumented: values.docs,
  };
}

const note = (text: string) => process.stderr.write(`${text}\n`);

// Says once what is missing, and goes on without it.
function startable(systems: readonly BenchSystem[]): BenchSystem[] {
  return systems.filter((system) => {
    const missing = obstacles(system);
    if (missing.length === 0) return true;
    const remedy =
      system.packages.length === 0 ? "npm run build" : `apt install ${system.packages.join(" ")}`;
    note(`${system.name} is left out; it needs ${missing.join(", ")} (${remedy})`);
    return false;
  });
}

function describe(result: CellResult): string {
  const refusals = Object.entries(result.refusals).map(([text, count]) => `${count} × ${text}`);
  return [
    `  ${result.system.padEnd(16)}${result.perSecond.toFixed(1).padStart(8)} msg/s`,
    `${result.p50Ms.toFixed(0)}/${result.p99Ms.toFixed(0)} ms`,
    `${result.cpuPerThousand.toFixed(1)} CPU s/1,000`,
    `${Math.round(result.pss / 1e6)} MB`,
    `generator ${result.generatorCpuSeconds.toFixed(1)} s`,
    ...(result.delivered < result.messages ? [`${result.messages - result.delivered} LOST`] : []),
    ...refusals,
  ].join("  ");
}

async function runCells(plan: Plan, signatures: SignatureFolders): Promise<CellResult[]> {
  const results: CellResult[] = [];
  const systems = startable(plan.systems);
  const load = new LoadProcess();
  for (const name of plan.loads) {
    // With fewer messages than sessions some sessions would have nothing to do.
    const wanted = plan.messages ?? Math.ceil(COUNTS[name] * plan.share);
    const count = Math.max(wanted, ...plan.sessions);
    note(`${name}: making ${count} messages`);
    await load.ask({ kind: "make", load: name, count, warmUp: WARM_UP }, "made");
    for (const sessions of plan.sessions) {
      for (let round = 1; round <= plan.rounds; round++) {
        note(`${name}, ${sessions} sessions, round ${round}`);
        // Back and forth, so that no system is always the one that runs when the disk is warm.
        for (const system of round % 2 === 1 ? systems : systems.toReversed()) {
          const cell = { system, load: name, sessions, count, warmUp: WARM_UP };
          const result = await runCell(cell, { folder: plan.folder, signatures }, load);
          results.push(result);
          note(describe(result));
        }
      }
    }
  }
  load.stop();
  return results;
}

async function versions(): Promise<string> {
  const found = await Promise.all(
    [
      ["postconf", "-d", "-h", "mail_version"],
      ["clamscan", "--version"],
    ].map(async (command) => {
      const { stdout } = await runCommand(command).catch(() => ({ stdout: "" }));
      return stdout.trim().replace(/\/.*/, "");
    }),
  );
  const [postfix = "", clamav = ""] = found;
  return [postfix === "" ? "" : `Postfix ${postfix}`, clamav]
    .filter((one) => one !== "")
    .join(", ");
}

async function conditions(plan: Plan): Promise<string> {
  const processors = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${processors.length} processors`,
    `(${processors[0]?.model ?? "unknown"}), ${gigabytes} GB, generator and next hop on the same`,
    `machine; medians of ${plan.rounds} rounds; ${SIGNATURES.bodies} body and`,
    `${SIGNATURES.hashes} hash signatures. ${await versions()}.`,
  ].join(" ");
}

function writeDocument(text: string): void {
  const page = readFileSync(DOCUMENT, "utf8");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} has no ${BEGIN} … ${END}`);
  writeFileSync(DOCUMENT, `${page.slice(0, begin)}${BEGIN}\n\n${text}\n\n${page.slice(end)}`);
}

async function main(): Promise<number> {
  const plan = readPlan();
  if (plan === undefined) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  mkdirSync(plan.folder, { recursive: true });
  const signatures = provideSignatureSet(join(plan.folder, "signatures"), SIGNATURES);
  const results = await runCells(plan, signatures);
  const scans: ColdScan[] =
    plan.scans === 0 ? [] : await runColdScans(plan.folder, signatures, plan.scans);
  const targets = checkTargets(results, scans);
  const text = [
    await conditions(plan),
    targetTable(targets),
    resultTable(results),
    ...(scans.length === 0 ? [] : [coldScanTable(scans)]),
  ].join("\n\n");
  process.stdout.write(
    plan.isJson ? `${JSON.stringify({ targets, results, scans }, null, 1)}\n` : `${text}\n`,
  );
  if (plan.isDocumented) writeDocument(text);
  return targets.some((one) => one.outcome === "missed") ? 1 : 0;
}

await runScript(main);
