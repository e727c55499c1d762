// After an update: mail that was kept lately is scanned again. What is known now and was not then is
// told to the administrator, with the messages concerned; so is mail in quarantine in which nothing is
// found any more, which is released if the site wants that.
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../../base/clock.ts";
import { describeError, type Log } from "../../../base/log.ts";
import type { Config } from "../../../config/schema.ts";
import type { Verdict } from "../../../message.ts";
import type { Vault, VaultItem } from "../../../vault/vault.ts";
import type { Inspector } from "../../inspection/inspector.ts";
import type { ReleaseEnd } from "../../vault/release.ts";

/** What is scanned again, and with what. */
export interface RescanParts {
  readonly vault: Pick<Vault, "list" | "read">;
  readonly inspector: Pick<Inspector, "inspect" | "pendingCount" | "workers">;
  readonly config: () => Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly tell: (event: string, lines: readonly string[]) => Promise<void>;
  /** Releases a message from quarantine, if policy lets it through now. */
  readonly release: (id: string, reason: string) => Promise<ReleaseEnd>;
}

/** What came of one run. */
export interface Rescanned {
  readonly scanned: number;
  /** Messages in which something is found now, and was not. */
  readonly found: readonly string[];
  /** Messages in quarantine in which nothing is found any more. */
  readonly withdrawn: readonly string[];
}

const MESSAGES_MAX = 5_000;
const LINES_MAX = 50;
/** Mail on its way comes first: so long is waited for a free thread, so often at most. */
const YIELD_MS = 50;
const YIELDS_MAX = 200;
const HARMFUL: readonly string[] = ["infected", "suspicious"];
/** What says that all of a message was looked at, and that there is nothing in it. */
const HARMLESS: readonly string[] = ["clean", "filtered"];

function namesIn(verdict: Verdict): string {
  const names = verdict.objects.flatMap(({ findings }) => findings.map((each) => each.signature));
  return [...new Set(names)].slice(0, 5).join(", ");
}

function lineOf(item: VaultItem, what: string): string {
  const [first = "", ...more] = item.recipients;
  const to = more.length === 0 ? first : `${first} and ${more.length} more`;
  const when = new Date(item.receivedAt).toISOString().slice(0, 16).replace("T", " ");
  return `${item.store} ${item.id}: ${what}; ${when} UTC, <${item.sender}> to ${to}, "${item.subject}"`;
}

/** Scans kept mail again, one run at a time. */
export class Rescan {
  readonly #parts: RescanParts;
  #running: Promise<unknown> = Promise.resolve();
  #isWanted = false;
  #isStopped = false;

  constructor(parts: RescanParts) {
    this.#parts = parts;
  }

  /** Begins a run; if one is under way, another follows it. */
  begin(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#running = this.#running.then(async () => {
      this.#isWanted = false;
      try {
        await this.run();
      } catch (error) {
        this.#parts.log.error("rescan-failed", { cause: describeError(error) });
      }
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** One run. */
  async run(): Promise<Rescanned> {
    const { vault, config, clock, log } = this.#parts;
    const age = config()["update.rescan_age"];
    const items = age === 0 ? [] : vault.list({ since: clock.now() - age, limit: MESSAGES_MAX });
    const found: string[] = [];
    const withdrawn: VaultItem[] = [];
    let scanned = 0;
    for (const item of items) {
      if (this.#isStopped) break;
      const verdict = await this.#look(item.id);
      if (verdict === undefined) continue;
      scanned++;
      const was = HARMFUL.includes(item.status);
      if (!was && HARMFUL.includes(verdict.status)) {
        const names = namesIn(verdict);
        log.warn("rescan-found", { id: item.id, store: item.store, signatures: names });
        found.push(lineOf(item, names));
      } else if (was && item.store === "quarantine" && item.state === "kept") {
        if (HARMLESS.includes(verdict.status)) withdrawn.push(item);
      }
    }
    const told = await this.#tellWithdrawn(withdrawn);
    await this.#tell(found, told, scanned);
    return { scanned, found, withdrawn: withdrawn.map(({ id }) => id) };
  }

  async #look(id: string): Promise<Verdict | undefined> {
    const { vault, inspector } = this.#parts;
    for (let n = 0; n < YIELDS_MAX && inspector.pendingCount >= inspector.workers; n++) {
      await sleep(YIELD_MS);
    }
    // One that has gone meanwhile is nobody's business any more.
    const bytes = await vault.read(id);
    if (bytes === undefined) return undefined;
    const body = { kind: "bytes", bytes } as const;
    return (await inspector.inspect({ body, name: "message", isMessage: true })).verdict;
  }

  async #tellWithdrawn(items: readonly VaultItem[]): Promise<string[]> {
    const { config, log, release } = this.#parts;
    const isReleased = config()["update.withdrawn"] === "release";
    const lines: string[] = [];
    for (const item of items) {
      const was = item.findings.join(", ");
      let done = "is still kept; gw vault release delivers it";
      if (isReleased) {
        const end = await release(item.id, `nothing is found any more (was ${was})`);
        done = end.kind === "released" ? "is released" : "is still kept, policy wants it so";
      }
      log.warn("rescan-withdrawn", { id: item.id, signatures: was, outcome: done });
      lines.push(lineOf(item, `${was} is found no more, it ${done}`));
    }
    return lines;
  }

  async #tell(found: readonly string[], withdrawn: readonly string[], scanned: number) {
    const { log, tell } = this.#parts;
    const counts = { found: found.length, withdrawn: withdrawn.length };
    if (scanned > 0) log.info("rescanned", { scanned, ...counts });
    if (found.length + withdrawn.length === 0) return;
    const all = [
      ...(found.length === 0 ? [] : ["Found now, and not when they came:", ...found]),
      ...(withdrawn.length === 0 ? [] : ["Found when they came, and not now:", ...withdrawn]),
    ];
    const more =
      all.length > LINES_MAX ? [`… and ${all.length - LINES_MAX} more; see the log`] : [];
    const event = `after the update: ${found.length} new finds, ${withdrawn.length} withdrawn`;
    await tell(event, [...all.slice(0, LINES_MAX), ...more]);
  }
}
