// Which unpacker takes which type apart. Messages are not here: they are mime/'s.

import type { Budget } from "../base/budget.ts";
import type { Explosion, Extract } from "../message.ts";
import { ARCHIVE_UNPACKERS } from "./archive/table.ts";
import { explodeProgram } from "./executable/program.ts";
import { explodeGzip } from "./gzip.ts";
import { MAIL_UNPACKERS } from "./mail/table.ts";
import { explodeMbox } from "./mbox.ts";
import { explodeOle2 } from "./office/ole2.ts";
import { explodePdf } from "./pdf/explode.ts";
import { SCRIPT_UNPACKERS } from "./script/table.ts";
import { explodeZip } from "./zip/zip.ts";

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
  ["pdf", explodePdf],
  ["ole2", explodeOle2],
  ...ARCHIVE_UNPACKERS,
  ["pe", explodeProgram],
  ["dosexe", explodeProgram],
  ["elf", explodeProgram],
  ["macho", explodeProgram],
  ["mbox", explodeMbox],
  ...MAIL_UNPACKERS,
  ...SCRIPT_UNPACKERS,
]);

/** The unpacker for objects of `type`, a name of `scan/file-type.ts`; undefined if none is needed. */
export function unpackerFor(type: string): Unpacker | undefined {
  return UNPACKERS.get(type);
}
