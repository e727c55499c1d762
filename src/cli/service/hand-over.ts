// One gw takes over from another while mail flows. The older one starts the newer one, gives it the
// sockets on which clients wait, lets its own sessions end, and lets go of the data folder; only then
// does the newer one open that. Clients that come meanwhile wait for their greeting, none is turned away.
import { describeError, type Log } from "../../base/log.ts";
import type { Gateway } from "../../gateway.ts";
import { HANDED_SOCKETS, type InheritedSocket } from "../../inbound/door/place.ts";
import { openLibc } from "./libc.ts";

/** What the newer gw says to the older. */
type Said =
  | { readonly kind: "prepared" | "up" }
  | { readonly kind: "failed"; readonly cause: string };
const GO = "go";

/** Configuration and signatures are read in this time. */
const PREPARE_MS = 120_000;
/** The store is opened in this time, after a crash too. */
const OPEN_MS = 120_000;
/** Attempts under way to next hops may take so long to end. */
const STOP_MS = 10_000;

/** Variables that are about the older process. */
const OWN_VARIABLES = ["WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

type Environment = Readonly<Record<string, string | undefined>>;

/** The newer gw, as it sees itself: it was started by an older one. */
export class Successor {
  /** Undefined in a process that somebody else started. */
  static of(environment: Environment): Successor | undefined {
    const isHanded = environment[HANDED_SOCKETS] !== undefined && process.send !== undefined;
    return isHanded ? new Successor() : undefined;
  }

  /** Says that all is read and right, and waits until the older gw has let go. */
  async prepared(): Promise<void> {
    const gone = () => process.exit(1); // Nothing was begun.
    process.once("disconnect", gone);
    const went = new Promise<void>((resolve) => process.once("message", () => resolve()));
    this.#say({ kind: "prepared" });
    await went;
    process.off("disconnect", gone);
  }

  /** Mail is taken. */
  up(): void {
    this.#say({ kind: "up" });
    process.disconnect?.();
  }

  failed(error: unknown): void {
    this.#say({ kind: "failed", cause: describeError(error) });
  }

  #say(said: Said): void {
    if (process.connected) process.send?.(said);
  }
}

/** The process of the newer gw, as the older one sees it. */
class Heir {
  readonly #process: Bun.Subprocess;
  #heard = Promise.withResolvers<Said>();

  constructor(program: string, sockets: readonly InheritedSocket[]) {
    const environment: Record<string, string | undefined> = { ...process.env };
    for (const name of OWN_VARIABLES) delete environment[name];
    environment[HANDED_SOCKETS] = JSON.stringify(sockets.map(({ name }) => name));
    this.#process = Bun.spawn([program, ...process.argv.slice(2)], {
      env: environment,
      stdio: ["ignore", "inherit", "inherit", ...sockets.map(({ fd }) => fd)],
      // Two versions of the runtime may have different ways to pack values.
      serialization: "json",
      ipc: (said: Said) => this.#heard.resolve(said),
      onExit: (_, code, signal) => {
        const cause = `it ended with ${signal ?? code}`;
        this.#heard.resolve({ kind: "failed", cause });
      },
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Waits for the word; throws what is said instead. */
  async hear(kind: Said["kind"], timeMs: number): Promise<void> {
    const late = Promise.withResolvers<Said>();
    const cause = `it is not ${kind} after ${timeMs / 1000} seconds`;
    const timer = setTimeout(() => late.resolve({ kind: "failed", cause }), timeMs);
    const said = await Promise.race([this.#heard.promise, late.promise]);
    clearTimeout(timer);
    this.#heard = Promise.withResolvers<Said>();
    if (said.kind === "failed") throw new Error(said.cause);
    if (said.kind !== kind) throw new Error(`it says "${said.kind}" too early`);
  }

  go(): void {
    this.#process.send(GO);
  }

  async end(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  /** From now on it is nobody's child. */
  release(): void {
    this.#process.unref();
  }
}

/** What the older gw is asked to do about itself. */
export interface Estate {
  readonly gateway: () => Gateway;
  readonly log: Log;
  /** Starts a gateway of this very process again, at these doors. */
  readonly restart: (sockets: readonly InheritedSocket[]) => Promise<void>;
  /** The other one serves: this process is to end. */
  readonly end: (pid: number) => void;
}

/**
 * Hands over to that program. Resolves with its process number when all sessions have ended and it is
 * about to take over; throws what is in the way, and all is as before then.
 */
export async function handOver(
  program: string,
  graceMs: number,
  estate: Estate,
): Promise<{ readonly pid: number }> {
  const { listener } = estate.gateway();
  const libc = openLibc();
  // For this process, should it have to go on: its own are closed with the doors.
  const kept = (listener?.sockets ?? []).map(({ name, fd }) => ({ name, fd: libc.dup(fd) }));
  if (listener === undefined || kept.some(({ fd }) => fd < 0)) throw new Error("no doors are open");
  const heir = new Heir(program, kept);
  try {
    await heir.hear("prepared", PREPARE_MS);
  } catch (error) {
    await heir.end();
    throw new Error(`the other gw does not start: ${describeError(error)}`, { cause: error });
  }
  estate.log.info("handing-over", { program, process: heir.pid });
  if (!(await listener.leave(graceMs))) {
    const left = listener.sessions;
    await heir.end();
    await estate.gateway().reopen(kept);
    throw new Error(`${left} sessions have not ended in ${graceMs / 1000} seconds`);
  }
  // The one who asked gets the answer before the control socket closes.
  setImmediate(() => void takeLeave(heir, kept, estate));
  return { pid: heir.pid };
}

async function takeLeave(
  heir: Heir,
  kept: readonly InheritedSocket[],
  { gateway, log, restart, end }: Estate,
): Promise<void> {
  await gateway().stop(STOP_MS);
  try {
    heir.go();
    await heir.hear("up", OPEN_MS);
    heir.release();
    log.info("handed-over", { process: heir.pid });
    end(heir.pid);
  } catch (error) {
    await heir.end();
    log.error("not-handed-over", { cause: describeError(error) });
    await restart(kept);
  }
}
