// The few things the store asks of a disk, as one replaceable record, so that tests can make any of
// them fail. All work but the free-space question runs off the main thread.
import * as fs from "node:fs";
import type { Clock } from "../base/clock.ts";
import type { Body } from "../message.ts";

/** File operations of the store. Each rejects with the system's error. */
export interface Disk {
  /** Creates a file that must not exist, mode 0600, and gives its descriptor. */
  create(path: string): Promise<number>;
  /** Opens a file that exists, to sync it. */
  open(path: string): Promise<number>;
  /** Writes all of `bytes` at `position`; of a list, one behind the other. */
  write(file: number, bytes: Uint8Array | readonly Uint8Array[], position: number): Promise<void>;
  /** Makes what was written durable. */
  sync(file: number): Promise<void>;
  truncate(file: number, size: number): Promise<void>;
  close(file: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Unlinks a file; one that is gone already is no error. */
  remove(path: string): Promise<void>;
  /** Makes a folder's entries durable: a new file's name is not, until its folder is synced. */
  syncFolder(path: string): Promise<void>;
  /** Bytes an unprivileged process may still write to the file system of `path`. */
  freeBytes(path: string): number;
}

/** The store cannot take a message now: the reply is 452 4.3.1. The cause is for the log. */
export class StoreFullError extends Error {
  override readonly name = "StoreFullError";
}

/** `error` as a StoreFullError; what refused the bytes becomes its cause. */
export function storeFull(error: unknown): StoreFullError {
  if (error instanceof StoreFullError) return error;
  return new StoreFullError("the message could not be written to disk", { cause: error });
}

function call(work: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    work((error) => (error ? reject(error) : resolve()));
  });
}

function openFile(path: string, flags: string): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, 0o600, (error, file) => (error ? reject(error) : resolve(file)));
  });
}

// Buffers of one call; POSIX has at least 16, Linux and FreeBSD 1024.
const VECTOR_MAX = 256;

// Gathered by the system: joining the chunks of a large message first costs more than writing them.
function writeSome(file: number, chunks: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(file, chunks.slice(0, VECTOR_MAX), position, (error, written) =>
      error ? reject(error) : resolve(written),
    );
  });
}

async function writeAll(
  file: number,
  bytes: Uint8Array | readonly Uint8Array[],
  position: number,
): Promise<void> {
  let left: readonly Uint8Array[] = bytes instanceof Uint8Array ? [bytes] : bytes;
  left = left.filter(({ length }) => length > 0);
  for (let at = position; left.length > 0; ) {
    const written = await writeSome(file, left, at);
    if (written === 0) throw new Error("the disk took no bytes");
    at += written;
    left = behind(left, written);
  }
}

/** What is left of `chunks` behind their first `count` bytes. */
function behind(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skip = count;
  let index = 0;
  for (; index < chunks.length; index++) {
    const { length } = chunks[index] as Uint8Array;
    if (skip < length) break;
    skip -= length;
  }
  const [first, ...rest] = chunks.slice(index);
  return first === undefined ? [] : [first.subarray(skip), ...rest];
}

async function syncFolder(path: string): Promise<void> {
  const folder = await openFile(path, "r");
  try {
    await call((done) => fs.fsync(folder, done));
  } finally {
    await call((done) => fs.close(folder, done));
  }
}

/** The machine's disk. */
export const systemDisk: Disk = {
  create: (path) => openFile(path, "wx"),
  open: (path) => openFile(path, "r"),
  write: writeAll,
  sync: (file) => call((done) => fs.fdatasync(file, done)),
  truncate: (file, size) => call((done) => fs.ftruncate(file, size, done)),
  close: (file) => call((done) => fs.close(file, done)),
  rename: (from, to) => call((done) => fs.rename(from, to, done)),
  // Not fs.rm, which Bun runs on the calling thread: freeing a segment's blocks takes long.
  remove: (path) =>
    call((done) => fs.unlink(path, (error) => done(error?.code === "ENOENT" ? null : error))),
  syncFolder,
  freeBytes(path) {
    const { bavail, bsize } = fs.statfsSync(path);
    return bavail * bsize;
  },
};

/** Lets many callers share one piece of work: each waits for a run that began after its call. */
export class SharedRun {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  run(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    // The run under way may have looked before the caller's change, whether it succeeds or not.
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  #start(): Promise<void> {
    const running: Promise<void> = this.#work().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}

const FREE_SPACE_AGE_MS = 100;

/** Refuses new mail while the file system has less than `freeSpaceMin` bytes left. */
export class FreeSpace {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #freeSpaceMin: number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #free = Number.POSITIVE_INFINITY;

  constructor(disk: Disk, folder: string, clock: Clock, freeSpaceMin: number) {
    this.#disk = disk;
    this.#folder = folder;
    this.#clock = clock;
    this.#freeSpaceMin = freeSpaceMin;
  }

  /** Whether there was too little when it was last asked. */
  get isShort(): boolean {
    return this.#free < this.#freeSpaceMin;
  }

  /** Throws StoreFullError when space is short. The system is asked ten times a second at most. */
  check(): void {
    const now = this.#clock.steady();
    if (now - this.#askedAt >= FREE_SPACE_AGE_MS) {
      try {
        this.#free = this.#disk.freeBytes(this.#folder);
      } catch (error) {
        throw storeFull(error);
      }
      this.#askedAt = now;
    }
    if (!this.isShort) return;
    throw new StoreFullError(`${this.#free} bytes free, ${this.#freeSpaceMin} wanted`);
  }
}

/** The first bytes of a body, `sizeMax` at most. */
export async function readBody(body: Body, sizeMax: number): Promise<Uint8Array> {
  if (body.kind === "bytes") return body.bytes.subarray(0, sizeMax);
  const end = body.offset + Math.min(body.size, sizeMax);
  const bytes = await Bun.file(body.path).slice(body.offset, end).bytes();
  if (bytes.length !== end - body.offset) throw new Error(`${body.path} is cut short`);
  return bytes;
}
