// AppleSingle and AppleDouble: a Macintosh file's forks and attributes in one file. RFC 1740.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { Tally } from "../tally.ts";

const HEADER_BYTES = 26;
const ENTRY_BYTES = 12;
const ENTRIES_MAX = 64;
// RFC 1740 §B: entry numbers. All others are dates, icons and attributes of the Finder.
const ENTRY = { data: 1, resource: 2, name: 3 } as const;

/** Yields the data and resource fork of an AppleSingle or AppleDouble file. */
export function* explodeAppleFile(
  bytes: Uint8Array,
  budget: Budget,
): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const tally = new Tally();
  if (input.length < HEADER_BYTES) return { status: "damaged", note: "cut short" };
  const count = input.readUInt16BE(HEADER_BYTES - 2);
  if (count > ENTRIES_MAX) tally.add("unscanned", "too many entries");
  const forks: { id: number; bytes: Buffer }[] = [];
  let name = "";
  for (let index = 0; index < Math.min(count, ENTRIES_MAX); index++) {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    if (at + ENTRY_BYTES > input.length) {
      tally.add("damaged", "cut short");
      break;
    }
    const id = input.readUInt32BE(at);
    const start = input.readUInt32BE(at + 4);
    const end = start + input.readUInt32BE(at + 8);
    if (end > input.length) tally.add("damaged", "an entry is cut short");
    const content = input.subarray(start, end);
    if (id === ENTRY.name) name = cleanName(content.toString("utf8", 0, 255));
    else if (id === ENTRY.data || id === ENTRY.resource) forks.push({ id, bytes: content });
  }
  for (const fork of forks) {
    if (fork.bytes.length === 0) continue;
    const label = fork.id === ENTRY.data ? name || "data fork" : `${name} (resource fork)`.trim();
    if (budget.takeObject(fork.bytes.length)) {
      yield { name: label, declaredType: "", bytes: fork.bytes };
    } else tally.add("unscanned", "more than may still be extracted", label);
  }
  return tally.outcome;
}
