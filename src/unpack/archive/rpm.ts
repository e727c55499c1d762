// RPM packages: a lead, two headers, and a compressed cpio archive. LSB 5.0 Core, "RPM Package
// Format".

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { Giver } from "./giver.ts";

const LEAD_BYTES = 96;
const HEADER_MAGIC = 0x8ead_e801;
const HEADER_FIXED_BYTES = 16;
const INDEX_ENTRY_BYTES = 16;

/** Yields a package's payload, which is taken apart by its own type. */
export function* explodeRpm(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const signatureEnd = headerEnd(input, LEAD_BYTES);
  // Only the signature header is padded, to eight bytes.
  const end = signatureEnd < 0 ? -1 : headerEnd(input, Math.ceil(signatureEnd / 8) * 8);
  if (end < 0) giver.note("damaged", "a header is broken");
  else if (end >= input.length) giver.note("damaged", "there is no payload");
  else yield* giver.give("payload", input.subarray(end));
  return giver.outcome;
}

// -1 if no header stands at `at`.
function headerEnd(input: Buffer, at: number): number {
  if (at + HEADER_FIXED_BYTES > input.length || input.readUInt32BE(at) !== HEADER_MAGIC) return -1;
  const entries = input.readUInt32BE(at + 8);
  return at + HEADER_FIXED_BYTES + entries * INDEX_ENTRY_BYTES + input.readUInt32BE(at + 12);
}
