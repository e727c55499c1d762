// Text of any kind is looked at for everything that text can carry: which reader a person opens it
// with is not for the text to say. Each step is quick where it finds nothing.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import { MarkFinder } from "../../../codec/native.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { explodeText, INLINE_MARKS } from "../../inline.ts";
import { BINHEX_MARK, explodeBinhex } from "../../mail/binhex.ts";
import { ARMOUR_MARK, explodeArmour } from "../../mail/pgp.ts";
import { Tally } from "../../tally.ts";
import { explodeShortcutText } from "../shortcut-text.ts";
import { ENCODED_SCRIPT_MARK, explodeEncodedScript } from "./encoded-script.ts";
import { explodeMarkup } from "./markup.ts";
import { explodeStrings, STRING_MARKS } from "./string-chain.ts";
import { UTF7_MARKS, utf7Text, utf16Text } from "./wide-text.ts";

type Exploder = (bytes: Uint8Array, budget: Budget) => Generator<Extract, Explosion>;

// What to do if one of its marks is there; without marks it is always done, and quick by itself.
const STEPS: readonly { readonly marks: readonly string[]; readonly explode: Exploder }[] = [
  { marks: INLINE_MARKS, explode: explodeText },
  { marks: [ARMOUR_MARK], explode: explodeArmour },
  { marks: [BINHEX_MARK], explode: explodeBinhex },
  { marks: [ENCODED_SCRIPT_MARK], explode: explodeEncodedScript },
  { marks: [], explode: explodeShortcutText },
  { marks: [], explode: explodeMarkup },
  { marks: STRING_MARKS, explode: explodeStrings },
];
const FINDER = new MarkFinder([...STEPS.map(({ marks }) => marks), UTF7_MARKS]);
const UTF7_BIT = 1 << STEPS.length;

/** Yields everything that a text holds; text in UTF-16 is given as UTF-8 and looked at as that. */
export function* explodeAnyText(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const wide = utf16Text(bytes);
  const found = wide === undefined ? FINDER.find(bytes) : 0;
  const view = (found & UTF7_BIT) === 0 ? wide : utf7Text(bytes);
  if (view !== undefined && view.length > 0) {
    if (!budget.takeObject(view.length)) {
      return { status: "unscanned", note: "more than may still be extracted" };
    }
    yield { name: "text in UTF-8", declaredType: "", bytes: view };
  }
  // Whatever the steps read is in the view of UTF-16.
  if (wide !== undefined) return { status: "clean", note: "" };
  const tally = new Tally();
  for (const [place, { marks, explode }] of STEPS.entries()) {
    const isMarked = (found & (1 << place)) !== 0 || (place === 0 && startsWithBlock(bytes));
    if (marks.length > 0 && !isMarked) continue;
    const end = yield* explode(bytes, budget);
    if (end.status !== "clean") tally.add(end.status, end.note);
  }
  return tally.outcome;
}

// A uuencoded file at the very start has no line end before it.
function startsWithBlock(bytes: Uint8Array): boolean {
  return asBuffer(bytes).toString("latin1", 0, 5) === "begin";
}
