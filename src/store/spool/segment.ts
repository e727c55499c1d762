// Segment files: the append-only log in which a message becomes durable before its "250". All
// commits that wait while one flush runs share the next one, so that the disk is asked to flush a
// few hundred times a second at most, whatever the traffic.
//
// Measured with tests/bench/storage.ts (5 KB bodies, 2 cores, ext4; msg/s and main-thread CPU per
// message at 20 / 100 writers):
//   file per message, fsync, shared folder fsync    3,100 /  1,100   0.05 / 0.15 ms
//   segment, one write + fdatasync per group       30,000 / 84,000   0.004 / 0.002 ms
//   SQLite rows with bodies, synchronous=FULL      15,000 / 10,000   0.05 / 0.08 ms
//   gw: commit, rows, hand-out, settling, deletion  6,000 / 14,000   0.07 / 0.04 ms
import { dirname, join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { MessageRecord } from "../../message.ts";
import { type Disk, storeFull } from "../disk.ts";
import {
  encodeRecord,
  encodeSegmentHeader,
  type RecordEntry,
  recordSize,
  SEGMENT_HEADER_SIZE,
} from "./record.ts";

const GROUP_SIZE_MAX = 8 * 1024 * 1024;
const GROUP_COUNT_MAX = 1000;

/** Where a stored body lies: in a segment, or in its own file (relative to the data folder). */
export type Location =
  | { readonly segment: number; readonly start: number }
  | { readonly file: string };

/** A message on its way into a segment. */
export interface Acceptance extends RecordEntry {
  readonly record: MessageRecord;
  /** `json` as a string. */
  readonly text: string;
  /** Own file of the body, if it has one. */
  readonly file: string | undefined;
}

/** A message that is durable. */
export interface Accepted {
  readonly entry: Acceptance;
  readonly sequence: number;
  readonly location: Location;
}

/** What a segment log needs. */
export interface SegmentOptions {
  readonly disk: Disk;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** A segment is sealed once it has this many bytes. */
  readonly segmentSizeMax: number;
  readonly nextNumber: number;
  readonly nextSequence: number;
  /** As many random bytes. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Called once per group, in order of sequence, before its commits resolve. Must not throw. */
  readonly onAccepted: (group: readonly Accepted[]) => void;
  /** A group failed: its numbers, up to this one, must never be taken for mail. */
  readonly onRefused: (lastSequence: number) => void;
}

/** A segment that takes no more records. */
export interface SealedSegment {
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly sealedAt: number;
}

interface Current {
  readonly number: number;
  readonly file: number;
  readonly nonce: Uint8Array;
  readonly openedAt: number;
  size: number;
}

/** One transaction: all its entries are written in one group, or none is. */
interface Waiting {
  readonly entries: readonly Acceptance[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Path of a segment, given the data folder. */
export function segmentPath(dataDir: string, number: number): string {
  return join(dataDir, "spool", `${String(number).padStart(10, "0")}.seg`);
}

/** Appends messages to the current segment, in groups. */
export class SegmentLog {
  /** Segments that are only read any more. */
  readonly sealed = new Map<number, SealedSegment>();
  readonly #options: SegmentOptions;
  #hasFailed = false;
  #nextNumber: number;
  #nextSequence: number;
  #current: Current | undefined;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(options: SegmentOptions) {
    this.#options = options;
    this.#nextNumber = options.nextNumber;
    this.#nextSequence = options.nextSequence;
  }

  /** Whether the last group could not be written. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The segment that is written to, if any. */
  get current(): Pick<Current, "number" | "openedAt"> | undefined {
    return this.#current;
  }

  /** Resolves when all `entries` are durable; rejects with StoreFullError: none is kept then. */
  append(...entries: readonly Acceptance[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Seals the current segment once it is idle; false if it is being written to. */
  async sealIdle(): Promise<boolean> {
    if (this.#running !== undefined) return false;
    this.#running = this.#seal().then(() => this.#run());
    await this.#running;
    return true;
  }

  /** Waits for all groups and closes the file. */
  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#seal();
  }

  async #run(): Promise<void> {
    await null; // All commits of this turn of the loop go into the first group.
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      try {
        this.#options.onAccepted(await this.#write(group));
        this.#hasFailed = false;
        for (const { resolve } of group) resolve();
        // Not before: a sealed segment without rows is taken for one whose mail is all done.
        const size = this.#current?.size ?? 0;
        if (size >= this.#options.segmentSizeMax) await this.#seal();
      } catch (error) {
        this.#hasFailed = true;
        this.#options.log.error("segment-write-failed", { cause: describeError(error) });
        this.#options.onRefused(this.#nextSequence - 1);
        for (const { reject } of group) reject(storeFull(error));
      }
    }
    this.#running = undefined;
  }

  #takeGroup(): Waiting[] {
    let size = 0;
    let count = 0;
    for (const { entries } of this.#waiting) {
      for (const entry of entries) size += recordSize(entry);
      if (count > 0 && (size > GROUP_SIZE_MAX || count >= GROUP_COUNT_MAX)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(group: readonly Waiting[]): Promise<Accepted[]> {
    const { disk } = this.#options;
    const current = this.#current ?? (await this.#create());
    const all = group.flatMap(({ entries }) =>
      entries.map((entry, index) => ({ ...entry, isContinued: index < entries.length - 1 })),
    );
    const size = all.reduce((sum, entry) => sum + recordSize(entry), 0);
    const bytes = Buffer.allocUnsafe(size);
    const accepted: Accepted[] = [];
    let offset = 0;
    for (const entry of all) {
      const sequence = this.#nextSequence++;
      const start = encodeRecord(bytes, offset, entry, { nonce: current.nonce, sequence });
      const location: Location =
        entry.file === undefined
          ? { segment: current.number, start: current.size + start }
          : { file: entry.file };
      accepted.push({ entry, sequence, location });
      offset += recordSize(entry);
    }
    try {
      await disk.write(current.file, bytes, current.size);
      await disk.sync(current.file);
    } catch (error) {
      await this.#cutBack(current);
      throw error;
    }
    current.size += size;
    return accepted;
  }

  async #create(): Promise<Current> {
    const { disk, dataDir, clock, randomBytes } = this.#options;
    const number = this.#nextNumber++;
    const path = segmentPath(dataDir, number);
    const file = await disk.create(path);
    const nonce = randomBytes(8);
    try {
      await disk.write(file, encodeSegmentHeader(nonce, this.#nextSequence), 0);
      await disk.syncFolder(dirname(path));
    } catch (error) {
      await this.#quietly(() => disk.close(file));
      await this.#quietly(() => disk.remove(path));
      throw error;
    }
    const openedAt = clock.now();
    this.#current = { number, file, nonce, openedAt, size: SEGMENT_HEADER_SIZE };
    return this.#current;
  }

  // What a failed group left must not be found after a crash: its senders have been told to come
  // again. After a failed flush the state of the file's pages is unknown, so that it is not used on.
  async #cutBack(current: Current): Promise<void> {
    const { disk } = this.#options;
    await this.#quietly(() => disk.truncate(current.file, current.size));
    await this.#quietly(() => disk.sync(current.file));
    await this.#seal();
  }

  async #seal(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    this.sealed.set(current.number, { size: current.size, sealedAt: this.#options.clock.now() });
    await this.#quietly(() => this.#options.disk.close(current.file));
  }

  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // The error that led here is the one reported to the sender.
      this.#options.log.error("segment-clean-up-failed", { cause: describeError(error) });
    }
  }
}
