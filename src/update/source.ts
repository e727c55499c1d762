// Where signatures come from: what every kind of feed does, whatever it speaks. A source brings files
// into an empty folder and checks whom they are from; whether they are any good, and that they are
// used, is the matter of the installation.

/** Why an update came to nothing. */
export type UpdateFault =
  /** Nobody answered, or the answer broke off: worth another try. */
  | "unreachable"
  /** The other side said no, or asks for a pause. */
  | "refused"
  /** What came is not what it must be: a wrong signature, an older version, too large. */
  | "invalid"
  /** The disk is full, or can't be written to. */
  | "full"
  /** There is no entitlement for it. */
  | "licence";

/** A failed update; `message` says what and why in words for an administrator. */
export class UpdateError extends Error {
  override readonly name = "UpdateError";
  readonly kind: UpdateFault;
  /** No try before this time, milliseconds since the epoch: the other side asked for it. */
  readonly retryAt: number | undefined;

  constructor(
    kind: UpdateFault,
    reason: string,
    more: { readonly cause?: unknown; readonly retryAt?: number } = {},
  ) {
    super(reason, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.retryAt = more.retryAt;
  }
}

/**
 * What a source remembers of a feed between updates, as JSON; it changes both in place.
 * `kept` is written down whatever comes of the update: pauses that were asked for, that a signature
 * was seen once. `offered` only if the files are installed or found to be unusable (and so need not
 * be fetched again): marks for conditional requests.
 */
export interface SourceState {
  readonly kept: Record<string, unknown>;
  readonly offered: Record<string, unknown>;
}

/** How far a transfer is. */
export interface Progress {
  /** What is being fetched, for people. */
  readonly what: string;
  /** Bytes so far. */
  readonly done: number;
  /** Bytes in all, if known. */
  readonly total: number | undefined;
}

/** One update of one feed. */
export interface FetchJob {
  /** An empty folder on the disk on which the files will stay. */
  readonly staging: string;
  /** Folder with the files in use (not to be changed); undefined before the first update. */
  readonly previous: string | undefined;
  readonly state: SourceState;
  readonly signal: AbortSignal;
  progress(step: Progress): void;
}

/** What an update brought. */
export type Fetched =
  /** Nothing but what was fetched before. */
  | { readonly kind: "unchanged"; readonly transferred: number }
  | {
      readonly kind: "fetched";
      /** As the feed itself counts: "27514", "2026-11-23T02:00:00Z". */
      readonly version: string;
      /**
       * Names below `staging`, with `/` between folders: all files of the feed, also those that are as
       * before. Their extensions tell their formats.
       */
      readonly files: readonly string[];
      /** Bytes that came over the wire. */
      readonly transferred: number;
    };

/** One feed. */
export interface Source {
  readonly name: string;
  /** Brings all files of the feed into `job.staging`, checked. Throws UpdateError. */
  fetch(job: FetchJob): Promise<Fetched>;
}
