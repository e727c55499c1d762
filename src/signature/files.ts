// Signature sources on the disk.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SourceFile } from "./compile.ts";

const EXTENSION = ".gws";

/** The *.gws files of a folder (not of folders in it), sorted by name. */
export async function readSources(folder: string): Promise<SourceFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(EXTENSION)).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return { path, text: await readFile(path, "utf8") };
    }),
  );
}
