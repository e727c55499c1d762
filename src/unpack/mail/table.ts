// Which type of thing that comes by mail alone is taken apart by what.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { explodeAnyText } from "../script/text/any-text.ts";
import { Tally } from "../tally.ts";
import { explodeAppleFile } from "./apple-file.ts";
import { explodeCalendar } from "./calendar.ts";
import { explodePgp } from "./pgp.ts";
import { explodePem, explodePkcs7 } from "./pkcs7.ts";
import { explodeTnef } from "./tnef.ts";

type Unpacker = (bytes: Uint8Array, budget: Budget) => Generator<Extract, Explosion>;

/** Unpackers by type, as `scan/file-type.ts` names it. */
export const MAIL_UNPACKERS: readonly (readonly [type: string, unpack: Unpacker])[] = [
  ["tnef", explodeTnef],
  ["smime", explodePkcs7],
  ["pem", (bytes, budget) => inTurn([explodePem, explodeAnyText], bytes, budget)],
  ["pgp", (bytes, budget) => (isArmoured(bytes) ? explodeAnyText : explodePgp)(bytes, budget)],
  ["applefile", explodeAppleFile],
  ["ics", (bytes, budget) => inTurn([explodeCalendar, explodeAnyText], bytes, budget)],
  ["vcard", (bytes, budget) => inTurn([explodeCalendar, explodeAnyText], bytes, budget)],
];

// What is text is read as any text as well: armour has text around it, a calendar has notes.
function* inTurn(
  steps: readonly Unpacker[],
  bytes: Uint8Array,
  budget: Budget,
): Generator<Extract, Explosion> {
  const tally = new Tally();
  for (const step of steps) {
    const end = yield* step(bytes, budget);
    if (end.status !== "clean") tally.add(end.status, end.note);
  }
  return tally.outcome;
}

function isArmoured(bytes: Uint8Array): boolean {
  return asBuffer(bytes).includes("-----BEGIN PGP ");
}
