// What a bomb is, and the pieces that several kinds of bombs are made of: streams of zeros that are
// far larger than the memory of the machine that writes them.
import { deflateRawSync } from "node:zlib";

/** A small file that is much to take apart. */
export interface Bomb {
  readonly name: string;
  /** What it would come to if nothing stopped, in words. */
  readonly wouldBe: string;
  /** A mail as it stands; else it is sent as an attachment. */
  readonly isMail?: boolean;
  /** Why it may be clean: it costs time to whoever reads it carelessly, and hides nothing. */
  readonly harmless?: string;
  build(): Buffer;
}

export const MIB = 1 << 20;
export const GIB = 1 << 30;

const CHUNK = 16 * MIB;
const FINAL_EMPTY_BLOCK = Buffer.from([3, 0]);

/** A deflate stream of `size` zeros, a multiple of 16 MiB: one chunk's blocks, again and again. */
export function zerosDeflated(size: number): Buffer {
  // Flushed streams end at a byte without a final block, so that they can be put in a row; zlib ends
  // every stream, but for its last five bytes: an empty stored block that is final.
  const whole = deflateRawSync(Buffer.alloc(CHUNK), { level: 9, finishFlush: 3 });
  return Buffer.concat([...Array<Buffer>(Math.ceil(size / CHUNK)).fill(whole), FINAL_EMPTY_BLOCK]);
}

/** A gzip member around a deflate stream; its checksum is of no use to anyone who stops before. */
export function gzipOf(stream: Uint8Array, size: number): Buffer {
  const end = Buffer.alloc(8);
  end.writeUInt32LE(size % 2 ** 32, 4);
  return Buffer.concat([Buffer.from("1f8b0800000000000003", "hex"), stream, end]);
}

/** `wrap` applied `depth` times. */
export function nested(depth: number, core: Buffer, wrap: (inner: Buffer) => Buffer): Buffer {
  let bytes = core;
  for (let i = 0; i < depth; i++) bytes = wrap(bytes);
  return bytes;
}
