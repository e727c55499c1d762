// The resource tree of Windows programs: type, name, language, then data. "PE Format" §6.9. Entries
// may point anywhere, and at each other: depth is fixed, and all entries are counted together.

import { DIRECTORY, type PeImage } from "./image.ts";

const RESOURCES_MAX = 65_536;
const NAME_MAX = 512;
const TABLE = 16;
const IS_DIRECTORY = 0x8000_0000;

/** What a level of the tree is labelled with: a number, or UTF-16 text as it stands in the file. */
export type ResourceLabel = number | Buffer;

/** One resource. */
export interface Resource {
  readonly type: ResourceLabel;
  readonly name: ResourceLabel;
  readonly language: ResourceLabel;
  /** Relative to the image. */
  readonly address: number;
  /** File offset, -1 if the data is not in the file. */
  readonly offset: number;
  readonly size: number;
}

/** The resource directory. */
export interface Resources {
  readonly timestamp: number;
  readonly major: number;
  readonly minor: number;
  readonly list: readonly Resource[];
}

/** The resources, or undefined if there is no such directory. */
export function readResources(image: PeImage): Resources | undefined {
  const directory = image.directory(DIRECTORY.resource);
  const start = directory === undefined ? -1 : image.offsetOf(directory.address);
  const { reader } = image;
  if (start < 0 || !reader.has(start, TABLE)) return;
  const walk = { image, start, room: RESOURCES_MAX };
  const list: Resource[] = [];
  for (const type of entriesAt(walk, start)) {
    for (const name of nextLevel(walk, type)) {
      for (const language of nextLevel(walk, name)) {
        const leaf = leafOf(walk, language);
        if (leaf === undefined) continue;
        const labels = { type: type.label, name: name.label, language: language.label };
        list.push({ ...labels, ...leaf });
      }
    }
  }
  return {
    timestamp: reader.u32(start + 4),
    major: reader.u16(start + 8),
    minor: reader.u16(start + 10),
    list,
  };
}

interface Walk {
  readonly image: PeImage;
  /** File offset of the directory, to which all offsets in it are relative. */
  readonly start: number;
  /** Entries that may still be looked at. */
  room: number;
}

interface Entry {
  readonly label: ResourceLabel;
  readonly target: number;
}

function* nextLevel(walk: Walk, entry: Entry): Generator<Entry> {
  if (entry.target < IS_DIRECTORY) return;
  yield* entriesAt(walk, walk.start + entry.target - IS_DIRECTORY);
}

function* entriesAt(walk: Walk, at: number): Generator<Entry> {
  const { reader } = walk.image;
  if (!reader.has(at, TABLE)) return;
  const count = reader.u16(at + 12) + reader.u16(at + 14);
  for (let i = 0; i < count && walk.room > 0; i++) {
    const from = at + TABLE + i * 8;
    if (!reader.has(from, 8)) return;
    walk.room--;
    yield { label: labelOf(walk, reader.u32(from)), target: reader.u32(from + 4) };
  }
}

function labelOf(walk: Walk, id: number): ResourceLabel {
  if (id < IS_DIRECTORY) return id;
  const { reader } = walk.image;
  const at = walk.start + id - IS_DIRECTORY;
  return reader.slice(at + 2, Math.min(reader.u16(at), NAME_MAX) * 2);
}

function leafOf(
  walk: Walk,
  entry: Entry,
): Pick<Resource, "address" | "offset" | "size"> | undefined {
  const { image, start } = walk;
  const at = start + entry.target;
  if (entry.target >= IS_DIRECTORY || !image.reader.has(at, 16)) return;
  const address = image.reader.u32(at);
  return { address, offset: image.offsetOf(address), size: image.reader.u32(at + 4) };
}
