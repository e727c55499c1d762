// Fields and functions of YARA's modules by name and type, as its manual lists them. Names in capitals
// are constants of a module and integers.
import type { Fields, Shape } from "./types.ts";

const VERSION = { major: "i", minor: "i" };

const CERTIFICATE: Fields = {
  thumbprint: "t",
  issuer: "t",
  subject: "t",
  version: "i",
  algorithm: "t",
  algorithm_oid: "t",
  serial: "t",
  not_before: "i",
  not_after: "i",
};

const SIGNER_INFO: Fields = {
  program_name: "t",
  digest: "t",
  digest_alg: "t",
  length_of_chain: "i",
  chain: [CERTIFICATE],
};

const PE_SIGNATURE: Fields = {
  ...CERTIFICATE,
  valid_on: "i(i)",
  verified: "i",
  digest_alg: "t",
  digest: "t",
  file_digest: "t",
  number_of_certificates: "i",
  certificates: [CERTIFICATE],
  signer_info: SIGNER_INFO,
  number_of_countersignatures: "i",
  countersignatures: [
    {
      verified: "i",
      sign_time: "i",
      digest: "t",
      digest_alg: "t",
      length_of_chain: "i",
      chain: [CERTIFICATE],
    },
  ],
};

const PE_RESOURCE: Fields = {
  rva: "i",
  offset: "i",
  length: "i",
  type: "i",
  id: "i",
  language: "i",
  type_string: "t",
  name_string: "t",
  language_string: "t",
};

const IMPORT_DETAILS: Shape = [
  {
    library_name: "t",
    number_of_functions: "i",
    functions: [{ name: "t", ordinal: "i", rva: "i" }],
  },
];

const PE: Fields = {
  is_pe: "i",
  is_dll: "i()",
  is_32bit: "i()",
  is_64bit: "i()",
  machine: "i",
  number_of_sections: "i",
  timestamp: "i",
  pointer_to_symbol_table: "i",
  number_of_symbols: "i",
  size_of_optional_header: "i",
  characteristics: "i",
  entry_point: "i",
  entry_point_raw: "i",
  image_base: "i",
  number_of_rva_and_sizes: "i",
  number_of_version_infos: "i",
  opthdr_magic: "i",
  size_of_code: "i",
  size_of_initialized_data: "i",
  size_of_uninitialized_data: "i",
  base_of_code: "i",
  base_of_data: "i",
  section_alignment: "i",
  file_alignment: "i",
  linker_version: VERSION,
  os_version: VERSION,
  image_version: VERSION,
  subsystem_version: VERSION,
  win32_version_value: "i",
  size_of_image: "i",
  size_of_headers: "i",
  checksum: "i",
  subsystem: "i",
  dll_characteristics: "i",
  size_of_stack_reserve: "i",
  size_of_stack_commit: "i",
  size_of_heap_reserve: "i",
  size_of_heap_commit: "i",
  loader_flags: "i",
  data_directories: [{ virtual_address: "i", size: "i" }],
  sections: [
    {
      name: "t",
      full_name: "t",
      characteristics: "i",
      virtual_address: "i",
      virtual_size: "i",
      raw_data_offset: "i",
      raw_data_size: "i",
      pointer_to_relocations: "i",
      pointer_to_line_numbers: "i",
      number_of_relocations: "i",
      number_of_line_numbers: "i",
    },
  ],
  overlay: { offset: "i", size: "i" },
  rich_signature: {
    offset: "i",
    length: "i",
    key: "i",
    raw_data: "t",
    clear_data: "t",
    version_data: "t",
    version: "i(i|ii)",
    toolid: "i(i|ii)",
  },
  version_info: { "*": "t" },
  version_info_list: [{ key: "t", value: "t" }],
  number_of_resources: "i",
  resource_timestamp: "i",
  resource_version: VERSION,
  resources: [PE_RESOURCE],
  dll_name: "t",
  export_timestamp: "i",
  number_of_exports: "i",
  export_details: [{ offset: "i", name: "t", forward_name: "t", ordinal: "i", rva: "i" }],
  number_of_imports: "i",
  number_of_imported_functions: "i",
  number_of_delayed_imports: "i",
  number_of_delayed_imported_functions: "i",
  import_details: IMPORT_DETAILS,
  delayed_import_details: IMPORT_DETAILS,
  pdb_path: "t",
  number_of_signatures: "i",
  is_signed: "i",
  signatures: [PE_SIGNATURE],
  calculate_checksum: "i()",
  section_index: "i(t|i)",
  exports: "i(t|i|r)",
  exports_index: "i(t|i|r)",
  imports: "i(t|tt|ti|rr|it|iti|itt|irr)",
  import_rva: "i(tt|ti)",
  delayed_import_rva: "i(tt|ti)",
  locale: "i(i)",
  language: "i(i)",
  imphash: "t()",
  rva_to_offset: "i(i)",
};

