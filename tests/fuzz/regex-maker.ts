// Makes random regular expressions and subjects: the same ones for the same seed.
import { type Random, random } from "./mutate.ts";

/** Draws from a seed. */
export class Chance {
  readonly #next: Random;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  below(bound: number): number {
    return this.#next(bound);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

const PLAIN = {
  bytes: ["a", "b", "c", "x", "\\n", "ab", "."],
  classes: ["[ab]", "[^a]", "\\w", "\\d", "\\s", "[^\\n]", "[a-c1]"],
  places: ["\\b", "\\B", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "^", "$"],
  quantifiers: ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}"],
  groups: ["(?:", "(", "(?=", "(?!", "(?:", "("],
} as const;

// What Perl has beyond JavaScript.
const RICH = {
  bytes: PLAIN.bytes,
  classes: [...PLAIN.classes, "[[:alpha:]]", "\\h", "\\v", "\\N", "[\\d-a]"],
  places: [...PLAIN.places, "(?<=ab|.)", "\\G", "\\A", "\\z", "\\Z"],
  quantifiers: [...PLAIN.quantifiers, "*+", "++", "?+"],
  groups: [...PLAIN.groups, "(?>", "(?i:", "(?|", "(?<n>", "(?(?=a)"],
} as const;

/** Makes expressions of what JavaScript and PCRE agree on, or of more. */
export class ExpressionMaker {
  readonly #chance: Chance;
  readonly #isRich: boolean;
  #groups = 0;

  constructor(chance: Chance, isRich: boolean) {
    this.#chance = chance;
    this.#isRich = isRich;
  }

  make(): string {
    this.#groups = 0;
    return this.#choice(3, []);
  }

  get #kit() {
    return this.#isRich ? RICH : PLAIN;
  }

  #choice(depth: number, set: readonly number[]): string {
    const branches = [this.#branch(depth, set)];
    while (this.#chance.below(4) === 0) branches.push(this.#branch(depth, set));
    return branches.join("|");
  }

  // `outer`: groups that have surely matched; of others the two languages think differently.
  #branch(depth: number, outer: readonly number[]): string {
    const surely = [...outer];
    let branch = "";
    for (let i = 1 + this.#chance.below(4); i > 0; i--) {
      const before = this.#groups;
      const part = this.#part(depth, surely);
      const isPlace = /^(?:\\[bBGAzZ]$|\^|\$|\(\?<?[=!])/.test(part);
      const isQuantified = !isPlace && part !== "ab" && this.#chance.below(3) === 0;
      if (!isQuantified) {
        branch += part;
        if (/^\([^?]/.test(part)) surely.push(before + 1);
        continue;
      }
      // A repeated part takes something: empty passes are another difference.
      const solid = part.startsWith("(")
        ? `(?:${this.#chance.pick(["a", "b", "."])}${part})`
        : part;
      const isReference = /^\\\d/.test(part);
      branch += (isReference ? `(?:a${part})` : solid) + this.#chance.pick(this.#kit.quantifiers);
    }
    return branch;
  }

  #part(depth: number, set: readonly number[]): string {
    const kind = this.#chance.below(20);
    if (kind < 9) return this.#chance.pick(this.#kit.bytes);
    if (kind < 11) return this.#chance.pick(this.#kit.classes);
    if (kind < 14) return this.#chance.pick(this.#kit.places);
    if (kind < 17 && set.length > 0) return `\\${this.#chance.pick(set)}`;
    if (depth <= 0) return "a";
    return this.#group(depth - 1, set);
  }

  #group(depth: number, set: readonly number[]): string {
    const opening = this.#chance.pick(this.#kit.groups);
    if (opening === "(?|") {
      const first = this.#groups;
      this.#groups++;
      const one = this.#branch(depth, set);
      const most = this.#groups;
      this.#groups = first + 1;
      const other = this.#branch(depth, set);
      this.#groups = Math.max(most, this.#groups);
      return `(?|(${one})|(${other}))`;
    }
    if (opening === "(?(?=a)") {
      return `${opening}${this.#branch(depth, set)}|${this.#branch(depth, set)})`;
    }
    if (opening === "(" || opening === "(?<n>") this.#groups++;
    return `${opening}${this.#choice(depth, set)})`;
  }
}

/** A short subject of what the expressions speak of; it ends in no line feed. */
export function makeSubject(chance: Chance): string {
  let subject = "";
  for (let i = chance.below(16); i > 0; i--) {
    subject += chance.pick(["a", "b", "c", "x", "A", "1", "\n", " ", "a", "b"]);
  }
  // There, JavaScript's ^ with m matches and Perl's does not.
  return subject.endsWith("\n") ? `${subject}a` : subject;
}
