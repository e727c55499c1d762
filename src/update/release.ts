// What a feed offers: the files of its newest release and the deltas that lead to them, as its
// targets document lists them. Names and sizes come from outside and end up in paths and reads:
// what is not plainly good is refused as a whole.

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { TargetFile, Targets } from "@tufjs/models";
import { OWN_FIELDS, RoleError } from "./roles.ts";

/** A file that a feed offers. */
export interface ReleaseFile {
  /** Path below the folder of files, with `/`. */
  readonly name: string;
  readonly length: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
  /** Where it stands below the repository's `targets/`. */
  readonly location: string;
}

/** A delta to a file of the release. */
export interface ReleaseDelta extends ReleaseFile {
  /** The file that it makes, by its name. */
  readonly file: string;
  /** SHA-256 of the version that it starts from. */
  readonly from: string;
}

/** One release. */
export interface Release {
  readonly version: number;
  readonly files: readonly ReleaseFile[];
  readonly deltas: readonly ReleaseDelta[];
}

/** Files of one release. */
export const FILES_MAX = 10_000;
/** Bytes of one file, and of all files of a release. */
export const FILE_SIZE_MAX = 2 ** 30;
export const RELEASE_SIZE_MAX = 8 * 2 ** 30;

/** What feeds are called, here as in gw.toml. */
export const FEED_NAME = /^[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?$/;

const NAME_LENGTH_MAX = 200;
const DEPTH_MAX = 4;
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}$/;
const SHA256 = /^[0-9a-f]{64}$/;
/** Where deltas stand among the targets: no other client takes them for signatures there. */
const DELTA_FOLDER = "gw-deltas";

/** Why a file can't have this name below a feed's folder; undefined if it can. */
export function nameFault(name: string): string | undefined {
  const segments = name.split("/");
  if (name.length > NAME_LENGTH_MAX) return `longer than ${NAME_LENGTH_MAX} characters`;
  if (segments.length > DEPTH_MAX) return `more than ${DEPTH_MAX} folders deep`;
  if (segments.every((each) => SEGMENT.test(each))) return undefined;
  return 'each part begins with a letter, digit or "_" and has no more than those, ".", "+" and "-"';
}

/** Where a target stands below `targets/` (TUF 1.0.34 §6.2.1). */
export function locationOf(name: string, hash: string, isConsistent: boolean): string {
  if (!isConsistent) return name;
  const at = name.lastIndexOf("/") + 1;
  return `${name.slice(0, at)}${hash}.${name.slice(at)}`;
}

/** A file as a target describes it. Throws RoleError for what is not good. */
export function fileOf(target: TargetFile, isConsistent: boolean): ReleaseFile {
  const { path: name, length, hashes } = target;
  const shown = JSON.stringify(name.slice(0, NAME_LENGTH_MAX));
  const fault = nameFault(name);
  if (fault !== undefined) throw new RoleError(`the file name ${shown} is not allowed: ${fault}`);
  if (!Number.isSafeInteger(length) || length < 0 || length > FILE_SIZE_MAX) {
    throw new RoleError(`${shown}: a size of ${length} bytes; at most ${FILE_SIZE_MAX} are taken`);
  }
  const { sha256 = "" } = hashes;
  if (!SHA256.test(sha256)) throw new RoleError(`${shown}: no SHA-256 hash`);
  // The first hash, whatever its kind, is in the name: so say the specification and all clients.
  const [first = ""] = Object.values(hashes);
  if (!/^[0-9a-f]{32,128}$/.test(first)) throw new RoleError(`${shown}: a hash that is none`);
  return { name, length, sha256, location: locationOf(name, first, isConsistent) };
}

function deltaOf(target: TargetFile): { file: string; from: string } | undefined {
  const own = target.custom[OWN_FIELDS] as
    | { delta?: { file?: unknown; from?: unknown } }
    | undefined;
  const { file, from } = own?.delta ?? {};
  const isDelta = typeof file === "string" && typeof from === "string" && SHA256.test(from);
  return isDelta ? { file, from } : undefined;
}

/** What a targets document offers. Throws RoleError for names and sizes that are not good. */
export function releaseOf(targets: Targets, isConsistent = true): Release {
  const all = Object.values(targets.targets);
  if (all.length > FILES_MAX) throw new RoleError(`more than ${FILES_MAX} files`);
  const files: ReleaseFile[] = [];
  const deltas: ReleaseDelta[] = [];
  for (const target of all) {
    const file = fileOf(target, isConsistent);
    const delta = deltaOf(target);
    if (delta === undefined) files.push(file);
    else deltas.push({ ...file, ...delta });
  }
  if (files.reduce((sum, { length }) => sum + length, 0) > RELEASE_SIZE_MAX) {
    throw new RoleError(`more than ${RELEASE_SIZE_MAX} bytes in all`);
  }
  const names = new Set(files.map(({ name }) => name));
  for (const name of names) {
    const folder = foldersOf(name).find((each) => names.has(each));
    if (folder !== undefined) throw new RoleError(`"${folder}" is a file and a folder`);
  }
  return { version: targets.version, files, deltas };
}

function foldersOf(name: string): string[] {
  const segments = name.split("/");
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join("/"));
}

/** The `targets` field of a targets document. */
export function targetsField(release: Omit<Release, "version">): Record<string, unknown> {
  const entry = ({ length, sha256 }: ReleaseFile) => ({ length, hashes: { sha256 } });
  return Object.fromEntries([
    ...release.files.map((file) => [file.name, entry(file)]),
    ...release.deltas.map((each) => {
      const { file, from } = each;
      return [each.name, { ...entry(each), custom: { [OWN_FIELDS]: { delta: { file, from } } } }];
    }),
  ]);
}

/** The name of a delta among the targets. */
export function deltaName(from: string, to: string): string {
  return `${DELTA_FOLDER}/${from.slice(0, 20)}-${to.slice(0, 20)}`;
}

const CHUNK = 2 ** 20;

/** SHA-256 of a file's bytes, hexadecimal; off the main thread, a piece at a time. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(CHUNK);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** SHA-256 of bytes, hexadecimal. */
export function hashBytes(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
