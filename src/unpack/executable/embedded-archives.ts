// Self-extracting archives: a program with an archive behind it or inside it. 7z, RAR and cabinets
// are looked for here (ZIP is found from its end, as a type of its own); each start must look like a
// whole header, since programs that pack things have these words in their code.

import { crc32 } from "node:zlib";
import { asBuffer } from "../../base/bytes.ts";
import type { Extract } from "../../message.ts";
import type { Giver } from "../archive/giver.ts";

/** Places tried for one format: an installer's own code mentions it a few times. */
const TRIES_MAX = 256;
const ARCHIVES_MAX = 16;

interface Signature {
  readonly format: string;
  readonly magic: string;
  /** Where the archive that starts at `at` ends; undefined if none does. */
  readonly end: (input: Buffer, at: number) => number | undefined;
}

const SIGNATURES: readonly Signature[] = [
  { format: "7z", magic: "7z\xbc\xaf\x27\x1c", end: sevenZipEnd },
  { format: "rar", magic: "Rar!\x1a\x07", end: rarEnd },
  { format: "cab", magic: "MSCF\0\0\0\0", end: cabinetEnd },
];

/** Yields the archives in `bytes`, which are not one themselves; where each begins. */
export function* giveArchives(
  bytes: Uint8Array,
  giver: Giver,
): Generator<Extract, ReadonlySet<number>> {
  const input = asBuffer(bytes);
  const starts = new Set<number>();
  for (const { format, magic, end } of SIGNATURES) {
    let at = input.indexOf(magic, 1, "latin1");
    for (let tries = 0; at > 0 && tries < TRIES_MAX && giver.enter(); tries++) {
      const found = end(input, at);
      if (found !== undefined) {
        if (starts.size >= ARCHIVES_MAX) {
          giver.stop("too many archives in one program");
          break;
        }
        starts.add(at);
        yield* giver.give(`${format} archive at ${at}`, input.subarray(at, found));
      }
      at = input.indexOf(magic, found ?? at + 1, "latin1");
    }
  }
  return starts;
}

// The start header has a checksum of its own, and says where the archive ends.
function sevenZipEnd(input: Buffer, at: number): number | undefined {
  if (at + 32 > input.length || input[at + 6] !== 0) return;
  if (crc32(input.subarray(at + 12, at + 32)) !== input.readUInt32LE(at + 8)) return;
  const size = 32 + Number(input.readBigUInt64LE(at + 12) + input.readBigUInt64LE(at + 20));
  return Math.min(input.length, at + size);
}

// The first block: RAR 4 has its marker and the main header (73), RAR 5 a main header or encryption.
function rarEnd(input: Buffer, at: number): number | undefined {
  const isFour = input[at + 6] === 0 && input[at + 9] === 0x73;
  const type = input[at + 13] ?? 0;
  const isFive = input[at + 6] === 1 && input[at + 7] === 0 && (type === 1 || type === 4);
  return isFour || isFive ? input.length : undefined;
}

// Version 1.3, a size that fits, at least one folder and one file.
function cabinetEnd(input: Buffer, at: number): number | undefined {
  if (at + 36 > input.length || input.readUInt16LE(at + 24) !== 0x0103) return;
  const size = input.readUInt32LE(at + 8);
  const isFilled = input.readUInt16LE(at + 26) > 0 && input.readUInt16LE(at + 28) > 0;
  if (!isFilled || size < 36 || input.readUInt32LE(at + 16) >= size) return;
  return Math.min(input.length, at + size);
}
