// `gw update mirror`: one host fetches feeds for many.
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import type { Config } from "../../../config/schema.ts";
import { type CarryParts, gwFeeds, mirrorInto } from "../../../pipeline/update/carried.ts";
import { UPDATE_EXIT } from "../../../pipeline/update/outcome.ts";
import { printable } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import { UpdateError } from "../../../update/source.ts";
import { command, OPTIONS } from "../../command.ts";
import { counted } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { TransferView, withConfig } from "./update.ts";

/** Does the work with what carrying needs; signals end it in good order. */
export async function carrying<T>(
  config: Config,
  terminal: Terminal,
  work: (parts: CarryParts) => Promise<T>,
): Promise<T> {
  const view = new TransferView(terminal);
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    const { signal } = stopping;
    const progress: CarryParts["progress"] = (feed, step) => view.show(feed, step);
    return await work({ config, clock: systemClock, signal, progress });
  } finally {
    view.clear();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

/** `gw update mirror`; exits 0 if all feeds are there, 10 if one is not up to date. */
export const mirror = command(
  { config: OPTIONS.config, json: OPTIONS.json },
  async (args, terminal) => {
    const [folder = "", ...names] = args._;
    return await withConfig(args.config, terminal, async (config) => {
      let code: number = UPDATE_EXIT.current;
      for (const feed of gwFeeds(config, names)) {
        const { name } = feed;
        try {
          const made = await carrying(config, terminal, (parts) =>
            mirrorInto(join(folder, name), feed, { ...parts, hasDeltas: true }),
          );
          const { version, files, transferred } = made;
          const came = `${counted(files, "file")}, ${roundSize(transferred)} transferred`;
          if (args.json === true) terminal.out(`${JSON.stringify({ feed: name, ...made })}\n`);
          else terminal.out(`${name}: release ${version}, ${came}\n`);
        } catch (error) {
          // The others can still be brought up to date.
          if (!(error instanceof UpdateError)) throw error;
          const { kind, message } = error;
          code = UPDATE_EXIT.critical;
          if (args.json === true) {
            terminal.out(`${JSON.stringify({ feed: name, kind, reason: message })}\n`);
          } else terminal.err(`gw: ${name}: ${printable(message)}\n`);
        }
      }
      return code;
    });
  },
);
