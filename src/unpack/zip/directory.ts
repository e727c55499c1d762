// What a ZIP file says of its entries, from the central directory and from the local headers. The
// two may disagree, and programs differ in which they believe. APPNOTE.TXT 6.3.10.

import { crc32 } from "node:zlib";

/** One header of an entry, central or local. */
export interface EntryHeader {
  readonly flags: number;
  readonly method: number;
  /** Time of day as MS-DOS has it; encryption uses it in place of a checksum. */
  readonly time: number;
  readonly crc: number;
  /** Compressed size; may be 0 in a local header although there is data (flag bit 3). */
  readonly packedSize: number;
  readonly size: number;
  readonly name: string;
  /** §4.5, as it stands in the file. */
  readonly extra: Buffer;
}

/** An entry with the place of its data. */
export interface ZipEntry {
  readonly headers: readonly EntryHeader[];
  /** Where its local header and its data begin. */
  readonly start: number;
  readonly dataStart: number;
}

/** The central directory. */
export interface ZipDirectory {
  readonly entries: readonly ZipEntry[];
  /** Names of entries whose data is not where the directory says. */
  readonly lost: readonly string[];
  /** The stretch it takes up itself; it ends behind the end record and its comment. */
  readonly start: number;
  readonly end: number;
  /** True if it holds fewer entries than it should, or more than we read. */
  readonly isCut: boolean;
  /** Names of entries that lie where another one does, which no honest writer makes. */
  readonly shared: readonly string[];
  /** Whether it is one piece of an archive that was split. §8 */
  readonly isSplit: boolean;
  /** What other directories in the file say of entries, by where they begin. */
  readonly others: ReadonlyMap<number, readonly EntryHeader[]>;
}

const LOCAL = "PK\x03\x04";
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END = "PK\x05\x06";
/** Bytes of the end record without its comment. */
const END_SIZE = 22;
const END_64_SIGNATURE = 0x06064b50;
const LOCATOR_SIGNATURE = 0x07064b50;
const ENTRIES_MAX = 65_536;
const DIRECTORIES_MAX = 16;
const ENDS_MAX = 65_536;
const HEADERS_MAX = 8;
const UTF8_FLAG = 0x800;

/** Reads the central directory; undefined if there is none. §4.3.12, §4.3.16. */
export function readDirectory(bytes: Buffer): ZipDirectory | undefined {
  const ends = findEnds(bytes);
  // The comment behind the record may hold "PK\5\6" itself: one that fits to the file's end wins.
  const at =
    ends.find((end) => end + END_SIZE + bytes.readUInt16LE(end + 20) === bytes.length) ?? ends[0];
  if (at === undefined) return;
  const main = directoryAt(bytes, at);
  const others = new Map<number, readonly EntryHeader[]>();
  // Readers differ in which directory they take; the places they name are read as either says.
  for (const end of ends) {
    if (end === at) continue;
    for (const { start, headers } of directoryAt(bytes, end).entries) {
      others.set(start, [...(others.get(start) ?? []), ...headers].slice(0, HEADERS_MAX));
    }
  }
  const entries = main.entries.map((entry) => withHeaders(entry, others.get(entry.start)));
  const end = Math.min(bytes.length, at + END_SIZE + bytes.readUInt16LE(at + 20));
  const disks = [bytes.readUInt16LE(at + 4), bytes.readUInt16LE(at + 6)];
  const isSplit = disks.some((number) => number !== 0 && number !== 0xffff);
  return { ...main, entries, end, isSplit, others };
}

/** `entry` with what else is said of it. */
export function withHeaders(entry: ZipEntry, headers: readonly EntryHeader[] = []): ZipEntry {
  const more = headers.filter(
    ({ method, name, flags }) =>
      !entry.headers.some(
        (one) => one.method === method && one.name === name && one.flags === flags,
      ),
  );
  if (more.length === 0) return entry;
  return { ...entry, headers: [...entry.headers, ...more].slice(0, HEADERS_MAX) };
}

