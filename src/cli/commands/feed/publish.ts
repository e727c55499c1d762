// `gw feed publish`: brings out what is new in a feed.

import { printable } from "../../../text/printable.ts";
import { Feed } from "../../../update/publish/feed.ts";
import { shortId } from "../../../update/publish/keys.ts";
import { type Published, publishFeed, type Waiting } from "../../../update/publish/publish.ts";
import { command, EXIT, OPTIONS } from "../../command.ts";
import { counted } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { explained, KEY_OPTIONS, keysOf } from "./common.ts";

function describeWaiting({ role, path, missing, keys }: Waiting): string {
  const ids = keys.map(shortId).join(", ");
  return (
    `waiting: the ${role} document needs ${counted(missing, "signature")} more, of ${ids}:\n` +
    `  gw feed sign ${printable(path)} --keys KEYFILE    (there, or on a copy elsewhere)\n` +
    "  and then gw feed publish again\n"
  );
}

function show(terminal: Terminal, published: Published): void {
  const { versions, files, deltas, isNewRelease, waiting } = published;
  if (versions.targets === undefined) terminal.out("nothing is published yet\n");
  else {
    const what = isNewRelease ? "published" : "nothing new; renewed";
    const { targets, snapshot, timestamp, root } = versions;
    terminal.out(
      `${what}: release ${targets} with ${counted(files, "file")} and ${counted(deltas, "delta")} ` +
        `(root ${root}, snapshot ${snapshot}, timestamp ${timestamp})\n`,
    );
  }
  for (const each of waiting) terminal.out(describeWaiting(each));
}

/** `gw feed publish`; exits 1 if something waits for signatures. */
export const publish = command({ ...KEY_OPTIONS, json: OPTIONS.json }, async (args, terminal) => {
  return await explained(async () => {
    const feed = new Feed(args._[0] ?? "");
    const { ring, sealed } = keysOf(args, feed);
    const step = (what: string) => {
      if (terminal.isWatched) terminal.err(`${printable(what)} …\n`);
    };
    const published = await publishFeed(feed, { ring, now: Date.now(), step });
    if (args.json === true) terminal.out(`${JSON.stringify(published)}\n`);
    else show(terminal, published);
    if (published.waiting.length > 0 && sealed.length > 0) {
      const count = counted(sealed.length, "key file");
      terminal.err(`gw: ${count} could not be used: sealed; --passphrase-file opens them\n`);
    }
    return published.waiting.length > 0 ? EXIT.found : EXIT.good;
  });
});
