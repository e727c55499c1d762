// `gw license key` and `issue`: for those who run a feed and say who may have it.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { writeAtomically } from "../../../base/file/atomic-file.ts";
import { generateKey, KeyError, readKey, writeKey } from "../../../base/key/signing-key.ts";
import { LicenseError, signEntitlement } from "../../../license/entitlement.ts";
import { printable } from "../../../text/printable.ts";
import { parseSize } from "../../../text/units.ts";
import { CliError, command, EXIT } from "../../command.ts";
import { reasonOf } from "../../walk.ts";
import { passphraseOf } from "../feed/common.ts";

const PASSPHRASE = {
  "passphrase-file": {
    type: "string",
    valueHint: "FILE",
    description: "file whose first line seals the key, or opens it",
  },
} as const;
const PUBLIC_MODE = 0o644;

function put(file: string, text: string, mode?: number): void {
  try {
    writeAtomically(file, text, mode);
  } catch (error) {
    throw new CliError(`${printable(file)}: ${reasonOf(error)}`, { cause: error });
  }
}

/** `gw license key` */
export const key = command(PASSPHRASE, (args, terminal) => {
  const file = args._[0] ?? "";
  if (existsSync(file)) throw new CliError(`${printable(file)} is there already`);
  const made = generateKey();
  put(file, writeKey(made, passphraseOf(args["passphrase-file"])));
  terminal.out(`licence_key = "${made.publicHex}"\n`);
  return EXIT.good;
});

const option = (valueHint: string, description: string) =>
  ({ type: "string", valueHint, description }) as const;

function countOf(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,9}$/.test(text)) throw new CliError("--mailboxes needs a whole number");
  return Number(text);
}

function sizeOf(text: string | undefined): number {
  const size = text === undefined ? 0 : parseSize(text);
  if (size === undefined) throw new CliError("--traffic needs a size such as 5GB");
  return size;
}

function keyIn(file: string, passphraseFile: string | undefined) {
  try {
    return readKey(readFileSync(file, "utf8"), () => passphraseOf(passphraseFile));
  } catch (error) {
    if (error instanceof CliError) throw error;
    const reason = error instanceof KeyError ? error.message : reasonOf(error);
    const hint = existsSync(file) ? "" : "; gw license key makes one";
    throw new CliError(`${printable(file)}: ${reason}${hint}`, { cause: error });
  }
}

/** `gw license issue` */
export const issue = command(
  {
    key: option("FILE", "your key, of gw license key"),
    ...PASSPHRASE,
    holder: option("NAME", "who may have the feed"),
    feed: option("NAMES", "names of feeds, with commas between them"),
    from: option("DATE", "first day, 2026-12-01; default: today"),
    until: option("DATE", "last day"),
    traffic: option("SIZE", "mail a day that it is for, such as 5GB"),
    mailboxes: option("NUMBER", "mailboxes that it is for"),
    id: option("ID", "its id; default: a random one"),
    output: option("FILE", "where it is written; default: standard output"),
  },
  (args, terminal) => {
    for (const name of ["key", "holder", "feed", "until"] as const) {
      if (args[name] === undefined) throw new CliError(`--${name} is needed`);
    }
    const entitlement = {
      id: args.id ?? randomBytes(4).toString("hex"),
      holder: args.holder ?? "",
      feeds: (args.feed ?? "").split(",").map((name) => name.trim()),
      from: args.from ?? new Date().toISOString().slice(0, 10),
      until: args.until ?? "",
      trafficPerDay: sizeOf(args.traffic),
      mailboxes: countOf(args.mailboxes),
    };
    const signer = keyIn(args.key ?? "", args["passphrase-file"]);
    let text: string;
    try {
      text = signEntitlement(entitlement, signer);
    } catch (error) {
      if (!(error instanceof LicenseError)) throw error;
      const field = error.message.split(": ")[1] ?? "";
      const hint = "days are written 2026-12-01, and until is not before from";
      throw new CliError(`--${field} can't be used: ${hint}`, { cause: error });
    }
    if (args.output === undefined) terminal.out(text);
    else {
      put(args.output, text, PUBLIC_MODE);
      terminal.out(`${printable(args.output)}: licence ${entitlement.id}\n`);
    }
    return EXIT.good;
  },
);