function directoryAt(bytes: Buffer, at: number): Omit<ZipDirectory, "end" | "isSplit" | "others"> {
  const record = endRecord(bytes, at);
  // Data may stand before the archive (self-extractors): offsets then count from its start.
  const found = [record.at - record.size, record.offset].find(
    (start) => start >= 0 && start <= at && (record.size === 0 || isCentral(bytes, start)),
  );
  if (found === undefined) {
    return { entries: [], lost: [], shared: [], start: at, isCut: record.count > 0 };
  }
  const shift = found - record.offset;
  return readRecords(bytes, { start: found, end: at, shift, count: record.count });
}

// Last first. Searched from the front, which is many times faster than backwards.
function findEnds(bytes: Buffer): number[] {
  if (bytes.length < END_SIZE) return [];
  const ends: number[] = [];
  let at = bytes.indexOf(END, 0, "latin1");
  for (let count = 0; at >= 0 && at + END_SIZE <= bytes.length && count < ENDS_MAX; count++) {
    if (ends.push(at) > DIRECTORIES_MAX) ends.shift();
    at = bytes.indexOf(END, at + 4, "latin1");
  }
  // Of a flood of them only the last is taken, as readers do.
  const last = at < 0 ? -1 : bytes.lastIndexOf(END, bytes.length - END_SIZE, "latin1");
  if (last >= 0 && !ends.includes(last)) ends.push(last);
  return ends.reverse();
}

interface EndRecord {
  readonly at: number;
  readonly count: number;
  readonly size: number;
  readonly offset: number;
}

function endRecord(bytes: Buffer, at: number): EndRecord {
  const record = {
    at,
    count: bytes.readUInt16LE(at + 10),
    size: bytes.readUInt32LE(at + 12),
    offset: bytes.readUInt32LE(at + 16),
  };
  // §4.4.1.4: fields of all ones stand in the zip64 record, which a locator before this one finds.
  const isLarge =
    record.count === 0xffff || record.size >= 0xffffffff || record.offset >= 0xffffffff;
  if (!isLarge || at < 76 || bytes.readUInt32LE(at - 20) !== LOCATOR_SIGNATURE) return record;
  const declared = Number(bytes.readBigUInt64LE(at - 12));
  const place = [declared, at - 76].find(
    (start) => start + 56 <= at && bytes.readUInt32LE(start) === END_64_SIGNATURE,
  );
  if (place === undefined) return record;
  return {
    at: place,
    count: Number(bytes.readBigUInt64LE(place + 32)),
    size: Number(bytes.readBigUInt64LE(place + 40)),
    offset: Number(bytes.readBigUInt64LE(place + 48)),
  };
}

function isCentral(bytes: Buffer, at: number): boolean {
  return at + 46 <= bytes.length && bytes.readUInt32LE(at) === CENTRAL_SIGNATURE;
}

function readRecords(
  bytes: Buffer,
  directory: { start: number; end: number; shift: number; count: number },
) {
  const entries = new Map<number, ZipEntry>();
  const lost: string[] = [];
  const shared: string[] = [];
  let at = directory.start;
  let count = 0;
  while (at < directory.end && isCentral(bytes, at) && count < ENTRIES_MAX) {
    const nameLength = bytes.readUInt16LE(at + 28);
    const extraLength = bytes.readUInt16LE(at + 30);
    const next = at + 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) break;
    const fixed = { at: at + 8, name: at + 46, nameLength, extraLength };
    const { header, offset } = readHeader(bytes, fixed, bytes.readUInt32LE(at + 42));
    const entry =
      localEntry(bytes, offset + directory.shift, header) ?? localEntry(bytes, offset, header);
    const known = entry && entries.get(entry.start);
    if (known !== undefined && known.headers[0]?.name !== header.name) shared.push(header.name);
    if (entry === undefined) lost.push(header.name);
    else entries.set(entry.start, mergedEntry(known, entry));
    count++;
    at = next;
  }
  // The count has 16 bits, and writers let it overflow: only too few entries are suspicious.
  const isCut = count < directory.count % 65_536 || count >= ENTRIES_MAX;
  return { entries: [...entries.values()], lost, shared, start: directory.start, isCut };
}

