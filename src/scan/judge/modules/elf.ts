// YARA's elf module: the headers of ELF files.

import type { ElfFile, ElfSection, ElfSegment, ElfSymbol } from "../../../executable/elf.ts";
import { type ModuleStruct, structOf } from "./value.ts";

/** Names of numbers in conditions: `elf.EM_X86_64`. "System V ABI". */
const CONSTANTS: ModuleStruct = {
  ...{ ET_NONE: 0, ET_REL: 1, ET_EXEC: 2, ET_DYN: 3, ET_CORE: 4 },
  ...{ EM_NONE: 0, EM_M32: 1, EM_SPARC: 2, EM_386: 3, EM_68K: 4, EM_88K: 5, EM_860: 7 },
  ...{ EM_MIPS: 8, EM_MIPS_RS3_LE: 10, EM_PPC: 20, EM_PPC64: 21, EM_ARM: 40 },
  ...{ EM_X86_64: 62, EM_AARCH64: 183 },
  ...{ SHT_NULL: 0, SHT_PROGBITS: 1, SHT_SYMTAB: 2, SHT_STRTAB: 3, SHT_RELA: 4, SHT_HASH: 5 },
  ...{ SHT_DYNAMIC: 6, SHT_NOTE: 7, SHT_NOBITS: 8, SHT_REL: 9, SHT_SHLIB: 10, SHT_DYNSYM: 11 },
  ...{ SHF_WRITE: 1, SHF_ALLOC: 2, SHF_EXECINSTR: 4 },
  ...{ PT_NULL: 0, PT_LOAD: 1, PT_DYNAMIC: 2, PT_INTERP: 3, PT_NOTE: 4, PT_SHLIB: 5 },
  ...{ PT_PHDR: 6, PT_TLS: 7, PT_GNU_EH_FRAME: 0x6474_e550, PT_GNU_STACK: 0x6474_e551 },
  ...{ PT_LOPROC: 0x7000_0000, PT_HIPROC: 0x7fff_ffff },
  ...{ PF_X: 1, PF_W: 2, PF_R: 4 },
  ...{ DT_NULL: 0, DT_NEEDED: 1, DT_PLTRELSZ: 2, DT_PLTGOT: 3, DT_HASH: 4, DT_STRTAB: 5 },
  ...{ DT_SYMTAB: 6, DT_RELA: 7, DT_RELASZ: 8, DT_RELAENT: 9, DT_STRSZ: 10, DT_SYMENT: 11 },
  ...{ DT_INIT: 12, DT_FINI: 13, DT_SONAME: 14, DT_RPATH: 15, DT_SYMBOLIC: 16, DT_REL: 17 },
  ...{ DT_RELSZ: 18, DT_RELENT: 19, DT_PLTREL: 20, DT_DEBUG: 21, DT_TEXTREL: 22 },
  ...{ DT_JMPREL: 23, DT_BIND_NOW: 24, DT_INIT_ARRAY: 25, DT_FINI_ARRAY: 26 },
  ...{ DT_INIT_ARRAYSZ: 27, DT_FINI_ARRAYSZ: 28, DT_RUNPATH: 29, DT_FLAGS: 30, DT_ENCODING: 32 },
  ...{ STT_NOTYPE: 0, STT_OBJECT: 1, STT_FUNC: 2, STT_SECTION: 3, STT_FILE: 4, STT_COMMON: 5 },
  ...{ STT_TLS: 6, STB_LOCAL: 0, STB_GLOBAL: 1, STB_WEAK: 2 },
  ...{ STV_DEFAULT: 0, STV_INTERNAL: 1, STV_HIDDEN: 2, STV_PROTECTED: 3 },
};

/** The module's struct; of what is no ELF file it has the constants alone. */
export function elfModule(file: ElfFile | undefined): ModuleStruct {
  if (file === undefined) return { ...CONSTANTS, import_md5: () => undefined };
  const { header } = file;
  const fixed = {
    ...CONSTANTS,
    type: header.type,
    machine: header.machine,
    entry_point: file.entryPoint < 0 ? undefined : file.entryPoint,
    number_of_sections: header.sectionCount,
    sh_offset: header.sectionOffset,
    sh_entry_size: header.sectionEntrySize,
    number_of_segments: header.segmentCount,
    ph_offset: header.segmentOffset,
    ph_entry_size: header.segmentEntrySize,
    import_md5: () => importHash(file),
  };
  return structOf(fixed, {
    sections: () => file.sections.map(sectionStruct),
    segments: () => file.segments.map(segmentStruct),
    dynamic: () => file.dynamic?.map(({ type, value }) => ({ type, val: value })),
    dynamic_section_entries: () => file.dynamic?.length,
    symtab: () => file.symbols?.map(symbolStruct),
    symtab_entries: () => file.symbols?.length,
    dynsym: () => file.dynamicSymbols?.map(symbolStruct),
    dynsym_entries: () => file.dynamicSymbols?.length,
  });
}

function sectionStruct(section: ElfSection): ModuleStruct {
  const { name, type, flags, address, size, offset } = section;
  return { name, type, flags, address, size, offset };
}

function segmentStruct(segment: ElfSegment): ModuleStruct {
  return {
    ...{ type: segment.type, flags: segment.flags, offset: segment.offset },
    ...{ virtual_address: segment.address, physical_address: segment.physicalAddress },
    ...{ file_size: segment.fileSize, memory_size: segment.memorySize },
    alignment: segment.alignment,
  };
}

function symbolStruct(symbol: ElfSymbol): ModuleStruct {
  const { name, value, size, type, bind, sectionIndex, visibility } = symbol;
  return { name, value, size, type, bind, visibility, shndx: sectionIndex };
}

// YARA 4.3: the undefined dynamic symbols in lower case, sorted, joined by commas.
function importHash(file: ElfFile): string | undefined {
  const names = (file.dynamicSymbols ?? [])
    .filter(({ name, sectionIndex }) => sectionIndex === 0 && name !== "")
    .map(({ name }) => name.toLowerCase());
  if (names.length === 0) return;
  return new Bun.CryptoHasher("md5").update(names.sort().join(",")).digest("hex");
}
