// Writes archives of formats that no tool here can write: members are stored as they are, and every
// header is as small as its format allows.

import { crc32 } from "node:zlib";

export interface Stored {
  /** Text is written as UTF-8; bytes are taken as they are, and may stand here in spite of the type. */
  readonly name: string;
  readonly content: string;
}

/** A file's bytes; text is written as UTF-8. */
export function bytesOf(content: string | Uint8Array): Buffer {
  return typeof content === "string" ? Buffer.from(content) : Buffer.from(content);
}

const u8 = (...values: readonly number[]) => Buffer.from(values);

function u16(value: number): Buffer {
  return u8(value & 255, (value >> 8) & 255);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function u64(value: number): Buffer {
  return Buffer.concat([u32(value), u32(value / 2 ** 32)]);
}

// Numbers up to 2^14, as 7z writes them.
function short7z(value: number): Buffer {
  return value < 128 ? u8(value) : u8(0x80 | (value >> 8), value & 255);
}

/**
 * A 7z archive whose one coder copies, or (with `coder`) claims to be something else; `pack` makes
 * the bytes that it stands for.
 */
export function build7z(
  files: readonly Stored[],
  coder: readonly number[] = [1, 0],
  pack: (content: Buffer) => Buffer = (content) => content,
): Buffer {
  const contents = files.map(({ content }) => bytesOf(content));
  const clear = Buffer.concat(contents);
  const data = pack(clear);
  const names = files.map(({ name }) => Buffer.from(`${name}\0`, "utf16le"));
  const nameBytes = Buffer.concat([u8(0), ...names]);
  const header = Buffer.concat([
    u8(1, 4, 6, 0, 1, 9),
    ...[short7z(data.length), u8(0)],
    // One folder with one coder, and its size.
    ...[u8(7, 0x0b, 1, 0, 1), u8(...coder), u8(0x0c), short7z(clear.length), u8(0)],
    // How many files it holds, their sizes but for the last one, their checksums.
    ...[u8(8, 0x0d), short7z(files.length), u8(9)],
    ...contents.slice(0, -1).map((content) => short7z(content.length)),
    ...[u8(0x0a, 1), ...contents.map((content) => u32(crc32(content))), u8(0, 0)],
    ...[u8(5), short7z(files.length), u8(0x11), short7z(nameBytes.length), nameBytes, u8(0, 0)],
  ]);
  const start = Buffer.concat([u64(data.length), u64(header.length), u32(crc32(header))]);
  const magic = Buffer.from("7z\xbc\xaf\x27\x1c\0\x04", "latin1");
  return Buffer.concat([magic, u32(crc32(start)), start, data, header]);
}

function block4(type: number, flags: number, fields: Buffer): Buffer {
  const rest = Buffer.concat([u8(type), u16(flags), u16(7 + fields.length), fields]);
  return Buffer.concat([u16(crc32(rest) & 0xffff), rest]);
}

/** A RAR 4 archive. `mainFlags`: 1 volume; `fileFlags`: 4 encrypted. */
export function buildRar4(
  files: readonly Stored[],
  { mainFlags = 0, fileFlags = 0, version = 29, method = 0x30 } = {},
): Buffer {
  const pieces = [
    Buffer.from("Rar!\x1a\x07\0", "latin1"),
    block4(0x73, mainFlags, Buffer.alloc(6)),
  ];
  for (const { name, content } of files) {
    const data = bytesOf(content);
    const sizes = [u32(data.length), u32(data.length), u8(3), u32(crc32(data)), u32(0)];
    const rest = [u8(version, method), u16(name.length), u32(0o100644), Buffer.from(name)];
    pieces.push(block4(0x74, 0x8000 | fileFlags, Buffer.concat([...sizes, ...rest])), data);
  }
  return Buffer.concat([...pieces, block4(0x7b, 0x4000, Buffer.alloc(0))]);
}

// Numbers up to 2^14, as RAR 5 writes them.
function short5(value: number): Buffer {
  return value < 128 ? u8(value) : u8(0x80 | (value & 127), value >> 7);
}

function block5(fields: Buffer): Buffer {
  const sized = Buffer.concat([short5(fields.length), fields]);
  return Buffer.concat([u32(crc32(sized)), sized]);
}

/** A RAR 5 archive. `mainFlags`: 1 volume. */
export function buildRar5(
  files: readonly Stored[],
  { mainFlags = 0, isEncrypted = false } = {},
): Buffer {
  const magic = Buffer.from("Rar!\x1a\x07\x01\0", "latin1");
  const pieces = [magic, block5(Buffer.concat([u8(1, 0), short5(mainFlags)]))];
  for (const { name, content } of files) {
    const data = bytesOf(content);
    // A record about encryption: version, flags, iterations, salt and initial vector.
    const record = Buffer.concat([u8(1, 0, 0, 15), Buffer.alloc(32, 7)]);
    const extra = isEncrypted ? Buffer.concat([short5(record.length), record]) : Buffer.alloc(0);
    const head = [u8(2, isEncrypted ? 3 : 2), isEncrypted ? short5(extra.length) : Buffer.alloc(0)];
    const sizes = [short5(data.length), u8(4), short5(data.length), short5(0o644)];
    const rest = [u32(crc32(data)), u8(0, 1), short5(name.length), Buffer.from(name)];
    pieces.push(block5(Buffer.concat([...head, ...sizes, ...rest, extra])), data);
  }
  return Buffer.concat([...pieces, block5(u8(5, 0, 0))]);
}

/** A cabinet without compression. `flags`: 1 there is one before it, 2 there is one behind. */
export function buildCab(files: readonly Stored[], flags = 0): Buffer {
  const data = Buffer.concat(files.map(({ content }) => bytesOf(content)));
  let offset = 0;
  const entries = files.map(({ name, content }) => {
    const fields = [u32(content.length), u32(offset), u16(0), u16(0x5a21), u16(0), u16(0x20)];
    offset += content.length;
    return Buffer.concat([...fields, Buffer.from(`${name}\0`)]);
  });
  const links = flags === 0 ? "" : "other.cab\0disk\0";
  const headerSize = 36 + links.length + 8;
  const dataAt = headerSize + entries.reduce((sum, entry) => sum + entry.length, 0);
  const size = dataAt + 8 + data.length;
  return Buffer.concat([
    ...[Buffer.from("MSCF\0\0\0\0"), u32(size), u32(0), u32(headerSize), u32(0), u8(3, 1)],
    ...[u16(1), u16(files.length), u16(flags), u16(1), u16(0), Buffer.from(links)],
    ...[u32(dataAt), u16(1), u16(0), ...entries],
    ...[u32(0), u16(data.length), u16(data.length), data],
  ]);
}

function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) === 0 ? 0 : 0xa001);
  }
  return crc;
}

