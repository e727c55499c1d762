// What is typed to call this program again, for commands that end with the next ones to type.
import { basename, dirname, relative } from "node:path";

/** How this program can be called from where it was started. */
export function programName(): string {
  const path = process.execPath;
  const { PATH = "" } = process.env;
  const folders = PATH.split(":");
  if (!basename(path).startsWith("gw") || folders.includes(dirname(path))) return "gw";
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}
