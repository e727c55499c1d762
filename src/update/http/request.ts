// What is asked for when a file is fetched, and what may be answered.
import type { Progress } from "../source.ts";

/** What a server says of a file's state, to be asked "changed since?" with. RFC 9110 §8.8. */
export interface Mark {
  readonly etag?: string;
  readonly lastModified?: string;
}

/** One request. */
export interface GetOptions {
  /** A body with more bytes is refused. */
  readonly sizeMax: number;
  readonly signal: AbortSignal;
  /** Of what is known already: the answer may be "same". RFC 9110 §13.1. */
  readonly known?: Mark | undefined;
  /** Only so many bytes from the start; more may come from a server that knows no ranges. */
  readonly first?: number;
  readonly progress?: (step: Progress) => void;
}

/** An answer that is none of a file. */
export type NoFile =
  /** It has not changed. */
  | { readonly kind: "same" }
  /** There is no such file. */
  | { readonly kind: "missing" };

/** What became of a request; the bytes are where they were to go. */
export type Outcome =
  | NoFile
  | { readonly kind: "got"; readonly mark: Mark; readonly transferred: number };
