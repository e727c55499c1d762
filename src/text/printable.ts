// Text of unknown origin on its way to a terminal: control characters could move the cursor, forge
// lines or colour what follows, and direction marks could turn a file name round.

// Control and format characters, line and paragraph separators, halves of surrogate pairs.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text in one line, with everything that a terminal would act upon written as `\u{…}`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}

/** The same, cut to `max` characters, the last of them `…` if something was cut. */
export function printableUpTo(text: string, max: number): string {
  // Cut first: what is cut off need not be looked at. No pair is cut in half.
  const chars = Array.from(printable(text.slice(0, 2 * max)));
  const isWhole = chars.length <= max && text.length <= 2 * max;
  return isWhole ? chars.join("") : `${chars.slice(0, max - 1).join("")}…`;
}
