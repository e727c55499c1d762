// How a file that is read again when it changes is told from what it was.
import { statSync } from "node:fs";

/** Differs after every change of a file; "" if there is none. Throws what else the system says. */
export function fileStamp(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "" : `${found.mtimeMs} ${found.size} ${found.ino}`;
}

/** The same; "" also for a file that can't be looked at, of which reading it says why. */
export function fileStampIfSeen(path: string): string {
  try {
    return fileStamp(path);
  } catch {
    return "";
  }
}