const ELF: Fields = {
  type: "i",
  machine: "i",
  entry_point: "i",
  number_of_sections: "i",
  sh_offset: "i",
  sh_entry_size: "i",
  number_of_segments: "i",
  ph_offset: "i",
  ph_entry_size: "i",
  sections: [{ type: "i", flags: "i", address: "i", name: "t", size: "i", offset: "i" }],
  segments: [
    {
      ...{ type: "i", flags: "i", offset: "i", virtual_address: "i", physical_address: "i" },
      ...{ file_size: "i", memory_size: "i", alignment: "i" },
    },
  ],
  dynamic_section_entries: "i",
  dynamic: [{ type: "i", val: "i" }],
  symtab_entries: "i",
  symtab: [{ name: "t", value: "i", size: "i", type: "i", bind: "i", shndx: "i", visibility: "i" }],
  dynsym_entries: "i",
  dynsym: [{ name: "t", value: "i", size: "i", type: "i", bind: "i", shndx: "i", visibility: "i" }],
  telfhash: "t()",
  import_md5: "t()",
};

const DOTNET_ASSEMBLY = { ...VERSION, build_number: "i", revision_number: "i" };

const DOTNET: Fields = {
  is_dotnet: "i",
  version: "t",
  module_name: "t",
  number_of_streams: "i",
  streams: [{ name: "t", offset: "i", size: "i" }],
  number_of_guids: "i",
  guids: ["t"],
  number_of_resources: "i",
  resources: [{ offset: "i", length: "i", name: "t" }],
  assembly: { version: DOTNET_ASSEMBLY, name: "t", culture: "t" },
  number_of_modulerefs: "i",
  modulerefs: ["t"],
  typelib: "t",
  number_of_assembly_refs: "i",
  assembly_refs: [{ version: DOTNET_ASSEMBLY, public_key_or_token: "t", name: "t" }],
  number_of_user_strings: "i",
  user_strings: ["t"],
  number_of_classes: "i",
  classes: [
    {
      ...{ fullname: "t", name: "t", namespace: "t", visibility: "t", type: "t" },
      ...{ abstract: "i", sealed: "i", number_of_generic_parameters: "i" },
      ...{ generic_parameters: ["t"], number_of_base_types: "i", base_types: ["t"] },
      number_of_methods: "i",
      methods: [
        {
          ...{ name: "t", visibility: "t", static: "i", virtual: "i", final: "i", abstract: "i" },
          ...{
            return_type: "t",
            number_of_parameters: "i",
            parameters: [{ name: "t", type: "t" }],
          },
          ...{ number_of_generic_parameters: "i", generic_parameters: ["t"] },
        },
      ],
    },
  ],
  number_of_field_offsets: "i",
  field_offsets: ["i"],
  number_of_constants: "i",
  constants: ["t"],
};

const MATH: Fields = {
  entropy: "f(ii|t)",
  deviation: "f(iif|tf)",
  mean: "f(ii|t)",
  monte_carlo_pi: "f(ii|t)",
  serial_correlation: "f(ii|t)",
  in_range: "i(fff)",
  min: "i(ii)",
  max: "i(ii)",
  abs: "i(i)",
  count: "i(iii|i)",
  percentage: "f(iii|i)",
  mode: "i(ii|)",
  to_number: "i(i)",
  to_string: "t(i|ii)",
};

/** Every module that rules may import. */
export const MODULES: Readonly<Record<string, Fields>> = {
  pe: PE,
  elf: ELF,
  dotnet: DOTNET,
  math: MATH,
  hash: {
    md5: "t(ii|t)",
    sha1: "t(ii|t)",
    sha256: "t(ii|t)",
    crc32: "i(ii|t)",
    checksum32: "i(ii|t)",
  },
  time: { now: "i()" },
  console: { log: "i(t|tt|i|ti|f|tf)", hex: "i(i|ti)" },
  string: { to_int: "i(t|ti)", length: "i(t)" },
};

/** A module's constants: `pe.MACHINE_AMD64`. */
export const CONSTANT = /^[A-Z][A-Z0-9_]*$/;

/** Modules of other systems (sandboxes, VirusTotal, libmagic), whose rules gw leaves out. */
export const FOREIGN_MODULES: readonly string[] = [
  ...["androguard", "cuckoo", "dex", "lnk", "macho", "magic", "titan", "vt"],
];

/** Variables that only VirusTotal's hunting service sets. */
export const FOREIGN_VARIABLES: readonly string[] = [
  ...["new_file", "positives", "signatures", "submissions", "tags", "file_type", "imphash"],
  ...["md5", "sha1", "sha256"],
];
