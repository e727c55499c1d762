// What decides a YARA rule beyond what the scan core evaluates, as it is kept in images: plain JSON.
// The compiler has checked types, bound names and inlined the rules a rule refers to, so that a
// judgement stands alone.

/** Where matches of one string of a rule come from. */
export interface YaraString {
  /** Patterns of the signature; each place where one of them matches is a match of the string. */
  readonly patterns: readonly number[];
  /** The matches are those of this expression; the patterns only said that there may be some. */
  readonly regex?: YaraRegex;
}

/** A regular expression in YARA's dialect. */
export interface YaraRegex {
  readonly source: string;
  /** Of these: i s. */
  readonly flags: string;
  /** Which encodings of a text it is looked for in. Neither: never as text, only by `matches`. */
  readonly isAscii: boolean;
  readonly isWide: boolean;
  readonly isFullword: boolean;
}

/** A string of the rule, or the one that the loop around is at. */
export type StringRef = number | "current";

/** How many of a set must hold; `percent` is rounded up. */
export type YaraQuantifier =
  | { readonly kind: "all" | "any" | "none" }
  | { readonly kind: "number" | "percent"; readonly value: YaraNode };

/** What a loop goes through. */
export type YaraIterator =
  | { readonly kind: "range"; readonly low: YaraNode; readonly high: YaraNode }
  | { readonly kind: "list"; readonly items: readonly YaraNode[] }
  | { readonly kind: "collection"; readonly of: YaraNode };

/** Operators between two values. `real/` divides numbers of which one has a fraction. */
export type YaraBinary =
  | ("+" | "-" | "*" | "\\" | "real/" | "%" | "&" | "|" | "^" | "<<" | ">>")
  | ("<" | "<=" | ">" | ">=" | "==" | "!=")
  | ("contains" | "icontains" | "startswith" | "istartswith")
  | ("endswith" | "iendswith" | "iequals");

/** Operators of one value. */
export type YaraUnary = "not" | "defined" | "-" | "~";

/** A condition or a part of it. */
export type YaraNode =
  /** Integers that a double can't hold are given as decimal text under `big`. */
  | { readonly op: "number"; readonly value: number }
  | { readonly op: "big"; readonly value: string }
  /** One character per byte. */
  | { readonly op: "text"; readonly value: string }
  | { readonly op: "boolean"; readonly value: boolean }
  | { readonly op: "filesize" | "entrypoint" }
  | { readonly op: "external"; readonly name: string }
  | { readonly op: "variable"; readonly slot: number }
  | { readonly op: "module"; readonly name: string }
  | { readonly op: "field"; readonly of: YaraNode; readonly name: string }
  | { readonly op: "index"; readonly of: YaraNode; readonly at: YaraNode }
  | { readonly op: "call"; readonly of: YaraNode; readonly given: readonly YaraNode[] }
  /** Passed to a module's function. */
  | { readonly op: "regex"; readonly regex: YaraRegex }
  | { readonly op: "matches"; readonly of: YaraNode; readonly regex: YaraRegex }
  | { readonly op: "and" | "or"; readonly nodes: readonly YaraNode[] }
  | { readonly op: "unary"; readonly operator: YaraUnary; readonly of: YaraNode }
  | {
      readonly op: "binary";
      readonly operator: YaraBinary;
      readonly left: YaraNode;
      readonly right: YaraNode;
    }
  | {
      /** uint32be(at) and the like. */
      readonly op: "read";
      readonly size: 1 | 2 | 4;
      readonly isSigned: boolean;
      readonly isBigEndian: boolean;
      readonly at: YaraNode;
    }
  | { readonly op: "found"; readonly string: StringRef; readonly place?: YaraPlace }
  | { readonly op: "count"; readonly string: StringRef; readonly place?: YaraPlace }
  | { readonly op: "offset" | "length"; readonly string: StringRef; readonly nth: YaraNode }
  | {
      readonly op: "of";
      readonly quantifier: YaraQuantifier;
      readonly strings: readonly number[];
      readonly place?: YaraPlace;
    }
  | {
      readonly op: "of-nodes";
      readonly quantifier: YaraQuantifier;
      readonly nodes: readonly YaraNode[];
    }
  | {
      readonly op: "for-of";
      readonly quantifier: YaraQuantifier;
      readonly strings: readonly number[];
      readonly body: YaraNode;
    }
  | {
      readonly op: "for-in";
      readonly quantifier: YaraQuantifier;
      readonly iterator: YaraIterator;
      /** Two for dictionaries: key and value. */
      readonly slots: readonly number[];
      readonly body: YaraNode;
    };

/** `at` one offset (then `high` is left out), or `in` a range of starts, both ends included. */
export interface YaraPlace {
  readonly low: YaraNode;
  readonly high?: YaraNode;
}

/** The judgement of one YARA rule. */
export interface YaraJudgement {
  readonly format: "yara";
  readonly strings: readonly YaraString[];
  readonly condition: YaraNode;
}
