// An object's true type, found in its bytes alone: names and declared types are the sender's word.
// The scanner asks this once for every object, so the first byte decides what is compared at all,
// and never more than the first 64 KB (and the trailer of the few formats that have one) is read.

import {
  arjType,
  bmpType,
  cafebabeType,
  hasMagic,
  isTar,
  lzmaType,
  pgpBareType,
  pgpType,
  pkcs7Type,
  programType,
  riffType,
  swfType,
  textAt,
  u32,
  ZIP_TYPES,
  zipEnd,
  zipType,
} from "./binary-type.ts";
import { isTextual, TEXT_TYPES, textType } from "./text-type.ts";
import { bootType, diskType, VOLUME_TYPES, volumeType } from "./volume-type.ts";

const DOCUMENT_TYPES = [
  "pdf",
  "ole2",
  "ooxml",
  "odf",
  "epub",
  "one",
  "chm",
  "hlp",
  "access",
  "activemime",
] as const;
const ARCHIVE_TYPES = [
  "zip",
  "7z",
  "rar",
  "tar",
  "cpio",
  "ar",
  "rpm",
  "xar",
  "wim",
  "cab",
  "arj",
  "lha",
  "ace",
  "zoo",
  "gzip",
  "bzip2",
  "xz",
  "zstd",
  "lz4",
  "lzip",
  "lzma",
  "compress",
  "lzop",
  "lrzip",
  "stuffit",
  "alz",
  "egg",
] as const;
const IMAGE_TYPES = ["vhd", "vhdx", "vmdk", "qcow", "dmg"] as const;
const PROGRAM_TYPES = [
  "pe",
  "dosexe",
  "elf",
  "macho",
  "class",
  "jar",
  "apk",
  "dex",
  "wasm",
  "swf",
  "crx",
  "applescript",
  "lnk",
] as const;
const MEDIA_TYPES = [
  "png",
  "jpeg",
  "gif",
  "bmp",
  "webp",
  "tiff",
  "ico",
  "wmf",
  "emf",
  "mp3",
  "mp4",
  "ogg",
  "flac",
  "riff",
] as const;

/** Every type there is; `binary` is what no other fits, `empty` has no bytes. */
export const FILE_TYPES = [
  ...TEXT_TYPES,
  ...DOCUMENT_TYPES,
  ...ARCHIVE_TYPES,
  ...IMAGE_TYPES,
  ...VOLUME_TYPES,
  ...PROGRAM_TYPES,
  ...MEDIA_TYPES,
  ...(["tnef", "smime", "applefile", "pst", "sqlite", "empty", "binary"] as const),
] as const;

/** A type as signatures, policy and unpackers name it. */
export type FileType = (typeof FILE_TYPES)[number];

/** `check` says more than the magic number can: another type, or undefined for "not this". */
type Magic = readonly [
  magic: string,
  type: FileType,
  check?: (bytes: Uint8Array) => FileType | undefined,
];

