// One watcher of the traffic: keeps the lines of a session back until it is known whether the session
// is wanted, and gives away what is.
import type { LogFields } from "../../base/log.ts";
import type { TraceFilter } from "./filter.ts";

/** One line of what is watched. `at` is in milliseconds since the epoch. */
export type TraceLine =
  | {
      readonly kind: "dialog";
      readonly at: number;
      readonly session: string;
      readonly side: "C" | "S";
      readonly text: string;
    }
  | {
      readonly kind: "event";
      readonly at: number;
      /** "" if it belongs to no session that was seen. */
      readonly session: string;
      readonly event: string;
      readonly fields: LogFields;
    }
  /** So many lines came faster than the watcher took them. */
  | { readonly kind: "lost"; readonly at: number; readonly count: number };

/** What is known of a message while somebody watches. */
export interface KnownMessage {
  readonly session: string;
  readonly client: string;
  readonly sender: string;
  readonly recipients: readonly string[];
}

/** Sessions that are remembered for one watcher. */
const SESSIONS_MAX = 1_000;
/** Lines that are kept back of each. */
const HELD_MAX = 60;

interface Seen {
  isWanted: boolean;
  sender: string | undefined;
  recipients: string[];
  held: TraceLine[];
}

/** Whoever watches. */
export class Watcher {
  readonly filter: TraceFilter;
  readonly #push: (line: TraceLine) => void;
  readonly #sessions = new Map<string, Seen>();

  constructor(filter: TraceFilter, push: (line: TraceLine) => void) {
    this.filter = filter;
    this.#push = push;
  }

  /** A line of a session. */
  dialog(client: string, line: Extract<TraceLine, { kind: "dialog" }>): void {
    if (!this.filter.isClient(client)) return;
    if (!this.filter.isOfEnvelopes) {
      this.#push(line);
      return;
    }
    const seen = this.#seen(line.session);
    if (line.side === "C") this.#listen(seen, line.text);
    if (seen.isWanted) this.#push(line);
    else {
      seen.held.push(line);
      if (seen.held.length > HELD_MAX) seen.held.shift();
    }
    if (line.side === "S" && line.text.startsWith("221")) this.#sessions.delete(line.session);
  }

  /** An event, with the message that it is about, if there is one. */
  event(line: Extract<TraceLine, { kind: "event" }>, message: KnownMessage | undefined): void {
    if (this.#isWanted(line, message)) this.#push(line);
  }

  #isWanted({ fields }: { readonly fields: LogFields }, message: KnownMessage | undefined) {
    const { filter } = this;
    const client = message?.client ?? fields["client"];
    const recipient = fields["recipient"];
    const sender = message?.sender ?? addressIn(fields["sender"]);
    const recipients =
      typeof recipient === "string"
        ? [recipient]
        : (message?.recipients ?? listIn(fields["recipients"]));
    const isFromThere = typeof client === "string" && filter.isClient(client);
    if (filter.isOfClients && !isFromThere) return false;
    if (!filter.isOfEnvelopes) return true;
    return sender !== undefined && filter.isSender(sender) && filter.isOneOf(recipients);
  }

  #seen(session: string): Seen {
    const known = this.#sessions.get(session);
    if (known !== undefined) return known;
    const seen: Seen = { isWanted: false, sender: undefined, recipients: [], held: [] };
    this.#sessions.set(session, seen);
    if (this.#sessions.size > SESSIONS_MAX) {
      const [oldest = ""] = this.#sessions.keys();
      this.#sessions.delete(oldest);
    }
    return seen;
  }

  // What the client asks for is looked at, whatever it is answered: refusals are what people look for.
  #listen(seen: Seen, text: string): void {
    const [, verb = "", path = ""] =
      /^(MAIL\s+FROM|RCPT\s+TO)\s*:\s*<?([^>\s]{0,500})/i.exec(text) ?? [];
    if (/^mail/i.test(verb)) {
      seen.sender = path;
      seen.recipients = [];
      seen.isWanted = false;
    } else if (verb !== "" && seen.recipients.length < HELD_MAX) seen.recipients.push(path);
    const { sender, recipients, isWanted, held } = seen;
    const isNow =
      sender !== undefined && this.filter.isSender(sender) && this.filter.isOneOf(recipients);
    if (!isNow || isWanted) return;
    seen.isWanted = true;
    seen.held = [];
    for (const line of held) this.#push(line);
  }
}

function addressIn(text: LogFields[string]): string | undefined {
  return typeof text === "string" ? text.replace(/^.*?<([^<>]*)>.*$/s, "$1") : undefined;
}

function listIn(text: LogFields[string]): readonly string[] {
  if (typeof text !== "string") return [];
  return /<[^<>]*>/.test(text) ? [addressIn(text) ?? ""] : text.split(",");
}
