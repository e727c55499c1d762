// `gw feed init`: a new feed.
import { basename, resolve } from "node:path";
import { printable } from "../../../text/printable.ts";
import { initFeed, parseQuorum } from "../../../update/publish/init.ts";
import { DEFAULTS, FeedError, parseLifetimes } from "../../../update/publish/settings.ts";
import { command, EXIT, OPTIONS } from "../../command.ts";
import { counted } from "../../view/table.ts";
import { explained, KEY_OPTIONS, passphraseOf } from "./common.ts";

const quorum = (role: string) =>
  ({
    type: "string",
    valueHint: "N/M",
    default: "1/1",
    description: `${role} keys: N of M have to sign`,
  }) as const;

function deltasOf(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 100) return Number(text);
  throw new FeedError("--deltas needs a whole number from 0 to 100");
}

/** `gw feed init` */
export const init = command(
  {
    name: {
      type: "string",
      valueHint: "NAME",
      description: "name of the feed; without it, that of the folder",
    },
    root: quorum("root"),
    targets: quorum("targets"),
    snapshot: quorum("snapshot"),
    timestamp: quorum("timestamp"),
    expires: {
      type: "string",
      valueHint: "ROLE=TIME,…",
      description: "how long documents are good, such as root=365d,targets=90d,timestamp=7d",
    },
    deltas: {
      type: "string",
      valueHint: "N",
      default: String(DEFAULTS.deltas),
      description: "from how many past releases there are deltas",
    },
    "passphrase-file": {
      ...KEY_OPTIONS["passphrase-file"],
      description: "file whose first line seals the new keys",
    },
    json: OPTIONS.json,
  },
  async (args, terminal) => {
    const folder = args._[0] ?? "";
    const made = await explained(() =>
      initFeed(folder, {
        settings: {
          name: args.name ?? basename(resolve(folder)).toLowerCase(),
          lifetimes: parseLifetimes(args.expires ?? ""),
          deltas: deltasOf(args.deltas),
        },
        quorums: {
          root: parseQuorum(args.root),
          targets: parseQuorum(args.targets),
          snapshot: parseQuorum(args.snapshot),
          timestamp: parseQuorum(args.timestamp),
        },
        passphrase: passphraseOf(args["passphrase-file"]),
        now: Date.now(),
      }),
    );
    const { keys, rootHash, feed } = made;
    if (args.json === true) {
      const list = keys.map(({ role, id, path }) => ({ role, id, path }));
      terminal.out(`${JSON.stringify({ name: feed.settings.name, root: rootHash, keys: list })}\n`);
      return EXIT.good;
    }
    const shown = printable(folder);
    terminal.out(`${shown}: feed "${feed.settings.name}" with ${counted(keys.length, "key")}:\n`);
    for (const { path } of keys) terminal.out(`  ${printable(path)}\n`);
    terminal.out(
      "Keep copies of the root keys elsewhere, and root and targets keys off this host if you can:\n" +
        "whoever has them can sign in your name.\n\n" +
        `Next:  gw feed add ${shown} FILE…\n       gw feed publish ${shown}\n\n` +
        "Whoever uses the feed writes into gw.toml:\n\n" +
        `  [[feed]]\n  name = "${feed.settings.name}"\n  type = "gw"\n` +
        `  urls = ["https://…"]\n  root = "sha256:${rootHash}"\n`,
    );
    return EXIT.good;
  },
);
