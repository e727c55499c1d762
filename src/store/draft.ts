// A body while it is received: in memory up to a limit, beyond it in a file of its own that is
// written as the bytes come. Nothing here is durable before the store commits it.
import type { Body, MessageRecord } from "../message.ts";
import { RECIPIENTS_MAX } from "./database.ts";
import { type Disk, storeFull } from "./disk.ts";
import type { Place } from "./spool/record.ts";

/** Bytes that may wait for the disk before the sender is told to wait. */
const BACKLOG_MAX = 256 * 1024;

/** A message body that is being received. */
export interface Draft {
  readonly id: string;
  /** Bytes written so far. */
  readonly size: number;
  /**
   * Takes the next bytes, which the caller must not change afterwards. A promise asks the caller to
   * wait for it; it rejects with StoreFullError.
   */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Ends writing and says where the bytes are, for the scanner. Rejects with StoreFullError. */
  finish(): Promise<Body>;
  /** Throws the bytes away. Harmless after a commit or a second time. */
  discard(): void;
}

/** What a draft needs from its store. */
export interface DraftSite {
  readonly disk: Disk;
  /** Where the body goes if it gets its own file. */
  readonly path: string;
  /** Largest body kept in memory, bytes. */
  readonly memoryBodyMax: number;
  /** Throws StoreFullError when space is short. */
  readonly checkSpace: () => void;
}

/** The store's draft. */
export class SpoolDraft implements Draft {
  readonly id: string;
  readonly #site: DraftSite;
  #size = 0;
  #state: "open" | "finished" | "taken" | "discarded" = "open";
  // Small: all chunks. Large: those that the pump has not taken yet.
  #chunks: Uint8Array[] = [];
  #backlog = 0;
  #written = 0;
  #file: number | undefined;
  #pump: Promise<void> | undefined;
  #error: unknown;
  #path: string | undefined;

  constructor(id: string, site: DraftSite) {
    this.id = id;
    this.#site = site;
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#state !== "open") throw new Error(`draft ${this.id} is ${this.#state}`);
    if (this.#error !== undefined) return Promise.reject(storeFull(this.#error));
    this.#size += chunk.length;
    this.#chunks.push(chunk);
    if (this.#path === undefined && this.#size <= this.#site.memoryBodyMax) return undefined;
    this.#path ??= this.#site.path;
    this.#backlog += chunk.length;
    this.#pump ??= this.#drain();
    return this.#backlog > BACKLOG_MAX ? this.#settled() : undefined;
  }

  async finish(): Promise<Body> {
    if (this.#state !== "open") throw new Error(`draft ${this.id} is ${this.#state}`);
    this.#state = "finished";
    await this.#settled();
    if (this.#path !== undefined) {
      return { kind: "file", path: this.#path, offset: 0, size: this.#size };
    }
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return { kind: "bytes", bytes };
  }

  discard(): void {
    if (this.#state === "taken" || this.#state === "discarded") return;
    this.#state = "discarded";
    this.#chunks = [];
    void this.#settled()
      .catch(() => undefined) // It is thrown away: how writing it ended no longer matters.
      .then(() => this.#cleanUp());
  }

  /** The bytes, for the segment; undefined if they lie in a file. Only after `finish`. */
  get bytes(): Uint8Array | undefined {
    return this.#path === undefined ? this.#chunks[0] : undefined;
  }

  /** Marks the draft as committed (or being so): `discard` then leaves the bytes alone. */
  take(): void {
    if (this.#state !== "finished") throw new Error(`draft ${this.id} is ${this.#state}`);
    this.#state = "taken";
  }

  /** Makes the bytes durable as the file `path`; its folder is synced by the caller. */
  async keepAs(path: string): Promise<void> {
    const { disk } = this.#site;
    if (this.#path === undefined) {
      this.#path = path;
      this.#file = await disk.create(path);
      await disk.write(this.#file, this.#chunks, 0);
    }
    if (this.#file === undefined) throw new Error(`draft ${this.id} has no file`);
    await disk.sync(this.#file);
    await disk.close(this.#file);
    this.#file = undefined;
    if (this.#path === path) return;
    await disk.rename(this.#path, path);
    this.#path = path;
  }

  /** Removes what a failed commit left. */
  async abandon(): Promise<void> {
    this.#state = "discarded";
    await this.#cleanUp();
  }

  async #cleanUp(): Promise<void> {
    const { disk } = this.#site;
    try {
      if (this.#file !== undefined) await disk.close(this.#file);
      if (this.#path !== undefined) await disk.remove(this.#path);
    } catch {
      // A file that stays is an orphan; the next start of the store removes it.
    }
    this.#file = undefined;
  }

  // Waits until all bytes are with the system. Bounded: the backlog only grows by what the caller
  // writes without waiting.
  async #settled(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
    if (this.#error !== undefined) throw storeFull(this.#error);
  }

  async #drain(): Promise<void> {
    const { disk, path, checkSpace } = this.#site;
    await null; // `#pump` must be set before it can be cleared below.
    try {
      this.#file ??= await disk.create(path);
      while (this.#chunks.length > 0) {
        checkSpace();
        const chunks = this.#chunks;
        this.#chunks = [];
        this.#backlog = 0;
        await disk.write(this.#file, chunks, this.#written);
        for (const { length } of chunks) this.#written += length;
      }
    } catch (error) {
      // Kept for the next write() or finish(), which reports it.
      this.#error = error;
      this.#chunks = [];
    }
    this.#pump = undefined;
  }
}

/** One of the messages that a transaction leaves behind. */
export interface NewPart {
  readonly draft: Draft;
  readonly record: MessageRecord;
  readonly place: Place;
  /** Its body gets a file of its own, which goes when it does; so it is always with what is kept. */
  readonly hasOwnFile?: boolean;
}

/** The draft of a part that may be committed; throws what is wrong with it. */
export function checkedDraft(draft: Draft, record: MessageRecord): SpoolDraft {
  const count = record.envelope.recipients.length;
  if (count === 0 || count > RECIPIENTS_MAX) {
    throw new RangeError(`a message has 1 to ${RECIPIENTS_MAX} recipients, not ${count}`);
  }
  if (!(draft instanceof SpoolDraft) || draft.id !== record.id) {
    throw new TypeError(`draft ${draft.id} is not one of this store for ${record.id}`);
  }
  return draft;
}
