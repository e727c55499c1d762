// A set as ClamAV's are: half plain, the rest with wildcards, gaps, alternatives, both cases, short
// runs and logical expressions, made of the same literals.
import { Random } from "../../scan/generator.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Different bytes that a part has which a scanner may have to look for. */
const VARIETY_MIN = 5;
const isVaried = (part: Uint8Array) => new Set(part).size >= VARIETY_MIN;

function varied(random: Random, literal: Uint8Array): string {
  const middle = (literal.length >> 1) - random.below(3);
  const [left, right] = [hex(literal.subarray(0, middle)), hex(literal.subarray(middle + 2))];
  const joint = random.pick([
    "????",
    "{2}",
    "{1-6}",
    "{-20}",
    "*",
    `(${hex(literal.subarray(middle, middle + 2))}|0000)`,
    `${hex(literal.subarray(middle, middle + 1))}??`,
  ]);
  return `${left}${joint}${right}`;
}

/** Files in ClamAV's formats: `.ndb` and `.ldb`. */
export function mixedSet(literals: readonly Buffer[]): {
  readonly ndb: string;
  readonly ldb: string;
} {
  const random = new Random(13);
  const ndb: string[] = [];
  const ldb: string[] = [];
  for (const [i, literal] of literals.entries()) {
    const half = literal.length >> 1;
    const [a, b] = [literal.subarray(0, half), literal.subarray(half)];
    const kind = isVaried(a) && isVaried(b) ? random.below(10) : 0;
    if (kind < 5) ndb.push(`Plain.${i}:0:*:${hex(literal)}`);
    else if (kind < 7) ndb.push(`Varied.${i}:0:*:${varied(random, literal)}`);
    else if (kind < 8) ldb.push(`Fold.${i};Engine:81-255,Target:0;0;${hex(literal)}::i`);
    else {
      const expression = random.pick(["0&1", "0|1", "0>1&1", "(0&1)>2"]);
      ldb.push(`Logical.${i};Engine:81-255,Target:0;${expression};${hex(a)};${hex(b)}`);
    }
  }
  return { ndb: `${ndb.join("\n")}\n`, ldb: `${ldb.join("\n")}\n` };
}
