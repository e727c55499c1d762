// The files that `gw scan` is given: folders are walked without following links, so that a walk
// ends and stays inside.
import { lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** A file to scan, or a path that can't be scanned and why. */
export type Walked =
  | { readonly kind: "file"; readonly path: string; readonly size: number }
  | { readonly kind: "unreadable"; readonly path: string; readonly reason: string };

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "no permission",
  EPERM: "no permission",
  ELOOP: "too many links",
  ENOTDIR: "no such file",
  ENAMETOOLONG: "the name is too long",
};

/** Why a path can't be read, in words. */
export function reasonOf(error: unknown): string {
  const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

// Entries in reverse order, for a stack that is taken from its end.
function entriesOf(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/**
 * Walks files and folders in the order of their names. A link that is named itself is followed;
 * links, sockets and devices inside folders are passed over.
 */
export function* walk(paths: readonly string[]): Generator<Walked> {
  const named = new Set(paths);
  // The stack holds one folder's entries per level: as deep as the file system lets paths be long.
  const waiting = [...paths].reverse();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    try {
      const isNamed = named.has(path);
      const status = isNamed ? statSync(path) : lstatSync(path);
      if (status.isFile()) yield { kind: "file", path, size: status.size };
      else if (status.isDirectory()) waiting.push(...entriesOf(path));
      else if (isNamed) yield { kind: "unreadable", path, reason: "not a file or folder" };
    } catch (error) {
      yield { kind: "unreadable", path, reason: reasonOf(error) };
    }
  }
}
