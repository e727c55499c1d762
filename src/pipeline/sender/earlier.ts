// What senders wrote lately. The password of an archive often comes in a mail of its own, before it:
// such texts are candidates where a message has something encrypted, and nothing else. They are kept in
// memory only, for a day at most.

import type { Clock } from "../../base/clock.ts";
import type { Inspected, InspectJob } from "../inspection/job.ts";

const AGE_MAX_MS = 24 * 3_600_000;
const TEXTS_PER_SENDER = 8;
const TEXT_LENGTH_MAX = 2048;
/** Characters of all senders' texts together. */
const LENGTH_MAX = 8 << 20;
const SENDERS_MAX = 20_000;

interface Written {
  readonly text: string;
  readonly at: number;
}

/** The latest texts of each sender. */
export class EarlierTexts {
  readonly #clock: Clock;
  /** The sender that wrote last is the last one. */
  readonly #bySender = new Map<string, Written[]>();
  #length = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps what `sender` (an address; "" is nobody) wrote. */
  remember(sender: string, text: string): void {
    const key = keyOf(sender);
    const cut = text.slice(0, TEXT_LENGTH_MAX);
    if (key === "" || cut.trim() === "") return;
    const known = this.#bySender.get(key) ?? [];
    this.#bySender.delete(key);
    if (known.some((one) => one.text === cut)) {
      this.#bySender.set(key, known);
      return;
    }
    known.push({ text: cut, at: this.#clock.now() });
    this.#length += cut.length;
    if (known.length > TEXTS_PER_SENDER) this.#length -= known.shift()?.text.length ?? 0;
    this.#bySender.set(key, known);
    this.#shrink();
  }

  /** What `sender` wrote within a day, the latest first. */
  of(sender: string): readonly string[] {
    const since = this.#clock.now() - AGE_MAX_MS;
    const known = this.#bySender.get(keyOf(sender)) ?? [];
    return known
      .filter(({ at }) => at >= since)
      .map(({ text }) => text)
      .reverse();
  }

  // Those who were silent longest are forgotten first, and all whose texts are too old.
  #shrink(): void {
    const since = this.#clock.now() - AGE_MAX_MS;
    for (const [sender, texts] of this.#bySender) {
      const isFull = this.#length > LENGTH_MAX || this.#bySender.size > SENDERS_MAX;
      if (!isFull && (texts.at(-1)?.at ?? 0) >= since) return;
      for (const { text } of texts) this.#length -= text.length;
      this.#bySender.delete(sender);
    }
  }
}

function keyOf(sender: string): string {
  return sender.toLowerCase();
}

/** Who takes messages apart, as `inspectOf()` needs it. */
export interface Inspecting {
  inspect(job: InspectJob): Promise<Inspected>;
}

/**
 * Inspects a message of `sender`; once more, with what that sender wrote before as candidates, if
 * something in it is encrypted. What it says itself is kept for the messages that follow.
 */
export async function inspectOf(
  sender: string,
  job: InspectJob,
  { inspector, earlier }: { readonly inspector: Inspecting; readonly earlier: EarlierTexts },
): Promise<Inspected> {
  const inspected = await inspector.inspect(job);
  const texts = earlier.of(sender);
  earlier.remember(sender, inspected.excerpt ?? "");
  const isClosed = inspected.verdict.objects.some(
    ({ status, plainStatus }) => (plainStatus ?? status) === "protected",
  );
  return isClosed && texts.length > 0 ? inspector.inspect({ ...job, texts }) : inspected;
}
