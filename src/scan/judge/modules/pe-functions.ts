// The functions of YARA's pe module: searches over imports, exports, sections and the rich header.

import type { ExportedFunction } from "../../../executable/pe/exports.ts";
import type { PeSection } from "../../../executable/pe/image.ts";
import type { ImportedFunction, ImportedLibrary } from "../../../executable/pe/imports.ts";
import type { PeFile } from "../../../executable/pe/pe-file.ts";
import {
  integer,
  type ModuleArgument,
  type ModuleFunction,
  type ModuleStruct,
  type ModuleValue,
  pattern,
  text,
} from "./value.ts";

type Argument = ModuleArgument | undefined;

const STANDARD = 1;
const DELAYED = 2;
const LABEL_MAX = 0x8000_0000;

/** `imports` in all its forms, and where imported functions are put. */
export function importFunctions(file: PeFile): Readonly<Record<string, ModuleFunction>> {
  return {
    imports: (...values) => {
      const hasFlags = integer(values[0]) !== undefined;
      const flags = hasFlags ? (integer(values[0]) as number) : STANDARD;
      const [library, name] = hasFlags ? values.slice(1) : values;
      return importCount(librariesOf(file, flags), library, name);
    },
    import_rva: (library, name) => findImport(file.imports, library, name)?.address,
    delayed_import_rva: (library, name) => findImport(file.delayedImports, library, name)?.address,
  };
}

function librariesOf(file: PeFile, flags: number): readonly ImportedLibrary[] {
  return [
    ...((flags & STANDARD) !== 0 ? file.imports : []),
    ...((flags & DELAYED) !== 0 ? file.delayedImports : []),
  ];
}

// A library alone or expressions give a count, a function or an ordinal 1 or 0.
function importCount(
  libraries: readonly ImportedLibrary[],
  library: Argument,
  name: Argument,
): ModuleValue {
  const [libraryPattern, namePattern] = [pattern(library), pattern(name)];
  if (libraryPattern !== undefined && namePattern !== undefined) {
    let count = 0;
    for (const one of libraries) {
      if (!libraryPattern.test(Buffer.from(one.name, "latin1"))) continue;
      count += one.functions.filter((fn) =>
        namePattern.test(Buffer.from(fn.name, "latin1")),
      ).length;
    }
    return count;
  }
  if (name !== undefined) return findImport(libraries, library, name) === undefined ? 0 : 1;
  return librariesNamed(libraries, library).reduce((sum, one) => sum + one.functions.length, 0);
}

function librariesNamed(libraries: readonly ImportedLibrary[], name: Argument): ImportedLibrary[] {
  const wanted = text(name)?.toLowerCase();
  return libraries.filter((one) => one.name.toLowerCase() === wanted);
}

function findImport(
  libraries: readonly ImportedLibrary[],
  library: Argument,
  name: Argument,
): ImportedFunction | undefined {
  const ordinal = integer(name);
  const wanted = text(name)?.toLowerCase();
  for (const one of librariesNamed(libraries, library)) {
    const found = one.functions.find((fn) =>
      ordinal === undefined ? fn.name.toLowerCase() === wanted : fn.ordinal === ordinal,
    );
    if (found !== undefined) return found;
  }
  return;
}

/** `exports` and `exports_index`. */
export function exportFunctions(file: PeFile): Readonly<Record<string, ModuleFunction>> {
  const index = (wanted: Argument): number => {
    const functions: readonly ExportedFunction[] = file.exports?.functions ?? [];
    const expression = pattern(wanted);
    const ordinal = integer(wanted);
    if (ordinal !== undefined) return functions.findIndex((one) => one.ordinal === ordinal);
    if (expression === undefined) return indexOfName(functions, text(wanted));
    return functions.findIndex(
      ({ name }) => name !== undefined && expression.test(Buffer.from(name, "latin1")),
    );
  };
  return {
    exports: (wanted) => (index(wanted) >= 0 ? 1 : 0),
    exports_index: (wanted) => {
      const found = index(wanted);
      return found < 0 ? undefined : found;
    },
  };
}

// YARA compares names of functions without regard to case.
function indexOfName(functions: readonly ExportedFunction[], name: string | undefined): number {
  const wanted = name?.toLowerCase();
  return functions.findIndex((one) => one.name?.toLowerCase() === wanted && wanted !== undefined);
}

/** `section_index`, `rva_to_offset`, `locale`, `language`, and what the flags say. */
export function headerFunctions(file: PeFile): Readonly<Record<string, ModuleFunction>> {
  const labels = () => file.resources?.list.map(({ language }) => language) ?? [];
  const speaks = (mask: number, wanted: number | undefined) =>
    labels().some((one) => typeof one === "number" && (one & mask) === wanted) ? 1 : 0;
  const characteristics = file.reader.u16(file.layout.fileHeader + 18);
  return {
    section_index: (wanted) => sectionIndex(file.sections, wanted),
    rva_to_offset: (address) => {
      const offset = file.offsetOf(integer(address) ?? -1);
      return offset < 0 ? undefined : offset;
    },
    locale: (wanted) => speaks(0xffff, integer(wanted)),
    language: (wanted) => speaks(0xff, integer(wanted)),
    is_dll: () => ((characteristics & 0x2000) !== 0 ? 1 : 0),
    is_32bit: () => (file.is64 ? 0 : 1),
    is_64bit: () => (file.is64 ? 1 : 0),
  };
}

function sectionIndex(sections: readonly PeSection[], wanted: Argument): number | undefined {
  const offset = integer(wanted);
  const name = text(wanted);
  const index = sections.findIndex((one) =>
    offset === undefined
      ? one.name === name
      : offset >= one.offset && offset < one.offset + one.size,
  );
  return index < 0 ? undefined : index;
}

/** `version` and `toolid` of the rich header: how often such tools took part. */
export function richStruct(file: PeFile): ModuleStruct {
  const header = file.richHeader;
  const sum = (version: Argument, toolId: Argument): number => {
    const [wantedVersion, wantedId] = [integer(version), integer(toolId)];
    let times = 0;
    for (const entry of header?.entries ?? []) {
      if (wantedVersion !== undefined && entry.version !== wantedVersion) continue;
      if (wantedId !== undefined && entry.toolId !== wantedId) continue;
      times += entry.times;
    }
    return times % LABEL_MAX;
  };
  const functions = {
    version: (version: Argument, toolId: Argument) => sum(version, toolId),
    toolid: (toolId: Argument, version: Argument) => sum(version, toolId),
  };
  if (header === undefined) return functions;
  const { offset, size, key, raw, clear } = header;
  const versions = Buffer.concat(header.entries.map(({ version }) => versionBytes(version)));
  return {
    ...functions,
    ...{ offset, length: size, key, raw_data: raw, clear_data: clear, version_data: versions },
  };
}

function versionBytes(version: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(version, 0);
  return bytes;
}
