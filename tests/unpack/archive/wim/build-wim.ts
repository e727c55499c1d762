// Writes Windows images (WIM) for tests: stored, packed with XPRESS, or in one piece; and has one that
// wimlib 1.13 packed with LZX.

import { createHash } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import { bytesOf, type Stored } from "../build-archives.ts";

const HEADER = 208;
const CHUNK = 32_768;

export interface WimOptions {
  readonly coder?: "stored" | "xpress";
  /** All contents in one piece, as in an ESD. */
  readonly isSolid?: boolean;
  /** Gives the first file a stream beside its content. */
  readonly stream?: string;
}

const sha1 = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest();
const align8 = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);

function streamOf(name: string, content: Buffer): Buffer {
  const text = Buffer.from(name, "utf16le");
  const bytes = Buffer.alloc(38 + text.length);
  bytes.writeBigUInt64LE(BigInt(bytes.length), 0);
  sha1(content).copy(bytes, 16);
  bytes.writeUInt16LE(text.length, 36);
  text.copy(bytes, 38);
  return align8(bytes);
}

interface Entry {
  readonly name: string;
  readonly hash?: Buffer;
  readonly folderAt?: number;
  readonly streams?: readonly Buffer[];
}

function entryOf({ name, hash, folderAt = 0, streams = [] }: Entry): Buffer {
  const text = Buffer.from(name, "utf16le");
  const bytes = Buffer.alloc(102 + text.length + 4);
  bytes.writeBigUInt64LE(BigInt(bytes.length), 0);
  bytes.writeUInt32LE(hash === undefined ? 0x10 : 0x20, 8);
  bytes.writeBigUInt64LE(BigInt(folderAt), 16);
  hash?.copy(bytes, 64);
  bytes.writeUInt16LE(streams.length, 96);
  bytes.writeUInt16LE(text.length, 100);
  text.copy(bytes, 102);
  return Buffer.concat([align8(bytes), ...streams]);
}

// The root's children, then its end; the files are all in one folder.
function metadataOf(files: readonly Stored[], stream: string | undefined): Buffer {
  const security = Buffer.alloc(8);
  security.writeUInt32LE(8, 0);
  const end = Buffer.alloc(8);
  const rootSize = entryOf({ name: "" }).length + 8;
  const folder = (at: number) => entryOf({ name: "sub", folderAt: at });
  const folderAt = 8 + rootSize;
  const filesAt = folderAt + folder(0).length + 8;
  const entries = files.map(({ name, content }, index) => {
    const hash = sha1(bytesOf(content));
    const hasStream = index === 0 && stream !== undefined;
    const streams = hasStream ? [streamOf("hidden.exe", bytesOf(stream))] : [];
    return entryOf({ name, hash, streams });
  });
  const root = entryOf({ name: "", folderAt });
  return Buffer.concat([security, root, end, folder(filesAt), end, ...entries, end]);
}

/** XPRESS: literals have nine bits each, and one length with the distance 1 has one bit. */
export function packXpress(content: Buffer): Buffer {
  const lengths = Buffer.alloc(256);
  lengths.fill(0x99, 0, 128);
  // Symbol 256 + 15: distance 1, a length in bytes of its own.
  lengths[135] = 0x10;
  const out: number[] = [];
  let words: { at: number }[] = [];
  let held = 0;
  let count = 0;
  const place = () => {
    words.push({ at: out.length });
    out.push(0, 0);
  };
  // Words are reserved before the bytes that follow them are written: two are always ahead.
  place();
  place();
  const flush = () => {
    const { at } = words[0] as { at: number };
    out[at] = held & 255;
    out[at + 1] = held >> 8;
    words = words.slice(1);
    [held, count] = [0, 0];
  };
  const put = (value: number, width: number) => {
    for (let bit = width - 1; bit >= 0; bit--) {
      if (count === 16) {
        flush();
        place();
      }
      held = (held << 1) | ((value >> bit) & 1);
      count++;
    }
  };
  for (let at = 0; at < content.length; ) {
    let run = 0;
    while (at > 0 && content[at + run] === content[at - 1] && at + run < content.length) run++;
    if (run < 18) {
      put(256 + (content[at++] as number), 9);
      continue;
    }
    put(0, 1);
    const extra = run - 18;
    if (extra < 255) out.push(extra);
    else out.push(255, (run - 3) & 255, (run - 3) >> 8);
    at += run;
  }
  while (count < 16) put(0, 1);
  flush();
  return Buffer.concat([lengths, Buffer.from(out)]);
}

