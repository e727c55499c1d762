// What a rule between settings says when it is broken.

/** A broken rule, shown at the first of the keys (`scan.workers`, `group[0].to[1]`) in the file. */
export interface Conflict {
  readonly keys: readonly string[];
  readonly message: string;
}
