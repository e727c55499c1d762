// ClamAV's words for kinds of files, in gw's. Where ClamAV tells more apart than gw does (the kinds
// of Office documents), gw's type is the wider one.

import { HTML_TYPES, TEXT_TYPES } from "../../gwdb/view-types.ts";

const PICTURES = ["gif", "png", "jpeg", "tiff", "bmp", "ico", "webp", "wmf", "emf"];
const PROGRAMS = ["pe", "dosexe"];
const ZIPS = ["zip", "jar", "apk", "odf", "epub"];

/** What a signature's target asks of an object: one of these types, or to lie in one of those. */
export interface Target {
  readonly types: readonly string[];
  /** ClamAV gives what it takes out of such a file the type of the file. */
  readonly containers?: readonly string[];
}

const TARGETS: Readonly<Record<number, Target>> = {
  0: { types: [] },
  1: { types: PROGRAMS },
  2: { types: ["ole2"], containers: ["ole2"] },
  3: { types: [...HTML_TYPES, "html-view"] },
  4: { types: ["mail"] },
  5: { types: PICTURES },
  6: { types: ["elf"] },
  7: { types: [...TEXT_TYPES, "text-view"] },
  9: { types: ["macho"] },
  10: { types: ["pdf"] },
  11: { types: ["swf"] },
  12: { types: ["class"] },
};

/** Targets whose offsets may speak of entry points and sections. */
export const EXECUTABLE_TARGETS: ReadonlySet<number> = new Set([1, 6, 9]);

/** The objects of a target; undefined if gw has none such. */
export function targetOf(number: number): Target | undefined {
  return TARGETS[number];
}

// The names behind CL_TYPE_ that have a type here.
const TYPES: Readonly<Record<string, readonly string[]>> = {
  TEXT_ASCII: TEXT_TYPES,
  TEXT_UTF8: TEXT_TYPES,
  TEXT_UTF16LE: TEXT_TYPES,
  TEXT_UTF16BE: TEXT_TYPES,
  SCRIPT: TEXT_TYPES,
  BINARY_DATA: ["binary"],
  MSEXE: PROGRAMS,
  ELF: ["elf"],
  MACHO: ["macho"],
  MACHO_UNIBIN: ["macho"],
  POSIX_TAR: ["tar"],
  OLD_TAR: ["tar"],
  CPIO_OLD: ["cpio"],
  CPIO_ODC: ["cpio"],
  CPIO_NEWC: ["cpio"],
  CPIO_CRC: ["cpio"],
  GZ: ["gzip"],
  ZIP: ZIPS,
  ZIPSFX: ZIPS,
  BZ: ["bzip2"],
  RAR: ["rar"],
  RARSFX: ["rar"],
  ARJ: ["arj"],
  ARJSFX: ["arj"],
  MSCAB: ["cab"],
  CABSFX: ["cab"],
  MSOLE2: ["ole2"],
  MSCHM: ["chm"],
  SCRENC: ["encoded-script"],
  GRAPHICS: PICTURES,
  GIF: ["gif"],
  PNG: ["png"],
  JPEG: ["jpeg"],
  TIFF: ["tiff"],
  RIFF: ["riff", "webp"],
  BINHEX: ["binhex"],
  TNEF: ["tnef"],
  PDF: ["pdf"],
  UUENCODED: ["uuencode"],
  HTML: HTML_TYPES,
  HTML_UTF16: HTML_TYPES,
  MAIL: ["mail"],
  RTF: ["rtf"],
  "7Z": ["7z"],
  "7ZSFX": ["7z"],
  SWF: ["swf"],
  JAVA: ["class"],
  XAR: ["xar"],
  XZ: ["xz"],
  OOXML_WORD: ["ooxml"],
  OOXML_PPT: ["ooxml"],
  OOXML_XL: ["ooxml"],
  XDP: ["xml"],
  XML_WORD: ["xml"],
  XML_XL: ["xml"],
  XML_HWP: ["xml"],
  DMG: ["dmg"],
  MBR: ["disk"],
  GPT: ["disk"],
  APM: ["disk"],
  ISO9660: ["iso9660"],
  UDF: ["udf"],
  LHA_LZH: ["lha"],
  EGG: ["egg"],
  ALZ: ["alz"],
  ONENOTE: ["one"],
};

/** Types for a name such as CL_TYPE_ZIP; [] for CL_TYPE_ANY; undefined if gw has none such. */
export function typesNamed(name: string): readonly string[] | undefined {
  if (!name.startsWith("CL_TYPE_")) return undefined;
  const word = name.slice("CL_TYPE_".length);
  return word === "ANY" ? [] : TYPES[word];
}
