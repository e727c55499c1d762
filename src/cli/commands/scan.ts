// `gw scan`: takes any file apart and scans it, as the gateway does with mail.
import { statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { loadConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import type { Body, Verdict } from "../../message.ts";
import { printable } from "../../text/printable.ts";
import { roundSize } from "../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { configFile } from "../config-file.ts";
import { startInspection } from "../inspection.ts";
import { readMailHeader } from "../view/mail-header.ts";
import { Progress } from "../view/progress.ts";
import { drawTree, paintStatus, toJson } from "../view/scan-report.ts";
import { counted } from "../view/table.ts";
import type { Terminal } from "../view/terminal.ts";
import { reasonOf, type Walked, walk } from "../walk.ts";

/** Files that are under way at the same time, per worker. */
const AHEAD_PER_WORKER = 4;
/** Files that are counted for the progress bar; of more, the bar stands still at its end. */
const COUNTED_MAX = 1_000_000;
const STDIN = "-";

/** What became of one path. */
type Scanned =
  | { readonly kind: "scanned"; readonly file: string; readonly body: Body; verdict: Verdict }
  | { readonly kind: "failed"; readonly file: string; readonly reason: string };

interface Totals {
  files: number;
  infected: number;
  incomplete: number;
  failed: number;
}

type Inspect = (file: string, body: Body) => Promise<Verdict>;

/** Standard input, at most one byte more than is scanned: that byte tells that it is too large. */
async function readInput(sizeMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of Bun.stdin.stream()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > sizeMax) break;
  }
  return Buffer.concat(chunks).subarray(0, sizeMax + 1);
}

// A file too large to be scanned is not read at all.
function tooLarge(file: string, size: number, sizeMax: number): Verdict {
  const object = {
    id: 0,
    parent: null,
    path: file,
    name: file,
    declaredType: "",
    type: "",
    size,
    scanned: 0,
    status: "unscanned" as const,
    findings: [],
    notes: [`larger than ${roundSize(sizeMax)} (scan.object_size_max)`],
  };
  return { status: "unscanned", objects: [object], elapsedMs: 0, signatureSet: "" };
}

async function scanOne(walked: Walked, inspect: Inspect, sizeMax: number): Promise<Scanned> {
  const file = walked.path;
  if (walked.kind === "unreadable") return { kind: "failed", file, reason: walked.reason };
  const body: Body = { kind: "file", path: resolve(file), offset: 0, size: walked.size };
  if (body.size > sizeMax) {
    return { kind: "scanned", file, body, verdict: tooLarge(file, body.size, sizeMax) };
  }
  try {
    // The worker's own message would say "scan failed"; whether a file can be read is known before.
    await Bun.file(body.path).slice(0, 1).arrayBuffer();
  } catch (error) {
    return { kind: "failed", file, reason: reasonOf(error) };
  }
  return { kind: "scanned", file, body, verdict: await inspect(file, body) };
}

/** Scans in parallel and gives the results in order. */
async function* scanAll(
  paths: readonly string[],
  config: Config,
  inspect: Inspect,
  ahead: number,
): AsyncGenerator<Scanned> {
  const sizeMax = config["scan.object_size_max"];
  if (paths.includes(STDIN)) {
    const bytes = await readInput(sizeMax);
    const body: Body = { kind: "bytes", bytes };
    const isLarge = bytes.length > sizeMax;
    const verdict = isLarge ? tooLarge(STDIN, bytes.length, sizeMax) : await inspect("stdin", body);
    yield { kind: "scanned", file: STDIN, body, verdict };
  }
  const pending: Promise<Scanned>[] = [];
  for (const walked of walk(paths.filter((path) => path !== STDIN))) {
    pending.push(scanOne(walked, inspect, sizeMax));
    if (pending.length >= ahead) yield await (pending.shift() as Promise<Scanned>);
  }
  for (const each of pending) yield await each;
}

/** Prints results and counts them. */
class Report {
  readonly totals: Totals = { files: 0, infected: 0, incomplete: 0, failed: 0 };
  readonly #terminal: Terminal;
  readonly #isJson: boolean;
  readonly #isTreeWanted: boolean;

