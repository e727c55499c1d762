// How a store is opened, and who listens to it.
import { type Clock, DAY_MS, systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type Disk, systemDisk } from "./disk.ts";
import type { QueuedMessage } from "./queue-rows.ts";
import { RESERVE_SIZE } from "./reserve.ts";

const MIB = 1024 * 1024;
/** How a server opens its store. Sizes in bytes, times in milliseconds. */
export interface StoreOptions {
  readonly dataDir: string;
  readonly log: Log;
  readonly clock?: Clock;
  readonly disk?: Disk;
  /** Largest body that is kept in memory while it is received. Default 256 KiB. */
  readonly memoryBodyMax?: number;
  /** No mail is taken while the file system has less left. Default 256 MiB. */
  readonly freeSpaceMin?: number;
  /** Default 64 MiB. */
  readonly segmentSizeMax?: number;
  /** Age from which a segment is emptied or closed early. Default 10 minutes. */
  readonly segmentAgeMs?: number;
  /** Space held back for the database on a full disk. Default 4 MiB. */
  readonly reserveSize?: number;
  /** How long decisions and outcomes are kept. Default 14 days. */
  readonly decisionsKeepMs?: number;
  /** How often `tend` runs by itself; 0 is never. Default 500. */
  readonly tendIntervalMs?: number;
}

/** What changed in the queue. */
export interface QueueListener {
  /** A message came in; its rows are written. */
  onQueued(message: QueuedMessage): void;
  /** A verb changed rows, here or in another process: what was read before may be wrong. */
  onChanged(): void;
}

/** The options with a value for each. */
export function withDefaults(options: StoreOptions): Required<StoreOptions> {
  return {
    clock: systemClock,
    disk: systemDisk,
    memoryBodyMax: MIB / 4,
    freeSpaceMin: 256 * MIB,
    segmentSizeMax: 64 * MIB,
    segmentAgeMs: 10 * 60_000,
    reserveSize: RESERVE_SIZE,
    decisionsKeepMs: 14 * DAY_MS,
    tendIntervalMs: 500,
    ...options,
  };
}
