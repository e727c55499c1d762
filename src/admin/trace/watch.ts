// Those who watch the traffic as it passes. While nobody does it costs one look at a number; the
// gateway never waits for a watcher, and what a slow one does not take is left out and counted.
import type { Clock } from "../../base/clock.ts";
import type { LogFields, LogObserver } from "../../base/log.ts";
import { TraceFilter, type TraceWish } from "./filter.ts";
import { type KnownMessage, type TraceLine, Watcher } from "./watcher.ts";

/** Watchers at the same time; each looks at every line. */
const WATCHERS_MAX = 10;
/** Messages that are remembered while somebody watches, so that what becomes of them is shown. */
const MESSAGES_MAX = 5_000;
const TEXT_MAX = 500;
/** Events that are of the store's and the threads' inner life, or would be said twice. */
const UNTOLD = new Set(["begun", "session-begun", "connection-opened", "connection-closed"]);

/** A line that a session said; as `inbound` tells it. */
interface Said {
  readonly client: string;
  readonly port: number;
  readonly side: "C" | "S";
  readonly text: string;
}

/** All watchers of one gateway. */
export class Watch implements LogObserver {
  readonly #clock: Clock;
  readonly #watchers = new Set<Watcher>();
  readonly #messages = new Map<string, KnownMessage>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether anybody watches. */
  get isHeard(): boolean {
    return this.#watchers.size > 0;
  }

  /**
   * A way to begin to watch, which gives the way to end it. What is pushed must not block. Throws
   * what is wrong with the wish.
   */
  prepare(wish: TraceWish): (push: (line: TraceLine) => void) => () => void {
    if (this.#watchers.size >= WATCHERS_MAX) {
      throw new Error(`${WATCHERS_MAX} watch already; end one of them first`);
    }
    const filter = new TraceFilter(wish);
    return (push) => {
      const watcher = new Watcher(filter, push);
      this.#watchers.add(watcher);
      return () => {
        this.#watchers.delete(watcher);
        if (!this.isHeard) this.#messages.clear();
      };
    };
  }

  /** A line of a session. */
  said({ client, port, side, text }: Said): void {
    const at = this.#clock.now();
    const session = `${client} ${port}`;
    const shown = text.slice(0, TEXT_MAX);
    for (const watcher of this.#watchers) {
      watcher.dialog(client, { kind: "dialog", at, session, side, text: shown });
    }
  }

  /** An event of the log. */
  note(event: string, fields: LogFields): void {
    if (!this.isHeard) return;
    if (event === "begun") this.#learn(fields);
    if (UNTOLD.has(event)) return;
    const id = fields["about"] ?? fields["id"];
    const message = typeof id === "string" ? this.#messages.get(id) : undefined;
    if (event === "split") this.#learnAs(fields["copy"], message);
    const at = this.#clock.now();
    const session = message?.session ?? "";
    for (const watcher of this.#watchers) {
      watcher.event({ kind: "event", at, session, event, fields }, message);
    }
  }

  #learn(fields: LogFields): void {
    const { id, session, client, sender, recipients } = fields;
    if (typeof id !== "string") return;
    this.#keep(id, {
      session: String(session),
      client: String(client),
      sender: String(sender ?? "").replace(/^<(.*)>$/s, "$1"),
      recipients: String(recipients ?? "").split(","),
    });
  }

  #learnAs(copy: LogFields[string], message: KnownMessage | undefined): void {
    if (typeof copy === "string" && message !== undefined) this.#keep(copy, message);
  }

  #keep(id: string, message: KnownMessage): void {
    this.#messages.set(id, message);
    if (this.#messages.size <= MESSAGES_MAX) return;
    const [oldest = ""] = this.#messages.keys();
    this.#messages.delete(oldest);
  }
}
