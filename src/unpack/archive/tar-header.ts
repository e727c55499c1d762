// One header block of a tar archive, in every dialect: v7, ustar, GNU, star. POSIX.1-2017 pax,
// "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".

/** Size of every header, and what data is padded to. */
export const BLOCK = 512;

/** What a header block says. */
export interface TarHeader {
  readonly name: string;
  /** Stored bytes that follow, as far as the header knows. */
  readonly size: number;
  /** The type flag; "0" for the NUL of v7. */
  readonly type: string;
  readonly isGnu: boolean;
}

/** A stretch of a sparse file that is stored; the rest of the file is zeros. */
export interface Stretch {
  readonly offset: number;
  readonly size: number;
}

/** A sparse file's layout. */
export interface SparseMap {
  readonly stretches: readonly Stretch[];
  readonly realSize: number;
  /** Where the stored data begins: the map may take blocks of its own. */
  readonly dataStart: number;
}

const STRETCHES_MAX = 10_000;

/** The header at `at`; undefined if its checksum says that it is none. */
export function readTarHeader(bytes: Buffer, at: number): TarHeader | undefined {
  if (at + BLOCK > bytes.length || !hasChecksum(bytes, at)) return;
  const magic = bytes.toString("latin1", at + 257, at + 263);
  const prefix = magic === "ustar\0" ? textField(bytes, at + 345, 155) : "";
  const name = textField(bytes, at, 100);
  const type = String.fromCharCode(bytes[at + 156] || 0x30);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size: numberField(bytes, at + 124, 12),
    type,
    isGnu: magic === "ustar ",
  };
}

/** Whether a whole block of zeros stands at `at`. */
export function isZeroBlock(bytes: Buffer, at: number): boolean {
  const end = Math.min(at + BLOCK, bytes.length);
  for (let i = at; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** `at` moved up to the next block. */
export function nextBlock(at: number): number {
  return Math.ceil(at / BLOCK) * BLOCK;
}

// Old programs summed signed bytes, new ones unsigned ones.
function hasChecksum(bytes: Buffer, at: number): boolean {
  const stored = numberField(bytes, at + 148, 8);
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  for (let i = 0; i < BLOCK; i++) {
    if (i >= 148 && i < 156) continue;
    const byte = bytes[at + i] as number;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  // A block of zeros has a right checksum only by the field's spaces.
  return (stored === unsigned || stored === signed) && stored !== 8 * 0x20;
}

function textField(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  return decodeName(bytes.subarray(at, end < 0 || end > at + length ? at + length : end));
}

/** Names are UTF-8 today, and were anything before. */
export function decodeName(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? bytes.toString("latin1") : text;
}

/** Octal digits; GNU writes large numbers in base 256 with the top bit set. */
export function numberField(bytes: Buffer, at: number, length: number): number {
  const first = bytes[at] ?? 0;
  if (first >= 0x80) {
    let value = first === 0x80 ? 0 : first & 0x3f;
    for (let i = 1; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0);
    return first >= 0xc0 ? -1 : value;
  }
  const digits = /^[ \0]*([0-7]*)/.exec(bytes.toString("latin1", at, at + length))?.[1] ?? "";
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** The map in an old GNU sparse header and the blocks that continue it. */
export function gnuSparseMap(bytes: Buffer, at: number): SparseMap {
  const stretches: Stretch[] = [];
  const readStretches = (from: number, count: number) => {
    for (let i = 0; i < count; i++) {
      const size = numberField(bytes, from + i * 24 + 12, 12);
      if (size > 0) stretches.push({ offset: numberField(bytes, from + i * 24, 12), size });
    }
  };
  readStretches(at + 386, 4);
  let dataStart = at + BLOCK;
  let isExtended = bytes[at + 482] === 1;
  while (isExtended && dataStart + BLOCK <= bytes.length && stretches.length < STRETCHES_MAX) {
    readStretches(dataStart, 21);
    isExtended = bytes[dataStart + 504] === 1;
    dataStart += BLOCK;
  }
  return { stretches, realSize: numberField(bytes, at + 483, 12), dataStart };
}

/** The map that GNU sparse format 1.0 puts before the data: decimal numbers, one a line. */
export function leadingSparseMap(bytes: Buffer, start: number, realSize: number): SparseMap {
  const stretches: Stretch[] = [];
  let at = start;
  const number = () => {
    const end = bytes.indexOf(10, at);
    const value = end < 0 || end - at > 20 ? Number.NaN : Number(bytes.toString("latin1", at, end));
    at = end + 1;
    return value;
  };
  const count = number();
  for (let i = 0; i < Math.min(count, STRETCHES_MAX); i++) {
    const stretch = { offset: number(), size: number() };
    if (!(stretch.offset >= 0 && stretch.size >= 0)) break;
    stretches.push(stretch);
  }
  return { stretches, realSize, dataStart: start + nextBlock(Math.max(0, at - start)) };
}