function packedChunks(content: Buffer, coder: "stored" | "xpress"): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < content.length; at += CHUNK) {
    const chunk = content.subarray(at, at + CHUNK);
    const packed = coder === "stored" ? chunk : packXpress(chunk);
    chunks.push(packed.length < chunk.length ? packed : chunk);
  }
  return chunks;
}

function packResource(content: Buffer, coder: "stored" | "xpress"): Buffer {
  const chunks = packedChunks(content, coder);
  const table = Buffer.alloc(4 * Math.max(0, chunks.length - 1));
  let at = 0;
  for (let i = 0; i + 1 < chunks.length; i++) {
    at += chunks[i]?.length ?? 0;
    table.writeUInt32LE(at, 4 * i);
  }
  return Buffer.concat([table, ...chunks]);
}

function packSolid(content: Buffer): Buffer {
  const chunks = packedChunks(content, "xpress");
  const head = Buffer.alloc(16 + 4 * chunks.length);
  head.writeBigUInt64LE(BigInt(content.length), 0);
  head.writeUInt32LE(CHUNK, 8);
  head.writeUInt32LE(1, 12);
  for (const [i, { length }] of chunks.entries()) head.writeUInt32LE(length, 16 + 4 * i);
  return Buffer.concat([head, ...chunks]);
}

/** An image with `files` in the folder `sub`. */
export function buildWim(files: readonly Stored[], options: WimOptions = {}): Buffer {
  const { coder = "stored", isSolid = false, stream } = options;
  const header = Buffer.alloc(HEADER);
  header.write("MSWIM\0\0\0", 0, "latin1");
  header.writeUInt32LE(HEADER, 8);
  header.writeUInt32LE(isSolid ? 0xe00 : 0x1_0d00, 12);
  header.writeUInt32LE(coder === "xpress" ? 0x2_0002 : 0, 16);
  header.writeUInt32LE(CHUNK, 20);
  header.writeUInt16LE(1, 40);
  header.writeUInt16LE(1, 42);
  header.writeUInt32LE(1, 44);
  const pieces: Buffer[] = [header];
  let end = HEADER;
  const rows: Buffer[] = [];
  const put = (bytes: Buffer) => {
    pieces.push(bytes);
    end += bytes.length;
    return end - bytes.length;
  };
  const place = (at: number, packed: number, size: number, flags: number) => {
    const row = Buffer.alloc(24);
    row.writeUInt32LE(packed, 0);
    row[7] = flags;
    row.writeBigUInt64LE(BigInt(at), 8);
    row.writeBigUInt64LE(BigInt(size), 16);
    return row;
  };
  const list = (row: Buffer, content: Buffer) => {
    rows.push(Buffer.concat([row, Buffer.from([1, 0, 1, 0, 0, 0]), sha1(content)]));
  };
  const add = (content: Buffer, flags: number) => {
    const packed = packResource(content, coder);
    const isPacked = coder !== "stored" && packed.length < content.length;
    const bytes = isPacked ? packed : content;
    const row = place(put(bytes), bytes.length, content.length, flags | (isPacked ? 4 : 0));
    list(row, content);
  };
  const contents = files.map(({ content }) => bytesOf(content));
  if (stream !== undefined) contents.push(bytesOf(stream));
  if (isSolid) {
    const solid = packSolid(Buffer.concat(contents));
    list(place(put(solid), solid.length, 2 ** 32, 0x14), Buffer.alloc(0));
    let at = 0;
    for (const content of contents) {
      list(place(at, content.length, content.length, 0x14), content);
      at += content.length;
    }
  } else for (const content of contents) add(content, 0);
  add(metadataOf(files, stream), 2);
  const table = Buffer.concat(rows);
  place(put(table), table.length, table.length, 0).copy(header, 48);
  const xml = Buffer.from("\ufeff<WIM></WIM>", "utf16le");
  place(put(xml), xml.length, xml.length, 0).copy(header, 72);
  return Buffer.concat(pieces);
}

/** A file of the image below: 400 lines. */
export const LZX_LINES = Array.from(
  { length: 400 },
  (_, i) => `Line ${i + 1} of a file that is longer than a few words, and repeats them.\n`,
).join("");

