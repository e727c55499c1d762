// Text of any kind is looked at for everything that text can carry: which reader a person opens it
// with is not for the text to say. Each step is quick where it finds nothing.

import type { Budget } from "../../../base/budget.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { explodeText } from "../../inline.ts";
import { explodeBinhex } from "../../mail/binhex.ts";
import { explodeArmour } from "../../mail/pgp.ts";
import { Tally } from "../../tally.ts";
import { explodeShortcutText } from "../shortcut-text.ts";
import { explodeEncodedScript } from "./encoded-script.ts";
import { explodeMarkup } from "./markup.ts";
import { explodeStrings } from "./string-chain.ts";
import { utf7Text, utf16Text } from "./wide-text.ts";

type Step = (bytes: Uint8Array, budget: Budget) => Generator<Extract, Explosion>;

const STEPS: readonly Step[] = [
  explodeText,
  explodeArmour,
  explodeBinhex,
  explodeEncodedScript,
  explodeShortcutText,
  explodeMarkup,
  explodeStrings,
];

/** Yields everything that a text holds; text in UTF-16 is given as UTF-8 and looked at as that. */
export function* explodeAnyText(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const wide = utf16Text(bytes);
  const views = [wide, wide === undefined ? utf7Text(bytes) : undefined];
  for (const view of views) {
    if (view === undefined || view.length === 0) continue;
    if (!budget.takeObject(view.length)) {
      return { status: "unscanned", note: "more than may still be extracted" };
    }
    yield { name: "text in UTF-8", declaredType: "", bytes: view };
  }
  // Whatever the steps read is in the view of UTF-16.
  if (wide !== undefined) return { status: "clean", note: "" };
  const tally = new Tally();
  for (const step of STEPS) {
    const end = yield* step(bytes, budget);
    if (end.status !== "clean") tally.add(end.status, end.note);
  }
  return tally.outcome;
}
