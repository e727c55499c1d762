// RAR archives. libarchive unpacks them, but ends in silence at some headers that it does not like,
// so the headers are walked here as well: what it did not give is told, and members that are merely
// stored are given all the same. Solid archives of RAR 4, and files of RAR 2, are unpacked here.

import { crc32 } from "node:zlib";
import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { type RarDirectory, readDirectory } from "../rar/directory.ts";
import { giveOld } from "../rar/old.ts";
import { unlock4 } from "../rar/unlock4.ts";
import { type Unlocked, unlock5 } from "../rar/unlock5.ts";
import { type GivenNames, giveLibraryFiles } from "./foreign.ts";

/** Files may have passwords of their own. */
const PASSWORDS_MAX = 4;
const SIGNATURE_4 = "Rar!\x1a\x07\0";
const SIGNATURE_5 = "Rar!\x1a\x07\x01\0";

/** Yields the files of a RAR archive. */
export function* explodeRar(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  let input = asBuffer(bytes);
  for (let count = 0; count < PASSWORDS_MAX; count++) {
    const unlocked = unlock(input, budget);
    if (unlocked === undefined) break;
    giver.notePassword(unlocked.password);
    input = unlocked.bytes;
  }
  const directory = readDirectory(input);
  if (directory === undefined) {
    giver.note("unscanned", "RAR archives of the first versions are not opened");
    return giver.outcome;
  }
  if (directory.isVolume) giver.note("unscanned", "one part of an archive in several volumes");
  const given = directory.isOwn
    ? yield* giveOld(directory, giver)
    : yield* giveChecked(input, directory, giver);
  if (directory.isCut) giver.note("damaged", "cut short");
  else if (!directory.isWhole && !given.hasProblem) giver.note("damaged", "a header is broken");
  if (given.size < directory.files.length) {
    yield* giveMissing(directory, given, giver);
  }
  if (directory.isWhole) yield* giver.giveRest(input, directory.end);
  return giver.outcome;
}

// Only what would fit unpacked is written anew.
function unlock(input: Buffer, budget: Budget): Unlocked | undefined {
  if (input.length > budget.bytesLeft) return;
  if (input.toString("latin1", 0, 8) === SIGNATURE_5) return unlock5(input, budget.passwords);
  if (input.toString("latin1", 0, 7) === SIGNATURE_4) return unlock4(input, budget.passwords);
  return;
}

// The library verifies checksums in most cases, and passes over some.
function* giveChecked(
  bytes: Uint8Array,
  directory: RarDirectory,
  giver: Giver,
): Generator<Extract, GivenNames> {
  const sums = new Set(directory.files.map(({ crc }) => crc));
  const files = giveLibraryFiles(bytes, giver);
  let step = files.next();
  for (; step.done !== true; step = files.next()) {
    const isGood = sums.has(undefined) || sums.has(crc32(step.value.bytes));
    if (!isGood) giver.note("damaged", "checksum does not match", step.value.name);
    yield step.value;
  }
  return step.value;
}

// What the library should have given, as the headers tell.
function* giveMissing(
  directory: RarDirectory,
  given: GivenNames,
  giver: Giver,
): Generator<Extract> {
  const isExplained = directory.isVolume || given.hasProblem;
  for (const file of directory.files) {
    if (!file.hasData || given.has(normal(file.name))) continue;
    if (file.stored !== undefined) yield* giver.give(file.name, file.stored);
    else if (!file.isEncrypted) {
      if (!isExplained) giver.note("damaged", "could not be unpacked", file.name);
    } else if (!given.protectedNames.has(normal(file.name))) {
      giver.note("protected", "encrypted", file.name);
    }
  }
}

// The library writes names its own way where they are not ASCII.
function normal(name: string): string {
  return name.replaceAll("\\", "/");
}
