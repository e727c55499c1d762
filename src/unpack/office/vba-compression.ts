// The compression of VBA source. [MS-OVBA] 2.4.1: chunks of up to 4,096 bytes, each with a header,
// in which a token copies what came before in the same chunk.

const SIGNATURE = 1;
const CHUNK_SIZE = 4096;
const CHUNK_MARK = 0b011;

/** What a container held, and how it ended; "too-large" gives what fitted. */
export interface Decompressed {
  readonly bytes: Buffer;
  readonly end: "whole" | "damaged" | "too-large";
}

/** Decompresses the container at the start of `input` to at most `sizeMax` bytes. Never throws. */
export function decompressVba(input: Buffer, sizeMax: number): Decompressed {
  const chunks: Buffer[] = [];
  let size = 0;
  let at = 1;
  const ended = (end: Decompressed["end"]) => ({ bytes: Buffer.concat(chunks), end });
  if (input[0] !== SIGNATURE) return ended("damaged");
  while (at + 2 <= input.length) {
    const header = input.readUInt16LE(at);
    // What follows the last chunk of a stream is padding or another reader's data.
    if (((header >> 12) & 7) !== CHUNK_MARK) break;
    const chunkEnd = at + (header & 0xfff) + 3;
    const data = input.subarray(at + 2, chunkEnd);
    const chunk = (header & 0x8000) === 0 ? data.subarray(0, CHUNK_SIZE) : inflateChunk(data);
    if (chunk === undefined) return ended("damaged");
    if (size + chunk.length > sizeMax) return ended("too-large");
    chunks.push(chunk);
    size += chunk.length;
    if (chunkEnd > input.length) return ended("damaged");
    at = chunkEnd;
  }
  return ended(size > 0 ? "whole" : "damaged");
}

// [MS-OVBA] 2.4.1.3.2; undefined if a token points in front of the chunk.
function inflateChunk(data: Buffer): Buffer | undefined {
  const chunk = Buffer.alloc(CHUNK_SIZE);
  let size = 0;
  for (let at = 0; at < data.length && size < CHUNK_SIZE; ) {
    const flags = data[at++] as number;
    for (let bit = 0; bit < 8 && at < data.length && size < CHUNK_SIZE; bit++) {
      if ((flags & (1 << bit)) === 0) {
        chunk[size++] = data[at++] as number;
        continue;
      }
      if (at + 2 > data.length) return chunk.subarray(0, size);
      const token = data.readUInt16LE(at);
      at += 2;
      // §2.4.1.3.19.1: the more has been written, the more bits of the token are its distance.
      const distanceBits = Math.max(4, 32 - Math.clz32(size - 1));
      const lengthBits = 16 - distanceBits;
      const distance = (token >> lengthBits) + 1;
      if (distance > size) return;
      const length = (token & ((1 << lengthBits) - 1)) + 3;
      for (let n = 0; n < length && size < CHUNK_SIZE; n++, size++) {
        chunk[size] = chunk[size - distance] as number;
      }
    }
  }
  return chunk.subarray(0, size);
}
