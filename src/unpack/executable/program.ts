// Programs of any system: what lies behind them, what they carry as resources, the programs within a
// universal file, and archives anywhere inside. The program itself has been scanned as it is; this
// is about what a type of its own makes worth a second look.

import type { Budget } from "../../base/budget.ts";
import { asBuffer, isBlank } from "../../base/bytes.ts";
import { type Executable, parseExecutable } from "../../executable/executable.ts";
import { universalMembers } from "../../executable/macho.ts";
import { DIRECTORY } from "../../executable/pe/image.ts";
import type { PeFile } from "../../executable/pe/pe-file.ts";
import type { Stretch } from "../../executable/shape.ts";
import type { Explosion, Extract } from "../../message.ts";
import { Giver } from "../archive/giver.ts";
import { giveArchives } from "./embedded-archives.ts";
import { findNsis, giveNsis } from "./nsis.ts";
import { giveManagedResources, giveResources } from "./resources.ts";

/** A ZIP's end record without a comment, as it stands at the very end of a self-extractor. */
const ZIP_END = 22;
/** Padding of certificates is up to seven bytes; this much is something put there. */
const HIDDEN_MIN = 16;

/** Begins the list of files in such installers; their program has it too, but not behind itself. */
const INNO_SETUP = "Inno Setup Setup Data (";

/** Yields what a program carries. */
export function* explodeProgram(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const members = universalMembers(bytes);
  if (members.length > 0) {
    for (const { processor, offset, size } of members) {
      const name = `program for processor ${processor % 0x100_0000}`;
      yield* giver.give(name, bytes.subarray(offset, offset + size));
    }
    return giver.outcome;
  }
  const archives = yield* giveArchives(bytes, giver);
  const program = parseExecutable(bytes);
  if (program === undefined) return giver.outcome;
  const overlay = overlayOf(program);
  const installer = program.format === "pe" ? findNsis(bytes) : undefined;
  if (installer === undefined) yield* giveOverlay(bytes, overlay, { archives, giver });
  else {
    yield* giveNsis(installer, giver, budget);
    const size = overlay.offset + overlay.size - installer.end;
    if (size > 0) yield* giveOverlay(bytes, { offset: installer.end, size }, { archives, giver });
  }
  if (program.format === "pe") {
    yield* giveBehindSignatures(program, giver);
    yield* giveResources(program, giver);
    yield* giveManagedResources(program, giver);
  }
  return giver.outcome;
}

interface Given {
  /** Where archives begin that have been given. */
  readonly archives: ReadonlySet<number>;
  readonly giver: Giver;
}

function* giveOverlay(bytes: Uint8Array, overlay: Stretch, given: Given): Generator<Extract> {
  const { offset, size } = overlay;
  if (size === 0 || given.archives.has(offset) || isBlank(bytes, offset, offset + size)) return;
  // Self-extracting ZIP files are read as ZIP files: by their end.
  if (isZipAt(bytes, offset) && hasZipEnd(bytes)) return;
  const input = asBuffer(bytes).subarray(offset, offset + size);
  if (input.includes(INNO_SETUP, 0, "latin1")) {
    given.giver.note("unscanned", "the files of Inno Setup installers are not opened");
  }
  yield* given.giver.give("data behind the program", bytes.subarray(offset, offset + size));
}

// Signatures stand behind the program too, and are no secret.
function overlayOf(program: Executable): Stretch {
  const { overlay } = program;
  if (program.format !== "pe") return overlay;
  const { address = 0, size = 0 } = program.directories[DIRECTORY.security] ?? {};
  const end = overlay.offset + overlay.size;
  if (address === 0 || size === 0 || address < overlay.offset || address > end) return overlay;
  return { offset: overlay.offset, size: address - overlay.offset };
}

// The signature stays valid whatever stands in its table behind it, or behind the table.
function* giveBehindSignatures(program: PeFile, giver: Giver): Generator<Extract> {
  const { address = 0, size = 0 } = program.directories[DIRECTORY.security] ?? {};
  const { bytes } = program.reader;
  if (address === 0 || size === 0 || address >= bytes.length) return;
  // One entry: its length, revision and type, then DER, whose own length counts.
  const derAt = address + 8;
  const derEnd = bytes[derAt] === 0x30 ? derAt + derSize(bytes, derAt) : address;
  const hidden = bytes.subarray(Math.min(derEnd, bytes.length));
  if (derEnd > address && hidden.length >= HIDDEN_MIN && !isBlank(hidden) && !isEntry(hidden)) {
    yield* giver.give("data behind the signature", hidden);
  }
}

function derSize(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? 0;
  const count = first & 0x7f;
  if (first < 0x80) return 2 + first;
  if (count > 4 || at + 2 + count > bytes.length || count === 0) return bytes.length;
  return 2 + count + bytes.readUIntBE(at + 2, count);
}

// A second entry of the table: padding to eight bytes, then revision 2 and PKCS #7.
function isEntry(bytes: Buffer): boolean {
  for (let at = 0; at < 8; at++) {
    if (bytes.readUInt32LE(at + 4) === 0x0002_0200 && isBlank(bytes, 0, at)) return true;
  }
  return false;
}

function isZipAt(bytes: Uint8Array, at: number): boolean {
  return asBuffer(bytes).toString("latin1", at, at + 4) === "PK\x03\x04";
}

// One whose directory names nothing is no ZIP file to anyone who goes by its end.
function hasZipEnd(bytes: Uint8Array): boolean {
  const end = asBuffer(bytes).subarray(-ZIP_END);
  return end.toString("latin1", 0, 4) === "PK\x05\x06" && end.readUInt16LE(8) > 0;
}
