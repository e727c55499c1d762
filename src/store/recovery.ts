// What a server does with its data folder before it takes mail: everything that was acknowledged
// gets its rows back, what was torn off is cut off, and nothing damaged is dropped silently.
//
// Rows are written in order of sequence, in transactions that survive a power loss only as a whole
// and only from the first to some last one. So a record above the database's highest number has
// lost its rows, and a record at or below it that has none is done.
import type { Database } from "bun:sqlite";
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { describeError, type Log } from "../base/log.ts";
import { isMessageId } from "../base/message-id.ts";
import type { MessageRecord } from "../message.ts";
import { RowInserter } from "./row-writer.ts";
import { PACKED_SUFFIX } from "./spool/packing.ts";
import {
  decodeSegmentHeader,
  isBlank,
  PLACES,
  type Place,
  readSegment,
  SEGMENT_HEADER_SIZE,
  type SegmentItem,
} from "./spool/record.ts";
import { type Location, type SealedSegment, segmentPath } from "./spool/segment.ts";

/** Folder of large bodies, relative to the data folder. */
export const LARGE = "spool/large";
/** Folder of what commands have released and the server has not taken, relative to the data folder. */
export const RELEASED = "spool/released";
const DAMAGED = "spool/damaged";
const SEGMENT = /^(\d{10})\.seg$/;
const LOGGED_MAX = 20;

/** What recovery works on. */
export interface RecoveryOptions {
  readonly db: Database;
  /** The database was made just now: everything in the segments counts as not delivered. */
  readonly isNew: boolean;
  readonly dataDir: string;
  readonly log: Log;
}

/** Where the store goes on. */
export interface Recovered {
  readonly nextNumber: number;
  readonly nextSequence: number;
  readonly sealed: ReadonlyMap<number, SealedSegment>;
  /** Messages whose rows were lost and are back. */
  readonly messages: number;
}

/** Folder of the own files of a place's bodies, relative to the data folder. */
export function folderOf(place: Place): string {
  return place === "queue" ? LARGE : place;
}

/** Own file of a body, relative to the data folder. */
export function ownFile(place: Place, id: string): string {
  return `${folderOf(place)}/${id}`;
}

/** Makes the folders of a store; only its own user may look inside. */
export function makeFolders(dataDir: string): void {
  for (const folder of ["", DAMAGED, RELEASED, ...PLACES.map(folderOf)]) {
    mkdirSync(join(dataDir, folder), { recursive: true, mode: 0o700 });
  }
}

/** Makes the entries of the data folder durable. */
export function syncFolders(dataDir: string): void {
  for (const folder of ["", "spool"]) {
    const file = openSync(join(dataDir, folder), "r");
    fsyncSync(file);
    closeSync(file);
  }
}

/** Recovers a data folder. Must run under its lock, before anything is written. */
export function recover(options: RecoveryOptions): Recovered {
  return new Recovery(options).run();
}

interface SegmentFile {
  readonly number: number;
  readonly path: string;
  readonly size: number;
  readonly sealedAt: number;
  readonly header: ReturnType<typeof decodeSegmentHeader>;
}

