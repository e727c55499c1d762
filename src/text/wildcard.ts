// Masks with `*` (any run of characters) and `?` (one character), as people write them for
// addresses and file names. Matching keeps one place to go back to, so that it takes at worst
// mask times text steps whatever a sender put into the text.

/** Whether `text` matches `mask` as a whole. Both are compared as they are: fold case before. */
export function matchesWildcard(mask: string, text: string): boolean {
  return walk(mask, text, (wanted, found) => wanted === "?" || wanted === found);
}

/**
 * Whether every text that `inner` matches is matched by `outer`. May say no of masks that do cover
 * each other in an odd way (`*a*` and `*?a*`), but never yes of ones that do not.
 */
export function coversWildcard(outer: string, inner: string): boolean {
  // `inner` is taken as a text in which a star is a character that only a star can stand for.
  return walk(outer, inner, (wanted, found) =>
    wanted === "?" ? found !== "*" : wanted === found && found !== "*",
  );
}

function walk(
  mask: string,
  text: string,
  isSame: (wanted: string | undefined, found: string | undefined) => boolean,
): boolean {
  let at = 0;
  let star = -1;
  let resumeAt = 0;
  for (let place = 0; place < text.length; ) {
    if (mask[at] === "*") {
      star = at++;
      resumeAt = place;
    } else if (at < mask.length && isSame(mask[at], text[place])) {
      at++;
      place++;
    } else if (star >= 0) {
      // The last star takes one character more. An earlier one never needs to: what it could gain
      // the last one gains as well.
      at = star + 1;
      place = ++resumeAt;
    } else return false;
  }
  while (mask[at] === "*") at++;
  return at === mask.length;
}
