// Users and groups of this host, as /etc/passwd and /etc/group have them.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A user that gw can become. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** All groups of the user, the own one first. */
  readonly groups: readonly number[];
}

/** More than any host's own files have. */
const FILE_SIZE_MAX = 16 << 20;

function linesOf(file: string): readonly (readonly string[])[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // A host without the file has no users of its own.
    return [];
  }
  if (text.length > FILE_SIZE_MAX) return [];
  return text.split("\n").map((line) => line.split(":"));
}

const numberOf = (text = "") => (/^\d{1,10}$/.test(text) ? Number(text) : undefined);

/** The user of that name or number; undefined if the host (or the system under `root`) has none. */
export function findAccount(wanted: string, root = "/"): Account | undefined {
  for (const [name = "", , id, group] of linesOf(join(root, "etc/passwd"))) {
    const uid = numberOf(id);
    const gid = numberOf(group);
    if (uid === undefined || gid === undefined) continue;
    if (name !== wanted && id !== wanted) continue;
    const more = linesOf(join(root, "etc/group"))
      .filter(([, , , members = ""]) => members.split(",").includes(name))
      .map(([, , number]) => numberOf(number))
      .filter((number) => number !== undefined && number !== gid) as readonly number[];
    return { name, uid, gid, groups: [gid, ...more] };
  }
  return undefined;
}

/** The number of a group; undefined if there is none of that name. */
export function findGroup(name: string, root = "/"): number | undefined {
  const line = linesOf(join(root, "etc/group")).find(([each]) => each === name);
  return numberOf(line?.[2]);
}