// Several records may point at one place: that is one entry by several names.
function mergedEntry(known: ZipEntry | undefined, entry: ZipEntry): ZipEntry {
  if (known === undefined) return entry;
  return { ...known, headers: [...known.headers, ...entry.headers].slice(0, HEADERS_MAX) };
}

// Central and local headers share one layout from the flags on. §4.3.7, §4.3.12.
function readHeader(
  bytes: Buffer,
  fixed: { at: number; name: number; nameLength: number; extraLength: number },
  offset: number,
): { header: EntryHeader; offset: number } {
  const { at } = fixed;
  const flags = bytes.readUInt16LE(at);
  const nameBytes = bytes.subarray(fixed.name, fixed.name + fixed.nameLength);
  const extra = bytes.subarray(
    fixed.name + fixed.nameLength,
    fixed.name + fixed.nameLength + fixed.extraLength,
  );
  const sizes = {
    size: bytes.readUInt32LE(at + 16),
    packedSize: bytes.readUInt32LE(at + 12),
    offset,
  };
  const name = readExtra(extra, sizes, nameBytes);
  const { size, packedSize } = sizes;
  const header = {
    flags,
    method: bytes.readUInt16LE(at + 2),
    time: bytes.readUInt16LE(at + 4),
    crc: bytes.readUInt32LE(at + 8),
    packedSize,
    size,
    name: name ?? entryName(nameBytes, flags),
    extra,
  };
  return { header, offset: sizes.offset };
}

function entryName(bytes: Buffer, flags: number): string {
  return bytes.toString((flags & UTF8_FLAG) !== 0 ? "utf8" : "latin1");
}

// §4.5.3 zip64 sizes replace those that are all ones; §4.6.9 gives the name in UTF-8.
function readExtra(
  extra: Buffer,
  sizes: { size: number; packedSize: number; offset: number },
  nameBytes: Buffer,
): string | undefined {
  let name: string | undefined;
  for (let at = 0; at + 4 <= extra.length; ) {
    const id = extra.readUInt16LE(at);
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
    if (id === 1) {
      let read = 0;
      for (const key of ["size", "packedSize", "offset"] as const) {
        if (sizes[key] !== 0xffffffff || read + 8 > field.length) continue;
        sizes[key] = Number(field.readBigUInt64LE(read));
        read += 8;
      }
    }
    const isName = id === 0x7075 && field.length > 5 && field[0] === 1;
    if (isName && field.readUInt32LE(1) === crc32(nameBytes)) name = field.toString("utf8", 5);
    at += 4 + extra.readUInt16LE(at + 2);
  }
  return name;
}

/** The entry whose local header is at `start`, if one is; `central` is what the directory says. */
export function localEntry(
  bytes: Buffer,
  start: number,
  central?: EntryHeader,
): ZipEntry | undefined {
  if (start < 0 || start + 30 > bytes.length) return;
  if (bytes.readUInt32LE(start) !== LOCAL_SIGNATURE) return;
  const nameLength = bytes.readUInt16LE(start + 26);
  const extraLength = bytes.readUInt16LE(start + 28);
  const dataStart = start + 30 + nameLength + extraLength;
  if (dataStart > bytes.length) return;
  const fixed = { at: start + 6, name: start + 30, nameLength, extraLength };
  const { header } = readHeader(bytes, fixed, 0);
  return { headers: central === undefined ? [header] : [central, header], start, dataStart };
}

/** The next place at or behind `from` where a local header may stand; -1 if there is none. */
export function findLocal(bytes: Buffer, from: number, end: number): number {
  return bytes.subarray(0, end).indexOf(LOCAL, from, "latin1");
}
