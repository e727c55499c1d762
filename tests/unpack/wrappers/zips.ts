// Every kind of zip entry that can be written here.
import { crc32, deflateRawSync, zstdCompressSync } from "node:zlib";
import { bzip2 } from "../../harness/pack/bzip2.ts";
import { lzmaMember } from "../../harness/pack/lzma.ts";
import { xz } from "../../harness/pack/streams.ts";
import { buildZip, type Member } from "../build-zip.ts";
import { encryptAes, encryptTraditional, implode, reduce, shrink } from "../zip/pack-legacy.ts";
import { NAME, type Wrapper } from "./wrapper.ts";

const zip = (member: Partial<Member>, content: Buffer) =>
  buildZip([{ name: NAME, bytes: content, ...member }]);
const far = { distance: 1, length: 4 };
// Legacy samples end with a match, which repeats the last byte: it is a part of what is packed.
const repeated = (content: Buffer) =>
  Buffer.concat([content, Buffer.alloc(4, content.at(-1) ?? 0)]);
const END_MARK = 2;

/** Zip entries of all methods. */
export const ZIPS: readonly Wrapper[] = [
  ["stored", (content: Buffer) => ({ method: 0, packed: content })],
  ["deflate", () => ({})],
  ["shrink", (content: Buffer) => ({ method: 1, packed: shrink(content) })],
  [
    "reduce",
    (content: Buffer) => ({ method: 2, bytes: repeated(content), packed: reduce(content, far) }),
  ],
  [
    "implode",
    (content: Buffer) => ({
      ...{ method: 6, flags: 4 },
      bytes: repeated(content),
      packed: implode(content, far, true),
    }),
  ],
  [
    "deflate64",
    (content: Buffer) => ({ method: 9, packed: deflateRawSync(content, { level: 0 }) }),
  ],
  ["bzip2", (content: Buffer) => ({ method: 12, packed: bzip2(content) })],
  ["LZMA", (content: Buffer) => ({ method: 14, flags: END_MARK, packed: lzmaMember(content) })],
  ["xz", (content: Buffer) => ({ method: 95, packed: xz(content) })],
  ["Zstandard", (content: Buffer) => ({ method: 93, packed: zstdCompressSync(content) })],
  ["data descriptor", () => ({ hasDescriptor: true })],
  ["zip64", () => ({ isZip64: true })],
  ["not in the directory", () => ({ isHidden: true })],
  [
    "ZipCrypto",
    (content: Buffer) => ({
      ...{ method: 0, flags: 1 },
      packed: encryptTraditional(content, "infected", crc32(content) >>> 24),
    }),
  ],
  [
    "AES",
    (content: Buffer) => ({ method: 99, flags: 1, crc: 0, ...encryptAes(content, "infected", 0) }),
  ],
].map(([name, member]) => ({
  name: `zip, ${String(name)}`,
  wrap: (content) => zip((member as (content: Buffer) => Partial<Member>)(content), content),
}));
