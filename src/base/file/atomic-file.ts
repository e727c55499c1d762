// Files that are there whole or not at all, also after the power went: written beside their place,
// made durable, then renamed over it.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** Mode of files that nobody but gw needs to read. */
const PRIVATE = 0o600;

/** Makes a folder's names durable: a new or renamed file is there for sure only afterwards. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Makes what stands in a file durable. */
export function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Puts a finished draft in the place of `path`: durable first, then at once. */
export function settleFile(draft: string, path: string): void {
  syncFile(draft);
  renameSync(draft, path);
  syncFolder(dirname(path));
}

/**
 * Puts `data` at `path`, in place of what was there. Throws what the system says; then the old file
 * is untouched. Two writers at once each put a whole file; the last one stays.
 */
export function writeAtomically(path: string, data: Uint8Array | string, mode = PRIVATE): void {
  const draft = `${path}.${process.pid}.new`;
  try {
    // "w" would follow a link that somebody put there; what is left of a crash has to go first.
    rmSync(draft, { force: true });
    writeFileSync(draft, data, { mode, flag: "wx" });
    syncFile(draft);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** Makes a folder with its parents, durably; one that is there is left as it is. */
export function makeFolder(path: string, mode = 0o700): void {
  if (mkdirSync(path, { recursive: true, mode }) !== undefined) syncFolder(dirname(path));
}
