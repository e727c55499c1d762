// What is said over the control socket: one JSON value per line, a request and its answer. The socket
// lies in the data folder and is open to gw's own user (and root) only.

import type { Stage } from "../pipeline/gate.ts";
import type { TraceWish } from "./trace/filter.ts";

/** Name of the socket in the data folder. */
export const SOCKET_NAME = "control.sock";
/** Longest line either side reads. */
export const LINE_MAX = 1 << 20;

/** What can be asked of a running gateway. */
export type Request =
  | { readonly verb: "status" | "stats" | "reload" | "signatures" | "stop" }
  /** What happens now; and: write down what was counted, since a report wants it. */
  | { readonly verb: "activity" | "history" }
  /** Mail a report of this period. */
  | { readonly verb: "report"; readonly from: number; readonly to: number }
  /** Give all to a newer gw, the program of that path; sessions have so long to end. */
  | { readonly verb: "upgrade"; readonly program: string; readonly graceMs: number }
  | { readonly verb: "pause" | "resume"; readonly stages: readonly Stage[] }
  /** Answered by one line after the other, until the asker goes. */
  | ({ readonly verb: "trace" } & TraceWish);

/** A gateway at one moment. */
export interface Status {
  readonly version: string;
  readonly pid: number;
  /** The executable that runs. */
  readonly program: string;
  /** Configuration file, "" for none. */
  readonly config: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly listen: readonly string[];
  readonly dataDir: string;
  readonly paused: readonly Stage[];
  /** SMTP sessions open now. */
  readonly sessions: number;
  /** Messages being scanned or waiting for it. */
  readonly scanning: number;
  /** Recipients to whom mail is being sent now. */
  readonly sending: number;
  readonly signatures: { readonly identity: string; readonly count: number };
  readonly queue: { readonly messages: number; readonly recipients: number };
  readonly quarantine: { readonly messages: number; readonly bytes: number };
  /** What is not as it should be though mail flows, in sentences. */
  readonly warnings: readonly string[];
}

/** What a reload has done. */
export interface Reloaded {
  /** Settings that changed and are in force. */
  readonly changed: readonly string[];
  /** Settings that changed and need a restart. */
  readonly waiting: readonly string[];
  /** The signatures were read again; their identity. */
  readonly signatures: string;
}

/** Counters by name, and what is true now. */
export type Stats = Readonly<Record<string, number | string>>;

/** Names with counts, most frequent first. */
export type Ranking = readonly (readonly [name: string, count: number])[];

/** What `gw top` shows. Rankings are of the last hour. */
export interface Activity {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly status: Status;
  readonly stats: Stats;
  /** Messages accepted in each minute of the last hour, the latest last. */
  readonly minutes: readonly number[];
  readonly signatures: Ranking;
  readonly refusals: Ranking;
  readonly hosts: Ranking;
  readonly senders: Ranking;
}

/** A value that goes on: what is pushed becomes one answer each. `begin` gives the way to end it. */
export class LiveAnswer<T> {
  readonly begin: (push: (value: T) => void) => () => void;
  /** Made once there is room again, of the number of values that were left out. */
  readonly lost: (count: number) => T;

  constructor(begin: (push: (value: T) => void) => () => void, lost: (count: number) => T) {
    this.begin = begin;
    this.lost = lost;
  }
}

/** An answer: a value, or why there is none. */
export type Answer = { readonly value: unknown } | { readonly error: string };
