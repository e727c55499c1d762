// YARA's pe module: the fields of Windows programs.

import { peChecksum } from "../../../executable/pe/digest.ts";
import type { ExportedFunction } from "../../../executable/pe/exports.ts";
import type { PeSection } from "../../../executable/pe/image.ts";
import type { ImportedLibrary } from "../../../executable/pe/imports.ts";
import type { PeFile } from "../../../executable/pe/pe-file.ts";
import type { Resource } from "../../../executable/pe/resources.ts";
import { peConstants } from "./pe-constants.ts";
import { exportFunctions, headerFunctions, importFunctions, richStruct } from "./pe-functions.ts";
import { signatureStruct } from "./pe-signatures.ts";
import {
  type ModuleFunction,
  type ModuleStruct,
  type ModuleTools,
  type ModuleValue,
  signed,
  structOf,
} from "./value.ts";

const BYTES_PER_STEP = 64;
/** Functions that exist on what is no program as well, and have no answer there. */
const FUNCTIONS = [
  ...["imports", "import_rva", "delayed_import_rva", "exports", "exports_index", "section_index"],
  ...["rva_to_offset", "locale", "language", "is_dll", "is_32bit", "is_64bit", "imphash"],
  ...["calculate_checksum"],
];

/** The module's struct; of what is no Windows program it has the constants alone. */
export function peModule(file: PeFile | undefined, tools: ModuleTools): ModuleStruct {
  if (file === undefined) {
    const unanswered: ModuleFunction = () => undefined;
    const functions = Object.fromEntries(FUNCTIONS.map((name) => [name, unanswered]));
    return { ...peConstants(), is_pe: 0, ...functions };
  }
  const bounded = (compute: () => ModuleValue): ModuleFunction => {
    return () =>
      tools.spend(Math.ceil(file.reader.size / BYTES_PER_STEP)) ? compute() : undefined;
  };
  const fixed = {
    ...peConstants(),
    is_pe: 1,
    ...fileHeader(file),
    ...optionalHeader(file),
    overlay: file.overlay.size > 0 ? { ...file.overlay } : { offset: 0, size: 0 },
    ...importFunctions(file),
    ...exportFunctions(file),
    ...headerFunctions(file),
    imphash: () => importHash(file),
    calculate_checksum: bounded(() => peChecksum(file)),
  };
  return structOf(fixed, {
    sections: () => file.sections.map(sectionStruct),
    data_directories: () =>
      file.directories.map(({ address, size }) => ({ virtual_address: address, size })),
    rich_signature: () => richStruct(file),
    pdb_path: () => file.debugPath || undefined,
    ...importFields(file),
    ...exportFields(file),
    ...resourceFields(file),
    ...signatureFields(file, tools),
  });
}

function importHash(file: PeFile): string | undefined {
  if (file.imports.length === 0) return;
  return new Bun.CryptoHasher("md5").update(file.importHashText, "latin1").digest("hex");
}

function fileHeader(file: PeFile): ModuleStruct {
  const { reader, layout } = file;
  const at = layout.fileHeader;
  return {
    machine: reader.u16(at),
    number_of_sections: reader.u16(at + 2),
    timestamp: reader.u32(at + 4),
    pointer_to_symbol_table: reader.u32(at + 8),
    number_of_symbols: reader.u32(at + 12),
    size_of_optional_header: reader.u16(at + 16),
    characteristics: reader.u16(at + 18),
  };
}

function optionalHeader(file: PeFile): ModuleStruct {
  const { reader, is64 } = file;
  const at = file.layout.optionalHeader;
  const pair = (offset: number) => ({
    major: reader.u16(at + offset),
    minor: reader.u16(at + offset + 2),
  });
  // Four sizes of one word of the processor each.
  const size = (index: number) =>
    is64 ? signed(reader.big64(at + 72 + 8 * index)) : reader.u32(at + 72 + 4 * index);
  const tail = at + (is64 ? 104 : 88);
  return {
    opthdr_magic: reader.u16(at),
    linker_version: { major: reader.u8(at + 2), minor: reader.u8(at + 3) },
    size_of_code: reader.u32(at + 4),
    size_of_initialized_data: reader.u32(at + 8),
    size_of_uninitialized_data: reader.u32(at + 12),
    entry_point: file.entryPoint,
    entry_point_raw: reader.u32(at + 16),
    base_of_code: reader.u32(at + 20),
    base_of_data: is64 ? undefined : reader.u32(at + 24),
    image_base: is64 ? signed(reader.big64(at + 24)) : reader.u32(at + 28),
    section_alignment: reader.u32(at + 32),
    file_alignment: reader.u32(at + 36),
    os_version: pair(40),
    image_version: pair(44),
    subsystem_version: pair(48),
    win32_version_value: reader.u32(at + 52),
    size_of_image: reader.u32(at + 56),
    size_of_headers: reader.u32(at + 60),
    checksum: reader.u32(at + 64),
    subsystem: reader.u16(at + 68),
    dll_characteristics: reader.u16(at + 70),
    size_of_stack_reserve: size(0),
    size_of_stack_commit: size(1),
    size_of_heap_reserve: size(2),
    size_of_heap_commit: size(3),
    loader_flags: reader.u32(tail),
    number_of_rva_and_sizes: reader.u32(tail + 4),
  };
}

