// What all parts of a conversion of a main.cf work on.
import type { Draft } from "../draft.ts";
import type { Entry, Report } from "../entry.ts";

/** The file, what is made of it, and what is said about it. */
export interface PostfixWork {
  readonly file: string;
  readonly draft: Draft;
  readonly report: Report;
  /** The last entry of a name: the one that counts. */
  find(name: string): Entry | undefined;
  expand(value: string): string;
}
