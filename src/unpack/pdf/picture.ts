// What a stream's content looks like: a file in its own right, or nothing but the pixels that its
// dictionary promises.

import { nameOf } from "./decode.ts";
import type { Dict, Value } from "./syntax.ts";

/** Pictures below this are shown to the engine like everything else. */
const PIXELS_MIN = 1 << 20;
const HEADER_BYTES = 1024;

// Programs, archives and documents, by how they begin.
const MAGICS = [
  ...["MZ", "\x7fELF", "\xca\xfe\xba\xbe", "\xcf\xfa\xed\xfe", "#!", "FWS", "CWS", "ZWS"],
  ...["PK\x03\x04", "PK\x05\x06", "Rar!\x1a", "7z\xbc\xaf", "\x1f\x8b\x08", "BZh", "\xfd7zXZ"],
  ...["\x28\xb5\x2f\xfd", "MSCF", "ITSF", "!<arch>", "\xed\xab\xee\xdb", "xar!", "ISc("],
  ...["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "{\\rt", "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d"],
  ...["L\0\0\0\x01\x14\x02\0", "ActiveMime", "\x78\x9f\x3e\x22", "From ", "[InternetShortcut]"],
  ...["%!PS", "\xc5\xd0\xd3\xc6"],
];

/** Whether the bytes begin as something that programs other than a PDF reader would open. */
export function looksLikeFile(bytes: Buffer): boolean {
  const head = bytes.toString("latin1", 0, HEADER_BYTES);
  if (head.includes("%PDF-")) return true;
  // Fonts and their tables are PostScript by their first line.
  if (/^%!(?:PS-AdobeFont|FontType|PS-Adobe-3\.0 Resource-)/.test(head)) return false;
  if (MAGICS.some((magic) => head.startsWith(magic))) return true;
  // Markup, but not the metadata packets that stand in nearly every document.
  const text = head.replace(/^(?:\xef\xbb\xbf)?\s+/, "");
  return /^<[a-z!?]/i.test(text) && !/^<(?:\?xpacket|x:xmpmeta|rdf:RDF)/.test(text);
}

/** Whether `bytes` can be what the picture filter `filter` reads; two of them have no mark. */
export function isPicture(filter: string, bytes: Buffer): boolean {
  const head = bytes.toString("latin1", 0, 12);
  if (filter === "DCTDecode") return head.startsWith("\xff\xd8");
  if (filter === "JPXDecode") return head.startsWith("\xff\x4f") || head.includes("jP  ");
  return filter === "CCITTFaxDecode" || filter === "JBIG2Decode";
}

/** Whether `bytes` are just as many as the samples of the picture that `dict` describes. */
export function isPlainPicture(dict: Dict, bytes: Buffer): boolean {
  if (bytes.length < PIXELS_MIN || nameOf(dict.get("Subtype")) !== "Image") return false;
  const width = whole(dict.get("Width"));
  const height = whole(dict.get("Height"));
  const bits = dict.get("ImageMask") === true ? 1 : whole(dict.get("BitsPerComponent"));
  for (const samples of [1, 3, 4]) {
    const row = Math.ceil((width * samples * bits) / 8);
    // A predictor of PNG adds a byte to each row.
    if (row * height === bytes.length || (row + 1) * height === bytes.length) return true;
  }
  return false;
}

function whole(value: Value | undefined): number {
  return typeof value === "number" && value > 0 ? value : 0;
}
