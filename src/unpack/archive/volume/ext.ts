// ext2, ext3 and ext4 volumes, by their folders from the root on. "ext4 Data Structures and Algorithms"
// (Linux kernel documentation). Deleted files are not looked for: no program shows them.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { FileTable } from "../image/file-table.ts";
import { type ExtLayout, ExtNodes, readLayout } from "./ext-node.ts";
import { folderBytes } from "./folder.ts";

const ROOT = 2;
const ENTRY_BYTES = 8;
const FOLDERS_MAX = 20_000;
const ENTRIES_MAX = 200_000;

/** Yields the files of an ext2, ext3 or ext4 volume. */
export function* explodeExt(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const table = new FileTable(input, giver);
  const layout = readLayout(input);
  if (layout === undefined) giver.note("damaged", "the superblock is broken");
  else if (layout.isForeign)
    giver.note("unscanned", "an ext volume with features that are not known");
  else addFiles(input, layout, giver, table);
  yield* table.give();
  return giver.outcome;
}

interface Folder {
  readonly path: string;
  readonly bytes: Buffer;
}

function addFiles(input: Buffer, layout: ExtLayout, giver: Giver, table: FileTable): void {
  if (layout.hasJournalLeft) {
    giver.note("unscanned", "what waits in the volume's journal was not looked at");
  }
  const nodes = new ExtNodes(input, layout, giver);
  const seen = new Set<number>([ROOT]);
  const open: Folder[] = [];
  const enter = (number: number, path: string) => {
    const node = nodes.read(number, path);
    if (node === undefined) return;
    if (node.isEncrypted) giver.note("protected", "encrypted", path);
    else if (node.kind === "folder") {
      if (number !== ROOT && seen.has(number)) return;
      seen.add(number);
      if (seen.size > FOLDERS_MAX) giver.stop("too many folders");
      const bytes = node.inline ?? folderBytes(input, nodes.extents(node, path), giver);
      open.push({ path, bytes });
    } else if (node.kind === "file") {
      const { inline } = node;
      if (inline !== undefined) table.addMade(path, `${number}`, () => inline);
      else table.add(path, nodes.extents(node, path));
    }
  };
  enter(ROOT, "");
  if (open.length === 0) giver.note("damaged", "there is no root folder");
  let count = 0;
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const { name, number } of readFolder(folder.bytes, giver)) {
      if (!giver.goesOn()) return;
      if (++count > ENTRIES_MAX) giver.stop("too many files");
      enter(number, folder.path === "" ? name : `${folder.path}/${name}`);
    }
  }
}

// Entries of a folder, in a list; those of its index look like deleted ones in it.
function* readFolder(folder: Buffer, giver: Giver): Generator<{ name: string; number: number }> {
  for (let at = 0; at + ENTRY_BYTES <= folder.length; ) {
    const [number, size] = [folder.readUInt32LE(at), folder.readUInt16LE(at + 4)];
    if (size < ENTRY_BYTES) {
      if (size !== 0 || number !== 0) giver.note("damaged", "a folder is broken");
      return;
    }
    const nameEnd = at + ENTRY_BYTES + (folder[at + 6] as number);
    const name = folder.toString("utf8", at + ENTRY_BYTES, nameEnd);
    if (number !== 0 && name !== "." && name !== "..") yield { name, number };
    at += size;
  }
}
