// The store: message bodies and rows of one data folder. A message is taken as a draft, committed
// (durable when the promise resolves: only then may the "250" be given), and gone when its last
// recipient is. The only folder of the source that knows how mail lies on disk.
import type { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { describeError } from "../base/log.ts";
import { isMessageId } from "../base/message-id.ts";
import type { Body, MessageRecord } from "../message.ts";
import { attachDatabase, type FolderLock, lockFolder, openDatabase } from "./database.ts";
import { FreeSpace, SharedRun, StoreFullError, storeFull } from "./disk.ts";
import { checkedDraft, type Draft, type NewPart, SpoolDraft } from "./draft.ts";
import { type QueueListener, type StoreOptions, withDefaults } from "./options.ts";
import { type BodyRow, bodyOf, newEntries, QueueRows, type RowContext } from "./queue-rows.ts";
import { folderOf, makeFolders, ownFile, recover, syncFolders } from "./recovery.ts";
import { Reserve } from "./reserve.ts";
import { type NewMessage, type RowChange, RowWriter } from "./row-writer.ts";
import { ActRows } from "./rows/act-rows.ts";
import { DecisionRows } from "./rows/decision-rows.ts";
import { ExemptionRows } from "./rows/exemption-rows.ts";
import { GreylistRows } from "./rows/greylist-rows.ts";
import { HistoryRows } from "./rows/history-rows.ts";
import { NoticeRows } from "./rows/notice-rows.ts";
import { ReleaseRows } from "./rows/release-rows.ts";
import { StsRows } from "./rows/sts-rows.ts";
import { TlsRows } from "./rows/tls-rows.ts";
import { VaultRows } from "./rows/vault-rows.ts";
import { PLACES, type Place } from "./spool/record.ts";
import { type Acceptance, type Accepted, SegmentLog } from "./spool/segment.ts";
import { Upkeep } from "./upkeep.ts";

/** How long a verb in the server waits for a command's transaction to end. */
const VERB_WAIT_MS = 1_000;

// What only the server has.
interface Owned {
  readonly options: Required<StoreOptions>;
  readonly lock: FolderLock;
  readonly segments: SegmentLog;
  readonly writer: RowWriter;
  readonly upkeep: Upkeep;
  readonly space: FreeSpace;
  readonly reserve: Reserve;
  readonly folderSync: Readonly<Record<Place, SharedRun>>;
}

/** Bodies and rows of one data folder. */
export class Store {
  /** Messages on their way out. */
  readonly queue: QueueRows;
  /** Messages kept back, and copies that are kept. */
  readonly vault: VaultRows;
  /** What was let out of the vault, and what became of it. */
  readonly releases: ReleaseRows;
  /** Who did what with kept messages. */
  readonly acts: ActRows;
  /** What is let through although something was seen in it. */
  readonly exemptions: ExemptionRows;
  readonly notices: NoticeRows;
  readonly policies: StsRows;
  /** How encryption towards other domains went. */
  readonly tls: TlsRows;
  /** Who was told to come again, and did. */
  readonly greylist: GreylistRows;
  /** Statistics of the past. */
  readonly history: HistoryRows;
  /** What was decided, and what became of it. */
  readonly decisions: DecisionRows;
  readonly #db: Database;
  readonly #dataDir: string;
  readonly #owned: Owned | undefined;
  #listener: QueueListener | undefined;
  #dataVersion = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #tending: Promise<void> | undefined;
  #isClosed = false;

  /** Opens the data folder for the one server that may have it, and recovers what is in it. */
  static async open(options: StoreOptions): Promise<Store> {
    const full = withDefaults(options);
    makeFolders(full.dataDir);
    const lock = lockFolder(full.dataDir);
    try {
      return new Store(full.dataDir, full, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Opens the rows only, for a command beside (or without) a running server. */
  static attach(dataDir: string): Store {
    return new Store(dataDir);
  }

  private constructor(dataDir: string, options?: Required<StoreOptions>, lock?: FolderLock) {
    this.#dataDir = dataDir;
    const clock = options?.clock ?? systemClock;
    if (options !== undefined && lock !== undefined) {
      const { db, isNew } = openDatabase(dataDir);
      this.#db = db;
      try {
        this.#owned = this.#own(options, lock, isNew);
      } catch (error) {
        db.close();
        throw error;
      }
      this.#dataVersion = this.#readDataVersion();
      if (options.tendIntervalMs > 0) {
        this.#timer = setInterval(() => void this.tend(), options.tendIntervalMs);
        this.#timer.unref?.();
      }
    } else {
      this.#db = attachDatabase(dataDir);
    }
    const context: RowContext = {
      db: this.#db,
      dataDir,
      now: () => clock.now(),
      catchUp: () => this.#catchUp(),
      change: (work) => this.#change(work, true),
      changeKept: (work) => this.#change(work, false),
    };
    this.queue = new QueueRows(context);
    this.vault = new VaultRows(context);
    this.releases = new ReleaseRows(context);
    this.acts = new ActRows(context);
    this.exemptions = new ExemptionRows(context);
    this.notices = new NoticeRows(context);
    this.policies = new StsRows(context);
    this.tls = new TlsRows(context);
    this.greylist = new GreylistRows(context);
    this.history = new HistoryRows(context);
    this.decisions = new DecisionRows(context);
  }

  /** Begins a message. `id` comes from MessageIds. Throws StoreFullError. */
  draft(id: string): Draft {
    const { options, space, writer, reserve } = this.#server();
    if (!isMessageId(id)) throw new RangeError(`not a queue id: ${JSON.stringify(id)}`);
    space.check();
    if (writer.isStalled) throw new StoreFullError("the database takes no rows");
    if (reserve.isInUse) throw new StoreFullError("the database lives on the reserve");
    return new SpoolDraft(id, {
      disk: options.disk,
      path: join(this.#dataDir, ownFile("queue", id)),
      memoryBodyMax: options.memoryBodyMax,
      checkSpace: () => space.check(),
    });
  }

  /** Makes one message durable: `commitAll` with one part. */
  commit(draft: Draft, record: MessageRecord, place: Place): Promise<void> {
    return this.commitAll([{ draft, record, place }]);
  }

  /**
   * Makes finished drafts durable, all of them or none; only when this resolves may the sender be
   * told so. Rejects with StoreFullError, and then nothing is kept. A draft is committed once.
   */
  async commitAll(parts: readonly NewPart[]): Promise<void> {
    const { segments, space } = this.#server();
    const drafts = parts.map(({ draft, record }) => checkedDraft(draft, record));
    for (const draft of drafts) draft.take();
    try {
      space.check();
      const entries: Acceptance[] = [];
      for (const [index, draft] of drafts.entries()) {
        entries.push(await this.#entry(draft, parts[index] as NewPart));
      }
      await segments.append(...entries);
    } catch (error) {
      for (const draft of drafts) await draft.abandon();
      throw storeFull(error);
    }
  }

  async #entry(draft: SpoolDraft, part: NewPart): Promise<Acceptance> {
    const { record, place, hasOwnFile = place !== "queue" } = part;
    const body = hasOwnFile ? undefined : draft.bytes;
    const file = body === undefined ? ownFile(place, record.id) : undefined;
    if (file !== undefined) {
      await draft.keepAs(join(this.#dataDir, file));
      await this.#server().folderSync[place].run();
    }
    const text = JSON.stringify(record);
    const json = Buffer.from(text);
    return { place, record, text, json, body, bodySize: draft.size, file };
  }

  /** Where the body of a queued or quarantined message lies, or undefined. */
  body(id: string): Body | undefined {
    this.#catchUp();
    const row = this.#db
      .query<BodyRow, [string]>("SELECT segment, start, size, file FROM messages WHERE id = ?")
      .get(id);
    return row === null ? undefined : bodyOf(row, this.#dataDir);
  }

  /** Tells the queue of what changes; there is one listener. */
  listen(listener: QueueListener): void {
    this.#listener = listener;
  }

  /** Writes what became of recipients, behind the caller; `done` is called once rows say so. */
  write(changes: readonly RowChange[], done?: () => void): void {
    this.#server().writer.submit(changes, done);
  }

  /** Whether so much is unwritten that no more work may be begun. */
  get isStalled(): boolean {
    return this.#server().writer.isStalled;
  }

  /** One round of house-keeping: retries, changes from outside, files that are done. */
  async tend(): Promise<void> {
    this.#tending ??= this.#tend().finally(() => {
      this.#tending = undefined;
    });
    await this.#tending;
  }

  /** Waits for commits under way, writes all rows and lets go of the data folder. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    const owned = this.#owned;
    try {
      if (owned !== undefined) {
        await owned.segments.close();
        owned.writer.close();
        await this.tend();
        await owned.upkeep.close();
        // Cached statements may keep SQLite from closing, and so from emptying its log, by itself.
        this.#db.run("PRAGMA wal_checkpoint(TRUNCATE)");
      }
    } catch (error) {
      // All that was acknowledged is in the segments; the next start reads it from there.
      owned?.options.log.error("store-close-failed", { cause: describeError(error) });
    }
    this.#db.close();
    owned?.lock.release();
  }

  // Who looks at rows wants to see what has been committed.
  #catchUp(): void {
    const writer = this.#owned?.writer;
    if (writer !== undefined && writer.pending > 0) writer.flushUnlessRefused();
  }

  #server(): Owned {
    if (this.#owned === undefined) throw new Error("an attached store takes no mail");
    return this.#owned;
  }

  #own(options: Required<StoreOptions>, lock: FolderLock, isNew: boolean): Owned {
    const { dataDir, log, clock, disk, segmentSizeMax, segmentAgeMs } = options;
    const db = this.#db;
    const { nextNumber, nextSequence, sealed } = recover({ db, isNew, dataDir, log });
    syncFolders(dataDir);
    const segments = new SegmentLog({
      disk,
      dataDir,
      clock,
      log,
      segmentSizeMax,
      nextNumber,
      nextSequence,
      randomBytes,
      onAccepted: (group) => this.#insertRows(group),
      onRefused: (sequence) => writer.submit([{ kind: "skip", sequence }]),
    });
    for (const [number, segment] of sealed) segments.sealed.set(number, segment);
    const reserve = new Reserve({
      disk,
      path: join(dataDir, "spool/reserve"),
      size: options.reserveSize,
      freeSpaceMin: options.freeSpaceMin,
    });
    const writer = new RowWriter({
      db,
      log,
      onFilesDone: (files) => upkeep.filesDone(files),
      onFull: () => reserve.giveUp(),
    });
    const space = new FreeSpace(disk, dataDir, clock, options.freeSpaceMin);
    const isSpaceShort = () => space.isShort || segments.hasFailed || reserve.isInUse;
    const upkeep = new Upkeep({
      ...{ db, dataDir, disk, clock, log, segments, writer, segmentAgeMs },
      ...{ isSpaceShort, reserve, decisionsKeepMs: options.decisionsKeepMs },
    });
    return {
      options,
      lock,
      segments,
      writer,
      upkeep,
      ...{ space, reserve },
      folderSync: Object.fromEntries(
        PLACES.map((place) => [
          place,
          new SharedRun(() => disk.syncFolder(join(dataDir, folderOf(place)))),
        ]),
      ) as Record<Place, SharedRun>,
    };
  }

  #insertRows(group: readonly Accepted[]): void {
    const { writer, options } = this.#server();
    const queuedAt = options.clock.now();
    const messages = group.map(({ entry, sequence, location }): NewMessage => {
      const { place, record, text, bodySize } = entry;
      return { sequence, place, record, json: text, location, size: bodySize, queuedAt };
    });
    writer.submit(
      messages.map((message) => ({ kind: "insert", message })),
      () => {
        for (const message of messages) this.#announce(message);
      },
    );
  }

  #announce(message: NewMessage): void {
    if (message.place !== "queue" || this.#listener === undefined) return;
    const { sequence, record, location, size, queuedAt } = message;
    const row = { segment: null, start: 0, file: null, size, ...location };
    this.#listener.onQueued({
      sequence,
      record,
      body: bodyOf(row, this.#dataDir),
      recipients: newEntries(sequence, record.envelope.recipients, queuedAt),
    });
  }

  #change<T>(work: (dropFile: (file: string | null) => void) => T, isOfQueue: boolean): T {
    const files: string[] = [];
    const dropFile = (file: string | null) => {
      if (file !== null) files.push(file);
    };
    const transaction = this.#db.transaction(() => work(dropFile));
    if (this.#owned === undefined) {
      const result = transaction.immediate();
      // Durable by now: an attached database is opened with synchronous = FULL.
      for (const file of files) rmSync(join(this.#dataDir, file), { force: true });
      // What was deleted stands in SQLite's log until that is emptied.
      if (files.length > 0) this.#db.run("PRAGMA wal_checkpoint(TRUNCATE)");
      return result;
    }
    this.#owned.writer.flush();
    this.#db.run(`PRAGMA busy_timeout = ${VERB_WAIT_MS}`);
    try {
      const result = transaction.immediate();
      this.#owned.upkeep.filesDone(files);
      if (isOfQueue) this.#listener?.onChanged();
      return result;
    } finally {
      this.#db.run("PRAGMA busy_timeout = 0");
    }
  }

  #readDataVersion(): number {
    const row = this.#db.query<{ data_version: number }, []>("PRAGMA data_version").get();
    return row?.data_version ?? 0;
  }

  async #tend(): Promise<void> {
    const { upkeep, writer, options } = this.#server();
    try {
      const version = this.#readDataVersion();
      if (version !== this.#dataVersion) {
        this.#dataVersion = version;
        this.#listener?.onChanged();
      }
      writer.flushUnlessRefused();
      await upkeep.run();
    } catch (error) {
      // Mail goes on; what could not be done now is done in a later round.
      options.log.error("store-upkeep-failed", { cause: describeError(error) });
    }
  }
}
