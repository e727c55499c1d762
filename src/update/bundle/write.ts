// Writes bundles: copies of feeds, packed into one file.
import { readdirSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { syncFolder } from "../../base/file/atomic-file.ts";
import { onDisk } from "../http/sink.ts";
import { hashFile } from "../release.ts";
import { type BundleFeed, type BundleFile, HEAD, sizeOfFiles } from "./format.ts";

const CHUNK = 2 ** 20;
const FOLDERS = ["metadata", "targets"];

/** A feed to be packed: its copy, with `metadata` and `targets`. */
export interface PackedFeed {
  readonly name: string;
  readonly folder: string;
}

async function filesOf(folder: string): Promise<BundleFile[]> {
  const files: BundleFile[] = [];
  for (const part of FOLDERS) {
    const entries = readdirSync(join(folder, part), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const { size } = Bun.file(path);
      files.push({ path: relative(folder, path), size, sha256: await hashFile(path) });
    }
  }
  // Documents first, and always in the same order: the same feed is the same bundle.
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function append(to: FileHandle, path: string): Promise<void> {
  const from = await open(path, "r");
  try {
    const buffer = Buffer.alloc(CHUNK);
    for (;;) {
      const { bytesRead } = await from.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) return;
      await onDisk(to.writeFile(buffer.subarray(0, bytesRead)));
    }
  } finally {
    await from.close();
  }
}

/** Packs copies of feeds into a bundle at `path`, whole or not at all; gives its size. */
export async function writeBundle(
  path: string,
  feeds: readonly PackedFeed[],
  made: number,
): Promise<number> {
  const listed: BundleFeed[] = [];
  for (const { name, folder } of feeds) listed.push({ name, files: await filesOf(folder) });
  const index = { made: new Date(made).toISOString(), feeds: listed };
  const head = Buffer.from(`${HEAD}${JSON.stringify(index)}\n`);
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  const handle = await onDisk(open(draft, "wx", 0o644));
  try {
    await onDisk(handle.writeFile(head));
    for (const [index, { folder }] of feeds.entries()) {
      for (const file of listed[index]?.files ?? []) await append(handle, join(folder, file.path));
    }
    await onDisk(handle.sync());
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  renameSync(draft, path);
  syncFolder(dirname(path));
  return head.length + sizeOfFiles(index);
}
