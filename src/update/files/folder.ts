// A folder of this machine that somebody else keeps: freshclam, a cron job, a person. Its files are
// copied, so that what is in use changes only by an update.
import { constants, type Stats } from "node:fs";
import { copyFile, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../base/file/atomic-file.ts";
import { onDisk } from "../http/sink.ts";
import { type FetchJob, UpdateError } from "../source.ts";

const FILES_MAX = 10_000;
const DEPTH_MAX = 8;

/** A file of such a folder. */
export interface FolderFile {
  /** Below the folder, with `/` between folders. */
  readonly name: string;
  readonly size: number;
  /** Changes when the file does. */
  readonly stamp: string;
}

const stampOf = ({ ino, size, mtimeMs, ctimeMs }: Stats) => `${ino} ${size} ${mtimeMs} ${ctimeMs}`;

function unreadable(path: string, error: unknown): UpdateError {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  const why = { ENOENT: "there is no such folder", EACCES: "no permission" }[code] ?? code;
  return new UpdateError("unreachable", `${path}: ${why}`, { cause: error });
}

/** The plain files of a folder that are wanted, sorted by name. Links are not followed. */
export async function listFolder(
  folder: string,
  isWanted: (name: string) => boolean,
): Promise<FolderFile[]> {
  const found: FolderFile[] = [];
  const open: { path: string; prefix: string; depth: number }[] = [
    { path: folder, prefix: "", depth: 0 },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, prefix, depth } = next;
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      throw unreadable(path, error);
    });
    for (const entry of entries) {
      const name = prefix + entry.name;
      // What is hidden is being written, or is nobody's business.
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory() && depth < DEPTH_MAX) {
        open.push({ path: join(path, entry.name), prefix: `${name}/`, depth: depth + 1 });
      } else if (entry.isFile() && isWanted(name)) {
        const stat = await lstat(join(folder, name)).catch(() => undefined);
        if (stat?.isFile()) found.push({ name, size: stat.size, stamp: stampOf(stat) });
      }
      if (found.length > FILES_MAX) {
        throw new UpdateError("invalid", `${folder} holds more than ${FILES_MAX} files`);
      }
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Copies files into the staging folder; throws UpdateError if one changes while it is copied. */
export async function copyFiles(
  folder: string,
  files: readonly FolderFile[],
  { staging, signal, progress }: FetchJob,
): Promise<void> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const { name, size, stamp } of files) {
    if (signal.aborted) throw new UpdateError("unreachable", "the update was stopped");
    const target = join(staging, name);
    makeFolder(join(target, ".."));
    await onDisk(copyFile(join(folder, name), target, constants.COPYFILE_EXCL));
    const after = await lstat(join(folder, name)).catch(() => undefined);
    if (after === undefined || stampOf(after) !== stamp) {
      throw new UpdateError("unreachable", `${join(folder, name)} changed while it was copied`);
    }
    done += size;
    progress({ what: name, done, total });
  }
}