type FoundRecord = Extract<SegmentItem, { kind: "record" }>;

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #inserter: RowInserter;
  #highest = 0;
  #messages = 0;
  readonly #files: ReadonlyMap<Place, Set<string>>;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#inserter = new RowInserter(options.db);
    this.#files = new Map(PLACES.map((place) => [place, this.#names(folderOf(place))]));
  }

  run(): Recovered {
    const { db, log, isNew } = this.#options;
    const row = db
      .query<{ value: number }, []>("SELECT value FROM meta WHERE key = 'highest_sequence'")
      .get();
    this.#highest = row?.value ?? 0;
    const segments = this.#segments();
    if (isNew && segments.length > 0) {
      log.warn("database-rebuilt", { segments: segments.length });
    }
    segments.forEach((segment, index) => {
      // All numbers of a segment are below the first one of the next.
      const next = segments[index + 1]?.header?.firstSequence;
      if (next === undefined || next - 1 > this.#highest) this.#readBack(segment);
    });
    this.#checkBodies(new Set(segments.map(({ number }) => number)));
    if (this.#messages > 0) log.warn("mail-recovered", { messages: this.#messages });
    return {
      nextNumber: (segments.at(-1)?.number ?? 0) + 1,
      nextSequence: this.#highest + 1,
      sealed: new Map(segments.map((segment) => [segment.number, segment])),
      messages: this.#messages,
    };
  }

  #names(folder: string): Set<string> {
    return new Set(readdirSync(join(this.#options.dataDir, folder)));
  }

  #segments(): SegmentFile[] {
    const { dataDir, log } = this.#options;
    const segments: SegmentFile[] = [];
    for (const name of readdirSync(join(dataDir, "spool")).sort()) {
      const number = Number(SEGMENT.exec(name)?.[1] ?? Number.NaN);
      if (Number.isNaN(number)) continue;
      const path = segmentPath(dataDir, number);
      const { size, mtimeMs } = statSync(path);
      const file = openSync(path, "r");
      const start = Buffer.alloc(SEGMENT_HEADER_SIZE);
      const header = decodeSegmentHeader(start.subarray(0, readSync(file, start)));
      closeSync(file);
      if (header === undefined) {
        if (size > SEGMENT_HEADER_SIZE) {
          const copy = join(dataDir, DAMAGED, name);
          copyFileSync(path, copy);
          log.error("segment-unreadable", { segment: number, bytes: size, copy });
        }
      }
      segments.push({ number, path, size, sealedAt: mtimeMs, header });
    }
    return segments;
  }

  #readBack(segment: SegmentFile): void {
    if (segment.header === undefined) return;
    const { db } = this.#options;
    const bytes = readFileSync(segment.path);
    db.transaction(() => {
      let open: FoundRecord[] = [];
      const take = () => {
        for (const item of open) this.#readRecord(segment, bytes, item);
        open = [];
      };
      for (const item of readSegment(bytes, segment.header?.nonce ?? bytes)) {
        if (item.kind === "record") {
          open.push(item);
          if (!item.isContinued) take();
        } else if (item.kind === "damaged") {
          take(); // The rest of the transaction was there once: it may have been acknowledged.
          this.#setAside(segment, bytes, item);
        } else this.#cutOff(segment, item);
      }
      // A transaction without its end was never acknowledged; its sender comes again with all of it.
      for (const { sequence } of open) this.#highest = Math.max(this.#highest, sequence);
      this.#inserter.raiseHighest(this.#highest);
    })();
  }

  #readRecord(segment: SegmentFile, bytes: Buffer, item: FoundRecord): void {
    if (item.sequence <= this.#highest) return;
    this.#highest = item.sequence;
    if (isBlank(item.json)) return; // It was deleted.
    const { log } = this.#options;
    const where = { segment: segment.number, sequence: item.sequence };
    try {
      const record = JSON.parse(item.json.toString()) as MessageRecord;
      const { id } = record;
      if (!isMessageId(id)) throw new Error(`not a queue id: ${JSON.stringify(id)}`);
      const names = this.#filesOf(item.place);
      const isPacked = item.hasOwnFile && !names.has(id) && names.has(`${id}${PACKED_SUFFIX}`);
      const file = `${ownFile(item.place, id)}${isPacked ? PACKED_SUFFIX : ""}`;
      const location: Location = item.hasOwnFile
        ? { file }
        : { segment: segment.number, start: item.bodyStart };
      if (item.hasOwnFile && !isPacked && !names.has(id)) {
        log.error("body-missing", { id, ...where });
        return;
      }
      this.#inserter.insert({
        sequence: item.sequence,
        place: item.place,
        record,
        json: item.json.toString(),
        location,
        size: item.bodySize,
        queuedAt: record.receivedAt,
      });
      if (isPacked) this.#notePacked(item.sequence, file);
      this.#messages++;
      log.info("recovered", { id, place: item.place, ...where });
    } catch (error) {
      log.error("record-unusable", { ...where, cause: describeError(error) });
      this.#setAside(segment, bytes, { start: item.bodyStart - item.json.length, end: item.end });
    }
  }

  #notePacked(sequence: number, file: string): void {
    const { db, dataDir } = this.#options;
    const stored = statSync(join(dataDir, file)).size;
    db.query("UPDATE messages SET stored = ? WHERE sequence = ?").run(stored, sequence);
  }

  #filesOf(place: Place): Set<string> {
    return this.#files.get(place) ?? new Set();
  }

  #damagedPath(segment: SegmentFile, start: number): string {
    return join(this.#options.dataDir, DAMAGED, `${segment.number}-${start}.bin`);
  }

  #setAside(segment: SegmentFile, bytes: Buffer, range: { start: number; end: number }): void {
    const { start, end } = range;
    const copy = this.#damagedPath(segment, start);
    writeFileSync(copy, bytes.subarray(start, end), { mode: 0o600, flush: true });
    this.#options.log.error("segment-damaged", {
      segment: segment.number,
      start,
      bytes: end - start,
      copy,
    });
  }

  #cutOff(segment: SegmentFile, range: { start: number; end: number }): void {
    const { start, end } = range;
    truncateSync(segment.path, start);
    this.#options.log.warn("segment-cut", {
      segment: segment.number,
      start,
      bytes: end - start,
    });
  }

  // Rows without a body are reported; own files without a row were never acknowledged.
  #checkBodies(segments: ReadonlySet<number>): void {
    const { db, log, dataDir, isNew } = this.#options;
    const lost: string[] = [];
    const rows = db.query<{ id: string; segment: number | null; file: string | null }, []>(
      "SELECT id, segment, file FROM messages",
    );
    const known = new Set<string>();
    for (const { id, segment, file } of rows.iterate()) {
      if (segment !== null) {
        if (!segments.has(segment)) lost.push(id);
        continue;
      }
      const name = file ?? "";
      known.add(name);
      const place = PLACES.find((each) => dirname(name) === folderOf(each)) ?? "queue";
      if (!this.#filesOf(place).has(basename(name))) lost.push(id);
    }
    for (const id of lost.slice(0, LOGGED_MAX)) log.error("body-missing", { id });
    if (lost.length > LOGGED_MAX) log.error("bodies-missing", { messages: lost.length });
    for (const place of PLACES) {
      const orphans = [...this.#filesOf(place)].filter((name) => !known.has(ownFile(place, name)));
      if (orphans.length === 0) continue;
      // Without the old database nobody knows which of them are live.
      log.warn(isNew ? "orphans-kept" : "orphans-removed", { place, files: orphans.length });
      if (isNew) continue;
      for (const name of orphans) rmSync(join(dataDir, ownFile(place, name)), { force: true });
    }
  }
}
