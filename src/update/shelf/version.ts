// One version of a feed on disk: a folder of files that never change, and beside it the list of what
// they are, by which damage and loss are noticed.
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder, writeAtomically } from "../../base/file/atomic-file.ts";
import { UpdateError } from "../source.ts";

/** Thrown when the set in use, or a version of it, is not whole. */
export class ShelfError extends Error {
  override readonly name = "ShelfError";
}

/** A file of a version. */
export interface ListedFile {
  readonly name: string;
  readonly size: number;
  /** Hexadecimal digits. */
  readonly sha256: string;
}

/** What a version consists of. */
export interface Manifest {
  readonly id: string;
  readonly files: readonly ListedFile[];
}

const FILES_MAX = 100_000;
const NAME_LENGTH_MAX = 200;
const ID_LENGTH = 24;
const READ_SIZE = 1 << 20;

// Names below a folder: no way out of it, nothing hidden, nothing that a system reads otherwise.
function checkName(name: string): void {
  const parts = name.split("/");
  const isPlain = parts.every((part) => /^[^.\0/\\\p{Cc}][^\0/\\\p{Cc}]*$/u.test(part));
  if (!isPlain || name.length > NAME_LENGTH_MAX) {
    throw new UpdateError("invalid", `the feed has a file with the name ${JSON.stringify(name)}`);
  }
}

function checkPlace(folder: string, name: string): void {
  let path = folder;
  const parts = name.split("/");
  for (const [index, part] of parts.entries()) {
    path = join(path, part);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    const isRight = index < parts.length - 1 ? stat?.isDirectory() : stat?.isFile();
    if (isRight !== true) throw new UpdateError("invalid", `${name} is no plain file`);
  }
}

// Made durable and hashed off the main thread: mail goes on.
async function settle(path: string): Promise<{ readonly size: number; readonly sha256: string }> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
    const hash = createHash("sha256");
    const buffer = Buffer.allocUnsafe(READ_SIZE);
    let size = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, READ_SIZE, size);
      if (bytesRead === 0) return { size, sha256: hash.digest("hex") };
      hash.update(buffer.subarray(0, bytesRead));
      size += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** The list of files that were fetched into a folder; they are durable then. Throws UpdateError. */
export async function manifestOf(folder: string, names: readonly string[]): Promise<Manifest> {
  if (names.length > FILES_MAX) {
    throw new UpdateError("invalid", `the feed has more than ${FILES_MAX} files`);
  }
  const sorted = [...new Set(names)].sort();
  const files: ListedFile[] = [];
  const folders = new Set([folder]);
  for (const name of sorted) {
    checkName(name);
    checkPlace(folder, name);
    folders.add(dirname(join(folder, name)));
    files.push({ name, ...(await settle(join(folder, name))) });
  }
  for (const each of folders) syncFolder(each);
  const id = createHash("sha256").update(JSON.stringify(files)).digest("hex");
  return { id: id.slice(0, ID_LENGTH), files };
}

const listPath = (folder: string) => `${folder}.json`;

/** Moves a checked folder to its place; one that is there already, whole, is the same. */
export async function movedInto(from: string, to: string, manifest: Manifest): Promise<void> {
  if (existsSync(to)) {
    try {
      readWhole(to);
      return;
    } catch {
      // Damaged, or half thrown away: what has just come replaces it.
      rmSync(to, { recursive: true, force: true });
    }
  }
  writeAtomically(listPath(to), `${JSON.stringify(manifest)}\n`);
  await rename(from, to);
  syncFolder(dirname(to));
}

/** What a version consists of, as it was written down. Throws ShelfError. */
export function listOf(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(listPath(folder), "utf8")) as Manifest;
  } catch (error) {
    throw new ShelfError(`${listPath(folder)} can't be read`, { cause: error });
  }
}

/** The files of a version; throws ShelfError if one is missing or not as it was. */
export function readWhole(folder: string): { readonly name: string; readonly bytes: Uint8Array }[] {
  return listOf(folder).files.map(({ name, size, sha256 }) => {
    const path = join(folder, name);
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      throw new ShelfError(`${path} can't be read`, { cause: error });
    }
    const isSame =
      bytes.length === size && createHash("sha256").update(bytes).digest("hex") === sha256;
    if (!isSame) throw new ShelfError(`${path} is damaged`);
    return { name, bytes };
  });
}
