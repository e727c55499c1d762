// The header of a 7z archive: how its streams are packed, and which files they hold. 7zFormat.txt of
// the LZMA SDK. Counts are bounded by the bytes that are there; nothing throws but FormatError.

/** Thrown at a header that makes no sense; caught where the archive is opened. */
export class FormatError extends Error {}

/** One step of unpacking. */
export interface Coder {
  /** Method id in hexadecimal, `030101` for LZMA. */
  readonly id: string;
  readonly properties: Buffer;
  /** Whether it has one stream in and one out. */
  readonly isSimple: boolean;
  readonly size: number;
}

/** Streams that are packed together. */
export interface Folder {
  /** In the order in which they are undone; empty if they are no simple chain. */
  readonly coders: readonly Coder[];
  readonly packed: Buffer;
  readonly size: number;
  /** The files in it, one behind the other. */
  readonly streams: readonly { readonly size: number; readonly crc: number | undefined }[];
}

/** What an archive holds. */
export interface Archive {
  readonly folders: readonly Folder[];
  /** Names of files with content, in the order of the streams. */
  readonly names: readonly string[];
}

const STREAMS_MAX = 100_000;
const CODERS_MAX = 8;

const ID = {
  end: 0,
  header: 1,
  archiveProperties: 2,
  additionalStreams: 3,
  mainStreams: 4,
  files: 5,
  packInfo: 6,
  unpackInfo: 7,
  subStreams: 8,
  size: 9,
  crc: 10,
  folder: 11,
  unpackSizes: 12,
  streamCounts: 13,
  emptyStream: 14,
  names: 17,
  encodedHeader: 23,
} as const;

/** Bytes that are read one after the other. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new FormatError("cut short");
    return value;
  }

  take(size: number): Buffer {
    if (!(size >= 0) || this.#at + size > this.#bytes.length) throw new FormatError("cut short");
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  /** As many bytes follow as the first one has leading ones. */
  number(): number {
    const first = this.byte();
    let value = 0;
    let mask = 0x80;
    for (let n = 0; n < 8; n++, mask >>= 1) {
      if ((first & mask) === 0) return value + (first & (mask - 1)) * 256 ** n;
      value += this.byte() * 256 ** n;
    }
    return value;
  }

  count(max = STREAMS_MAX): number {
    const value = this.number();
    if (value > max) throw new FormatError("more than can be");
    return value;
  }

  bits(count: number): boolean[] {
    const bytes = this.take(Math.ceil(count / 8));
    return Array.from(
      { length: count },
      (_, i) => (((bytes[i >> 3] ?? 0) << (i & 7)) & 0x80) !== 0,
    );
  }

  /** A flag for "all", or a bit for each; then a checksum for each that has one. */
  digests(count: number): (number | undefined)[] {
    const isDefined = this.byte() !== 0 ? new Array<boolean>(count).fill(true) : this.bits(count);
    return isDefined.map((is) => (is ? this.take(4).readUInt32LE(0) : undefined));
  }
}

/** Where a header stands in the archive: `bytes` from behind the start header on. */
export interface Start {
  readonly offset: number;
  readonly size: number;
  readonly crc: number;
}

/** Reads the first 32 bytes; undefined if they are not there. */
export function readStart(bytes: Buffer): Start | undefined {
  if (bytes.length < 32) return;
  const offset = Number(bytes.readBigUInt64LE(12));
  const size = Number(bytes.readBigUInt64LE(20));
  return { offset: 32 + offset, size, crc: bytes.readUInt32LE(28) };
}

/** Reads a header; for one that is packed itself, the folder it is in. */
export function readHeader(header: Buffer, archive: Buffer): Archive | Folder {
  const reader = new Reader(header);
  const id = reader.byte();
  if (id === ID.encodedHeader) {
    const [folder] = readStreams(reader, archive);
    if (folder === undefined) throw new FormatError("a header without a stream");
    return folder;
  }
  if (id !== ID.header) throw new FormatError("no header");
  let folders: Folder[] = [];
  let names: string[] = [];
  for (let next = reader.byte(); next !== ID.end; next = reader.byte()) {
    if (next === ID.archiveProperties) {
      for (let type = reader.byte(); type !== ID.end; type = reader.byte()) {
        reader.take(reader.number());
      }
    } else if (next === ID.additionalStreams) readStreams(reader, archive);
    else if (next === ID.mainStreams) folders = readStreams(reader, archive);
    else if (next === ID.files) names = readFiles(reader);
    else throw new FormatError("an unknown part");
  }
  return { folders, names };
}

function readFiles(reader: Reader): string[] {
  const count = reader.count();
  let names: string[] = [];
  let isEmpty: boolean[] = [];
  for (let type = reader.byte(); type !== ID.end; type = reader.byte()) {
    const part = new Reader(reader.take(reader.number()));
    if (type === ID.emptyStream) isEmpty = part.bits(count);
    if (type !== ID.names || part.byte() !== 0) continue;
    names = Array.from({ length: count }, () => {
      const units: number[] = [];
      for (
        let unit = part.take(2).readUInt16LE(0);
        unit !== 0;
        unit = part.take(2).readUInt16LE(0)
      ) {
        if (units.length < 4096) units.push(unit);
      }
      return String.fromCharCode(...units);
    });
  }
  const all = names.length > 0 ? names : new Array<string>(count).fill("");
  return all.filter((_, i) => isEmpty[i] !== true);
}

interface Draft {
  readonly coders: { id: string; properties: Buffer; inputs: number; outputs: number }[];
  readonly pairs: { input: number; output: number }[];
  readonly packedInputs: number[];
  sizes: number[];
  crc: number | undefined;
}

