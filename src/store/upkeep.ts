// Keeps the data folder small: files and segments whose mail is done are unlinked, and a segment
// that is held back by a few old messages has them moved out. Nothing is unlinked before the rows
// that say so are durable: else a power loss would bring rows back whose bodies are gone.
import type { Database } from "bun:sqlite";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { describeError, type Log } from "../base/log.ts";
import { walPath } from "./database.ts";
import { type Disk, readBody } from "./disk.ts";
import { bodyOf } from "./queue-rows.ts";
import { LARGE, ownFile } from "./recovery.ts";
import type { Reserve } from "./reserve.ts";
import type { RowWriter } from "./row-writer.ts";
import { purgeDecisions } from "./rows/decision-rows.ts";
import { blankSequences } from "./spool/blank.ts";
import { type SegmentLog, segmentPath } from "./spool/segment.ts";

const LIVE_SHARE_MIN = 0.25;
/** Segments are looked at this often: with a long queue that takes some milliseconds. */
const SEGMENT_ROUND_MS = 5_000;
/** Bodies moved out of segments per run. */
const MOVE_MAX = 200;
/** Records of deleted messages that are blanked per run. */
const BLANK_MAX = 10_000;
/** An attempt that began before its body was moved may still open it at the old place. */
const MOVED_GRACE_MS = 10 * 60_000;

/** What upkeep works on. */
export interface UpkeepOptions {
  readonly db: Database;
  readonly dataDir: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly segments: SegmentLog;
  readonly writer: RowWriter;
  /** Age, in milliseconds, from which a segment is emptied, or sealed although it is not full. */
  readonly segmentAgeMs: number;
  /** True while mail is refused for want of space: what is done must then go at once. */
  readonly isSpaceShort: () => boolean;
  readonly reserve: Reserve;
  /** How long decisions are kept, milliseconds. */
  readonly decisionsKeepMs: number;
}

interface Live {
  readonly segment: number;
  readonly bytes: number;
}

interface MovableRow {
  readonly sequence: number;
  readonly id: string;
  readonly segment: number;
  readonly start: number;
  readonly size: number;
  readonly file: null;
}

