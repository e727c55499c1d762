// YARA's dotnet module: the metadata of .NET programs.

import type { Assembly, Version } from "../../../executable/dotnet/assembly.ts";
import {
  type ManagedMethod,
  type ManagedType,
  readTypes,
} from "../../../executable/dotnet/types.ts";
import type { PeFile } from "../../../executable/pe/pe-file.ts";
import { type ModuleStruct, structOf } from "./value.ts";

/** ECMA-335 §23.1.10 and §23.1.15. */
const FLAG = { isStatic: 0x10, final: 0x20, virtual: 0x40, methodAbstract: 0x400 } as const;
const TYPE_FLAG = { interface: 0x20, abstract: 0x80, sealed: 0x100 } as const;
const METHOD_ACCESS = [
  ...["private", "private", "private protected", "internal"],
  ...["protected", "protected internal", "public", "private"],
] as const;
const TYPE_ACCESS = [
  ...["internal", "public", "public", "private"],
  ...["protected", "internal", "private protected", "protected internal"],
] as const;

/** The module's struct; of what is no .NET program it only says so. */
export function dotnetModule(file: PeFile | undefined): ModuleStruct {
  const assembly = file?.assembly;
  if (assembly === undefined) return { is_dotnet: 0 };
  const { metadata } = assembly;
  const fixed = {
    is_dotnet: 1,
    version: metadata.version,
    module_name: assembly.moduleName || undefined,
    number_of_streams: metadata.streams.length,
    streams: metadata.streams.map(({ name, offset, size }) => ({ name, offset, size })),
  };
  return structOf(fixed, {
    typelib: () => assembly.typeLibrary || undefined,
    assembly: () => identity(assembly),
    ...lists(assembly),
  });
}

function identity(assembly: Assembly): ModuleStruct {
  const { name, culture, version } = assembly.identity ?? {};
  if (version === undefined) return {};
  return {
    name: name || undefined,
    culture: culture || undefined,
    version: versionStruct(version),
  };
}

function versionStruct({ major, minor, build, revision }: Version): ModuleStruct {
  return { major, minor, build_number: build, revision_number: revision };
}

function lists(assembly: Assembly) {
  return {
    number_of_guids: () => assembly.guids.length,
    guids: () => assembly.guids,
    number_of_user_strings: () => assembly.userStrings.length,
    user_strings: () => assembly.userStrings,
    number_of_constants: () => assembly.constants.length,
    constants: () => assembly.constants,
    number_of_field_offsets: () => assembly.fieldOffsets.length,
    field_offsets: () => assembly.fieldOffsets,
    number_of_modulerefs: () => assembly.moduleReferences.length,
    modulerefs: () => assembly.moduleReferences,
    number_of_resources: () => assembly.resources.length,
    resources: () =>
      assembly.resources.map(({ name, offset, size }) => ({
        ...{ name: name || undefined, offset: offset < 0 ? undefined : offset },
        length: offset < 0 ? undefined : size,
      })),
    number_of_assembly_refs: () => assembly.references.length,
    assembly_refs: () =>
      assembly.references.map(({ name, version, publicKey }) => ({
        ...{ name, version: versionStruct(version) },
        public_key_or_token: publicKey.length > 0 ? publicKey : undefined,
      })),
    number_of_classes: () => readTypes(assembly.metadata).length,
    classes: () => readTypes(assembly.metadata).map(classStruct),
  };
}

function classStruct(type: ManagedType): ModuleStruct {
  const { name, namespace, fullName, flags, baseTypes, genericParameters, methods } = type;
  return structOf(
    {
      ...{ name, namespace: namespace || undefined, fullname: fullName },
      visibility: TYPE_ACCESS[flags & 7],
      type: (flags & TYPE_FLAG.interface) !== 0 ? "interface" : "class",
      abstract: Number((flags & TYPE_FLAG.abstract) !== 0),
      sealed: Number((flags & TYPE_FLAG.sealed) !== 0),
      number_of_base_types: baseTypes.length,
      base_types: baseTypes,
      number_of_generic_parameters: genericParameters.length,
      generic_parameters: genericParameters,
      number_of_methods: methods.length,
    },
    { methods: () => methods.map(methodStruct) },
  );
}

function methodStruct(method: ManagedMethod): ModuleStruct {
  const { name, flags, parameters, genericParameters } = method;
  return {
    ...{ name, visibility: METHOD_ACCESS[flags & 7] },
    static: Number((flags & FLAG.isStatic) !== 0),
    virtual: Number((flags & FLAG.virtual) !== 0),
    final: Number((flags & FLAG.final) !== 0),
    abstract: Number((flags & FLAG.methodAbstract) !== 0),
    number_of_parameters: parameters.length,
    parameters: parameters.map((one) => ({ name: one })),
    number_of_generic_parameters: genericParameters.length,
    generic_parameters: genericParameters,
  };
}
