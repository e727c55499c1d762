// What the tests of store, queue and vault share: a folder that goes, a clock that is held, messages,
// and a disk that can be told to fail.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/base/clock.ts";
import type { Log, LogFields } from "../../src/base/log.ts";
import { MessageIds } from "../../src/base/message-id.ts";
import { type Disk, readBody, systemDisk } from "../../src/store/disk.ts";
import type { StoreOptions } from "../../src/store/options.ts";
import type { Place } from "../../src/store/spool/record.ts";
import { Store } from "../../src/store/store.ts";
import { sampleRecord } from "./sample-record.ts";

/** A clock that moves when told to. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 0, 2, 3, 4, 5);

  now(): number {
    return this.#now;
  }

  steady(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}

/** A log that keeps `event key=value …` lines. */
export class KeptLog implements Log {
  readonly lines: string[] = [];
  readonly error = this.#keeper("error");
  readonly warn = this.#keeper("warn");
  readonly info = this.#keeper("info");
  readonly debug = this.#keeper("debug");

  /** Events of a level, in order. */
  events(level: string): string[] {
    return this.lines
      .filter((line) => line.startsWith(level))
      .map((line) => line.split(" ")[1] ?? "");
  }

  #keeper(level: string) {
    return (event: string, fields: LogFields = {}) => {
      this.lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
    };
  }
}

const folders: string[] = [];
const stores: Store[] = [];

/** Closes and removes what a test has opened: for `afterEach` of each file that uses the below. */
export async function cleanUp(): Promise<void> {
  for (const store of stores.splice(0)) await store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** A folder that is removed after the test. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "gw-store-"));
  folders.push(folder);
  return folder;
}

/** A store that is closed after the test; it tends nothing by itself. */
export async function openStore(options: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await Store.open({
    dataDir: options.dataDir ?? tempFolder(),
    log: new KeptLog(),
    freeSpaceMin: 0,
    tendIntervalMs: 0,
    ...options,
  });
  stores.push(store);
  return store;
}

/** Closes after the test what was opened otherwise. */
export function closeAfter(store: Store): Store {
  stores.push(store);
  return store;
}

const ids = new MessageIds({ now: () => Date.now(), steady: () => 0 }, Math.random);

/** A new queue id. */
export const newId = () => ids.next();

/** A body of `size` bytes that differs from message to message. */
export function sampleBody(id: string, size = 5_000): Uint8Array {
  const line = `Subject: ${id}\r\n\r\n${id} 0123456789\r\n`;
  return Buffer.from(line.repeat(Math.ceil(size / line.length)).slice(0, size));
}

/** What `storeMessage` may be told. */
export type SampleOptions = Parameters<typeof sampleRecord>[1] & {
  readonly id?: string;
  readonly place?: Place;
  readonly bytes?: Uint8Array;
};

/** Drafts, writes and commits one message and has its rows written; gives its id. */
export async function storeMessage(store: Store, options: SampleOptions = {}): Promise<string> {
  const { id = newId(), place = "queue", bytes = sampleBody(id), ...parts } = options;
  const draft = store.draft(id);
  for (let start = 0; start < bytes.length; start += 64 * 1024) {
    await draft.write(bytes.subarray(start, start + 64 * 1024));
  }
  await draft.finish();
  await store.commit(draft, sampleRecord(id, { size: bytes.length, ...parts }), place);
  store.body(id);
  return id;
}

/** The stored bytes of a message, as text. */
export async function storedText(store: Store, id: string): Promise<string> {
  const body = store.body(id);
  if (body === undefined) throw new Error(`no body of ${id}`);
  return Buffer.from(await readBody(body, Number.MAX_SAFE_INTEGER)).toString("latin1");
}

/** Operations of a disk that can be made to fail. */
export type DiskFault = Exclude<keyof Disk, "freeBytes" | "open">;

/** A disk that fails on demand, as the system would. */
export class FaultyDisk implements Disk {
  /** Errors by operation; each stays until removed. */
  readonly faults = new Map<DiskFault, string>();
  free = Number.MAX_SAFE_INTEGER;
  /** How many bytes of a failing write reach the file all the same. */
  tornBytes = 0;
  syncs = 0;

  create(path: string): Promise<number> {
    return this.#try("create") ?? systemDisk.create(path);
  }
  open(path: string): Promise<number> {
    return systemDisk.open(path);
  }
  async write(
    file: number,
    bytes: Uint8Array | readonly Uint8Array[],
    position: number,
  ): Promise<void> {
    const failure = this.#try<void>("write");
    if (failure !== undefined) {
      const whole = bytes instanceof Uint8Array ? bytes : Buffer.concat(bytes);
      await systemDisk.write(file, whole.subarray(0, this.tornBytes), position);
    }
    await (failure ?? systemDisk.write(file, bytes, position));
  }
  sync(file: number): Promise<void> {
    this.syncs++;
    return this.#try("sync") ?? systemDisk.sync(file);
  }
  truncate(file: number, size: number): Promise<void> {
    return this.#try("truncate") ?? systemDisk.truncate(file, size);
  }
  close(file: number): Promise<void> {
    return this.#try("close") ?? systemDisk.close(file);
  }
  rename(from: string, to: string): Promise<void> {
    return this.#try("rename") ?? systemDisk.rename(from, to);
  }
  remove(path: string): Promise<void> {
    return this.#try("remove") ?? systemDisk.remove(path);
  }
  syncFolder(path: string): Promise<void> {
    return this.#try("syncFolder") ?? systemDisk.syncFolder(path);
  }
  freeBytes(): number {
    return this.free;
  }

  #try<T>(operation: DiskFault): Promise<T> | undefined {
    const code = this.faults.get(operation);
    if (code === undefined) return undefined;
    const failure = Promise.reject(Object.assign(new Error(`${code}: ${operation}`), { code }));
    failure.catch(() => undefined); // It may be awaited a turn later.
    return failure;
  }
}

/** Books all recipients of all queued messages as delivered. */
export async function finishAll(store: Store): Promise<void> {
  const numbers = store.queue
    .list()
    .flatMap(({ recipients }) => recipients.map(({ number }) => number));
  await new Promise<void>((done) =>
    store.write(
      numbers.map((number) => ({ kind: "remove", number })),
      done,
    ),
  );
}
