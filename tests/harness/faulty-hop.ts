// A next hop that goes through bad times: it is gone for a while and comes back at the same port,
// takes messages and never answers, or refuses for the time being. One mood follows the other.
import { pick, type Random } from "./sample-mail.ts";
import { type Sink, type SinkMessage, type SinkScript, startSink } from "./sink.ts";

const MOODS = ["well", "well", "well", "busy", "hangs", "dead"] as const;
type Mood = (typeof MOODS)[number];
const MOOD_MS: Readonly<Record<Mood, number>> = { well: 2500, busy: 1500, hangs: 1200, dead: 800 };

const ACCEPTED = "250 2.0.0 OK";
const LATER = "451 4.3.2 Try again later";

/** How it behaves. */
export interface HopOptions {
  readonly random: Random;
  readonly isFaulty: boolean;
  /** A message is answered with 250 now. */
  readonly onAccepted: (message: SinkMessage, tag: number) => void;
  /** Of a message as it comes; which start of the gateway sends it. */
  readonly tag: () => number;
}

/** A next hop for runs of many messages. */
export class FaultyHop {
  readonly #options: HopOptions;
  readonly port: number;
  /** When all connections were cut, on the steady clock. */
  readonly cutAt: number[] = [];
  readonly counts: Record<Mood, number> = { well: 0, busy: 0, hangs: 0, dead: 0 };
  #sink: Sink;
  #mood: Mood = "well";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: HopOptions) {
    this.#options = options;
    this.#sink = startSink(this.#script());
    this.port = this.#sink.port;
    if (options.isFaulty) this.#next();
  }

  /** Behaves well from now on. */
  recover(): void {
    clearTimeout(this.#timer);
    this.#enter("well");
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#sink.stop();
  }

  #next(): void {
    const { random } = this.#options;
    const mood = MOODS[pick(random, MOODS.length)] ?? "well";
    this.#enter(mood);
    this.#timer = setTimeout(() => this.#next(), MOOD_MS[mood] * (0.5 + random()));
  }

  #enter(mood: Mood): void {
    const before = this.#mood;
    this.#mood = mood;
    this.counts[mood]++;
    if (before === mood) return;
    // Whoever was kept hanging is cut off, as when a process is killed.
    if (mood === "dead" || before === "hangs") this.#cut();
    if (mood !== "dead" && (before === "dead" || before === "hangs")) {
      this.#sink = startSink(this.#script(), this.port);
    }
  }

  #cut(): void {
    this.cutAt.push(performance.now());
    this.#sink.stop();
  }

  #script(): SinkScript {
    const { random, isFaulty, onAccepted } = this.#options;
    const busyShare = () => (this.#mood === "busy" ? 0.5 : 0.02);
    return {
      onRecipient: () => (random() < busyShare() ? LATER : ACCEPTED),
      onMessage: async (message, isOpen) => {
        const tag = this.#options.tag();
        if (random() < 0.05) await Bun.sleep(20 + pick(random, 280));
        if (random() < busyShare()) return LATER;
        if (this.#mood === "hangs") await new Promise<never>(() => {});
        // A process that was killed has taken nothing that it did not answer.
        if (isFaulty && !isOpen()) return LATER;
        onAccepted(message, tag);
        return ACCEPTED;
      },
    };
  }
}