function readStreams(reader: Reader, archive: Buffer): Folder[] {
  let packs: Buffer[] = [];
  let drafts: Draft[] = [];
  let streams: { size: number; crc: number | undefined }[][] | undefined;
  for (let id = reader.byte(); id !== ID.end; id = reader.byte()) {
    if (id === ID.packInfo) packs = readPacks(reader, archive);
    else if (id === ID.unpackInfo) drafts = readFolders(reader);
    else if (id === ID.subStreams) streams = readSubStreams(reader, drafts);
    else throw new FormatError("an unknown part");
  }
  let pack = 0;
  return drafts.map((draft, index) => {
    const packed = packs[pack] ?? Buffer.alloc(0);
    pack += Math.max(1, draft.packedInputs.length);
    const own = streams?.[index] ?? [{ size: outputSize(draft), crc: draft.crc }];
    return { coders: chainOf(draft), packed, size: outputSize(draft), streams: own };
  });
}

function readPacks(reader: Reader, archive: Buffer): Buffer[] {
  let at = 32 + reader.number();
  const count = reader.count();
  let packs: Buffer[] = [];
  for (let id = reader.byte(); id !== ID.end; id = reader.byte()) {
    if (id === ID.crc) reader.digests(count);
    else if (id !== ID.size) throw new FormatError("an unknown part");
    else {
      packs = Array.from({ length: count }, () => {
        const size = reader.number();
        at += size;
        return archive.subarray(at - size, at);
      });
    }
  }
  return packs;
}

function readFolders(reader: Reader): Draft[] {
  if (reader.byte() !== ID.folder) throw new FormatError("no folder");
  const count = reader.count();
  if (reader.byte() !== 0) throw new FormatError("folders that stand elsewhere");
  const drafts = Array.from({ length: count }, () => readFolder(reader));
  for (let id = reader.byte(); id !== ID.end; id = reader.byte()) {
    if (id === ID.unpackSizes) {
      for (const draft of drafts) draft.sizes = draft.coders.map(() => reader.number());
    } else if (id === ID.crc) {
      reader.digests(count).forEach((crc, i) => {
        (drafts[i] as Draft).crc = crc;
      });
    } else throw new FormatError("an unknown part");
  }
  return drafts;
}

function readFolder(reader: Reader): Draft {
  const coders = Array.from({ length: reader.count(CODERS_MAX) }, () => {
    const flags = reader.byte();
    const id = reader.take(flags & 15).toString("hex");
    const isComplex = (flags & 0x10) !== 0;
    const inputs = isComplex ? reader.count(CODERS_MAX) : 1;
    const outputs = isComplex ? reader.count(CODERS_MAX) : 1;
    const properties = (flags & 0x20) !== 0 ? reader.take(reader.number()) : Buffer.alloc(0);
    return { id, properties, inputs, outputs };
  });
  const inputs = coders.reduce((sum, coder) => sum + coder.inputs, 0);
  const outputs = coders.reduce((sum, coder) => sum + coder.outputs, 0);
  const pairs = Array.from({ length: Math.max(0, outputs - 1) }, () => ({
    input: reader.number(),
    output: reader.number(),
  }));
  const packedCount = inputs - pairs.length;
  const packedInputs = Array.from({ length: Math.max(0, packedCount) }, () =>
    packedCount === 1 ? 0 : reader.number(),
  );
  return { coders, pairs, packedInputs, sizes: [], crc: undefined };
}

function outputSize({ coders, pairs, sizes }: Draft): number {
  const last = coders.findIndex((_, index) => !pairs.some(({ output }) => output === index));
  return sizes[last] ?? 0;
}

// From the packed bytes to the content; empty if a coder takes or gives several streams.
function chainOf({ coders, pairs, sizes }: Draft): Coder[] {
  if (coders.some(({ inputs, outputs }) => inputs !== 1 || outputs !== 1)) {
    return coders.map(({ id, properties }, i) => ({
      ...{ id, properties, isSimple: false },
      size: sizes[i] ?? 0,
    }));
  }
  const chain: Coder[] = [];
  let at = coders.findIndex((_, index) => !pairs.some(({ input }) => input === index));
  for (let left = coders.length; left > 0; left--) {
    const coder = coders[at];
    if (coder === undefined) break;
    const { id, properties } = coder;
    chain.push({ id, properties, isSimple: true, size: sizes[at] ?? 0 });
    const from = at;
    at = pairs.find(({ output }) => output === from)?.input ?? -1;
  }
  return chain;
}

function readSubStreams(reader: Reader, drafts: readonly Draft[]) {
  let counts = drafts.map(() => 1);
  let sizes: number[][] | undefined;
  let digests: (number | undefined)[] = [];
  let id = reader.byte();
  if (id === ID.streamCounts) {
    counts = drafts.map(() => reader.count());
    id = reader.byte();
  }
  // The last size of each folder is what is left of it.
  sizes = drafts.map((draft, i) => {
    const count = counts[i] as number;
    const own = Array.from({ length: Math.max(0, count - 1) }, () =>
      id === ID.size ? reader.number() : 0,
    );
    const rest = outputSize(draft) - own.reduce((sum, size) => sum + size, 0);
    return count === 0 ? [] : [...own, Math.max(0, rest)];
  });
  if (id === ID.size) id = reader.byte();
  const isKnown = drafts.map((draft, i) => counts[i] === 1 && draft.crc !== undefined);
  const unknown = counts.reduce((sum, count, i) => sum + (isKnown[i] === true ? 0 : count), 0);
  for (; id !== ID.end; id = reader.byte()) {
    if (id === ID.crc) digests = reader.digests(unknown);
    else throw new FormatError("an unknown part");
  }
  let next = 0;
  return sizes.map((own, i) =>
    own.map((size) => ({ size, crc: isKnown[i] === true ? drafts[i]?.crc : digests[next++] })),
  );
}
