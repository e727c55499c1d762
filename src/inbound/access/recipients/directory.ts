// Which recipients there are: asked of a list, a directory service or the next hop, and remembered
// for a while. Only who is definitely unknown is refused; trouble is another answer.
import type { Clock } from "../../../base/clock.ts";
import { describeError, type Log } from "../../../base/log.ts";

/** Whether a recipient exists, and who says so. */
export interface Finding {
  readonly kind: "known" | "unknown" | "trouble";
  readonly why: string;
}

/** Somebody who knows recipients. */
export interface RecipientSource {
  readonly name: string;
  /** Answers at once, so that its answers need not be remembered. */
  readonly isQuick: boolean;
  /** May reject: that is trouble. */
  find(address: string): Promise<Finding>;
  /** Lets go of what it holds open. */
  close?(): void;
}

/** How long findings are believed, in milliseconds. */
export interface DirectorySettings {
  readonly knownMs: number;
  readonly unknownMs: number;
  /** Recipients that nobody can tell of are taken; else the client is told to come again. */
  readonly isTroubleAccepted: boolean;
}

const REMEMBERED_MAX = 50_000;
// A source that is down is not asked by each recipient.
const TROUBLE_MS = 10_000;

/** Asks sources in turn; the first one that knows a recipient is believed. */
export class Directory {
  /** Stands for all settings of it: another key, another directory. */
  readonly key: string;
  readonly #sources: readonly RecipientSource[];
  readonly #settings: DirectorySettings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #memory = new Map<string, { readonly finding: Finding; readonly until: number }>();
  readonly #pending = new Map<string, Promise<Finding>>();

  constructor(
    sources: readonly RecipientSource[],
    settings: DirectorySettings,
    parts: { readonly clock: Clock; readonly log: Log; readonly key?: string },
  ) {
    this.key = parts.key ?? "";
    this.#sources = sources;
    this.#settings = settings;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** Never rejects. */
  async find(address: string): Promise<Finding> {
    const finding = await this.#find(address);
    if (finding.kind !== "trouble" || !this.#settings.isTroubleAccepted) return finding;
    return { kind: "known", why: `taken although ${finding.why}` };
  }

  /** Lets go of what sources hold open. */
  close(): void {
    for (const source of this.#sources) source.close?.();
  }

  async #find(address: string): Promise<Finding> {
    let trouble: Finding | undefined;
    let last: Finding = { kind: "unknown", why: "no source knows it" };
    for (const source of this.#sources) {
      const finding = await this.#ask(source, address);
      if (finding.kind === "known") return finding;
      if (finding.kind === "trouble") trouble ??= finding;
      else last = finding;
    }
    return trouble ?? last;
  }

  #ask(source: RecipientSource, address: string): Promise<Finding> {
    if (source.isQuick) return source.find(address);
    const key = `${source.name} ${address}`;
    const known = this.#memory.get(key);
    if (known !== undefined && known.until > this.#clock.steady()) {
      return Promise.resolve(known.finding);
    }
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#askNow(source, address).then((finding) => {
        this.#pending.delete(key);
        this.#remember(key, finding);
        return finding;
      });
      this.#pending.set(key, pending);
    }
    return pending;
  }

  async #askNow(source: RecipientSource, address: string): Promise<Finding> {
    let finding: Finding;
    try {
      finding = await source.find(address);
    } catch (error) {
      finding = { kind: "trouble", why: `${source.name}: ${describeError(error)}` };
    }
    if (finding.kind === "trouble") {
      this.#log.warn("recipient-not-verified", { recipient: address, cause: finding.why });
    }
    return finding;
  }

  #remember(key: string, finding: Finding): void {
    const { knownMs, unknownMs } = this.#settings;
    const keepMs = { known: knownMs, unknown: unknownMs, trouble: TROUBLE_MS }[finding.kind];
    this.#memory.delete(key);
    this.#memory.set(key, { finding, until: this.#clock.steady() + keepMs });
    const [oldest] = this.#memory.keys();
    if (this.#memory.size > REMEMBERED_MAX && oldest !== undefined) this.#memory.delete(oldest);
  }
}
