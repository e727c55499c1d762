// A folder's own bytes, joined so that its entries can be read one after the other.

import type { Giver } from "../giver.ts";
import { type Extent, HOLE } from "../image/file-table.ts";

/** Bytes of one folder that are read; those of real volumes have some kilobytes. */
export const FOLDER_BYTES_MAX = 16 << 20;

/** The bytes of a folder; it is damaged if they are not all there. */
export function folderBytes(input: Buffer, extents: readonly Extent[], giver: Giver): Buffer {
  let left = FOLDER_BYTES_MAX;
  const views: Buffer[] = [];
  for (const { at, size } of extents) {
    if (at === HOLE) continue;
    const wanted = Math.min(size, left);
    const view = input.subarray(Math.min(at, input.length), at + wanted);
    if (view.length < wanted) giver.note("damaged", "a folder is cut short");
    if (wanted < size) giver.note("unscanned", "a folder is too large");
    left -= view.length;
    views.push(view);
  }
  return Buffer.concat(views);
}
