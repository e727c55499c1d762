// What the commands about feeds share: options for keys, and errors that explain themselves.
import { readFileSync } from "node:fs";
import { KeyError } from "../../../base/key/signing-key.ts";
import { printable } from "../../../text/printable.ts";
import type { Feed } from "../../../update/publish/feed.ts";
import { type FoundKeys, findKeys } from "../../../update/publish/keys.ts";
import { FeedError } from "../../../update/publish/settings.ts";
import { UpdateError } from "../../../update/source.ts";
import { CliError } from "../../command.ts";
import { reasonOf } from "../../walk.ts";

/** Options of commands that sign. */
export const KEY_OPTIONS = {
  keys: {
    type: "string",
    valueHint: "PATH",
    description: "key file, or folder of key files, beside those in the feed's own folder",
  },
  "passphrase-file": {
    type: "string",
    valueHint: "FILE",
    description: "file whose first line opens sealed keys",
  },
} as const;

const PASSPHRASE_SIZE_MAX = 4096;

/** The passphrase in the file that an option names; undefined without one. */
export function passphraseOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new CliError(`${printable(path)}: ${reasonOf(error)}`, { cause: error });
  }
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line === "") throw new CliError(`${printable(path)}: the first line is empty`);
  if (line.length > PASSPHRASE_SIZE_MAX) throw new CliError(`${printable(path)}: too long`);
  return line;
}

/** Values of `KEY_OPTIONS`. */
export interface KeyArgs {
  readonly keys?: string | undefined;
  readonly "passphrase-file"?: string | undefined;
}

/** The keys at hand: those in the feed's folder, if there is one, and those that are named. */
export function keysOf(args: KeyArgs, feed?: Feed): FoundKeys {
  const named = args.keys === undefined ? [] : [args.keys];
  const own = feed?.hasKeysFolder === true ? [feed.keysFolder] : [];
  return findKeys([...own, ...named], passphraseOf(args["passphrase-file"]));
}

/** Does the work; what a person can mend comes out as one line that says what it is. */
export async function explained<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isOurs =
      error instanceof FeedError || error instanceof KeyError || error instanceof UpdateError;
    if (isOurs) throw new CliError(printable(error.message), { cause: error });
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined || path === undefined) throw error;
    throw new CliError(`${printable(path)}: ${reasonOf(error)}`, { cause: error });
  }
}
