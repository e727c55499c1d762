// Whether an assertion holds at a place of the subject.
import { isWordByte } from "../byte-set.ts";
import type { Assertion } from "../syntax.ts";

/** Where assertions look. */
export interface Surroundings {
  readonly bytes: Uint8Array;
  /** Where the search began. */
  readonly from: number;
  /** The subject's end. */
  readonly to: number;
}

/** Assertions by their number in programs. */
export const ASSERTION_ORDER: readonly Assertion[] = [
  "start",
  "end",
  "last",
  "lineStart",
  "lineEnd",
  "word",
  "notWord",
  "from",
];

/** Whether the assertion of that number holds at `at`. */
export function holdsAt(number: number, { bytes, from, to }: Surroundings, at: number): boolean {
  const isWord = (place: number) => place >= 0 && place < to && isWordByte(bytes[place] as number);
  switch (ASSERTION_ORDER[number]) {
    case "start":
      return at === 0;
    case "end":
      return at === to;
    case "last":
      return at === to || (at === to - 1 && bytes[at] === 10);
    case "lineStart":
      return at === 0 || (bytes[at - 1] === 10 && at < to);
    case "lineEnd":
      return at === to || bytes[at] === 10;
    case "word":
      return isWord(at - 1) !== isWord(at);
    case "notWord":
      return isWord(at - 1) === isWord(at);
    case "from":
      return at === from;
    default:
      return false;
  }
}
