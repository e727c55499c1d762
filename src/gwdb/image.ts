// The flat file that a compiled signature set is: a header, a table of sections, the sections. It
// holds offsets and no pointers, so it is used as it lies on the disk. Little-endian:
//   u32 magic "GWDB", version, size of the whole, number of sections; u64 checksum; u64 0
//   per section: u32 kind, offset (a multiple of 64), length, number of entries
// The checksum (xxHash3) covers everything but itself and what is before it: it finds damage, not
// malice. wasm/core.h says what the sections hold.

const MAGIC = 0x42445747;
/** The format of images that this program writes and reads. */
export const IMAGE_VERSION = 5;
const HEADER_SIZE = 32;
const ENTRY_SIZE = 16;
const CHECKSUM_AT = 16;
const CHECKED_FROM = 24;
const SECTION_MAX = 32;
const ALIGNMENT = 64;

/** Kinds of sections; those up to 63 are read by the scan core, the others by the host. */
export const SECTIONS = {
  signatures: 1,
  patterns: 2,
  code: 3,
  conditions: 4,
  typesets: 5,
  anchors: 6,
  runs: 7,
  tiers: 8,
  direct: 9,
  names: 10,
  always: 11,
  /** The first of HASH_KINDS sections, one for each kind of hash. */
  hashes: 12,
  /** Anchors and tiers again: of all there is, for programs; of what asks for views. */
  programAnchors: 22,
  programTiers: 23,
  viewAnchors: 24,
  viewTiers: 25,
  /** Texts, one for each signature: its name, or JSON; see texts.ts. */
  metadata: 64,
  /** JSON array of type names; the id of a type is its place + 1. */
  types: 65,
  /** JSON: passwords, and lists of addresses; see lists/lists.ts. */
  lists: 66,
} as const;

/** Which search an object takes, as wasm/core.h numbers them. */
export const SEARCHES = { general: 0, program: 1, view: 2 } as const;

/** Kinds of hashes, in the order of their sections. Objects with a trusted one are clean. */
export const HASH_KINDS = [
  { of: "object", algorithm: "md5" },
  { of: "object", algorithm: "sha1" },
  { of: "object", algorithm: "sha256" },
  { of: "section", algorithm: "md5" },
  { of: "section", algorithm: "sha1" },
  { of: "section", algorithm: "sha256" },
  { of: "imports", algorithm: "md5" },
  { of: "trusted", algorithm: "md5" },
  { of: "trusted", algorithm: "sha1" },
  { of: "trusted", algorithm: "sha256" },
] as const;

/** One section: `count` says how many entries its bytes hold. */
export interface ImageSection {
  readonly kind: number;
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** An image that can't be used, and why. */
export class ImageError extends Error {}

/** An image whose checksum has been found right. */
export interface Image {
  readonly bytes: Uint8Array;
  /** `gwdb-` and the checksum: equal for equal images. */
  readonly identity: string;
  /** The section of that kind, empty if there is none. */
  section(kind: number): ImageSection;
}

const aligned = (size: number) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

function checksumOf(image: Uint8Array): bigint {
  return Bun.hash.xxHash3(image.subarray(CHECKED_FROM));
}

/** Puts sections together into an image. */
export function sealImage(sections: readonly ImageSection[]): Uint8Array {
  if (sections.length > SECTION_MAX) throw new ImageError("too many sections for an image");
  let size = aligned(HEADER_SIZE + ENTRY_SIZE * sections.length);
  const offsets = sections.map(({ bytes }) => {
    const offset = size;
    size = aligned(size + bytes.length);
    return offset;
  });
  const image = new Uint8Array(size);
  const view = new DataView(image.buffer);
  [MAGIC, IMAGE_VERSION, size, sections.length].forEach((n, i) => {
    view.setUint32(4 * i, n, true);
  });
  sections.forEach(({ kind, bytes, count }, i) => {
    const offset = offsets[i] ?? 0;
    [kind, offset, bytes.length, count].forEach((n, k) => {
      view.setUint32(HEADER_SIZE + ENTRY_SIZE * i + 4 * k, n, true);
    });
    image.set(bytes, offset);
  });
  view.setBigUint64(CHECKSUM_AT, checksumOf(image), true);
  return image;
}

/** Opens an image; throws ImageError unless it is whole and of a version this program knows. */
export function openImage(bytes: Uint8Array): Image {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_SIZE || view.getUint32(0, true) !== MAGIC) {
    throw new ImageError("this is not a compiled signature set (gwdb)");
  }
  const version = view.getUint32(4, true);
  if (version !== IMAGE_VERSION) {
    throw new ImageError(
      `the signature set has format ${version}, this program reads ${IMAGE_VERSION}`,
    );
  }
  const size = view.getUint32(8, true);
  if (size !== bytes.length) {
    throw new ImageError(`the signature set is cut: ${bytes.length} of ${size} bytes`);
  }
  const checksum = view.getBigUint64(CHECKSUM_AT, true);
  if (checksum !== checksumOf(bytes)) {
    throw new ImageError("the signature set is damaged: its checksum is wrong");
  }
  const sections = openSections(bytes);
  return {
    bytes,
    identity: `gwdb-${checksum.toString(16).padStart(16, "0")}`,
    section: (kind) => sections.get(kind) ?? { kind, bytes: new Uint8Array(0), count: 0 },
  };
}

/** The table of sections of an image that has been opened before, such as one in shared memory. */
export function openSections(bytes: Uint8Array): Map<number, ImageSection> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(12, true);
  const sections = new Map<number, ImageSection>();
  if (count > SECTION_MAX || HEADER_SIZE + ENTRY_SIZE * count > bytes.length) {
    throw new ImageError("the signature set is damaged: its table of sections is too long");
  }
  for (let i = 0; i < count; i++) {
    const at = HEADER_SIZE + ENTRY_SIZE * i;
    const kind = view.getUint32(at, true);
    const offset = view.getUint32(at + 4, true);
    const length = view.getUint32(at + 8, true);
    if (offset + length > bytes.length) {
      throw new ImageError(`the signature set is damaged: section ${kind} lies outside of it`);
    }
    const section = bytes.subarray(offset, offset + length);
    sections.set(kind, { kind, bytes: section, count: view.getUint32(at + 12, true) });
  }
  return sections;
}