// By first byte, so that most objects are compared with one or two strings.
const MAGICS: Readonly<Record<number, readonly Magic[]>> = {
  0: [
    ["\0\0\x01\0", "ico", icoType],
    ["\0asm", "wasm"],
    ["\0\x05\x16\0\0\x02\0\0", "applefile"],
    ["\0\x05\x16\x07\0\x02\0\0", "applefile"],
    ["\0\x05\x16\0\0\x01\0\0", "applefile"],
    ["\0\x05\x16\x07\0\x01\0\0", "applefile"],
    ["\0\x01\0\0Standard Jet DB", "access"],
    ["\0\x01\0\0Standard ACE DB", "access"],
  ],
  1: [["\x01\0\0\0", "emf", (bytes) => (hasMagic(bytes, " EMF", 40) ? "emf" : undefined)]],
  2: [["\x02\x21\x4c\x18", "lz4"]],
  4: [["\x04\x22\x4d\x18", "lz4"]],
  31: [
    ["\x1f\x8b", "gzip"],
    ["\x1f\x9d", "compress"],
    ["\x1f\xa0", "compress"],
  ],
  33: [
    ["!<arch>\n", "ar"],
    ["!BDN", "pst"],
  ],
  37: [["%PDF-", "pdf"]],
  40: [["\x28\xb5\x2f\xfd", "zstd"]],
  48: [
    ["070701", "cpio"],
    ["070702", "cpio"],
    ["070707", "cpio"],
    ["070727", "cpio"],
    ["0", "smime", pkcs7Type],
  ],
  55: [["7z\xbc\xaf\x27\x1c", "7z"]],
  63: [["\x3f\x5f\x03\0", "hlp"]],
  65: [
    ["ActiveMime", "activemime", unlessText("activemime")],
    ["ALZ\x01", "alz"],
  ],
  69: [["EGGA", "egg", unlessText("egg")]],
  66: [
    ["BZh", "bzip2", bzip2Type],
    ["BM", "bmp", bmpType],
  ],
  67: [
    ["CWS", "swf", swfType],
    ["Cr24", "crx"],
  ],
  70: [
    ["FWS", "swf", swfType],
    ["FasdUAS ", "applescript"],
  ],
  71: [
    ["GIF87a", "gif"],
    ["GIF89a", "gif"],
  ],
  73: [
    ["ITSF", "chm", unlessText("chm")],
    ["ID3", "mp3", unlessText("mp3")],
    ["II*\0", "tiff"],
  ],
  75: [["KDMV", "vmdk", unlessText("vmdk")]],
  76: [
    ["L\0\0\0\x01\x14\x02\0", "lnk"],
    ["LZIP", "lzip", unlessText("lzip")],
    ["LRZI", "lrzip", unlessText("lrzip")],
  ],
  77: [
    ["MZ", "dosexe", programType],
    ["MSCF\0\0\0\0", "cab"],
    ["MSWIM\0\0\0", "wim"],
    ["MM\0*", "tiff"],
  ],
  79: [["OggS\0", "ogg"]],
  80: [
    ["PK\x03\x04", "zip", zipType],
    ["PK\x05\x06", "zip"],
    ["PK\x07\x08", "zip"],
    ["PK00PK\x03\x04", "zip", zipType],
  ],
  81: [["QFI\xfb", "qcow"]],
  82: [
    ["Rar!\x1a\x07", "rar"],
    ["RIFF", "riff", riffType],
    ["RE~^", "rar"],
  ],
  83: [
    ["SQLite format 3\0", "sqlite"],
    ["SIT!", "stuffit", unlessText("stuffit")],
    ["StuffIt (c)1997-", "stuffit"],
  ],
  87: [["WLPWM\0\0\0", "wim"]],
  90: [
    ["ZWS", "swf", swfType],
    ["ZM", "dosexe", programType],
    ["ZOO ", "zoo", unlessText("zoo")],
  ],
  93: [
    ["\x5d\0\0", "lzma", lzmaType],
    ["\x5d\xff\xff\xff\xff", "lzma", lzmaType],
  ],
  94: [["\x5e\0\0", "lzma", lzmaType]],
  96: [["\x60\xea", "arj", arjType]],
  99: [["conectix", "vhd", unlessText("vhd")]],
  100: [["dex\n0", "dex"]],
  101: [["encrcdsa", "dmg"]],
  102: [["fLaC", "flac"]],
  113: [["\x71\xc7", "cpio", unlessText("cpio")]],
  118: [["vhdxfile", "vhdx"]],
  120: [
    ["\x78\x9f\x3e\x22", "tnef"],
    ["xar!\0", "xar"],
  ],
  127: [["\x7fELF", "elf"]],
  132: [["\x84", "pgp", pgpType]],
  133: [["\x85", "pgp", pgpType]],
  137: [
    ["\x89PNG\r\n\x1a\n", "png"],
    ["\x89LZO\0\r\n\x1a\n", "lzop"],
  ],
  140: [["\x8c", "pgp", pgpBareType]],
  144: [["\x90", "pgp", pgpBareType]],
  163: [["\xa3", "pgp", pgpBareType]],
  172: [["\xac", "pgp", pgpBareType]],
  173: [["\xad", "pgp", pgpBareType]],
  193: [["\xc1", "pgp", pgpType]],
  195: [["\xc3", "pgp", pgpBareType]],
  196: [["\xc4", "pgp", pgpBareType]],
  199: [["\xc7\x71", "cpio"]],
  200: [["\xc8", "pgp", pgpBareType]],
  202: [["\xca\xfe\xba\xbe", "class", cafebabeType]],
  203: [["\xcb", "pgp", pgpBareType]],
  206: [["\xce\xfa\xed\xfe", "macho"]],
  207: [["\xcf\xfa\xed\xfe", "macho"]],
  208: [["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole2"]],
  215: [["\xd7\xcd\xc6\x9a", "wmf"]],
  228: [["\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "one"]],
  233: [["\xe9", "fat", bootType]],
  235: [["\xeb", "fat", bootType]],
  237: [["\xed\xab\xee\xdb", "rpm"]],
  253: [["\xfd7zXZ\0", "xz"]],
  254: [
    ["\xfe\xed\xfa\xce", "macho"],
    ["\xfe\xed\xfa\xcf", "macho"],
  ],
  255: [
    ["\xff\xd8\xff", "jpeg"],
    ["\xff\xfb", "mp3"],
    ["\xff\xf3", "mp3"],
  ],
};

// Acrobat takes a header anywhere in the first kilobyte.
const PDF_SEARCH_BYTES = 1024;
const TRAILER_BYTES = 512;
// A disk image of Apple's ends with such a trailer; a few bytes may have come behind it.
const DMG_TAIL = 1024;
const SKIPPED_FRAMES_MAX = 16;
// A ZIP's comment may take 65,535 bytes; in what is something else it is not looked for.
const ZIP_TAIL = 65_557;
const ZIP_END = 22;

/** The true type of `bytes`. Never throws. */
export function fileType(bytes: Uint8Array): FileType {
  if (bytes.length === 0) return "empty";
  const magics = MAGICS[bytes[0] as number];
  if (magics !== undefined) {
    for (const [magic, type, check] of magics) {
      if (!hasMagic(bytes, magic, 0)) continue;
      const found = check === undefined ? type : check(bytes);
      if (found !== undefined) return found;
    }
  }
  // A disk image may begin like text: its first sectors are free for anything.
  const volume = volumeType(bytes);
  if (volume !== undefined) return volume;
  if (isTar(bytes)) return "tar";
  const text = textType(bytes);
  if (text !== undefined && text !== "text") return text;
  const later = laterType(bytes);
  if (later !== undefined) return later;
  if (zipEnd(bytes, text === undefined ? ZIP_TAIL : ZIP_END) >= 0) return zipType(bytes);
  return text ?? "binary";
}

/**
 * What other programs would see in the same bytes: an archive behind a program or picture, a disk
 * image behind a harmless start. Undefined if `type` is all there is.
 */
export function secondType(bytes: Uint8Array, type: FileType): FileType | undefined {
  const volume = volumeType(bytes);
  if (volume !== undefined && volume !== type) return volume;
  const trailed = trailedType(bytes);
  if (trailed !== undefined && trailed !== type) return trailed;
  if (zipEnd(bytes, ZIP_END) < 0) return undefined;
  return ZIP_TYPES.some((one) => one === type) ? undefined : zipType(bytes);
}

// Formats that are known by something else than their first bytes.
function laterType(bytes: Uint8Array): FileType | undefined {
  if (hasLatePdf(bytes)) return "pdf";
  if (bytes[2] === 0x2d && /^-(?:lh|lz|pm)[0-9a-z]-/.test(textAt(bytes, 2, 5))) return "lha";
  if (hasMagic(bytes, "**ACE**", 7)) return "ace";
  if (hasMagic(bytes, "ftyp", 4)) return "mp4";
  if ((bytes[0] ?? 0) >> 4 === 5 && hasMagic(bytes, "\x2a\x4d\x18", 1)) return framedType(bytes);
  if (hasMagic(bytes, "# Disk DescriptorFile", 0)) return "vmdk";
  return trailedType(bytes) ?? diskType(bytes);
}

// Disks that are told by their last sector; the first may be that of anything.
function trailedType(bytes: Uint8Array): FileType | undefined {
  const trailerAt = bytes.length - TRAILER_BYTES;
  if (hasMagic(bytes, "conectix", trailerAt)) return "vhd";
  const tail = textAt(bytes, Math.max(0, bytes.length - DMG_TAIL), DMG_TAIL);
  return tail.includes("koly\0\0\0\x04\0\0\x02\0") ? "dmg" : undefined;
}

function hasLatePdf(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, PDF_SEARCH_BYTES);
  for (let at = head.indexOf(0x25); at >= 0; at = head.indexOf(0x25, at + 1)) {
    if (hasMagic(head, "%PDF-", at)) return true;
  }
  return false;
}

// RFC 8878 §3.1.2, and the same in lz4: frames to be skipped may come before the first real one.
function framedType(bytes: Uint8Array): FileType {
  let at = 0;
  for (let n = 0; n < SKIPPED_FRAMES_MAX; n++) {
    if ((bytes[at] ?? 0) >> 4 !== 5 || !hasMagic(bytes, "\x2a\x4d\x18", at + 1)) break;
    at += 8 + u32(bytes, at + 4);
  }
  return hasMagic(bytes, "\x04\x22\x4d\x18", at) ? "lz4" : "zstd";
}

function unlessText(type: FileType): (bytes: Uint8Array) => FileType | undefined {
  return (bytes) => (isTextual(bytes) ? undefined : type);
}

function icoType(bytes: Uint8Array): FileType | undefined {
  const count = bytes[4] ?? 0;
  return count > 0 && count < 64 && bytes[5] === 0 && bytes[9] === 0 ? "ico" : undefined;
}

function bzip2Type(bytes: Uint8Array): FileType | undefined {
  const level = bytes[3] ?? 0;
  const isBlock = hasMagic(bytes, "1AY&SY", 4) || hasMagic(bytes, "\x17\x72\x45\x38\x50\x90", 4);
  return level >= 0x31 && level <= 0x39 && isBlock ? "bzip2" : undefined;
}
