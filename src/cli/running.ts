// A gateway that runs until it is told to stop: signals, and errors that nobody else caught.
import { describeError, type Log } from "../base/log.ts";

/** How long messages on their way in, and attempts on their way out, may take to end. */
const GRACE_MS = 30_000;

/** What runs until it is stopped. */
export interface Running {
  stop(graceMs: number): Promise<void>;
  /** Takes new settings, and logs what came of it. */
  reload?(): Promise<unknown>;
}

/** The wish to stop, which may come from a signal or from a command; it names where from. */
export interface StopWish {
  readonly promise: Promise<string>;
  resolve(from: string): void;
}

/** Exit code of a process that a signal ended, as shells give it. */
const SIGNAL_BASE = 128;
const SIGINT = 2;

/**
 * Waits for SIGTERM, SIGINT, SIGQUIT or another wish to stop. The first asks to stop in good order, a
 * second signal ends the process at once: what was accepted is on disk either way. SIGHUP takes new
 * settings. Resolves when all is stopped.
 */
export async function runUntilSignal(
  log: Log,
  running: Running,
  asked: StopWish = Promise.withResolvers<string>(),
): Promise<void> {
  let isStopping = false;
  const stop = (signal: string) => {
    if (isStopping) process.exit(SIGNAL_BASE + SIGINT);
    isStopping = true;
    asked.resolve(signal);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGQUIT", stop);
  process.on("SIGHUP", () => {
    // What is wrong with the new settings is in the log; the old ones stay in force.
    void running.reload?.().catch(() => undefined);
  });
  const signal = await asked.promise;
  log.info("stopping", { signal, seconds: GRACE_MS / 1000 });
  await running.stop(GRACE_MS);
  log.info("stopped");
}

/**
 * Errors that came to nobody. Those of the system (a connection that broke at a bad moment) are
 * logged; after any other the state of the process is unknown, and it ends: what was accepted is on
 * disk, and the supervisor starts gw again.
 */
export function watchErrors(log: Log): void {
  const caught = (error: unknown) => {
    const isOfSystem = error instanceof Error && "syscall" in error;
    log.error(isOfSystem ? "error-ignored" : "crashed", {
      cause: describeError(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
    if (!isOfSystem) process.exit(1);
  };
  process.on("uncaughtException", caught);
  process.on("unhandledRejection", caught);
}
