// Tells the service manager how gw is, over the socket that it names in NOTIFY_SOCKET: sd_notify(3).
// Bun has no datagrams over sockets in the file system, so libc is asked for them.
import { describeError, type Log } from "../../base/log.ts";
import { openLibc } from "./libc.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** Size of sockaddr_un's path. */
const PATH_MAX = 108;
const FAMILY_SIZE = 2;

/** The address as the kernel wants it; undefined if it is none. `@name` has no file. */
export function socketAddress(name: string): Uint8Array | undefined {
  const path = Buffer.from(name);
  const isNamed = name.startsWith("/") || name.startsWith("@");
  if (!isNamed || path.length < 2 || path.length >= PATH_MAX) return undefined;
  const bytes = Buffer.alloc(FAMILY_SIZE + path.length + (name.startsWith("/") ? 1 : 0));
  bytes.writeUInt16LE(AF_UNIX, 0);
  bytes.set(path, FAMILY_SIZE);
  if (name.startsWith("@")) bytes[FAMILY_SIZE] = 0;
  return bytes;
}

/** How often the manager wants a sign of life, in ms; undefined if it does not watch this process. */
export function watchdogInterval(environment: Environment, pid: number): number | undefined {
  const { WATCHDOG_USEC: wanted, WATCHDOG_PID: watched } = environment;
  const microseconds = Number(wanted);
  if (wanted === undefined || !(microseconds > 0)) return undefined;
  if (watched !== undefined && watched !== String(pid)) return undefined;
  // Twice in the time, as sd_watchdog_enabled(3) advises.
  return Math.max(microseconds / 2000, 100);
}

/** Speaks to the manager that started this process. */
export class Notifier {
  readonly #send: (text: string) => void;
  readonly #watchdogMs: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(send: (text: string) => void, watchdogMs: number | undefined) {
    this.#send = send;
    this.#watchdogMs = watchdogMs;
  }

  /** Without a manager, or where libc can't be asked, it says nothing. */
  static open(environment: Environment, log: Log): Notifier {
    const { NOTIFY_SOCKET: name = "" } = environment;
    const address = process.platform === "linux" ? socketAddress(name) : undefined;
    if (address === undefined) return new Notifier(() => {}, undefined);
    try {
      return new Notifier(senderTo(address), watchdogInterval(environment, process.pid));
    } catch (error) {
      log.warn("notify-failed", { socket: name, cause: describeError(error) });
      return new Notifier(() => {}, undefined);
    }
  }

  /** Mail is taken. From now on signs of life are given if they are wanted. */
  ready(status: string): void {
    this.#send(`READY=1\nSTATUS=${status}\nMAINPID=${process.pid}`);
    if (this.#watchdogMs === undefined || this.#timer !== undefined) return;
    // From the thread that serves the mail: if that hangs, so does this.
    this.#timer = setInterval(() => this.#send("WATCHDOG=1"), this.#watchdogMs);
  }

  /** Another process is gw from now on. */
  handOver(pid: number): void {
    this.#send(`MAINPID=${pid}`);
    this.close();
  }

  /** gw is about to end. */
  stopping(): void {
    this.#send("STOPPING=1");
  }

  /** No more signs of life. */
  close(): void {
    clearInterval(this.#timer);
  }
}

function senderTo(address: Uint8Array): (text: string) => void {
  const libc = openLibc();
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw new Error("no socket to be had");
  return (text) => {
    const bytes = Buffer.from(text);
    // A manager that does not listen any more is no trouble of gw's.
    libc.sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length);
  };
}
