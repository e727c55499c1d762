// Archives that libarchive opens for us: 7z, cabinets, LHA, and RAR with the help of rar.ts. It is bounded from outside: entries
// are read in chunks, real bytes are counted, and whatever it says is put into our words.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { LibraryArchive, type LibraryEntry } from "./library.ts";

/** In solid archives a file that is too large must be run through to reach the next one. */
const SKIPPED_BYTES_MAX = 1 << 30;
const BROKEN_ENTRIES_MAX = 100;

/** What came out of an archive. */
export class GivenNames extends Set<string> {
  /** Whether the library told that something was wrong. */
  hasProblem = false;
  /** Entries of any kind that it told of. */
  entryCount = 0;
  /** Names of encrypted files that it told of. */
  readonly protectedNames = new Set<string>();
}

/** Yields the files of a 7z, cabinet or LHA archive. */
export function* explodeForeign(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const input = asBuffer(bytes);
  const end = archiveEnd(input);
  if (end > input.length || input.length === 0) giver.note("damaged", "cut short");
  // Flags: there is a cabinet before this one, or after it.
  const isCabinet = isMagic(input, "MSCF") && input.length >= 36;
  if (isCabinet && (input.readUInt16LE(30) & 3) !== 0) {
    giver.note("unscanned", "one part of a set of cabinets");
  }
  const given = yield* giveLibraryFiles(bytes, giver);
  // An archive without entries is rare, and the library is silent about some that are broken.
  const isEmpty7z = isMagic(input, "7z") && end === 32;
  if (given.entryCount === 0 && !given.hasProblem && !isEmpty7z) {
    giver.note("damaged", "no entry could be read");
  }
  if (end > 0) yield* giver.giveRest(bytes, end);
  return giver.outcome;
}

/** Yields all files that the library finds in `bytes`; returns the names of those that were whole. */
export function* giveLibraryFiles(bytes: Uint8Array, giver: Giver): Generator<Extract, GivenNames> {
  const given = new GivenNames();
  const archive = new LibraryArchive(bytes);
  let broken = 0;
  while (giver.enter()) {
    const entry = archive.next();
    if (entry === undefined) break;
    given.entryCount++;
    if (entry.kind !== "file") continue;
    if (entry.isEncrypted) {
      // The library gives the encrypted bytes of what is stored, as if they were the content.
      giver.note("protected", "encrypted", entry.name);
      given.protectedNames.add(entry.name);
    } else if (yield* giveEntry(archive, entry, giver)) given.add(entry.name);
    else if (++broken >= BROKEN_ENTRIES_MAX) break;
  }
  if (!giver.isStopped && archive.problem !== "") {
    noteProblem(archive, giver, "");
    given.hasProblem = true;
  }
  given.hasProblem ||= broken > 0 || giver.isStopped;
  return given;
}

/** Yields one entry's content; false if it broke. */
function* giveEntry(
  archive: LibraryArchive,
  entry: LibraryEntry,
  giver: Giver,
): Generator<Extract, boolean> {
  const goesOn = () => giver.goesOn();
  const { bytes, end } = archive.read(giver.room, goesOn);
  if (end === "too-large") {
    if (giver.isStopped) return true;
    giver.refuse(entry.name);
    if (!archive.skip(SKIPPED_BYTES_MAX, goesOn)) giver.stop("a file is far too large");
    return true;
  }
  if (end === "broken") noteProblem(archive, giver, entry.name);
  if (end === "whole" || bytes.length > 0) yield* giver.give(entry.name, bytes);
  return end === "whole";
}

// The library has no codes for why it failed, only sentences.
function noteProblem(archive: LibraryArchive, giver: Giver, name: string): void {
  const { problem } = archive;
  if (archive.isOutOfMemory || /memory|allocate/i.test(problem)) {
    giver.note("unscanned", "needs more memory than is allowed", name);
  } else if (archive.isOutOfFuel) {
    giver.note("unscanned", "takes too long to unpack", name);
  } else if (/encrypt|passphrase|password/i.test(problem)) {
    giver.note("protected", name === "" ? "encrypted, with all names" : "encrypted", name);
  } else if (/support|unrecognized|unknown (?:codec|compression)|multi-?volume/i.test(problem)) {
    giver.note("unscanned", problem, name);
  } else {
    giver.note("damaged", problem, name);
  }
}

// Formats that say how long they are: more may stand behind. 0 for those that do not.
function archiveEnd(bytes: Buffer): number {
  if (isMagic(bytes, "7z")) {
    if (bytes.length < 32) return Infinity;
    return 32 + Number(bytes.readBigUInt64LE(12) + bytes.readBigUInt64LE(20));
  }
  if (isMagic(bytes, "MSCF")) return bytes.length < 36 ? Infinity : bytes.readUInt32LE(8);
  return 0;
}

function isMagic(bytes: Buffer, magic: string): boolean {
  return bytes.toString("latin1", 0, magic.length) === magic;
}
