// `gw signatures import`: signatures in other people's formats, with a report of what became of
// each file.
import { copyFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { writeAtomically } from "../../../base/file/atomic-file.ts";
import { loadConfig } from "../../../config/load.ts";
import {
  limitsOf,
  type OpenedSignatures,
  openNamedSignatures,
} from "../../../pipeline/scanning.ts";
import { falseAlarmsOf } from "../../../pipeline/update/trial/trial.ts";
import { Engine } from "../../../scan/engine.ts";
import { loadSet } from "../../../scan/signature-set.ts";
import type { FileReport } from "../../../signature/clamav/report.ts";
import { isSignatureFile } from "../../../signature/import/load.ts";
import { describeDiagnostic } from "../../../signature/source.ts";
import { printable } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { counted, drawTable } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { reasonOf } from "../../walk.ts";

const COMPILED = ".gwdb";
/** Less what the umask takes away, as for any file that a command makes. */
const PUBLIC = 0o666;
/** Room for the objects of the check corpus. */
const ARENA_SIZE = 4 << 20;
/** Mistakes shown of one file; `--json` has up to a thousand. */
const SHOWN_MAX = 10;

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const skippedOf = ({ skipped }: FileReport) => sum(Object.values(skipped));

function show(terminal: Terminal, reports: readonly FileReport[]): void {
  const columns = ["LOADED", "SKIPPED", "MALFORMED", "FILE"].map((title) => ({ title }));
  const rows = reports.map((report) => {
    const { file, loaded, malformed } = report;
    return [`${loaded}`, `${skippedOf(report)}`, `${malformed}`, file];
  });
  terminal.out(drawTable(terminal, columns, rows));
  for (const { file, skipped } of reports) {
    for (const [reason, count] of Object.entries(skipped)) {
      terminal.out(`${printable(file)}: skipped ${count}: ${printable(reason)}\n`);
    }
  }
  for (const { malformed, diagnostics } of reports) {
    for (const each of diagnostics.slice(0, SHOWN_MAX)) {
      terminal.out(`${printable(describeDiagnostic(each))}\n`);
    }
    const more = malformed - Math.min(SHOWN_MAX, diagnostics.length);
    if (more > 0) terminal.out(`… and ${more} more; --json shows them\n`);
  }
}

/** Writes a compiled set, or copies the files of which something is used. */
function keep(opened: OpenedSignatures, to: string): string {
  if (to.endsWith(COMPILED)) {
    // A gateway may be reading the old one.
    writeAtomically(to, opened.image, PUBLIC);
    return `${printable(to)} (${roundSize(opened.image.length)})`;
  }
  mkdirSync(to, { recursive: true });
  const used = opened.reports.filter(({ loaded, file }) => loaded > 0 && isSignatureFile(file));
  const files = used.map(({ file }) => file).filter((file) => isFile(file));
  const names = files.map((file) => basename(file));
  const twin = names.find((name, i) => names.indexOf(name) !== i);
  if (twin !== undefined) throw new CliError(`two of the files are called ${printable(twin)}`);
  for (const file of files) {
    const target = join(to, basename(file));
    copyFileSync(file, `${target}.new`);
    renameSync(`${target}.new`, target);
  }
  return `${counted(files.length, "file")} in ${printable(to)}`;
}

// The files of a container are reported by names that lie inside of it.
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

async function openAll(paths: readonly string[]): Promise<OpenedSignatures> {
  for (const path of paths) {
    try {
      statSync(path);
    } catch (error) {
      throw new CliError(`${printable(path)}: ${reasonOf(error)}`, { cause: error });
    }
  }
  return openNamedSignatures(paths);
}

/** What the signatures find in files of the check corpus that are harmless. */
async function falseAlarms({ image, core }: OpenedSignatures): Promise<string[]> {
  const limits = limitsOf(loadConfig(configFile(undefined)));
  const set = loadSet(image, { arenas: 1, arenaSize: ARENA_SIZE, core });
  return falseAlarmsOf(await Engine.attach(set, 0), limits);
}

/**
 * `gw signatures import`: exits 0 if every line was understood, 1 if not or if harmless files hit (then
 * nothing is kept), 2 if nothing was loaded.
 */
export const importFiles = command(
  {
    to: {
      type: "string",
      valueHint: "DIR|FILE.gwdb",
      description: "where to put what was loaded: a folder of signatures, or one compiled set",
    },
    json: OPTIONS.json,
  },
  async (args, terminal) => {
    const opened = await openAll(args._);
    const { reports } = opened;
    const loaded = sum(reports.map((report) => report.loaded));
    const malformed = sum(reports.map((report) => report.malformed));
    if (args.json === true) {
      for (const report of reports) terminal.out(`${JSON.stringify(report)}\n`);
    } else show(terminal, reports);
    const alarms = loaded === 0 ? [] : await falseAlarms(opened);
    for (const alarm of alarms) terminal.err(`gw: ${printable(alarm)}\n`);
    const isKept = args.to !== undefined && loaded > 0 && alarms.length === 0;
    if (args.to !== undefined && alarms.length > 0) {
      terminal.err("gw: nothing was kept: leave these signatures out (a *.ign2 file names them)\n");
    }
    const kept = isKept ? ` -> ${keep(opened, args.to ?? "")}` : "";
    if (args.json !== true) {
      const skipped = sum(reports.map(skippedOf));
      const rest = `${skipped} skipped, ${malformed} malformed`;
      terminal.out(`${counted(loaded, "signature")} loaded, ${rest}${kept}\n`);
    }
    if (loaded === 0) return EXIT.error;
    return malformed > 0 || alarms.length > 0 ? EXIT.found : EXIT.good;
  },
);
