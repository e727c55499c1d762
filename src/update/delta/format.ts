// The file that a delta is: what maker and reader have to agree on.
//
//   "gwd" 1, then a Zstandard frame of steps, one behind the other until the end:
//     insert  varint length, so many bytes of the new file
//     copy    varint length, zigzag varint distance from where the last copy ended in the old file
//
// Which files it joins is not in it: the signed metadata that names the delta says so, with the
// hash and the size of both.

/** First bytes of a delta. */
export const MAGIC = Uint8Array.of(0x67, 0x77, 0x64, 1);
/** Larger files are fetched whole: both versions have to be in memory. */
export const DELTA_FILE_SIZE_MAX = 512 * 2 ** 20;

/**
 * The most that steps to a file of this size can take: the maker copies 32 bytes or more at a time
 * and falls back to inserting.
 */
export function stepsSizeMax(size: number): number {
  return size * 2 + 1024;
}
