// What all parts of a conversion work on.
import type { Draft } from "../draft.ts";
import type { Entry, Report } from "../entry.ts";

/** The old file's parameters, what is made of them, and what is said about it. */
export interface Work {
  readonly entries: readonly Entry[];
  readonly draft: Draft;
  readonly report: Report;
}

/** Entries of a section, of all names or of one; names are alike in upper and lower case. */
export function entriesOf({ entries }: Work, section: string, name?: string): readonly Entry[] {
  const wanted = name?.toLowerCase();
  return entries.filter(
    (each) =>
      each.section === section && (wanted === undefined || each.name.toLowerCase() === wanted),
  );
}
