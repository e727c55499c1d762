// The vault as an administrator works with it: quarantine, backup and archive in one. Find, look,
// delete, let old mail go. All results are plain values that go to the terminal or out as JSON.
import type { MessageRecord, Status } from "../message.ts";
import type { ActRows, NewAct } from "../store/rows/act-rows.ts";
import type { Release, ReleaseRows, ReleaseState } from "../store/rows/release-rows.ts";
import type {
  KeptCounts,
  KeptMessage,
  KeptPlace,
  VaultFilter,
  VaultRows,
} from "../store/rows/vault-rows.ts";

/** Messages that are let go in one transaction. */
const PURGE_STEP = 500;
const STEPS_MAX = 100_000;

/** The rows behind a vault. A store has them. */
export interface VaultParts {
  readonly vault: VaultRows;
  readonly releases: ReleaseRows;
  readonly acts: ActRows;
}

/** A kept message in a listing. */
export interface VaultItem {
  readonly id: string;
  readonly store: KeptPlace;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  readonly messageId: string;
  /** Bytes of the message as it came, and on disk. */
  readonly size: number;
  readonly stored: number;
  readonly status: Status;
  readonly findings: readonly string[];
  /** "kept", or how far its last release has come. */
  readonly state: "kept" | ReleaseState;
}

/** A kept message with all that is known of it. */
export interface VaultDetails extends VaultItem {
  readonly record: MessageRecord;
  readonly releases: readonly Release[];
  readonly acts: readonly NewAct[];
}

/** Whoever does something, when and why. */
export type By = Pick<NewAct, "at" | "who" | "reason">;

/** What became of the ids of a request. */
export interface DeleteResult {
  readonly done: readonly string[];
  /** Not in the vault: never were, or are gone already. */
  readonly missing: readonly string[];
}

/** How long and how much one store keeps; 0 is without limit. */
export interface Keep {
  readonly place: KeptPlace;
  readonly keepMs: number;
  readonly sizeMax: number;
}

/** How mail is let go. */
export interface Purge {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Who asked for it; left out if it goes by itself. */
  readonly by?: By;
  /** Transactions at most. */
  readonly stepsMax?: number;
}

/** Verbs over kept messages. */
export class Vault {
  readonly #parts: VaultParts;

  constructor(parts: VaultParts) {
    this.#parts = parts;
  }

  /** Messages that match, newest first. */
  list(filter: VaultFilter = {}): VaultItem[] {
    return this.#parts.vault.list(filter).map((message) => this.#item(message));
  }

  /** One message, or undefined. */
  show(id: string): VaultDetails | undefined {
    const { vault, releases, acts } = this.#parts;
    const message = vault.show(id);
    if (message === undefined) return undefined;
    const { record } = message;
    return { ...this.#item(message), record, releases: releases.of(id), acts: acts.of(id) };
  }

  /** The message as it came; undefined if it is not there. */
  read(id: string): Promise<Uint8Array | undefined> {
    return this.#parts.vault.read(id);
  }

  /** Notes that somebody took something out. */
  note(acts: readonly NewAct[]): void {
    this.#parts.acts.add(acts);
  }

  /** Deletes messages; of their bodies no bytes are left. Without `by` nobody is told of it. */
  delete(ids: readonly string[], by?: By): DeleteResult {
    const { vault, releases, acts } = this.#parts;
    const there = [...new Set(ids)].filter((id) => vault.show(id) !== undefined);
    // Told before it is done: what nobody is told of must not happen.
    if (by !== undefined) {
      acts.add(there.map((entry) => ({ ...by, entry, verb: "delete", detail: "" })));
    }
    const done = vault.delete(there);
    releases.forget(done);
    return { done, missing: [...new Set(ids)].filter((id) => !done.includes(id)) };
  }

  /** Lets go what is too old at `now`, or too much, oldest first; gives what went. */
  purge({ place, keepMs, sizeMax }: Keep, { now, by, stepsMax = STEPS_MAX }: Purge): KeptCounts {
    const { vault } = this.#parts;
    const before = keepMs === 0 ? Number.NEGATIVE_INFINITY : now - keepMs;
    let left = vault.counts(place).bytes;
    const gone = { messages: 0, bytes: 0 };
    for (let steps = 0; steps < stepsMax; steps++) {
      const step: string[] = [];
      for (const { record, stored } of vault.oldest(place, PURGE_STEP)) {
        const isTooMuch = sizeMax > 0 && left > sizeMax;
        if (record.receivedAt >= before && !isTooMuch) break;
        step.push(record.id);
        left -= stored;
        gone.bytes += stored;
      }
      const { done } = this.delete(step, by);
      gone.messages += done.length;
      // Stops as well when nothing can be deleted.
      if (step.length < PURGE_STEP || done.length === 0) break;
    }
    return gone;
  }

  /** How many messages there are in one store, and their bytes on disk. */
  counts(place?: KeptPlace): KeptCounts {
    return this.#parts.vault.counts(place);
  }

  #item({ record, place, stored }: KeptMessage): VaultItem {
    const { id, receivedAt, envelope, subject, messageId, size, status, findings } = record;
    return {
      id,
      store: place,
      receivedAt,
      sender: envelope.sender,
      recipients: envelope.recipients.map(({ address }) => address),
      subject,
      messageId,
      size,
      stored,
      status,
      findings,
      state: this.#parts.releases.of(id).at(-1)?.state ?? "kept",
    };
  }
}
