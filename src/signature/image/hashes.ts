// Hashes on their way into an image: one sorted table for each kind, of 20 bytes an entry, or of 24
// where a hash makes an object trusted. See Hash in wasm/core.h.
import { ByteWriter } from "../../gwdb/byte-writer.ts";
import { HASH_KINDS, type ImageSection, SECTIONS } from "../../gwdb/image.ts";
import { type Pattern, type Signature, SourceError } from "../source.ts";

/** A hash in a signature. */
export type HashPattern = Extract<Pattern, { kind: "hash" }>;

const DIGEST_AT = 8;
const DIGEST_FOUND = 12;
const DIGEST_TRUSTED = 16;
const DIGEST_SIZES = { md5: 16, sha1: 20, sha256: 32 } as const;
const ANY_SIZE = 0xffffffff;
const ALONE = 0x80000000;

/** Which table a hash belongs to; throws SourceError if there is none. */
export function hashKind(pattern: HashPattern, isTrusted: boolean): number {
  const at = { line: pattern.line, column: 1 };
  const { algorithm, digest, of = "object", size } = pattern;
  if (digest.length !== DIGEST_SIZES[algorithm]) {
    throw new SourceError(`$${pattern.id} is no ${algorithm} hash`, at);
  }
  if (size !== null && (size < 0 || size >= ANY_SIZE)) {
    throw new SourceError(`$${pattern.id} has a size beyond 4 GB`, at);
  }
  if (isTrusted && of !== "object") throw new SourceError("only whole objects can be trusted", at);
  const wanted = isTrusted ? "trusted" : of;
  const kind = HASH_KINDS.findIndex((one) => one.of === wanted && one.algorithm === algorithm);
  if (kind < 0) throw new SourceError(`$${pattern.id}: there is no ${algorithm} of ${of}`, at);
  return kind;
}

/** Whether a signature says no more than that one of its hashes is met: it needs no condition. */
export function isHashAlone(signature: Signature): boolean {
  const { condition, patterns } = signature;
  if (signature.judgement !== undefined) return false;
  if (signature.targets.length > 0 || patterns.some(({ kind }) => kind !== "hash")) return false;
  if (condition.kind === "pattern") return patterns.length === 1;
  return (
    condition.kind === "of" &&
    condition.needed === 1 &&
    new Set(condition.patterns).size === patterns.length
  );
}

/** Bytes that are kept of a digest of that kind. */
const digestKept = (kind: number) =>
  HASH_KINDS[kind]?.of === "trusted" ? DIGEST_TRUSTED : DIGEST_FOUND;

/** Gathers hashes and writes their sections. */
export class HashTables {
  readonly #tables = HASH_KINDS.map(() => new ByteWriter());

  #add(kind: number, pattern: HashPattern, owner: number): void {
    const table = this.#tables[kind];
    table?.words(pattern.size ?? ANY_SIZE, owner);
    table?.append(pattern.digest.subarray(0, digestKept(kind)));
  }

  /** A hash that is pattern number `owner`. */
  addPattern(pattern: HashPattern, owner: number): void {
    this.#add(hashKind(pattern, false), pattern, owner);
  }

  /** The hashes of a signature that is nothing else, and number `owner`. */
  addAlone(signature: Signature, owner: number): void {
    for (const pattern of signature.patterns) {
      if (pattern.kind !== "hash") continue;
      this.#add(hashKind(pattern, signature.isTrusted === true), pattern, owner + ALONE);
    }
  }

  /** The sections that have entries. */
  sections(): ImageSection[] {
    return this.#tables
      .map((table, kind) => ({
        kind: SECTIONS.hashes + kind,
        ...sorted(table.bytes(), DIGEST_AT + digestKept(kind)),
      }))
      .filter(({ count }) => count > 0);
  }
}

function sorted(entries: Uint8Array, entrySize: number): { bytes: Uint8Array; count: number } {
  const count = entries.length / entrySize;
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  const sizes = Uint32Array.from({ length: count }, (_, i) => view.getUint32(i * entrySize, true));
  // Four bytes of the digest settle nearly all of a million.
  const heads = Uint32Array.from({ length: count }, (_, i) =>
    view.getUint32(i * entrySize + DIGEST_AT),
  );
  const digest = (i: number) => entries.subarray(i * entrySize + DIGEST_AT, (i + 1) * entrySize);
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort(
    (a, b) =>
      (sizes[a] ?? 0) - (sizes[b] ?? 0) ||
      (heads[a] ?? 0) - (heads[b] ?? 0) ||
      Buffer.compare(digest(a), digest(b)),
  );
  const bytes = new Uint8Array(entries.length);
  order.forEach((from, to) => {
    const entry = entries.subarray(from * entrySize, (from + 1) * entrySize);
    bytes.set(entry, to * entrySize);
  });
  return { bytes, count };
}
