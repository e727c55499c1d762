// Documents of a feed as files: published ones, and drafts that wait for signatures.
import { readFileSync, statSync } from "node:fs";
import { ROLE_SIZE_MAX, ROLES, type Role, RoleError, readRole, type Signed } from "../roles.ts";
import { FeedError } from "./settings.ts";

const SIZE_MAX = Math.max(...Object.values(ROLE_SIZE_MAX));

/** The bytes of a file that may have `max`; undefined if there is none. Throws FeedError. */
export function readBounded(path: string, max: number): Uint8Array | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new FeedError(`${path}: not a file`);
    if (stat.size > max) throw new FeedError(`${path}: larger than ${max} bytes`);
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The document in a file. Throws FeedError that names the file. */
export function readDocument<R extends Role>(role: R, path: string): Signed<R> {
  const bytes = readBounded(path, ROLE_SIZE_MAX[role]);
  if (bytes === undefined) throw new FeedError(`${path}: there is no such file`);
  try {
    return readRole(role, bytes);
  } catch (error) {
    if (!(error instanceof RoleError)) throw error;
    throw new FeedError(`${path}: ${error.message}`, { cause: error });
  }
}

/** The role of the document in a file, as it says itself. Throws FeedError. */
export function roleOfFile(path: string): Role {
  const bytes = readBounded(path, SIZE_MAX);
  if (bytes === undefined) throw new FeedError(`${path}: there is no such file`);
  try {
    const { signed } = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const role = ROLES.find((each) => each === signed?._type);
    if (role !== undefined) return role;
  } catch (error) {
    throw new FeedError(`${path}: no document of a feed`, { cause: error });
  }
  throw new FeedError(`${path}: no document of a feed`);
}
