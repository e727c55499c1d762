// The file that holds the process number of a gateway for start scripts.
import { readFileSync, rmSync } from "node:fs";
import { writeAtomically } from "../../base/file/atomic-file.ts";
import { describeError } from "../../base/log.ts";
import { CliError } from "../command.ts";

const WORLD_READABLE = 0o644;

/** The process that the file names, if that runs; undefined for a stale file, or none. */
export function runningFrom(path: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined; // Not there; what else is wrong shows when it is written.
  }
  const pid = /^\d{1,10}\n?$/.test(text) ? Number(text) : 0;
  return pid > 1 && pid !== process.pid && isAlive(pid) && isGateway(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

// Numbers are used again: after a crash the file may name a program that has nothing to do with gw.
// Where the system does not tell what a process is (FreeBSD), it is taken for gw.
function isGateway(pid: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.includes("serve") || /smtpgw$/.test(words[0] ?? "");
  } catch {
    return true;
  }
}

/** Throws CliError if the process that the file names runs. */
export function refuseSecond(path: string): void {
  const pid = runningFrom(path);
  if (pid === undefined) return;
  throw new CliError(
    `${path}: gw runs already, as process ${pid}; stop it first, or name another --pid-file`,
  );
}

/** Writes the number of this process. */
export function writePid(path: string): void {
  try {
    writeAtomically(path, `${process.pid}\n`, WORLD_READABLE);
  } catch (error) {
    throw new CliError(`cannot write --pid-file: ${describeError(error)}`, { cause: error });
  }
}

/** Removes the file if it is still that of this process. */
export function removePid(path: string): void {
  try {
    if (readFileSync(path, "utf8").trim() === String(process.pid)) rmSync(path, { force: true });
  } catch {
    // Gone already, or not to be removed: the next start sees that it is stale.
  }
}
