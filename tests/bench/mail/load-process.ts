// The generator, a process of its own: makes the mail once, keeps it in memory, and sends it when
// told to. Talks to the bench over IPC, so that measuring does not stand in the way of sending.
import { openSession, type SendOutcome } from "../../harness/generator.ts";
import { type Load, mailSet } from "./mail-set.ts";

/** What the bench asks for. */
export type LoadRequest =
  | { readonly kind: "make"; readonly load: Load; readonly count: number; readonly warmUp: number }
  | {
      readonly kind: "send";
      readonly port: number;
      readonly sessions: number;
      readonly isWarmUp: boolean;
      /** Messages of the set to send; the first so many. */
      readonly count: number;
    };

/** What it gets back. Times are in ms; `startedAt` and `endedAt` since the epoch. */
export type LoadAnswer =
  | { readonly kind: "made"; readonly bytes: number }
  | {
      readonly kind: "sent";
      readonly startedAt: number;
      readonly endedAt: number;
      readonly accepted: number;
      readonly bytes: number;
      readonly dataMs: readonly number[];
      /** Everything but 250, with how often it came. */
      readonly refusals: Readonly<Record<string, number>>;
      /** Processor seconds the generator itself used. */
      readonly cpuSeconds: number;
    };

/** A warm-up set shares no message with the one that is measured. */
const WARM_UP_FIRST = 1_000_000;
/** Refused messages are not sent again; a session that is refused is opened anew, at most: */
const RECONNECTS_MAX = 20;

const steady = () => performance.timeOrigin + performance.now();

class Sending {
  readonly #wires: readonly Buffer[];
  readonly #port: number;
  readonly dataMs: number[] = [];
  readonly refusals: Record<string, number> = {};
  accepted = 0;
  bytes = 0;
  #next = 0;

  constructor(wires: readonly Buffer[], port: number) {
    this.#wires = wires;
    this.#port = port;
  }

  async runSession(): Promise<void> {
    for (let attempt = 0; attempt < RECONNECTS_MAX; attempt++) {
      const opening = await openSession({ port: this.#port });
      if (opening.kind === "failed") {
        this.#refused(opening.outcome);
        continue;
      }
      while (!opening.session.isGone) {
        const wire = this.#wires[this.#next++];
        if (wire === undefined) return opening.session.quit();
        const outcome = await opening.session.send({
          sender: "alice@sender.example.net",
          recipients: ["bob@example.org"],
          wire,
        });
        if (outcome.kind === "replied" && outcome.code === 250) {
          this.accepted++;
          this.bytes += wire.length;
          this.dataMs.push(outcome.dataMs);
        } else this.#refused(outcome);
      }
    }
  }

  #refused(outcome: SendOutcome): void {
    const what = outcome.kind === "lost" ? `lost at ${outcome.stage}` : outcome.text;
    this.refusals[what] = (this.refusals[what] ?? 0) + 1;
  }
}

async function send(
  wires: readonly Buffer[],
  request: Extract<LoadRequest, { kind: "send" }>,
): Promise<LoadAnswer> {
  const sending = new Sending(wires.slice(0, request.count), request.port);
  const cpuBefore = process.cpuUsage();
  const startedAt = steady();
  await Promise.all(Array.from({ length: request.sessions }, () => sending.runSession()));
  const endedAt = steady();
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    kind: "sent",
    startedAt,
    endedAt,
    accepted: sending.accepted,
    bytes: sending.bytes,
    dataMs: sending.dataMs,
    refusals: sending.refusals,
    cpuSeconds: (user + system) / 1e6,
  };
}

function main(): void {
  let wires: readonly Buffer[] = [];
  let warmUp: readonly Buffer[] = [];
  process.on("message", (request: LoadRequest) => {
    if (request.kind === "make") {
      wires = mailSet(request.load, request.count);
      warmUp = mailSet("5k", request.warmUp, WARM_UP_FIRST);
      const bytes = wires.reduce((sum, wire) => sum + wire.length, 0);
      process.send?.({ kind: "made", bytes } satisfies LoadAnswer);
    } else {
      void send(request.isWarmUp ? warmUp : wires, request).then((answer) =>
        process.send?.(answer),
      );
    }
  });
  process.on("disconnect", () => process.exit(0));
}

if (import.meta.main) main();
