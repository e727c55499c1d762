// The file in which feeds are carried to hosts without a network:
//
//   gw bundle 1\n
//   one line of JSON: when it was made, and of each feed its files with sizes and SHA-256
//   the files' bytes, one behind the other, in that order
//
// A feed's files are `metadata/…` and `targets/…` as on any mirror. The hashes here only tell of
// damage on the way; whether to trust what came is decided by the feed's own signatures.

import { FEED_NAME } from "../release.ts";

/** What a bundle begins with. */
export const HEAD = "gw bundle 1\n";
/** Bounds of a bundle: its index, its feeds, files of one, and all bytes. */
export const INDEX_SIZE_MAX = 16 * 2 ** 20;
export const FEEDS_MAX = 64;
export const FILES_MAX = 20_000;
export const BUNDLE_SIZE_MAX = 16 * 2 ** 30;

/** A file of a feed in a bundle. */
export interface BundleFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** A feed in a bundle. */
export interface BundleFeed {
  readonly name: string;
  readonly files: readonly BundleFile[];
}

/** What a bundle's second line says. */
export interface BundleIndex {
  /** ISO 8601. */
  readonly made: string;
  readonly feeds: readonly BundleFeed[];
}

/** A bundle that is none, or is damaged; the message does not name the file. */
export class BundleError extends Error {
  override readonly name = "BundleError";
}

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._+%-]{0,199}$/;
const DEPTH_MAX = 6;

function isPath(path: unknown): path is string {
  if (typeof path !== "string") return false;
  const [folder = "", ...segments] = path.split("/");
  const isPlace = folder === "metadata" || folder === "targets";
  const isDeep = segments.length > DEPTH_MAX;
  return isPlace && segments.length > 0 && !isDeep && segments.every((each) => SEGMENT.test(each));
}

function fileOf(value: unknown): BundleFile {
  const { path, size, sha256 } = (value ?? {}) as Partial<Record<keyof BundleFile, unknown>>;
  if (!isPath(path)) {
    throw new BundleError(
      `it has a file where none may be: ${JSON.stringify(path)?.slice(0, 200)}`,
    );
  }
  const isSize = Number.isSafeInteger(size) && Number(size) >= 0;
  if (!isSize || typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new BundleError(`${path}: no size or hash`);
  }
  return { path, size: Number(size), sha256 };
}

function feedOf(value: unknown): BundleFeed {
  const { name, files } = (value ?? {}) as Partial<Record<keyof BundleFeed, unknown>>;
  if (typeof name !== "string" || !FEED_NAME.test(name))
    throw new BundleError("a feed has no name");
  if (!Array.isArray(files) || files.length > FILES_MAX) {
    throw new BundleError(`feed ${name}: no list of files, or too long a one`);
  }
  const known = files.map(fileOf);
  if (new Set(known.map(({ path }) => path)).size < known.length) {
    throw new BundleError(`feed ${name}: it has a file twice`);
  }
  return { name, files: known };
}

/** The index in a bundle's second line. Throws BundleError. */
export function parseIndex(line: string): BundleIndex {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BundleError("its list of files is damaged", { cause: error });
  }
  const { made, feeds } = (value ?? {}) as Partial<Record<keyof BundleIndex, unknown>>;
  if (typeof made !== "string" || !Array.isArray(feeds) || feeds.length > FEEDS_MAX) {
    throw new BundleError("its list of files is damaged");
  }
  const known = feeds.map(feedOf);
  if (new Set(known.map(({ name }) => name)).size < known.length) {
    throw new BundleError("it has a feed twice");
  }
  return { made, feeds: known };
}

/** Bytes of all files of an index. */
export function sizeOfFiles({ feeds }: BundleIndex): number {
  return feeds.reduce((sum, { files }) => files.reduce((total, { size }) => total + size, sum), 0);
}
