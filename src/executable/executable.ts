// Programs of any system: signatures ask for entry points and sections, unpackers for what lies in
// them. Nothing here trusts a count or an offset, or throws for input.

import { type ElfFile, parseElf } from "./elf.ts";
import { type MachFile, parseMach } from "./macho.ts";
import { type PeFile, parsePe } from "./pe/pe-file.ts";

/** A program; `format` tells which. All have `entryPoint`, `sections` and `overlay`. */
export type Executable = PeFile | ElfFile | MachFile;

/** The program in `bytes`, or undefined if there is none whose headers can be read. Never throws. */
export function parseExecutable(bytes: Uint8Array): Executable | undefined {
  switch (bytes[0]) {
    case 0x4d:
    case 0x5a:
      return parsePe(bytes);
    case 0x7f:
      return parseElf(bytes);
    default:
      return parseMach(bytes);
  }
}
