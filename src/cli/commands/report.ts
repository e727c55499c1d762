// `gw report`: what happened in a period, as text, JSON or a page with pictures, or by mail.
import type { ArgsDef } from "citty";
import { contentsOf } from "../../admin/report/contents.ts";
import { type Figures, type Period, readFigures } from "../../admin/report/figures.ts";
import { reportPage } from "../../admin/report/page.ts";
import { reportText } from "../../admin/report/text.ts";
import { writeAtomically } from "../../base/file/atomic-file.ts";
import { loadConfig } from "../../config/load.ts";
import { hostnameOf } from "../../config/names.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { configFile } from "../config-file.ts";
import { ask, tryAsk } from "../control/client.ts";
import { folderOf, PLACE, type PlaceArgs, periodOf, withStore } from "../place.ts";

const ARGS = {
  ...PLACE,
  from: { type: "string", valueHint: "TIME", description: "begin: 7d, 2026-11-22; default 1d" },
  to: { type: "string", valueHint: "TIME", description: "end; default now" },
  html: {
    type: "string",
    valueHint: "FILE",
    description: "write a page with pictures; - prints it",
  },
  mail: { type: "boolean", description: "have the gateway mail it to report.to" },
  json: OPTIONS.json,
} as const satisfies ArgsDef;

const PAGE_MODE = 0o640;

// What was counted in the present minute is written down first, if the gateway runs.
async function figuresOf(args: PlaceArgs, period: Period): Promise<Figures> {
  await tryAsk(folderOf(args), { verb: "history" });
  const hostname = hostnameOf(loadConfig(configFile(args.config)));
  const about = { hostname, madeAt: Date.now() };
  return await withStore(args, (store) => readFigures(store.history, period, about));
}

/** `gw report` */
export const report = command(ARGS, async (args, terminal) => {
  const period = periodOf(args, "1d");
  if (args.mail) {
    const { id, to } = await ask<{ id: string; to: string }>(args, { verb: "report", ...period });
    if (args.json) terminal.out(`${JSON.stringify({ id, to })}\n`);
    else terminal.out(`queued as ${id} for ${to}\n`);
    return EXIT.good;
  }
  const figures = await figuresOf(args, period);
  if (args.html === "-") terminal.out(reportPage(figures));
  else if (args.html !== undefined) {
    try {
      writeAtomically(args.html, reportPage(figures), PAGE_MODE);
    } catch (error) {
      throw new CliError(`${args.html}: cannot be written: ${(error as Error).message}`);
    }
  }
  if (args.json) {
    const { from, to, hostname, madeAt, span, course } = figures;
    const counts = course.map(({ at, summary }) => ({
      at,
      counts: summary.counts,
      peaks: summary.peaks,
    }));
    terminal.out(
      `${JSON.stringify({ hostname, from, to, madeAt, span, ...contentsOf(figures), course: counts })}\n`,
    );
  } else if (args.html === undefined) terminal.out(reportText(figures));
  else if (args.html !== "-") terminal.out(`${args.html}\n`);
  return EXIT.good;
});
