// Starts, watches and ends child processes for scripts that run the compiled binary or a peer. Ends
// only what it started, by its process id.
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Socket } from "bun";

/** Pause between two looks at something that can only be polled, ms. */
const POLL_MS = 5;
const START_TIMEOUT_MS = 60_000;
/** A process that ignores SIGTERM for this long is killed. */
const STOP_TIMEOUT_MS = 20_000;
const LOG_TAIL_LINES = 15;

/** A child process that this run started. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  /** File that holds its standard output and error. */
  readonly logFile: string;
  /** Resolves with the exit code, or the negative number of the signal that ended it. */
  readonly exited: Promise<number>;
  hasExited(): boolean;
  signal(name: NodeJS.Signals): void;
}

/** What to start. */
export interface ProcessOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly logFile: string;
  readonly cwd?: string;
}

/** Starts a process whose output is appended to `logFile`. */
export function startProcess(options: ProcessOptions): Running {
  const log = openSync(options.logFile, "a");
  const child = Bun.spawn({
    cmd: [...options.command],
    cwd: options.cwd ?? process.cwd(),
    stdin: "ignore",
    stdout: log,
    stderr: log,
  });
  closeSync(log);
  let isOver = false;
  // A script that is interrupted must not leave servers behind.
  const killLeft = () => child.kill("SIGKILL");
  process.on("exit", killLeft);
  const exited = child.exited.then((code) => {
    isOver = true;
    process.off("exit", killLeft);
    return code;
  });
  return {
    name: options.name,
    pid: child.pid,
    logFile: options.logFile,
    exited,
    hasExited: () => isOver,
    signal: (name) => {
      if (!isOver) child.kill(name);
    },
  };
}

/** Ends a process with SIGTERM, with SIGKILL if it does not heed that; resolves when it is gone. */
export async function stopProcess(running: Running): Promise<void> {
  running.signal("SIGTERM");
  const timer = setTimeout(() => running.signal("SIGKILL"), STOP_TIMEOUT_MS);
  await running.exited;
  clearTimeout(timer);
}

/** Polls `isTrue` until it holds; false if `timeoutMs` passed first. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const endsAt = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > endsAt) return false;
    await Bun.sleep(POLL_MS);
  }
  return true;
}

/** The last lines of a log file, to explain why something went wrong. */
export function logTail(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
  } catch {
    return "(no log)";
  }
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const leave = (socket: Socket, isUp: boolean) => {
      resolve(isUp);
      socket.end();
    };
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (socket, bytes) => {
          socket.write("QUIT\r\n");
          leave(socket, bytes.toString("latin1").startsWith("220"));
        },
        close: () => resolve(false),
        error: (socket) => leave(socket, false),
      },
    }).catch(() => resolve(false));
  });
}

/** Waits until an SMTP server greets on the port; an Error with the log's end if it never does. */
export async function waitForGreeting(
  port: number,
  running: Pick<Running, "name" | "logFile" | "hasExited">,
): Promise<void> {
  const endsAt = performance.now() + START_TIMEOUT_MS;
  while (!(await greets(port))) {
    const isLate = performance.now() > endsAt;
    if (isLate || running.hasExited()) {
      const what = isLate ? "does not answer" : "ended at once";
      throw new Error(`${running.name} ${what} (port ${port}):\n${logTail(running.logFile)}`);
    }
    await Bun.sleep(POLL_MS);
  }
}

/** Runs a command to its end. */
export async function runCommand(
  command: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const child = Bun.spawn({ cmd: [...command], stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
