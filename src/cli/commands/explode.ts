// `gw explode`: shows what a file consists of, and writes its objects out for whoever wants to look
// at them by other means.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { loadConfig } from "../../config/load.ts";
import type { ScannedObject, Verdict } from "../../message.ts";
import { BLIND, inspect } from "../../pipeline/inspect.ts";
import { limitsOf, passwordsOf } from "../../pipeline/scanning.ts";
import { roundSize } from "../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { configFile } from "../config-file.ts";
import { startInspection } from "../inspection.ts";
import { drawTree } from "../view/scan-report.ts";
import { reasonOf } from "../walk.ts";

const NAME_LENGTH_MAX = 80;
/** What is written may be malware: nobody else may read it, and nobody run it. */
const FILE_MODE = 0o600;

/** How many times its own size each object holds, by id; objects that hold nothing are left out. */
function ratiosOf(objects: readonly ScannedObject[]): Map<number, number> {
  const inner = new Map<number, number>();
  for (const { parent, size } of objects) {
    if (parent !== null) inner.set(parent, (inner.get(parent) ?? 0) + size);
  }
  const ratios = [...inner].map(([id, size]): [number, number] => {
    const own = objects[id]?.size ?? 0;
    return [id, own === 0 ? 0 : Math.round((100 * size) / own) / 100];
  });
  return new Map(ratios);
}

function toJson(file: string, verdict: Verdict): unknown {
  const ratios = ratiosOf(verdict.objects);
  const objects = verdict.objects.map((object) => ({
    id: object.id,
    parent: object.parent,
    path: object.path,
    name: object.name,
    type: object.type,
    declaredType: object.declaredType,
    size: object.size,
    ratio: ratios.get(object.id) ?? 0,
    status: object.status,
    findings: object.findings.map(({ signature, offset }) => ({ signature, offset })),
    notes: object.notes,
  }));
  return { file, verdict: verdict.status, objects };
}

// The number keeps names apart; what a sender chose must not become a path, or an option.
function fileNameOf(id: number, name: string): string {
  const safe = name.replace(/[^\w.-]+/g, "_").replace(/\.{2,}/g, "_");
  return `${String(id).padStart(4, "0")}-${safe.slice(-NAME_LENGTH_MAX)}`;
}

function emptyFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (readdirSync(path).length > 0) throw new CliError(`${path} is not empty`);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${path}: ${reasonOf(error)}`, { cause: error });
  }
  return path;
}

/** Takes one file apart. */
export const explode = command(
  {
    to: { type: "string", valueHint: "DIR", description: "write every object to this new folder" },
    json: OPTIONS.json,
    config: OPTIONS.config,
  },
  async (args, terminal) => {
    const file = args._[0] ?? "";
    const config = loadConfig(configFile(args.config));
    const sizeMax = config["scan.object_size_max"];
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isFile() !== true) throw new CliError(`${file}: no such file`);
    if (stat.size > sizeMax) {
      throw new CliError(`${file}: larger than ${roundSize(sizeMax)} (scan.object_size_max)`);
    }
    const folder = args.to === undefined ? undefined : emptyFolder(args.to);
    const inspection = await startInspection(config, { workersMax: 1 });
    const name = basename(file);
    const body = { kind: "file", path: resolve(file), offset: 0, size: stat.size } as const;
    const { verdict } = await inspection.inspector
      .inspect({ name, body, isMessage: false })
      .finally(() => inspection.inspector.stop());
    if (args.json === true) terminal.out(`${JSON.stringify(toJson(file, verdict))}\n`);
    else terminal.out(drawTree(terminal, file, verdict, []));
    if (folder === undefined) return EXIT.good;
    let written = 0;
    const onObject = (id: number, object: string, bytes: Uint8Array) => {
      writeFileSync(join(folder, fileNameOf(id, object)), bytes, { mode: FILE_MODE, flag: "wx" });
      written++;
    };
    const subject = { name, declaredType: "", bytes: readFileSync(file) };
    inspect(subject, BLIND, limitsOf(config), { passwords: passwordsOf(config), onObject });
    if (args.json !== true) terminal.out(`${written} objects in ${folder}\n`);
    return EXIT.good;
  },
);
