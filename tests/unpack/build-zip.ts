// Writes ZIP files for tests, honest ones and others: every header field can be made to lie.
import { crc32, deflateRawSync } from "node:zlib";

export interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** What the local header says instead. */
  readonly localName?: string;
  readonly localMethod?: number;
  readonly localFlags?: number;
  readonly crc?: number;
  readonly declaredSize?: number;
  readonly declaredPackedSize?: number;
  /** Sizes and checksum follow the data (flag bit 3). */
  readonly hasDescriptor?: boolean;
  readonly isZip64?: boolean;
  /** Left out of the central directory. */
  readonly isHidden?: boolean;
  /** The data as it stands in the file, instead of what `bytes` give. */
  readonly packed?: Uint8Array;
  readonly extra?: Uint8Array;
}

const DESCRIPTOR_FLAG = 8;

interface Laid extends Member {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly sum: number;
}

function header(member: Laid, isLocal: boolean): Buffer {
  const name = Buffer.from((isLocal ? member.localName : undefined) ?? member.name);
  const isUtf8 = name.length !== member.name.length;
  const flags =
    (isLocal ? (member.localFlags ?? member.flags) : member.flags) ??
    (isUtf8 ? 0x800 : 0) | (member.hasDescriptor ? DESCRIPTOR_FLAG : 0);
  const method = (isLocal ? member.localMethod : undefined) ?? member.method ?? 8;
  const isLater = isLocal && member.hasDescriptor === true;
  const packedSize = member.declaredPackedSize ?? member.data.length;
  const size = member.declaredSize ?? member.bytes.length;
  let extra = Buffer.from(member.extra ?? []);
  if (member.isZip64) {
    extra = Buffer.alloc(isLocal ? 20 : 28);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(extra.length - 4, 2);
    extra.writeBigUInt64LE(BigInt(size), 4);
    extra.writeBigUInt64LE(BigInt(packedSize), 12);
    if (!isLocal) extra.writeBigUInt64LE(BigInt(member.offset), 20);
  }
  const fixed = Buffer.alloc(isLocal ? 30 : 46);
  fixed.writeUInt32LE(isLocal ? 0x04034b50 : 0x02014b50, 0);
  const at = isLocal ? 6 : 8;
  fixed.writeUInt16LE(20, at - 2);
  fixed.writeUInt16LE(flags, at);
  fixed.writeUInt16LE(method, at + 2);
  fixed.writeUInt32LE(isLater ? 0 : member.sum, at + 8);
  fixed.writeUInt32LE(member.isZip64 ? 0xffffffff : isLater ? 0 : packedSize, at + 12);
  fixed.writeUInt32LE(member.isZip64 ? 0xffffffff : isLater ? 0 : size, at + 16);
  fixed.writeUInt16LE(name.length, at + 20);
  fixed.writeUInt16LE(extra.length, at + 22);
  if (!isLocal) fixed.writeUInt32LE(member.isZip64 ? 0xffffffff : member.offset, 42);
  return Buffer.concat([fixed, name, extra]);
}

function descriptor(member: Laid): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(member.sum, 4);
  bytes.writeUInt32LE(member.data.length, 8);
  bytes.writeUInt32LE(member.bytes.length, 12);
  return bytes;
}

function endRecords(count: number, start: number, end: number, isZip64: boolean): Buffer {
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(isZip64 ? 0xffff : count, 8);
  record.writeUInt16LE(isZip64 ? 0xffff : count, 10);
  record.writeUInt32LE(isZip64 ? 0xffffffff : end - start, 12);
  record.writeUInt32LE(isZip64 ? 0xffffffff : start, 16);
  if (!isZip64) return record;
  const large = Buffer.alloc(76);
  large.writeUInt32LE(0x06064b50, 0);
  large.writeBigUInt64LE(44n, 4);
  large.writeBigUInt64LE(BigInt(count), 24);
  large.writeBigUInt64LE(BigInt(count), 32);
  large.writeBigUInt64LE(BigInt(end - start), 40);
  large.writeBigUInt64LE(BigInt(start), 48);
  large.writeUInt32LE(0x07064b50, 56);
  large.writeBigUInt64LE(BigInt(end), 64);
  large.writeUInt32LE(1, 72);
  return Buffer.concat([large, record]);
}

/** A ZIP file with `members`, deflated unless they say otherwise. */
export function buildZip(members: readonly Member[]): Buffer {
  const pieces: Buffer[] = [];
  const laid: Laid[] = [];
  let offset = 0;
  for (const member of members) {
    const method = member.method ?? 8;
    const data = member.packed ?? (method === 8 ? deflateRawSync(member.bytes) : member.bytes);
    const entry = { ...member, offset, data, sum: member.crc ?? crc32(member.bytes) };
    const piece = [header(entry, true), data];
    if (member.hasDescriptor) piece.push(descriptor(entry));
    laid.push(entry);
    pieces.push(Buffer.concat(piece));
    offset += pieces.at(-1)?.length ?? 0;
  }
  const named = laid.filter((member) => !member.isHidden);
  const directory = Buffer.concat(named.map((member) => header(member, false)));
  const isZip64 = members.some((member) => member.isZip64);
  const end = endRecords(named.length, offset, offset + directory.length, isZip64);
  return Buffer.concat([...pieces, directory, end]);
}
