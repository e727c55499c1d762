// The methods by which ZIP entries are compressed, each within bounds. APPNOTE.TXT 6.3.10 §4.4.5.

import { readBzip2 } from "../archive/stream/bzip2.ts";
import { LzmaDecoder, lzmaProperties } from "../archive/stream/lzma.ts";
import type { StreamReader } from "../archive/stream/open.ts";
import { Output, OutputFullError } from "../archive/stream/output.ts";
import { readXz } from "../archive/stream/xz.ts";
import { readZstd } from "../archive/stream/zstd.ts";
import { decodeDeflate64 } from "../coder/deflate64.ts";
import { explode, unreduce, unshrink } from "../coder/legacy.ts";
import { type Inflated, type InflateEnd, inflate } from "../inflate.ts";
import { unpackPpmd } from "./ppmd.ts";

export const STORED = 0;
const DEFLATED = 8;
const LZMA = 14;
const LZMA_HEADER_BYTES = 9;
const END_MARK_FLAG = 2;
const REDUCE_FIRST = 2;
const REDUCE_LAST = 5;

/** The names of methods that are known and have no decoder here. */
export const METHOD_NAMES: Readonly<Record<number, string>> = {
  7: "tokenize",
  10: "implode of TERSE",
  16: "CMPSC",
  18: "TERSE",
  19: "LZ77",
  94: "MP3",
  96: "JPEG",
  97: "WavPack",
};

/** What is known of compressed data. */
export interface Packed {
  /** From its first byte on; may go on behind its end. */
  readonly bytes: Buffer;
  /** Bytes it takes up, as declared; 0 if that is not known. */
  readonly packedSize: number;
  /** Bytes it unpacks to, as declared. */
  readonly size: number;
  readonly crc: number;
  readonly flags: number;
}

/** How far unpacking may go. */
export interface Bounds {
  readonly sizeMax: number;
  readonly goesOn: () => boolean;
}

/** What unpacked data is: as `inflate()` has it, or why it cannot be had at all. */
export type Unpacked = Inflated | { readonly end: "unsupported"; readonly label: string };

/** Unpacks `packed`; never throws. */
export function unpackMethod(method: number, packed: Packed, bounds: Bounds): Unpacked {
  const decode = decoderFor(method);
  if (decode === undefined) {
    return { end: "unsupported", label: METHOD_NAMES[method] ?? `number ${method}` };
  }
  const { bytes, packedSize } = packed;
  const fits = packedSize > 0 && packedSize < bytes.length;
  // With a descriptor the local sizes are 0, and hostile ones are anything: the rest of the file is
  // given to the decoder then, which stops by itself.
  const found = decode({ ...packed, bytes: fits ? bytes.subarray(0, packedSize) : bytes }, bounds);
  // A compressed size that lies: the stream itself says where it ends.
  if (found.end !== "truncated" || !fits) return found;
  const longer = decode(packed, bounds);
  return longer.end === "whole" ? longer : found;
}

type Decoder = (packed: Packed, bounds: Bounds) => Unpacked;

function decoderFor(method: number): Decoder | undefined {
  if (method >= REDUCE_FIRST && method <= REDUCE_LAST) {
    return sized((packed, output, goesOn) =>
      unreduce({ ...streamOf(packed), goesOn }, method - 1, output),
    );
  }
  switch (method) {
    case DEFLATED:
      return ({ bytes, size }, { sizeMax }) => inflate(bytes, sizeMax, size);
    case 1:
      return sized((packed, output, goesOn) => unshrink({ ...streamOf(packed), goesOn }, output));
    case 6:
      return sized((packed, output, goesOn) =>
        explode({ ...streamOf(packed), goesOn }, packed.flags, output),
      );
    case 9:
      return intoOutput(({ bytes }, output, goesOn) => decodeDeflate64(bytes, output, goesOn));
    case 12:
      return streamed(readBzip2);
    case LZMA:
      return intoOutput(readLzma);
    case 20:
    case 93:
      return streamed(readZstd);
    case 95:
      return streamed(readXz);
    case 98:
      return (packed, { sizeMax, goesOn }) => unpackPpmd(packed, sizeMax, goesOn);
    default:
      return;
  }
}

type End = { readonly at: number; readonly end: InflateEnd } | Extract<Unpacked, { label: string }>;

function intoOutput(
  decode: (packed: Packed, output: Output, goesOn: () => boolean) => End,
): Decoder {
  return (packed, { sizeMax, goesOn }) => {
    const output = new Output(sizeMax);
    try {
      const found = decode(packed, output, goesOn);
      if (found.end === "unsupported") return found;
      return { bytes: output.made, consumed: found.at, end: found.end };
    } catch (error) {
      if (!(error instanceof OutputFullError)) throw error;
      return { bytes: new Uint8Array(0), consumed: 0, end: "too-large" };
    }
  };
}

function streamed(read: StreamReader): Decoder {
  return intoOutput(({ bytes }, output, goesOn) => {
    const { at, status, problem } = read(bytes, output, goesOn);
    if (status === "clean") return { at, end: "whole" };
    if (status === "unscanned") return { end: "unsupported", label: problem };
    return { at: 0, end: problem === "cut short" ? "truncated" : "corrupt" };
  });
}

const streamOf = ({ bytes, size }: Packed) => ({ input: bytes, size });

// Methods without an end of their own: what is behind the declared size is not looked at.
function sized(
  decode: (packed: Packed, output: Output, goesOn: () => boolean) => boolean,
): Decoder {
  return intoOutput((packed, output, goesOn) => {
    if (packed.size > output.room) throw new OutputFullError();
    const isWhole = decode(packed, output, goesOn);
    const at = packed.packedSize > 0 ? packed.packedSize : packed.bytes.length;
    return { at, end: isWhole ? "whole" : "corrupt" };
  });
}

// §5.8.8: two bytes of version, two of the length of the properties, the properties.
function readLzma({ bytes, size, flags }: Packed, output: Output): End {
  if (bytes.length < LZMA_HEADER_BYTES) return { at: 0, end: "truncated" };
  const properties = lzmaProperties(bytes[4] as number);
  if (properties === undefined || bytes.readUInt16LE(2) !== 5) return { at: 0, end: "corrupt" };
  const isMarked = (flags & END_MARK_FLAG) !== 0;
  if (!isMarked && size > output.room) throw new OutputFullError();
  const decoder = new LzmaDecoder(output);
  decoder.reset(properties);
  const wanted = isMarked ? Infinity : size;
  const found = decoder.decode(bytes, LZMA_HEADER_BYTES, bytes.length, wanted);
  if (found.problem !== "") {
    return { at: 0, end: found.problem === "cut short" ? "truncated" : "corrupt" };
  }
  return { at: isMarked ? found.at : decoder.skipEndMark(), end: "whole" };
}
