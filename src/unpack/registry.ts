// Which unpacker takes which type apart. Messages are not here: they are mime/'s.

import type { Budget } from "../base/budget.ts";
import type { Explosion, Extract } from "../message.ts";
import { explodeGzip } from "./gzip.ts";
import { explodeText } from "./inline.ts";
import { explodeMbox } from "./mbox.ts";
import { explodeZip } from "./zip.ts";

/**
 * Takes an object apart within `budget`: asks it before every extract, and ends "unscanned" when it
 * may not go on. What it returns is the object's own status.
 */
export type Unpacker = (bytes: Uint8Array, budget: Budget) => Generator<Extract, Explosion>;

const UNPACKERS: ReadonlyMap<string, Unpacker> = new Map<string, Unpacker>([
  ["zip", explodeZip],
  ["ooxml", explodeZip],
  ["odf", explodeZip],
  ["jar", explodeZip],
  ["apk", explodeZip],
  ["epub", explodeZip],
  ["gzip", explodeGzip],
  ["mbox", explodeMbox],
  ["text", explodeText],
  ["html", explodeText],
  ["hta", explodeText],
  ["xml", explodeText],
  ["svg", explodeText],
  ["wsf", explodeText],
  ["shell", explodeText],
  ["batch", explodeText],
  ["ics", explodeText],
  ["vcard", explodeText],
  ["uuencode", explodeText],
  ["yenc", explodeText],
  // Text with a NUL in it is "binary", and mail programs still open the files written in it.
  ["binary", explodeText],
]);

/** The unpacker for objects of `type`, a name of `scan/file-type.ts`; undefined if none is needed. */
export function unpackerFor(type: string): Unpacker | undefined {
  return UNPACKERS.get(type);
}
