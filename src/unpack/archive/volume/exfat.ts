// exFAT volumes, as USB sticks and memory cards have them. "exFAT file system specification"
// (Microsoft, 2019). Deleted files are not looked for: no program shows them.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { FileTable } from "../image/file-table.ts";
import { type ClusterLayout, ClusterMap } from "./clusters.ts";
import { FOLDER_BYTES_MAX, folderBytes } from "./folder.ts";

const SECTOR = 512;
const ENTRY_BYTES = 32;
const ENTRY_FILE = 0x85;
const ENTRY_STREAM = 0xc0;
const ENTRY_NAME = 0xc1;
const ATTRIBUTE_FOLDER = 0x10;
const NO_CHAIN = 2;
const FOLDERS_MAX = 20_000;
const ENTRIES_MAX = 200_000;

interface ExfatLayout extends ClusterLayout {
  readonly rootCluster: number;
}

interface ExfatEntry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly cluster: number;
  readonly size: number;
  /** Its clusters simply follow each other; the table says nothing of them. */
  readonly isRun: boolean;
}

/** Yields the files of an exFAT volume. */
export function* explodeExfat(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const table = new FileTable(input, giver);
  const layout = readLayout(input);
  if (layout === undefined) giver.note("damaged", "the boot sector is broken");
  else addFiles(input, layout, giver, table);
  yield* table.give();
  return giver.outcome;
}

// §3.1
function readLayout(input: Buffer): ExfatLayout | undefined {
  if (input.length < SECTOR) return;
  const [sectorShift, clusterShift] = [input[108] as number, input[109] as number];
  if (sectorShift < 9 || sectorShift > 12 || sectorShift + clusterShift > 25) return;
  const sector = 2 ** sectorShift;
  return {
    bits: 32,
    fatAt: input.readUInt32LE(80) * sector,
    dataAt: input.readUInt32LE(88) * sector,
    clusterSize: sector * 2 ** clusterShift,
    clusters: input.readUInt32LE(92),
    rootCluster: input.readUInt32LE(96),
  };
}

function addFiles(input: Buffer, layout: ExfatLayout, giver: Giver, table: FileTable): void {
  const clusters = new ClusterMap(input, layout, giver);
  const root = clusters.chain(layout.rootCluster, FOLDER_BYTES_MAX);
  if (root.length === 0) giver.note("damaged", "there is no root folder");
  const open = [{ path: "", extents: root }];
  const seen = new Set<number>([layout.rootCluster]);
  let count = 0;
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of readFolder(folderBytes(input, folder.extents, giver), giver)) {
      if (!giver.goesOn()) return;
      if (++count > ENTRIES_MAX) giver.stop("too many files");
      const path = folder.path === "" ? entry.name : `${folder.path}/${entry.name}`;
      const { cluster, size, isRun } = entry;
      const bounded = entry.isFolder ? Math.min(size, FOLDER_BYTES_MAX) : size;
      const extents = isRun
        ? clusters.run(cluster, bounded)
        : clusters.file(cluster, bounded, path);
      if (!entry.isFolder) {
        table.add(path, extents);
        continue;
      }
      if (seen.has(cluster)) continue;
      seen.add(cluster);
      if (seen.size > FOLDERS_MAX) giver.stop("too many folders");
      open.push({ path, extents });
    }
  }
}

// §6.3 and §7.4: a file has an entry, one for its clusters, and some for its name.
function* readFolder(folder: Buffer, giver: Giver): Generator<ExfatEntry> {
  for (let at = 0; at + ENTRY_BYTES <= folder.length; at += ENTRY_BYTES) {
    const type = folder[at] as number;
    if (type === 0) return;
    if (type !== ENTRY_FILE) continue;
    const count = folder[at + 1] as number;
    const isFolder = (folder.readUInt16LE(at + 4) & ATTRIBUTE_FOLDER) !== 0;
    const end = at + ENTRY_BYTES * (1 + count);
    const stream = at + ENTRY_BYTES;
    if (end > folder.length || folder[stream] !== ENTRY_STREAM) {
      giver.note("damaged", "a folder is broken");
      continue;
    }
    let name = "";
    for (let from = stream + ENTRY_BYTES; from < end; from += ENTRY_BYTES) {
      if (folder[from] !== ENTRY_NAME) continue;
      name += folder.toString("utf16le", from + 2, from + ENTRY_BYTES);
    }
    yield {
      isFolder,
      name: name.slice(0, folder[stream + 3]),
      isRun: ((folder[stream + 1] as number) & NO_CHAIN) !== 0,
      cluster: folder.readUInt32LE(stream + 20),
      size: Number(folder.readBigUInt64LE(stream + 24)),
    };
    at = end - ENTRY_BYTES;
  }
}
