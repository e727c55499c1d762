// `gw upgrade`: a running gateway goes over to another executable without losing a session. What can be
// known beforehand is tried first: whether that program is for this machine, starts, understands the
// configuration and finds what it has to find. Nothing is changed before all that holds.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  linkSync,
  mkdtempSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Status } from "../../admin/protocol.ts";
import { describeError } from "../../base/log.ts";
import { eicar } from "../../text/eicar.ts";
import { parseDuration } from "../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { folderOf, PLACE } from "../place.ts";
import { ask, tryAsk } from "./client.ts";

const GRACE_DEFAULT = "60s";
const GRACE_MAX_MS = 600_000;
const TRY_MS = 60_000;
/** Stores are opened, and mail sent for a while, before the other gw answers. */
const TAKE_OVER_MS = 180_000;
const POLL_MS = 200;
const PROGRAM_MODE = 0o755;
/** Of an ELF file: class, byte order, version, system, and the processor (System V ABI, chapter 4). */
const HEAD_SIZE = 20;

function headOf(file: string): Buffer {
  const head = Buffer.alloc(HEAD_SIZE);
  const fd = openSync(file, "r");
  try {
    readSync(fd, head, 0, HEAD_SIZE, 0);
  } finally {
    closeSync(fd);
  }
  return head;
}

const isElf = (head: Buffer) => head.toString("latin1", 0, 4) === "\x7fELF";

function refuseForeign(file: string, own: string): void {
  let head: Buffer;
  try {
    if (!statSync(file).isFile()) throw new Error("not a file");
    head = headOf(file);
  } catch (error) {
    throw new CliError(`${file}: ${describeError(error)}`, { cause: error });
  }
  if (!isElf(head)) throw new CliError(`${file}: no executable of this kind of system`);
  const wanted = headOf(own);
  const [machine, ours] = [head.readUInt16LE(18), wanted.readUInt16LE(18)];
  if (machine !== ours || head[4] !== wanted[4]) {
    throw new CliError(`${file}: for another processor (ELF machine ${machine}, not ${ours})`);
  }
  if (head[7] !== wanted[7]) throw new CliError(`${file}: for another system than this one`);
}

interface Tried {
  readonly code: number;
  readonly text: string;
}

function attempt(program: string, ...words: string[]): Tried {
  try {
    const { exitCode, stdout, stderr } = Bun.spawnSync([program, ...words], {
      ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      timeout: TRY_MS,
    });
    return { code: exitCode, text: `${stdout}${stderr}`.trim() };
  } catch (error) {
    return { code: -1, text: describeError(error) };
  }
}

/** Its version; throws CliError with the reason why it is not fit to take over. */
function tryProgram(program: string, shown: string, config: string): string {
  const lastLine = ({ text, code }: Tried) => text.split("\n").at(-1) || `exit code ${code}`;
  const version = attempt(program, "--version");
  const named = /^gw (\d+\.\d+\.\d+\S*)$/.exec(version.text)?.[1];
  if (version.code !== 0 || named === undefined) {
    throw new CliError(`${shown}: no gw that runs here: ${lastLine(version)}`);
  }
  const checked = config === "" ? undefined : attempt(program, "config", "check", config);
  if (checked !== undefined && checked.code !== 0) {
    throw new CliError(`${shown}: it does not take ${config}: ${lastLine(checked)}`);
  }
  const folder = mkdtempSync(join(tmpdir(), "gw-upgrade-"));
  try {
    writeFileSync(join(folder, "eicar"), eicar());
    writeFileSync(join(folder, "clean"), "nothing\n");
    for (const [name, code] of [
      ["eicar", 1],
      ["clean", 0],
    ] as const) {
      const scanned = attempt(program, "scan", join(folder, name));
      if (scanned.code === code) continue;
      throw new CliError(`${shown}: it scans wrongly (${name}): ${lastLine(scanned)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return named;
}

/** Where the running executable lies; the other one is laid beside it, and takes its place. */
interface Places {
  readonly own: string;
  readonly fresh: string;
  readonly previous: string;
}

function layBeside(file: string, { own, fresh }: Places): void {
  try {
    copyFileSync(file, fresh);
    chmodSync(fresh, PROGRAM_MODE);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new CliError(`cannot replace ${own}: ${describeError(error)}`, { cause: error });
  }
}

function install({ own, fresh, previous }: Places): void {
  rmSync(previous, { force: true });
  linkSync(own, previous);
  renameSync(fresh, own);
}

/** Waits until the other process answers; throws CliError if it does not come to that. */
async function watchOver(folder: string, pid: number, before: Status): Promise<Status> {
  for (let left = TAKE_OVER_MS / POLL_MS; left > 0; left--) {
    await sleep(POLL_MS);
    const now = await tryAsk<Status>(folder, { verb: "status" }).catch(() => undefined);
    if (now?.pid === pid) return now;
    if (now !== undefined && now.startedAt !== before.startedAt) break;
  }
  throw new CliError("the other gw could not take over; see not-handed-over in the log");
}

function graceOf(text: string): number {
  const grace = parseDuration(text);
  if (grace !== undefined && grace > 0 && grace <= GRACE_MAX_MS) return grace;
  throw new CliError("--timeout needs a time up to 10m, such as 60s");
}

/** `gw upgrade` */
export const upgrade = command(
  {
    ...PLACE,
    binary: {
      type: "string",
      valueHint: "FILE",
      description: "the other gw (default: what lies where the running one was started from)",
    },
    timeout: {
      type: "string",
      valueHint: "TIME",
      description: `how long sessions may take to end, else nothing is changed (${GRACE_DEFAULT})`,
    },
    json: OPTIONS.json,
  },
  async (args, terminal) => {
    const graceMs = graceOf(args.timeout ?? GRACE_DEFAULT);
    const before = await ask<Status>(args, { verb: "status" });
    const own = before.program;
    const file = args.binary ?? own;
    const places = { own, fresh: `${own}.new`, previous: `${own}.previous` };
    refuseForeign(file, process.execPath);
    const isThere = realpathSync(file) === own;
    if (!isThere) layBeside(file, places);
    try {
      const version = tryProgram(isThere ? own : places.fresh, file, before.config);
      terminal.err(`${file} is gw ${version} and fit; waiting for sessions to end\n`);
      if (!isThere) install(places);
    } catch (error) {
      if (!isThere) rmSync(places.fresh, { force: true });
      throw error;
    }
    try {
      const { pid } = await ask<{ pid: number }>(args, { verb: "upgrade", program: own, graceMs });
      const now = await watchOver(folderOf(args), pid, before);
      if (args.json) terminal.out(`${JSON.stringify({ before, now })}\n`);
      else {
        const kept = isThere ? "" : `; the one before is kept as ${places.previous}`;
        terminal.out(`gw ${now.version} serves as process ${pid}${kept}\n`);
      }
      return EXIT.good;
    } catch (error) {
      if (!isThere) renameSync(places.previous, own);
      throw new CliError(`nothing has changed: ${describeError(error)}`, { cause: error });
    }
  },
);
