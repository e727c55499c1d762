// What goes on in the vault by itself: releases are taken into the queue, new bodies are packed and
// made findable by the hashes of their objects, old ones are let go, and what commands did beside
// the server is told to its log.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Clock, DAY_MS } from "../../base/clock.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { Config } from "../../config/schema.ts";
import { errorCode } from "../../store/database.ts";
import { systemDisk } from "../../store/disk.ts";
import type { NewRelease } from "../../store/rows/release-rows.ts";
import type { UnpackedMessage } from "../../store/rows/vault-rows.ts";
import { PACKED_SUFFIX, writePacked } from "../../store/spool/packing.ts";
import type { Store } from "../../store/store.ts";
import { type Keep, Vault } from "../../vault/vault.ts";
import type { Inspector } from "../inspection/inspector.ts";

/** What keeping works with. */
export interface KeeperParts {
  readonly store: Store;
  readonly inspector: Inspector;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

const ROUND_MS = 500;
const RETENTION_MS = 60_000;
/** Releases taken, and bodies packed, per round. */
const RELEASES_MAX = 50;
const PACKED_MAX = 32;
/** Such batches of one round. */
const PACK_STEPS_MAX = 20;
const UNPACKABLE_MAX = 1_000;
/** Bodies that are packed at one time; the inspection threads have mail to look at. */
const PACKED_AT_ONCE = 2;
/** Hashes of one message that are kept. */
const HASHES_MAX = 10_000;
const STRAY_AGE_MS = 60 * 60_000;
const ACTS_KEEP_MS = 366 * DAY_MS;

/** How long and how much each store keeps. */
export function keepsOf(config: Config): Keep[] {
  return (["quarantine", "backup", "archive"] as const).map((place) => ({
    place,
    keepMs: config[`vault.${place}_keep`],
    sizeMax: config[`vault.${place}_size_max`],
  }));
}

/** The vault's house-keeping, in rounds. */
export class VaultKeeper {
  readonly #parts: KeeperParts;
  readonly #vault: Vault;
  #keeps: readonly Keep[];
  #timer: ReturnType<typeof setInterval> | undefined;
  #round: Promise<void> | undefined;
  #retentionAt = Number.NEGATIVE_INFINITY;
  // Those that could not be packed in the last while.
  readonly #unpackable = new Set<number>();

  constructor(parts: KeeperParts, config: Config) {
    this.#parts = parts;
    this.#vault = new Vault(parts.store);
    this.#keeps = keepsOf(config);
  }

  start(): void {
    const { store, clock } = this.#parts;
    store.releases.removeStray(clock.now() - STRAY_AGE_MS);
    this.#timer = setInterval(() => void this.tend(), ROUND_MS);
    this.#timer.unref?.();
  }

  /** Takes other limits; they are looked at in the next round. */
  reconfigure(config: Config): void {
    this.#keeps = keepsOf(config);
    this.#retentionAt = Number.NEGATIVE_INFINITY;
  }

  /** Resolves when the round under way has ended; there is none after it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
  }

  /** One round; while one is under way that one. Never rejects. */
  async tend(): Promise<void> {
    this.#round ??= this.#tend().finally(() => {
      this.#round = undefined;
    });
    await this.#round;
  }

  async #tend(): Promise<void> {
    const { store, log } = this.#parts;
    try {
      store.acts.tell(({ verb, entry, who, reason, detail }) => {
        log.info(`vault-${verb}`, { id: entry, who, reason, detail });
      });
      for (const { release } of store.releases.asked(RELEASES_MAX)) await this.#take(release);
      this.#letGo();
      await this.#pack();
    } catch (error) {
      // All of it is found again in the next round.
      log.warn("vault-not-kept", { cause: describeError(error) });
    }
  }

  // What was begun and not noted is not sent a second time, unless a power loss took the note of its
  // delivery: then it is, as any mail.
  async #take({ record }: NewRelease): Promise<void> {
    const { store, log } = this.#parts;
    const { id } = record;
    if (store.releases.isQueued(id)) {
      store.releases.settle(id);
      return;
    }
    try {
      const bytes = await store.releases.bytesOf(id);
      const draft = store.draft(id);
      try {
        await draft.write(bytes);
        await draft.finish();
        await store.commitAll([{ draft, record, place: "queue", hasOwnFile: true }]);
      } catch (error) {
        draft.discard();
        throw error;
      }
      log.info("released", { id, from: record.releasedFrom });
    } catch (error) {
      const cause = describeError(error);
      // A full disk passes, and so does most else.
      const isLasting = errorCode(error) === "ENOENT" || error instanceof RangeError;
      if (!isLasting) return log.debug("release-waits", { id, cause });
      log.error("not-released", { id, from: record.releasedFrom, cause });
      store.releases.settle(id, cause);
      return;
    }
    // If this fails the next round finds it in the queue.
    store.releases.settle(id);
  }

  async #pack(): Promise<void> {
    for (let step = 0; step < PACK_STEPS_MAX; step++) {
      const found = this.#parts.store.vault.unpacked(PACKED_MAX + this.#unpackable.size);
      const messages = found.filter(({ sequence }) => !this.#unpackable.has(sequence));
      await this.#packAll(messages.slice(0, PACKED_MAX));
      if (messages.length < PACKED_MAX) return;
    }
  }

  async #packAll(messages: UnpackedMessage[]): Promise<void> {
    const workers = Array.from({ length: PACKED_AT_ONCE }, async () => {
      for (let one = messages.shift(); one !== undefined; one = messages.shift()) {
        await this.#packOne(one);
      }
    });
    await Promise.all(workers);
  }

  async #packOne(message: UnpackedMessage): Promise<void> {
    const { store, inspector, dataDir, log } = this.#parts;
    const { id } = message.record;
    const file = `${message.file}${PACKED_SUFFIX}`;
    try {
      const body = { kind: "file", path: join(dataDir, message.file), offset: 0 } as const;
      const { verdict } = await inspector.inspect({
        body: { ...body, size: message.stored },
        ...{ name: "message", isMessage: true, isScanned: false, isHashed: true },
      });
      const bytes = await store.vault.read(id);
      if (bytes === undefined) return;
      const found = verdict.objects.flatMap(({ hash = [] }) => hash).slice(0, HASHES_MAX);
      // Its own is known even if it could not be taken apart in time.
      const own = createHash("sha256").update(bytes).digest("hex");
      const hashes = new Set([own, ...found]);
      const path = join(dataDir, file);
      const stored = await writePacked(systemDisk, path, bytes);
      if (!store.vault.setPacked(message, { file, stored, hashes })) {
        await systemDisk.remove(path);
      }
    } catch (error) {
      log.warn("not-packed", { id, cause: describeError(error) });
      // It stays as it is, and what comes behind it gets its turn.
      if (this.#unpackable.size < UNPACKABLE_MAX) this.#unpackable.add(message.sequence);
    }
  }

  #letGo(): void {
    const { store, clock, log } = this.#parts;
    if (clock.steady() < this.#retentionAt) return;
    this.#retentionAt = clock.steady() + RETENTION_MS;
    this.#unpackable.clear();
    const now = clock.now();
    for (const keep of this.#keeps) {
      if (keep.keepMs === 0 && keep.sizeMax === 0) continue;
      const { messages, bytes } = this.#vault.purge(keep, { now, stepsMax: 1 });
      if (messages === 0) continue;
      log.info("vault-purged", { store: keep.place, messages, bytes });
      // There may be more; mail has its turn in between.
      this.#retentionAt = Number.NEGATIVE_INFINITY;
    }
    store.acts.purge(now - ACTS_KEEP_MS);
  }
}
