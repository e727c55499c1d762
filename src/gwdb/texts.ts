// Texts of a signature set that only a match asks for (names, judgements): deflated (RFC 1951) in
// blocks of some dozens, since they resemble each other much and are hardly ever read.
//   u32 offset of each block and of the end; the blocks. Inflated, a block is
//   u32 offset of each of its texts and of the end; the texts in UTF-8.
import { inflateRawSync } from "node:zlib";
import { ByteWriter } from "./byte-writer.ts";

const BLOCK_TEXTS = 64;
/** Beyond, deflating takes longer and gains nothing with texts this short. */
const LEVEL = 4;
/** A damaged block must not fill the memory. */
const BLOCK_SIZE_MAX = 256 * 1024 * 1024;

/** Packs texts for `TextReader`. */
export function packTexts(texts: readonly string[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let i = 0; i < texts.length; i += BLOCK_TEXTS) {
    blocks.push(Bun.deflateSync(packBlock(texts.slice(i, i + BLOCK_TEXTS)), { level: LEVEL }));
  }
  return joinWithOffsets(blocks);
}

function packBlock(texts: readonly string[]): Uint8Array<ArrayBuffer> {
  const joined = Buffer.from(texts.join(""), "utf8");
  const out = Buffer.allocUnsafe(4 * (texts.length + 1) + joined.length);
  let at = 4 * (texts.length + 1);
  for (const [i, text] of texts.entries()) {
    out.writeUInt32LE(at, 4 * i);
    at += Buffer.byteLength(text, "utf8");
  }
  out.writeUInt32LE(at, 4 * texts.length);
  joined.copy(out, 4 * (texts.length + 1));
  return out;
}

function joinWithOffsets(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  let at = (parts.length + 1) * 4;
  for (const part of parts) {
    out.u32(at);
    at += part.length;
  }
  out.u32(at);
  for (const part of parts) out.append(part);
  return new Uint8Array(out.bytes());
}

function partOf(bytes: Uint8Array, index: number): Uint8Array {
  if (4 * index + 8 > bytes.length) throw new RangeError("there is no such text");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = view.getUint32(4 * index, true);
  return bytes.subarray(from, Math.max(from, view.getUint32(4 * index + 4, true)));
}

/** Reads packed texts; keeps the block it read last. Throws for a damaged block. */
export class TextReader {
  readonly #packed: Uint8Array;
  #block = -1;
  #texts = new Uint8Array(0);

  constructor(packed: Uint8Array) {
    this.#packed = packed;
  }

  /** The text of that number. */
  text(index: number): string {
    const block = Math.floor(index / BLOCK_TEXTS);
    if (block !== this.#block) {
      // A copy: what lies in shared memory is not taken by the inflater.
      const deflated = new Uint8Array(partOf(this.#packed, block));
      const inflated = inflateRawSync(deflated, { maxOutputLength: BLOCK_SIZE_MAX });
      this.#texts = new Uint8Array(inflated);
      this.#block = block;
    }
    return Buffer.from(partOf(this.#texts, index % BLOCK_TEXTS)).toString("utf8");
  }
}
