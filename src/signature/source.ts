// What a signature says, between its text and its compiled form; and what is wrong with a text.
import type { Comparison } from "../gwdb/comparison.ts";
import type { Judgement } from "../gwdb/judgement.ts";
import type { Remedy, Severity } from "../message.ts";

/** What is wrong in a source, and where; lines and columns count from 1. */
export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What would have been right, if that can be said in a few words. */
  readonly expected?: string;
}

/** A diagnostic as one line: `file:line:column: message (expected …)`. */
export function describeDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, message, expected } = diagnostic;
  const hint = expected === undefined ? "" : ` (expected ${expected})`;
  return `${file}:${line}:${column}: ${message}${hint}`;
}

/** Thrown inside the compiler for what is wrong with one signature; `line` 0 is its first one. */
export class SourceError extends Error {
  readonly line: number;
  readonly column: number;
  readonly expected: string | undefined;

  constructor(message: string, at: { line: number; column: number }, expected?: string) {
    super(message);
    this.line = at.line;
    this.column = at.column;
    this.expected = expected;
  }
}

/** Where matches may start: bytes from the object's start, or back from its end. */
export interface Place {
  readonly from: number;
  readonly to: number;
  readonly isFromEnd: boolean;
}

/** Bytes that must be equal where their mask has bits. */
export interface Masked {
  readonly values: Uint8Array;
  readonly masks: Uint8Array;
}

/**
 * What a boundary asks of the bytes around it. The object's own edge always does.
 * `word`: no letter or digit; `wide-word`: none as a character of two bytes.
 * `break`: ClamAV's (B), a byte that separates words in mail and on the web.
 * `line`: ClamAV's (L), LF on the left, LF or CR LF on the right.
 */
export type BoundaryClass = "word" | "wide-word" | "break" | "line";

/** A step of a byte pattern. A gap's `max` is Infinity for "any". */
export type Op =
  | { readonly kind: "literal"; readonly bytes: Uint8Array }
  | ({ readonly kind: "masked" } & Masked)
  | { readonly kind: "gap"; readonly min: number; readonly max: number }
  | {
      readonly kind: "alternatives";
      /** May differ in length unless negated; a wildcard is a byte whose mask is 0. */
      readonly items: readonly Masked[];
      readonly isNegated: boolean;
    }
  | {
      /** Takes no bytes: looks at what is before ("left") or behind ("right") this point. */
      readonly kind: "boundary";
      readonly edge: "left" | "right";
      readonly class: BoundaryClass;
      readonly isNegated: boolean;
    };

/** A pattern as written, under its name without `$`; where it stands. */
export type Pattern = { readonly id: string; readonly line: number } & (
  | {
      readonly kind: "bytes";
      readonly ops: readonly Op[];
      /** Letters that are fixed, in whatever op, match both cases. */
      readonly isFolded: boolean;
      /** The ops are one literal, with no letter or digit on either side (of two bytes: wide). */
      readonly isFullword: boolean;
      readonly isWide: boolean;
      readonly place: Place | null;
      /** Not searched for: only a judgement asks where it is. */
      readonly isLazy?: boolean;
    }
  | {
      readonly kind: "hash";
      readonly algorithm: "md5" | "sha1" | "sha256";
      readonly digest: Uint8Array;
      /** Bytes of what has this hash; null: any number. */
      readonly size: number | null;
      /** What is hashed: the object (if left out), a section of a PE file, or its import table. */
      readonly of?: "object" | "section" | "imports";
    }
  | { readonly kind: "name"; readonly glob: string }
);

/** A condition. Patterns are given by their place in `Signature.patterns`. */
export type Expression =
  | { readonly kind: "pattern"; readonly pattern: number }
  | {
      readonly kind: "compare";
      readonly left: "size" | "depth" | { readonly count: number };
      readonly operator: Comparison;
      readonly right: number;
    }
  | { readonly kind: "type" | "container"; readonly type: string }
  | { readonly kind: "of"; readonly needed: number; readonly patterns: readonly number[] }
  /** Holds for every object of the signature's targets; only with a judgement. */
  | { readonly kind: "always" }
  | {
      readonly kind: "and" | "or";
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "not"; readonly operand: Expression };

/** How an object that matched may be made harmless. */
export type Cure =
  | { readonly kind: "none" | "remove" }
  | { readonly kind: "truncate"; readonly at: string }
  | { readonly kind: "cut"; readonly from: string; readonly to: string };

/** What people are told about a signature; kept in the image, apart from what is searched. */
export interface SignatureInfo {
  readonly name: string;
  readonly severity: Severity;
  readonly description: string;
  readonly reference: string;
  readonly cure: Cure;
}

/** What an image keeps of a signature beside what the core reads. */
export interface PackedSignature {
  readonly info: SignatureInfo;
  readonly judgement?: Judgement;
  /** Where the cure cuts, if it is one that does. */
  readonly remedy?: Remedy | undefined;
  readonly handler?: string | undefined;
}

/** A signature's text in images: a plain name, or JSON in which what is usual is left out. */
export function packInfo({ info, judgement, remedy, handler }: PackedSignature): string {
  const { name, severity, description, reference, cure } = info;
  const hasMore = judgement !== undefined || remedy !== undefined || handler !== undefined;
  if (
    !hasMore &&
    !name.startsWith("{") &&
    severity === "infected" &&
    `${description}${reference}` === ""
  ) {
    if (cure.kind === "none") return name;
  }
  const more = {
    ...(severity === "infected" ? {} : { severity }),
    ...(description === "" ? {} : { description }),
    ...(reference === "" ? {} : { reference }),
    ...(cure.kind === "none" ? {} : { cure }),
    ...(judgement === undefined ? {} : { judgement }),
    ...(remedy === undefined ? {} : { remedy }),
    ...(handler === undefined ? {} : { handler }),
  };
  if (Object.keys(more).length === 0 && !name.startsWith("{")) return name;
  return JSON.stringify({ name, ...more });
}

/** The information in what packInfo() made. */
export function unpackInfo(packed: string): SignatureInfo {
  const usual = { severity: "infected", description: "", reference: "", cure: { kind: "none" } };
  if (!packed.startsWith("{")) return { ...usual, name: packed } as SignatureInfo;
  const { judgement: _, remedy: __, handler: ___, ...info } = JSON.parse(packed);
  return { ...usual, ...info };
}

/** One signature, whatever format it was written in. */
export interface Signature {
  readonly info: SignatureInfo;
  readonly file: string;
  readonly line: number;
  /** File types it is for; empty: any. */
  readonly targets: readonly string[];
  readonly patterns: readonly Pattern[];
  /** It matches nothing but what begins with "MZ". */
  readonly needsProgram?: boolean;
  /** All there is to it, or what must hold before the judgement is asked. */
  readonly condition: Expression;
  readonly judgement?: Judgement;
  /** What the source calls its parts, where patterns have other numbers. */
  readonly partNames?: readonly string[];
  /** Others may have the same name, as in lists where one name stands for a family. */
  readonly sharesName?: boolean;
  /** It reports nothing: an object that it hits is looked at as one of this type, too. */
  readonly handler?: string;
  /** Nothing but hashes of objects, which are trusted: nothing is reported of such an object. */
  readonly isTrusted?: boolean;
}
