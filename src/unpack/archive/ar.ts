// ar archives: Debian packages and static libraries, with the long names of GNU and of BSD.
// FreeBSD ar(5).

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { Giver } from "./giver.ts";
import { decodeName } from "./tar-header.ts";

const MAGIC_BYTES = 8;
const HEADER_BYTES = 60;
const HEADER_END = "`\n";

/** Yields the members of an ar archive. */
export function* explodeAr(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  let longNames: Buffer = Buffer.alloc(0);
  let at = MAGIC_BYTES;
  while (at < input.length && giver.enter()) {
    const digits = input.toString("latin1", at + 48, at + 58).trim();
    const hasEnd = input.toString("latin1", at + 58, at + HEADER_BYTES) === HEADER_END;
    if (!hasEnd || !/^\d{1,10}$/.test(digits)) {
      // Padding at the end is no header; anything else should have been one.
      if (at > MAGIC_BYTES) yield* giver.giveRest(input, at);
      if (input.subarray(at).some((byte) => byte !== 0 && byte !== 10)) {
        giver.note("damaged", "a header is broken");
      }
      break;
    }
    const start = at + HEADER_BYTES;
    const end = start + Number(digits);
    const data = input.subarray(start, Math.min(end, input.length));
    const short = input.toString("latin1", at, at + 16).trimEnd();
    const member = named(short, data, longNames);
    if (end > input.length) giver.note("damaged", "cut short", member.name);
    if (short === "//") longNames = data;
    else yield* giver.give(member.name, member.data);
    at = end + (end & 1);
  }
  return giver.outcome;
}

// BSD puts a long name before the data and says how long it is; GNU puts all into one member and
// says where each stands.
function named(short: string, data: Buffer, longNames: Buffer): { name: string; data: Buffer } {
  const bsd = /^#1\/(\d{1,5})$/.exec(short);
  if (bsd !== null) {
    const size = Number(bsd[1]);
    const name = decodeName(data.subarray(0, size)).replace(/\0+$/, "");
    return { name, data: data.subarray(size) };
  }
  const gnu = /^\/(\d{1,10})$/.exec(short);
  if (gnu !== null) {
    const start = Number(gnu[1]);
    const end = longNames.indexOf(10, start);
    const name = decodeName(longNames.subarray(start, end < 0 ? longNames.length : end));
    return { name: name.replace(/\/$/, ""), data };
  }
  return { name: short === "/" ? "symbols" : short.replace(/\/$/, ""), data };
}