/** The other one: a hundred calls of one place, as programs have them. */
export function lzxCalls(): Buffer {
  const bytes = Buffer.alloc(3000);
  for (let at = 0; at < 3000; at += 30) {
    bytes[at] = 0xe8;
    bytes.writeInt32LE(5000 - at, at + 1);
  }
  return bytes;
}

/** An image with both, packed with LZX. */
export function buildLzxWim(): Buffer {
  return inflateRawSync(Buffer.from(DEFLATED, "base64"));
}

const DEFLATED = [
  "xVR7TFNXGP9VioKV+IfeUjUbVaeDSUIfPKbWal9Axy113KsI7TowGl6VNDiY4Og6ah0DdZitrWwQhklnmCyOkG06hhVcVX",
  "QbIKBxGjtmSHQvxImKKCy3bQw6NVm2bOck5zvf7/y+18l3joZKV2sA9ABAGAsVYAMWYGOO3SKq/Xns/M2mCfet250sMBNw",
  "wDemJbP9m4COiWl+/DL7If0/H91LIQf4QcECBfIMpVbO4Pbh7ePsulPzuVbrTLfbUgckwgJ2ZUPWfu++rP6a0I4vXy++as",
  "lmrFng7b9jdUbfbl/tPd7afMbgGCsfKhn0nrviNXj3fG0sWvXHyPiNa6PSexdfPXp+wlBvdl9269sKUmNecY+XTJYdsl7s",
  "vnBNPCmV9L8dMX59a6p5rLV6Tz6h96S3rG8mOJ6qlk3NGbvWi2q7Ni19r5a0yefOXBspb2y0ZebauLmN3Exm53LkNzkym1",
  "yZ+S6HsYWra/HojB6uscWhOzKkKxxyFB5x6DqG9KbgcFNHuL4jWG9a4izqcuq7luiLnnN6Wq8XCHc06/QjI9H39C8v/q2q",
  "KidnZLTKlhNyI4jqoAUEuY6aR88gOu2CKJJDHWeQAWo5PZv4hhCqyTmUhxYynAw6nDhhF+aRC6iTDDJAldIRxClC9A65mO",
  "qiRQynln6eOG0XNZHLqDMMMkAdoWOIbwlxFymmvqPFDOcCnUB8bxdfI1dS3QwyQI3Rq4keIjZUo6B66VhCw+STRJy1x0Zp",
  "Uqg+BmHy0RL9RJxaQ1EDdBzDyaDTiXP2uDwNb+fO7Gzev7GGbKzg80NCKv75auVD0cZnXg4gxkKUhN0t/7XtmMnflbNmLd",
  "6xd7i8AT/69YXirZy+YXNDzruHbwDHEMFHBdN901XxaJ/tWsYuyUozL42yu3Z/dsjV1r6iv/irMt4+Tl84Z3SzLeoFUVJu",
  "qEh5l/GUxYZlWrIpUlQpFv4ibkvYzQozTE6uOeGPM31NdRKvxrnLHHTn/knq+ocr6Zu3oq4mag6W7a0+33qpoDxy4jA/qS",
  "H9i5fy8pZtMWTeujI8Wl9X+cOM3ulhg54NFgXP636/bnBTU3UN18mzvTavYIHZWHQpJTffdlrSGj/Wo3rTRM5Szge/MxBw",
  "Z5B/c4fll/5fY+7vpXvfKrx/ccvHm/cczN730we3F370hv+HYPcEXu5N41SLy95nRHM+LTwQHadL6Vv1eW/Qge7WFX4Cmw",
  "zEOMyZalHMeZalO9tZefRAfT/vk6ri6Jr6vskJCdKhhgZSSHxShiSowIcaqVBChQ1YhUUQYpGPkQoZNFBBim2QIGaKLoES",
  "aqRBAS3WIRU0pBD5OH/FJUiEGiRUj2E/7kQCGlrQkIGEHBmgoQIFKcQQ4EUsD1g+niNBMmRIgxKkr6aUh04FPsunMSRQIA",
  "0qyEBDDa0vI/WDmpOhRhKSsdbngfZ53AYBhFBCiQTIIYA8EONRpgQktEh/xFYFIWRI8ElFIL9HeQz2tKxIyECBhgZa3+0z",
  "d6r4HypIwHIonljB38kyZkpvPrkfhBAhFvFP7YaYB/0+E38C",
].join("");
