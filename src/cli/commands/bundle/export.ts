// `gw bundle export`: feeds into one file.
import { exportFeeds, gwFeeds } from "../../../pipeline/update/carried.ts";
import { UPDATE_EXIT } from "../../../pipeline/update/outcome.ts";
import { printable } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import { command, OPTIONS } from "../../command.ts";
import { counted } from "../../view/table.ts";
import { carrying } from "../update/mirror.ts";
import { withConfig } from "../update/update.ts";

/** `gw bundle export` */
export const exportBundle = command(
  { config: OPTIONS.config, json: OPTIONS.json },
  async (args, terminal) => {
    const [path = "", ...names] = args._;
    return await withConfig(args.config, terminal, async (config) => {
      const feeds = gwFeeds(config, names);
      const made = await carrying(config, terminal, (parts) => exportFeeds(path, feeds, parts));
      if (args.json === true) {
        terminal.out(`${JSON.stringify({ path, ...made })}\n`);
        return UPDATE_EXIT.current;
      }
      for (const { feed, version, files, expiresAt } of made.feeds) {
        const end = new Date(expiresAt).toISOString().slice(0, 10);
        const what = `release ${version}, ${counted(files, "file")}`;
        terminal.out(`${feed}: ${what}, to be imported before ${end}\n`);
      }
      terminal.out(`${printable(path)}: ${roundSize(made.size)}\n`);
      return UPDATE_EXIT.current;
    });
  },
);
