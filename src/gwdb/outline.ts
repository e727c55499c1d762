// What a compiled set consists of, for people: its sections and the passes of its search.
import { HASH_KINDS, type Image, ImageError, type SEARCHES, SECTIONS } from "./image.ts";

/** Words of a tier in the image, see docs/gwdb.md. */
const TIER_WORDS = 13;
/** Tags of a bucket and the number of its first anchor. */
const BUCKET_SIZE = 20;

/** One section that is there. */
export interface OutlineSection {
  readonly kind: number;
  readonly name: string;
  readonly bytes: number;
  readonly entries: number;
}

/** One pass of the search over an object. */
export interface OutlineTier {
  /** The objects that it is made over; "program" and "view" only if they have passes of their own. */
  readonly search: keyof typeof SEARCHES;
  /** Bytes of the windows that are looked up, and between them. */
  readonly window: number;
  readonly stride: number;
  readonly isFolded: boolean;
  /** Literal runs it looks for. */
  readonly entries: number;
  readonly filterBytes: number;
  readonly tableBytes: number;
}

/** A compiled set in numbers. */
export interface Outline {
  readonly identity: string;
  readonly bytes: number;
  readonly signatures: number;
  /** Those of them that are one literal or some hashes, and have no entry but in the search. */
  readonly alone: number;
  readonly sections: readonly OutlineSection[];
  readonly tiers: readonly OutlineTier[];
}

function nameOf(kind: number): string {
  const hash = HASH_KINDS[kind - SECTIONS.hashes];
  if (hash !== undefined) return `hashes: ${hash.algorithm} of ${hash.of}`;
  return Object.entries(SECTIONS).find(([, number]) => number === kind)?.[0] ?? "unknown";
}

const TIERS = {
  general: SECTIONS.tiers,
  program: SECTIONS.programTiers,
  view: SECTIONS.viewTiers,
} as const;

function tiersOf(image: Image, search: keyof typeof SEARCHES): OutlineTier[] {
  const { bytes, count } = image.section(TIERS[search]);
  if (bytes.length < count * TIER_WORDS * 4) throw new ImageError("a search table is cut");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => {
    const word = (at: number) => view.getUint32(4 * (i * TIER_WORDS + at), true);
    return {
      search,
      window: word(0),
      stride: word(1),
      isFolded: word(2) === 1,
      entries: word(12),
      filterBytes: 2 ** word(4) + 2 ** word(5),
      tableBytes: BUCKET_SIZE * word(7),
    };
  });
}

/** The outline of an image that has been opened. Throws ImageError if its tables are cut. */
export function outlineOf(image: Image): Outline {
  const kinds = [
    ...Array.from({ length: SECTIONS.viewTiers + 1 }, (_, kind) => kind),
    ...[SECTIONS.metadata, SECTIONS.types, SECTIONS.lists],
  ];
  const sections = kinds
    .map((kind) => ({ kind, found: image.section(kind) }))
    .filter(({ found }) => found.bytes.length > 0)
    .map(({ kind, found: { bytes, count } }) => ({
      ...{ kind, name: nameOf(kind), bytes: bytes.length, entries: count },
    }));
  const signatures = image.section(SECTIONS.metadata).count;
  return {
    identity: image.identity,
    bytes: image.bytes.length,
    signatures,
    alone: signatures - image.section(SECTIONS.signatures).count,
    sections,
    tiers: (["general", "program", "view"] as const).flatMap((one) => tiersOf(image, one)),
  };
}
