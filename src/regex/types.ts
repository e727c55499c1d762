// What the regular expression engine offers to the judges of signatures. It works on bytes: there
// are no characters beyond 0xFF, and only A-Z and a-z have two cases.

/**
 * Whose rules an expression is written and matched by. `pcre`: the leftmost match that the
 * alternatives' order prefers. `posix`: extended expressions, leftmost and longest. `yara`: leftmost,
 * and longest, or shortest if the quantifiers are lazy.
 */
export type Dialect = "pcre" | "posix" | "yara";

/** How an expression is read. */
export interface RegexOptions {
  readonly dialect: Dialect;
  /**
   * Letters: `i` both cases, `s` dot matches line feeds, `m` ^ and $ at lines, `x` white space and
   * comments are skipped, `A` anchored, `E` $ only at the very end, `U` quantifiers are lazy,
   * `g` is taken and says nothing here, `w` (yara only) every byte is followed by a NUL.
   */
  readonly flags: string;
}

/** Bytes that matches need; `isFolded`: in lower case, the object may have either. */
export interface Literal {
  readonly bytes: Uint8Array;
  readonly isFolded: boolean;
}

/** Where a match, or a group in it, lies. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** A match. */
export interface RegexMatch extends Span {
  /** By group number, 0 being the match; for pcre, and only filled if `wantsGroups` was set. */
  readonly groups: readonly (Span | null)[];
}

/** How one search goes. */
export interface ExecOptions {
  /** Where the subject ends, as if the bytes behind it were not there; default: their end. */
  readonly to?: number;
  /** Only a match that starts right at `from` counts. */
  readonly anchored?: boolean;
  readonly wantsGroups?: boolean;
  /** Matches of the dialects posix and yara are looked for up to this length only. */
  readonly lengthMax?: number;
  /** Called now and then with the work done since, in steps of about 10 ns; false ends the search. */
  readonly spend: (steps: number) => boolean;
}

/** A compiled expression. It keeps what it learns about its own states, within named limits. */
export interface Regex {
  /** Number of capturing groups. */
  readonly groupCount: number;
  /** Whether every search takes time linear in what it reads. */
  readonly isLinear: boolean;
  /** The first match that starts at `from` or behind; bytes before `from` are seen looking back. */
  exec(bytes: Uint8Array, from: number, options: ExecOptions): RegexMatch | null | "unfinished";
  /**
   * Sets of literals, the best to search for first: every match holds one literal of each set.
   * Empty if nothing is certain. They hold for both views of a `w` expression: NULs are included.
   */
  literals(): readonly (readonly Literal[])[];
}

/** Thrown for an expression that can't be used; `position` counts bytes from 0. */
export class RegexError extends Error {
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}
