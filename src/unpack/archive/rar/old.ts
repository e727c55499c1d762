// Files of RAR archives that the library does not open: those of version 2, and those of solid archives
// up to version 4, in which each file goes on from the one before it.

import { crc32 } from "node:zlib";
import type { Extract } from "../../../message.ts";
import { Rar20Decoder } from "../../coder/rar/rar20.ts";
import { Rar29Decoder } from "../../coder/rar/rar29.ts";
import type { RarDecoder } from "../../coder/rar/window.ts";
import type { Giver } from "../giver.ts";
import { GivenNames } from "../library/foreign.ts";
import type { RarDirectory, RarFile, RarPacked } from "./directory.ts";

const VERSION_2 = 20;
const VERSION_3 = 29;
const VERSION_MAX = 36;

/** Yields all files that can be unpacked; returns their names. */
export function* giveOld({ files }: RarDirectory, giver: Giver): Generator<Extract, GivenNames> {
  const given = new GivenNames();
  const decoders = new Decoders();
  // Once a file is left out, those that go on from it can't be read.
  let isBroken = false;
  for (const file of files) {
    if (!giver.enter()) break;
    const { name, packed, stored } = file;
    given.entryCount++;
    if (stored !== undefined) {
      checkSum(file, stored, giver);
      yield* giver.give(name, stored);
      given.add(name.replaceAll("\\", "/"));
      continue;
    }
    if (packed === undefined || file.isEncrypted || packed.isSplit) {
      isBroken = true;
      continue;
    }
    isBroken &&= packed.isSolid;
    given.add(name.replaceAll("\\", "/"));
    if (isBroken) giver.note("unscanned", "goes on from a file that was not unpacked", name);
    else if (packed.size > giver.room) {
      giver.refuse(name);
      isBroken = true;
    } else {
      const bytes = unpack(decoders, file, packed, giver);
      isBroken = bytes === undefined;
      if (bytes !== undefined && (bytes.length > 0 || packed.size === 0)) {
        yield* giver.give(name, bytes);
      }
    }
  }
  return given;
}

/** The decoders of one archive, each made when it is first needed. */
class Decoders {
  readonly #made = new Map<number, RarDecoder>();

  for(version: number): RarDecoder | undefined {
    if (version < VERSION_2 || version > VERSION_MAX) return;
    const family = version < VERSION_3 ? VERSION_2 : VERSION_3;
    const made = this.#made.get(family);
    if (made !== undefined) return made;
    const decoder = family === VERSION_2 ? new Rar20Decoder() : new Rar29Decoder();
    this.#made.set(family, decoder);
    return decoder;
  }
}

function unpack(
  decoders: Decoders,
  file: RarFile,
  { version, data, size, isSolid }: RarPacked,
  giver: Giver,
): Buffer | undefined {
  const decoder = decoders.for(version);
  if (decoder === undefined) {
    giver.note("unscanned", "files packed by RAR before version 2 are not opened", file.name);
    return;
  }
  const end = decoder.unpack(data, size, isSolid, () => giver.goesOn());
  if (end.kind === "unsupported") {
    giver.note("unscanned", `${end.what} is not supported`, file.name);
    return;
  }
  if (end.kind === "broken" && end.bytes.length < size) {
    giver.note("damaged", "broken data", file.name);
  } else checkSum(file, end.bytes, giver);
  return end.bytes;
}

function checkSum({ crc, name }: RarFile, bytes: Uint8Array, giver: Giver): void {
  const isGood = crc === undefined || crc32(bytes) === crc;
  if (!isGood) giver.note("damaged", "checksum does not match", name);
}
