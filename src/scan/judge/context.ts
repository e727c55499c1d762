// What a judgement sees of the object it judges. Everything is fetched on demand: most judgements
// are decided by a count or two.
import type { Executable } from "../../executable/executable.ts";

/** Where a pattern matches, bytes. */
export interface Match {
  readonly start: number;
  readonly length: number;
}

/** How an object lies in what it was taken out of. */
export interface Entry {
  /** Bytes of the container. */
  readonly containerSize: number;
  /** Place among what was taken out of it, from 1; 0 if nobody counted. */
  readonly position: number;
  /** Bytes it takes there; those of the object if that is not known. */
  readonly packedSize?: number;
  readonly isEncrypted?: boolean;
  /** Bytes of what could not be opened, of which there is nothing but this; -1 if not known. */
  readonly closedSize?: number;
}

/** The object that is judged. */
export interface Subject {
  readonly bytes: Uint8Array;
  readonly name: string;
  /** File type, of the object and of what it was taken out of. */
  readonly type: string;
  readonly containerType: string;
  /** File types of all that it lies in, from the outside in. */
  readonly containers: readonly string[];
  /** Not there for what was taken out of nothing. */
  readonly entry?: Entry;
  /** The message is at depth 0. */
  readonly depth: number;
}

/** What judgements may ask. Patterns are numbered as in their signature. */
export interface JudgeContext {
  readonly subject: Subject;
  /** Values of variables that rules may use, such as `filename`. */
  readonly externals: Readonly<Record<string, string | number | boolean>>;
  /** Whether a pattern matches anywhere. */
  has(pattern: number): boolean;
  /** At how many places a pattern matches; up to PLACES_MAX. */
  count(pattern: number): number;
  /** The first `max` places where a pattern matches, by start, ascending. */
  places(pattern: number, max: number): readonly Match[];
  /** The object as an executable; parsed once, undefined if it is none. */
  executable(): Executable | undefined;
  /** Accounts for work done, about 10 ns a step; false: there is none left, say "unfinished". */
  spend(steps: number): boolean;
}

/** An outcome. `offset` is -1 if it has no place; "unfinished" leaves the object unscanned. */
export type Judged = { readonly isMatch: boolean; readonly offset: number } | "unfinished";

/** Decides one kind of judgement. */
export type Judge<Kind> = (judgement: Kind, context: JudgeContext) => Judged;