/** An LHA archive with headers of level 0. */
export function buildLha(files: readonly Stored[], method = "-lh0-"): Buffer {
  const pieces = files.map(({ name, content }) => {
    const data = bytesOf(content);
    const fields = Buffer.concat([
      ...[Buffer.from(method), u32(data.length), u32(data.length), u32(0x21), u8(0x20, 0)],
      ...[u8(name.length), Buffer.from(name), u16(crc16(data))],
    ]);
    const sum = fields.reduce((one, two) => (one + two) & 255, 0);
    return Buffer.concat([u8(fields.length, sum), fields, data]);
  });
  return Buffer.concat([...pieces, u8(0)]);
}

export interface ArjMember extends Stored {
  readonly method?: number;
  readonly flags?: number;
  readonly type?: number;
  readonly packed?: Uint8Array;
}

function arjHeader(fields: Buffer): Buffer {
  return Buffer.concat([u8(0x60, 0xea), u16(fields.length), fields, u32(crc32(fields)), u16(0)]);
}

/** An ARJ archive. */
export function buildArj(files: readonly ArjMember[], mainFlags = 0): Buffer {
  const main = Buffer.concat([
    u8(30, 6, 1, 0, mainFlags, 0, 2),
    Buffer.alloc(23),
    Buffer.from("a\0\0"),
  ]);
  const pieces = files.map(({ name, content, method = 0, flags = 0, type = 0, packed }) => {
    const data = bytesOf(packed ?? content);
    const sizes = [u32(data.length), u32(content.length), u32(crc32(content))];
    const start = [u8(30, 6, 1, 0, flags, method, type, 0), u32(0), ...sizes, Buffer.alloc(6)];
    return Buffer.concat([arjHeader(Buffer.concat([...start, Buffer.from(`${name}\0\0`)])), data]);
  });
  return Buffer.concat([arjHeader(main), ...pieces, u8(0x60, 0xea, 0, 0)]);
}

/** Bits, most significant first: pairs of a value and its width. */
export function packBits(...fields: readonly (readonly [value: number, width: number])[]): Buffer {
  const bits = fields.flatMap(([value, width]) =>
    Array.from({ length: width }, (_, i) => (value >> (width - 1 - i)) & 1),
  );
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [at, bit] of bits.entries()) {
    bytes[at >> 3] = (bytes[at >> 3] as number) | (bit << (7 - (at & 7)));
  }
  return bytes;
}
