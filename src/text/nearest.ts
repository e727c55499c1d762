// "Did you mean": the known word that lies nearest to a mistyped one.

/** Longer words are not compared: what a hostile or pasted text costs stays bounded. */
const WORD_LENGTH_MAX = 64;

// Optimal string alignment: insertions, deletions, replacements and neighbours swapped, each one.
function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let best = Math.min(
        (above[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (above[j - 1] ?? 0) + (isSame ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}

/** The candidate nearest to `word`, upper and lower case alike; undefined if none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > WORD_LENGTH_MAX) return undefined;
  const wanted = word.toLowerCase();
  // A third of the letters may be wrong; more than that is a guess, not a help.
  let leastMistakes = Math.max(1, Math.floor(word.length / 3)) + 1;
  let best: string | undefined;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= leastMistakes) continue;
    const mistakes = distance(wanted, candidate.toLowerCase());
    if (mistakes < leastMistakes) {
      leastMistakes = mistakes;
      best = candidate;
    }
  }
  return best;
}
