// `gw bundle import`: feeds out of one file.
import { DAY_MS, systemClock } from "../../../base/clock.ts";
import { withBundle } from "../../../pipeline/update/carried.ts";
import { exitOf } from "../../../pipeline/update/outcome.ts";
import { parseDuration } from "../../../text/units.ts";
import { CliError, command, OPTIONS } from "../../command.ts";
import { becomeOwner } from "../../service/privilege.ts";
import { carrying } from "../update/mirror.ts";
import { showReport, TransferView, updaterOf, withConfig } from "../update/update.ts";

const LATENESS_MAX_MS = 3650 * DAY_MS;

function expiredOf(text: string | undefined, reason: string | undefined) {
  if (text === undefined && reason === undefined) return undefined;
  const lateness = parseDuration(text ?? "");
  if (lateness === undefined || lateness > LATENESS_MAX_MS) {
    throw new CliError("--accept-expired needs a time such as 90d, of at most 3650d");
  }
  if (reason === undefined) {
    throw new CliError(
      "--accept-expired needs --reason: it is noted who set a check aside, and why",
    );
  }
  return { lateness, reason };
}

/** `gw bundle import`; exits as `gw update` does. */
export const importBundle = command(
  {
    config: OPTIONS.config,
    json: OPTIONS.json,
    "accept-expired": {
      type: "string",
      valueHint: "TIME",
      description: "take what has expired no longer ago than this; all other checks stay",
    },
    reason: {
      type: "string",
      valueHint: "TEXT",
      description: "why expired feeds are taken; it is noted in the data folder",
    },
  },
  async (args, terminal) => {
    const [path = "", ...feeds] = args._;
    const expired = expiredOf(args["accept-expired"], args.reason);
    return await withConfig(args.config, terminal, async (config) => {
      becomeOwner(config["server.data_dir"], config["server.user"]);
      const view = new TransferView(terminal);
      const options = { config, clock: systemClock, feeds, expired };
      const report = await carrying(config, terminal, ({ signal }) =>
        withBundle(path, options, async (carried) => {
          const updater = updaterOf(config, terminal, view, (feed) => carried.sourceOf(feed));
          const progress = view.show.bind(view);
          return await updater.update({ feeds: carried.feeds, signal, progress });
        }),
      );
      view.clear();
      if (args.json === true) terminal.out(`${JSON.stringify(report)}\n`);
      else showReport(terminal, report);
      return exitOf(report);
    });
  },
);
