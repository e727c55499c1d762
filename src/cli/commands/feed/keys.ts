// `gw feed keys`: which keys a feed has, and others in their place.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { printable } from "../../../text/printable.ts";
import { Feed } from "../../../update/publish/feed.ts";
import { findKeys, shortId } from "../../../update/publish/keys.ts";
import { rotateKey } from "../../../update/publish/root.ts";
import { FeedError, isRole } from "../../../update/publish/settings.ts";
import { ROLES } from "../../../update/roles.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { drawTable } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { explained, KEY_OPTIONS, passphraseOf } from "./common.ts";

/** A key as it is listed. */
interface ListedKey {
  readonly role: string;
  readonly id: string;
  readonly threshold: string;
  readonly file: string;
}

function listKeys(feed: Feed): ListedKey[] {
  const { signed: root } = feed.root();
  return ROLES.flatMap((role) => {
    const { keyIDs = [], threshold = 1 } = root.roles[role] ?? {};
    return keyIDs.map((id) => {
      const path = join(feed.keysFolder, `${role}-${shortId(id)}.key`);
      const file = existsSync(path) ? path : "not here";
      return { role, id, threshold: `${threshold} of ${keyIDs.length}`, file };
    });
  });
}

function showKeys(terminal: Terminal, keys: readonly ListedKey[]): void {
  const columns = [{ title: "ROLE" }, { title: "SIGN" }, { title: "KEY" }, { title: "FILE" }];
  const rows = keys.map(({ role, id, threshold, file }) => [role, threshold, shortId(id), file]);
  terminal.out(drawTable(terminal, columns, rows));
}

async function rotate(
  words: readonly string[],
  options: { readonly old: string | undefined; readonly passphrase: string | undefined },
  terminal: Terminal,
): Promise<number> {
  const [folder, role = ""] = words;
  if (folder === undefined) throw new CliError("write gw feed keys rotate DIR ROLE");
  if (!isRole(role)) throw new FeedError(`"${role}" is no role: use ${ROLES.join(", ")}`);
  const feed = new Feed(folder);
  // A wrong passphrase would seal the new key with what nobody knows.
  if (feed.hasKeysFolder) {
    const [key] = findKeys([feed.keysFolder], options.passphrase).ring.values();
    key?.open();
  }
  const rotated = await rotateKey(feed, { role, now: Date.now(), ...options });
  terminal.out(
    `${role} key ${shortId(rotated.old)} -> ${shortId(rotated.key.id)} ` +
      `(${printable(rotated.key.path)})\n` +
      `in force with the next \`gw feed publish ${printable(folder)}\`; clients follow by themselves.\n` +
      "Keep the old key until then.\n",
  );
  return EXIT.good;
}

/** `gw feed keys`, `gw feed keys rotate` */
export const keys = command(
  {
    old: {
      type: "string",
      valueHint: "ID",
      description: "rotate: first digits of the key that goes, if the role has several",
    },
    "passphrase-file": {
      ...KEY_OPTIONS["passphrase-file"],
      description: "rotate: file whose first line seals the new key",
    },
    json: OPTIONS.json,
  },
  async (args, terminal) => {
    const [first = "", ...rest] = args._;
    return await explained(async () => {
      if (first === "rotate") {
        const passphrase = passphraseOf(args["passphrase-file"]);
        return await rotate(rest, { old: args.old, passphrase }, terminal);
      }
      if (rest.length > 0) throw new CliError(`unexpected argument "${printable(rest[0] ?? "")}"`);
      const listed = listKeys(new Feed(first));
      if (args.json !== true) showKeys(terminal, listed);
      else for (const each of listed) terminal.out(`${JSON.stringify(each)}\n`);
      return EXIT.good;
    });
  },
);
