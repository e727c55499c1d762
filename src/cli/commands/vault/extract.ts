// `gw vault extract`: one object of a kept message as a file, locked away in a zip unless told
// otherwise.
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { loadConfig } from "../../../config/load.ts";
import type { Config } from "../../../config/schema.ts";
import type { ScannedObject, Verdict } from "../../../message.ts";
import { limitsOf, passwordsOf } from "../../../pipeline/scanning.ts";
import { findObjects, takeObject } from "../../../pipeline/vault/objects.ts";
import { printable } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import { lockedZip, ZIP_PASSWORD } from "../../../vault/locked-zip.ts";
import type { SentObject } from "../../../vault/resend.ts";
import { CliError, type Command, command, EXIT } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { PLACE } from "../../place.ts";
import { reasonOf } from "../../walk.ts";
import { byOf, find, REASON, type Scope, withVault } from "./common.ts";
import { bytesOf, inspectKept } from "./show.ts";

const NAME_LENGTH_MAX = 80;
const NAMED_MAX = 10;
const SALT_SIZE = 12;
/** What is written may be malware: nobody else may read it, and nobody run it. */
const FILE_MODE = 0o600;

/** The object that `wanted` names; an error that names those it could be. */
export function theObject(verdict: Verdict, wanted: string): ScannedObject {
  const found = findObjects(verdict.objects, wanted);
  const [object] = found;
  if (object === undefined) {
    throw new CliError(`no object "${printable(wanted)}": gw vault show lists them`);
  }
  if (found.length === 1) return object;
  const some = found.slice(0, NAMED_MAX).map(({ id, path }) => `${id} (${printable(path)})`);
  throw new CliError(`"${printable(wanted)}" is not one object; say ${some.join(" or ")}`);
}

/** One object of a kept message with its bytes. */
export async function objectOf(
  config: Config,
  kept: { readonly bytes: Uint8Array; readonly verdict: Verdict },
  wanted: string,
): Promise<SentObject & { readonly id: number }> {
  const object = theObject(kept.verdict, wanted);
  const source = { ...kept, limits: limitsOf(config), passwords: passwordsOf(config) };
  const taken = takeObject(source, object);
  if (taken === undefined) throw new CliError(`${printable(object.path)} could not be taken out`);
  return { ...taken, id: object.id };
}

// What a sender chose must not become a path, an option or a hidden file.
function safeName(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}_.-]+/gu, "_").replace(/^[.-]+|\.{2,}/g, "_");
  return safe.slice(-NAME_LENGTH_MAX) || "object";
}

function save(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes, { mode: FILE_MODE, flag: "wx" });
  } catch (error) {
    throw new CliError(`${printable(path)}: ${reasonOf(error)}`, { cause: error });
  }
}

/** `gw vault extract` */
export function extract(scope: Scope): Command {
  return command(
    {
      to: {
        type: "string",
        valueHint: "FILE",
        description: "the file to write; else ID-NUMBER.zip",
      },
      force: { type: "boolean", description: "the object as it is, not in a zip" },
      reason: REASON,
      ...PLACE,
    },
    (args, terminal) =>
      withVault(args, async (vault) => {
        const [id = "", wanted = ""] = args._;
        const message = find(vault, id, scope);
        const bytes = await bytesOf(vault, message.id);
        const config = loadConfig(configFile(args.config));
        const verdict = await inspectKept(config, bytes);
        const object = await objectOf(config, { bytes, verdict }, wanted);
        const isLocked = args.force !== true;
        const by = byOf(args.reason);
        const detail = `${object.path}${isLocked ? "" : " as it is"}`;
        const name = safeName(object.name);
        const file = { name, bytes: object.bytes, at: by.at, salt: randomBytes(SALT_SIZE) };
        const written = isLocked ? lockedZip(file) : object.bytes;
        const path = args.to ?? `${message.id}-${object.id}.${isLocked ? "zip" : "bin"}`;
        vault.note([{ ...by, entry: message.id, verb: "extract", detail }]);
        save(path, written);
        const size = roundSize(object.bytes.length);
        const password = isLocked ? `, password "${ZIP_PASSWORD}"` : "";
        terminal.out(`${printable(path)}: ${printable(object.path)}, ${size}${password}\n`);
        return EXIT.good;
      }),
  );
}