  constructor(terminal: Terminal, options: { isJson: boolean; isTreeWanted: boolean }) {
    this.#terminal = terminal;
    this.#isJson = options.isJson;
    this.#isTreeWanted = options.isTreeWanted;
  }

  async add(scanned: Scanned): Promise<void> {
    this.totals.files++;
    if (scanned.kind === "failed") {
      this.totals.failed++;
      this.#failed(scanned.file, scanned.reason);
      return;
    }
    const { status } = scanned.verdict;
    if (status === "infected" || status === "suspicious") this.totals.infected++;
    else if (status === "unscanned" || status === "damaged" || status === "protected") {
      this.totals.incomplete++;
    }
    await this.#scanned(scanned);
  }

  #failed(file: string, reason: string): void {
    if (this.#isJson) this.#line({ file, verdict: "error", error: reason, objects: [] });
    this.#terminal.err(`gw: ${printable(file)}: ${reason}\n`);
  }

  async #scanned({ file, body, verdict }: Extract<Scanned, { kind: "scanned" }>): Promise<void> {
    if (this.#isJson) {
      this.#line(toJson(file, verdict));
      return;
    }
    if (verdict.status === "clean" && !this.#isTreeWanted) {
      this.#terminal.out(`${printable(file)}: ${paintStatus(this.#terminal, "clean")}\n`);
      return;
    }
    const isMail = verdict.objects[0]?.type === "mail";
    const header = isMail ? await readMailHeader(body).catch(() => []) : [];
    this.#terminal.out(drawTree(this.#terminal, file, verdict, header));
  }

  #line(value: unknown): void {
    this.#terminal.out(`${JSON.stringify(value)}\n`);
  }

  summary(elapsedMs: number): string {
    const { files, infected, incomplete, failed } = this.totals;
    const parts = [counted(files, "file"), `${infected} infected`];
    if (incomplete > 0) parts.push(`${incomplete} could not be looked at wholly`);
    if (failed > 0) parts.push(`${failed} could not be read`);
    return `${parts.join(", ")}, ${(elapsedMs / 1000).toFixed(2)} s\n`;
  }

  /** Found outweighs failed: a script that asks "infected?" must get its yes. */
  get exitCode(): number {
    const { infected, incomplete, failed } = this.totals;
    if (infected > 0) return EXIT.found;
    return incomplete > 0 || failed > 0 ? EXIT.error : EXIT.good;
  }
}

function countFiles(paths: readonly string[]): number {
  let count = 0;
  for (const _ of walk(paths)) {
    if (++count >= COUNTED_MAX) break;
  }
  return count;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Scans files, folders and standard input. */
export const scan = command(
  {
    json: OPTIONS.json,
    signatures: {
      type: "string",
      valueHint: "FILE|DIR",
      description: "scan with exactly these signatures, in any format gw reads",
    },
    config: OPTIONS.config,
  },
  async (args, terminal) => {
    const beganAt = performance.now();
    const paths = args._;
    if (paths.filter((path) => path === STDIN).length > 1) throw new CliError("- is given twice");
    const config = loadConfig(configFile(args.config));
    // The walk for the count costs time that only a person who looks at a bar gets something for.
    const total = terminal.isWatched && args.json !== true ? countFiles(paths) : 0;
    const isTreeWanted = paths.length === 1 && !isFolder(paths[0] ?? "");
    const report = new Report(terminal, { isJson: args.json === true, isTreeWanted });
    const progress = total > 1 ? new Progress(terminal, total) : undefined;
    const workersMax = isTreeWanted ? 1 : Number.POSITIVE_INFINITY;
    const { signatures } = args;
    const inspection = await startInspection(config, { signatures, workersMax });
    try {
      const inspect: Inspect = async (name, body) =>
        (await inspection.inspector.inspect({ name: basename(name), body, isMessage: false }))
          .verdict;
      const ahead = AHEAD_PER_WORKER * inspection.workers;
      for await (const scanned of scanAll(paths, config, inspect, ahead)) {
        progress?.clear();
        await report.add(scanned);
        progress?.step(scanned.file);
      }
    } finally {
      progress?.clear();
      inspection.inspector.stop();
    }
    if (args.json !== true && !isTreeWanted) {
      terminal.out(report.summary(performance.now() - beganAt));
    }
    return report.exitCode;
  },
);