/** The store's house-keeping; `run` is called once or twice a second. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  #files: string[] = [];
  #wal: number | undefined;
  readonly #movedAt = new Map<number, number>();
  #nextRoundAt = Number.NEGATIVE_INFINITY;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Takes own files (relative to the data folder) whose rows are gone. */
  filesDone(files: readonly string[]): void {
    for (const file of files) this.#files.push(file);
  }

  /** Makes rows durable and unlinks what is done. Rejects if the disk refuses. */
  async run(): Promise<void> {
    const { dataDir, disk, segments, clock, isSpaceShort } = this.#options;
    const files = this.#files;
    this.#files = [];
    const isRound = isSpaceShort() || clock.steady() >= this.#nextRoundAt;
    if (isRound) this.#nextRoundAt = clock.steady() + SEGMENT_ROUND_MS;
    const done = isRound ? this.#doneSegments() : [];
    try {
      await this.#syncRows();
      while (files.length > 0)
        await disk.remove(join(dataDir, files.at(-1) ?? "")).then(() => files.pop());
      for (const number of done) {
        await disk.remove(segmentPath(dataDir, number));
        segments.sealed.delete(number);
        this.#movedAt.delete(number);
      }
    } finally {
      this.filesDone(files); // What could not be unlinked now comes again.
    }
    if (!isRound) return;
    await this.#blankDeleted();
    await this.#sealOld();
    await this.#moveBodies();
    this.#purgeDecisions();
    await this.#options.reserve.keep();
  }

  /** Closes what it holds open. */
  async close(): Promise<void> {
    if (this.#wal !== undefined) await this.#options.disk.close(this.#wal);
    this.#wal = undefined;
  }

  // Rows say so durably by now that these records are of nobody; else a power loss would bring back
  // rows whose records are gone.
  async #blankDeleted(): Promise<void> {
    const { db, dataDir, log } = this.#options;
    const rows = db
      .query<{ sequence: number }, [number]>("SELECT sequence FROM blanks LIMIT ?")
      .all(BLANK_MAX);
    if (rows.length === 0) return;
    const sequences = rows.map(({ sequence }) => sequence);
    try {
      await blankSequences(dataDir, sequences);
      const forget = db.query("DELETE FROM blanks WHERE sequence = ?");
      db.transaction(() => {
        for (const sequence of sequences) forget.run(sequence);
      }).immediate();
      db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (error) {
      // The next round finds them still there.
      log.warn("records-not-blanked", { count: rows.length, cause: describeError(error) });
    }
  }

  #purgeDecisions(): void {
    const { db, clock, log, decisionsKeepMs } = this.#options;
    try {
      purgeDecisions(db, clock.now() - decisionsKeepMs);
    } catch (error) {
      // A command may hold the database just now; the next round finds what is old still there.
      log.debug("decisions-not-purged", { cause: describeError(error) });
    }
  }

  // SQLite flushes its log only at a checkpoint, on the main thread. Flushing it from here bounds
  // what a power loss can bring back, and makes the checkpoint's own flush short.
  async #syncRows(): Promise<void> {
    const { disk, dataDir } = this.#options;
    this.#wal ??= await disk.open(walPath(dataDir));
    await disk.sync(this.#wal);
  }

  #live(): Map<number, Live> {
    const rows = this.#options.db
      .query<Live, []>(
        `SELECT segment, sum(size) AS bytes FROM messages
         WHERE segment IS NOT NULL GROUP BY segment`,
      )
      .all();
    return new Map(rows.map((row) => [row.segment, row]));
  }

  // No row points into these, and none ever will: all rows of a sealed segment are written, or
  // some are pending and then nothing is done at all.
  #doneSegments(): number[] {
    const { segments, writer, clock } = this.#options;
    if (segments.sealed.size === 0 || writer.pending > 0) return [];
    const live = this.#live();
    const now = clock.now();
    return [...segments.sealed.keys()].filter((number) => {
      const movedAt = this.#movedAt.get(number) ?? Number.NEGATIVE_INFINITY;
      return !live.has(number) && now - movedAt >= MOVED_GRACE_MS;
    });
  }

  async #sealOld(): Promise<void> {
    const { segments, clock, segmentAgeMs, writer, isSpaceShort } = this.#options;
    const { current } = segments;
    if (current === undefined) return;
    const isOld = clock.now() - current.openedAt >= segmentAgeMs;
    if (!isOld && !isSpaceShort()) return;
    if (writer.pending === 0 && !this.#live().has(current.number)) await segments.sealIdle();
  }

  async #moveBodies(): Promise<void> {
    const { segments, clock, segmentAgeMs } = this.#options;
    const now = clock.now();
    const old = [...segments.sealed].filter(([, { sealedAt }]) => now - sealedAt >= segmentAgeMs);
    if (old.length === 0) return;
    const live = this.#live();
    for (const [number, { size }] of old) {
      const bytes = live.get(number)?.bytes;
      if (bytes === undefined || bytes >= size * LIVE_SHARE_MIN) continue;
      await this.#moveOut(number);
      return;
    }
  }

  async #moveOut(segment: number): Promise<void> {
    const { db, dataDir, disk, log, clock } = this.#options;
    const rows = db
      .query<MovableRow, [number, number]>(
        "SELECT sequence, id, segment, start, size, file FROM messages WHERE segment = ? LIMIT ?",
      )
      .all(segment, MOVE_MAX);
    const moved: MovableRow[] = [];
    try {
      for (const row of rows) {
        await this.#copyOut(row);
        moved.push(row);
      }
      await disk.syncFolder(join(dataDir, LARGE));
      this.#movedAt.set(segment, clock.now());
      this.filesDone(this.#updateRows(moved));
      log.info("segment-emptied", { segment, messages: moved.length });
    } catch (error) {
      log.warn("segment-not-emptied", { segment, cause: describeError(error) });
      this.filesDone(moved.map(({ id }) => ownFile("queue", id)));
    }
  }

  async #copyOut(row: MovableRow): Promise<void> {
    const { disk, dataDir } = this.#options;
    const path = join(dataDir, ownFile("queue", row.id));
    const bytes = await readBody(bodyOf(row, dataDir), row.size);
    await disk.remove(path);
    const file = await disk.create(path);
    try {
      await disk.write(file, bytes, 0);
      await disk.sync(file);
    } catch (error) {
      await disk.remove(path);
      throw error;
    } finally {
      await disk.close(file);
    }
  }

  // Gives the copies that nobody needs: those of messages that were finished meanwhile.
  #updateRows(rows: readonly MovableRow[]): string[] {
    const { db } = this.#options;
    const update = db.query(
      "UPDATE messages SET segment = NULL, start = 0, file = ? WHERE sequence = ? AND segment = ?",
    );
    const needless: string[] = [];
    db.transaction(() => {
      for (const { id, sequence, segment } of rows) {
        const file = ownFile("queue", id);
        if (update.run(file, sequence, segment).changes === 0) needless.push(file);
      }
    }).immediate();
    return needless;
  }
}
