// The folders of a WIM image: an image's metadata is a tree of entries, each of which names its content
// by the SHA-1 of it. "Windows Imaging File Format (WIM)" (Microsoft, 2007).

import { Reader } from "../../../executable/reader.ts";
import type { Giver } from "../giver.ts";

const ENTRY_BYTES = 102;
const STREAM_BYTES = 38;
const HASH_BYTES = 20;
const ENTRIES_MAX = 200_000;
const NAMES_PER_HASH_MAX = 8;
const STREAMS_MAX = 64;
const NO_HASH = "0".repeat(2 * HASH_BYTES);

/** Names of contents, by SHA-1 in hexadecimal. */
export type HashNames = Map<string, string[]>;

/** Adds the names that one image's metadata tell to `names`. */
export function addNames(metadata: Uint8Array, names: HashNames, giver: Giver): void {
  const reader = new Reader(metadata);
  // The table of permissions comes first; its size, and the entries behind it, are aligned to 8.
  const root = align8(Math.max(reader.u32(0), 8));
  const open = [{ at: root, path: "" }];
  const seen = new Set<number>([root]);
  let count = 0;
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (let { at } = folder; reader.u64(at) >= ENTRY_BYTES; ) {
      if (++count > ENTRIES_MAX) giver.stop(`more than ${ENTRIES_MAX} entries`);
      if (!giver.goesOn()) return;
      const entry = readEntry(reader, at, folder.path, names);
      // Folders that hold themselves are read once.
      if (entry.folderAt > 0 && !seen.has(entry.folderAt)) {
        seen.add(entry.folderAt);
        open.push({ at: entry.folderAt, path: entry.path });
      }
      at = entry.end;
    }
  }
}

function readEntry(reader: Reader, at: number, folder: string, names: HashNames) {
  const name = reader.slice(at + ENTRY_BYTES, reader.u16(at + 100)).toString("utf16le");
  const path = folder === "" || name === "" ? folder + name : `${folder}/${name}`;
  addName(names, hashAt(reader, at + 64), path);
  let end = at + align8(reader.u64(at));
  // Streams beside the content; one without a name is the content of an entry with such streams.
  const streams = Math.min(reader.u16(at + 96), STREAMS_MAX);
  for (let i = 0; i < streams && reader.u64(end) >= STREAM_BYTES; i++) {
    const own = reader.slice(end + STREAM_BYTES, reader.u16(end + 36)).toString("utf16le");
    addName(names, hashAt(reader, end + 16), own === "" ? path : `${path}:${own}`);
    end += align8(reader.u64(end));
  }
  return { path, folderAt: reader.u64(at + 16), end };
}

function addName(names: HashNames, hash: string, name: string): void {
  if (hash === NO_HASH || hash === "") return;
  const known = names.get(hash);
  if (known === undefined) names.set(hash, [name]);
  else if (known.length < NAMES_PER_HASH_MAX && !known.includes(name)) known.push(name);
}

function hashAt(reader: Reader, at: number): string {
  return reader.slice(at, HASH_BYTES).toString("hex");
}

function align8(size: number): number {
  return Math.ceil(size / 8) * 8;
}