function sectionStruct(section: PeSection): ModuleStruct {
  const { name, fullName, flags, address, virtualSize, offset, size } = section;
  return {
    ...{ name, full_name: fullName, characteristics: flags },
    ...{ virtual_address: address, virtual_size: virtualSize },
    ...{ raw_data_offset: offset, raw_data_size: size },
    pointer_to_relocations: section.relocations.offset,
    number_of_relocations: section.relocations.size,
    pointer_to_line_numbers: section.lineNumbers.offset,
    number_of_line_numbers: section.lineNumbers.size,
  };
}

type Computed = Readonly<Record<string, () => ModuleValue>>;

function importFields(file: PeFile): Computed {
  const functions = (libraries: readonly ImportedLibrary[]) =>
    libraries.reduce((sum, one) => sum + one.functions.length, 0);
  const delayed = {
    details: () => file.delayedImports.map(libraryStruct),
    count: () => file.delayedImports.length,
    functions: () => functions(file.delayedImports),
  };
  return {
    number_of_imports: () => file.imports.length,
    number_of_imported_functions: () => functions(file.imports),
    import_details: () => file.imports.map(libraryStruct),
    // Spelt in two ways: as the documentation has it, and as YARA has it.
    number_of_delayed_imports: delayed.count,
    number_of_delayed_imported_functions: delayed.functions,
    delayed_import_details: delayed.details,
    number_of_delay_imports: delayed.count,
    number_of_delay_imported_functions: delayed.functions,
    delay_import_details: delayed.details,
  };
}

function libraryStruct({ name, functions }: ImportedLibrary): ModuleStruct {
  return structOf(
    { library_name: name, number_of_functions: functions.length },
    {
      functions: () =>
        functions.map((one) => ({ name: one.name, ordinal: one.ordinal, rva: one.address })),
    },
  );
}

function exportFields(file: PeFile): Computed {
  return {
    number_of_exports: () => file.exports?.functions.length ?? 0,
    dll_name: () => file.exports?.libraryName || undefined,
    export_timestamp: () => file.exports?.timestamp,
    export_details: () => file.exports?.functions.map(exportStruct) ?? [],
  };
}

function exportStruct(one: ExportedFunction): ModuleStruct {
  const { name, ordinal, address, offset, forward } = one;
  return {
    ...{ name, ordinal, rva: address, forward_name: forward },
    offset: offset < 0 ? undefined : offset,
  };
}

function resourceFields(file: PeFile): Computed {
  return {
    number_of_resources: () => file.resources?.list.length ?? 0,
    resource_timestamp: () => file.resources?.timestamp,
    resource_version: () => {
      const { major, minor } = file.resources ?? {};
      return { major, minor };
    },
    resources: () => file.resources?.list.map(resourceStruct) ?? [],
    number_of_version_infos: () => file.versionStrings.length,
    version_info_list: () => file.versionStrings.map(({ key, value }) => ({ key, value })),
    version_info: () => new Map(file.versionStrings.map(({ key, value }) => [key, value])),
  };
}

function resourceStruct(resource: Resource): ModuleStruct {
  const { type, name, language, address, offset, size } = resource;
  const number = (label: Resource["type"]) => (typeof label === "number" ? label : undefined);
  const label = (label: Resource["type"]) => (typeof label === "number" ? undefined : label);
  return {
    ...{ rva: address, offset: offset < 0 ? undefined : offset, length: size },
    ...{ type: number(type), id: number(name), language: number(language) },
    ...{ type_string: label(type), name_string: label(name), language_string: label(language) },
  };
}

function signatureFields(file: PeFile, tools: ModuleTools): Computed {
  const steps = 2 * Math.ceil(file.reader.size / BYTES_PER_STEP);
  const structs = () => file.signatures.map((one) => signatureStruct(file, one));
  return {
    number_of_signatures: () => file.signatures.length,
    signatures: structs,
    // Whether a digest that was signed is the file's: not who signed it, nor whether he could.
    is_signed: () =>
      tools.spend(steps) ? Number(structs().some((one) => one["verified"] === 1)) : undefined,
  };
}
