// What decides a ClamAV signature beyond what the scan core evaluates, as it is kept in images: plain
// JSON. The signature's subsignatures are numbered as in its source; their patterns are those of the
// compiled signature.

/** `=n`, `<n` or `>n` on a count; of a block also how many different subsignatures must match. */
export interface CountTest {
  readonly operator: "=" | "<" | ">";
  readonly value: number;
  readonly distinct?: number;
}

/** A logical expression. A block is a part in parentheses whose sum of matches is compared. */
export type LogicalNode =
  | { readonly kind: "count"; readonly id: number; readonly test?: CountTest }
  | { readonly kind: "and" | "or"; readonly left: LogicalNode; readonly right: LogicalNode }
  | { readonly kind: "block"; readonly of: LogicalNode; readonly test: CountTest };

/** A place that only the executable's structure tells; `shift` bytes behind it are allowed too. */
export interface ExecutablePlace {
  /**
   * Entry point; start of section `section`; all of it; start of the last one; the start of any key
   * in the version information.
   */
  readonly base: "entry" | "section" | "inside" | "last" | "version";
  readonly section: number;
  readonly add: number;
  readonly shift: number;
}

/** A place in any object: from its start, or back from its end. */
export interface PlainPlace {
  readonly base: "start" | "end";
  readonly add: number;
  readonly shift: number;
}

/** A comparison of a number that stands near a match, as its text or in binary. */
export interface ByteCompare {
  /** The subsignature whose last match it is relative to. */
  readonly id: number;
  readonly add: number;
  readonly form: "hex" | "decimal" | "auto" | "binary";
  readonly isLittleEndian: boolean;
  /** All of `length` characters must be digits. */
  readonly isExact: boolean;
  readonly length: number;
  readonly tests: readonly { readonly operator: "=" | "<" | ">"; readonly value: string }[];
}

/** One subsignature. Patterns are numbers in the compiled signature. */
export type Subsignature =
  | {
      readonly kind: "body";
      /** More than one where a text is looked for in two encodings: their matches add up. */
      readonly patterns: readonly number[];
      /** Bytes of each pattern in front of what counts as its start: a byte and a gap. */
      readonly leads?: readonly number[];
      readonly place?: ExecutablePlace;
    }
  | {
      readonly kind: "pcre";
      readonly trigger: LogicalNode;
      readonly source: string;
      /** Of these: i s m x A E U. */
      readonly flags: string;
      readonly isGlobal: boolean;
      readonly place?: PlainPlace | ExecutablePlace;
      /** The match may start anywhere behind the place. */
      readonly isRolling: boolean;
      /** The whole match must lie within the place's shift. */
      readonly isEncompassed: boolean;
    }
  | { readonly kind: "compare"; readonly compare: ByteCompare }
  | {
      readonly kind: "macro";
      /** The patterns of the macro group. */
      readonly patterns: readonly number[];
      /** One of them begins so many bytes behind a match of subsignature `id`. */
      readonly id: number;
      readonly min: number;
      readonly max: number;
    };

/** A range of numbers, both ends included. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** The judgement of one ClamAV signature. */
export interface ClamavJudgement {
  readonly format: "clamav";
  readonly expression: LogicalNode;
  readonly subsignatures: readonly Subsignature[];
  /** File offset of the entry point. */
  readonly entryPoint?: NumberRange;
  readonly sectionCount?: NumberRange;
  /** Types of what the object lies in, from the outside in; each a choice, [] is "any". */
  readonly intermediates?: readonly (readonly string[])[];
}
