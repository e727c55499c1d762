// `gw feed inspect`: what a feed, or one document of it, consists of.
import { statSync } from "node:fs";
import { viewFeed, viewFile } from "../../../update/publish/inspect.ts";
import { command, EXIT, OPTIONS } from "../../command.ts";
import { explained } from "./common.ts";
import { describeDocument } from "./describe.ts";

/** `gw feed inspect` */
export const inspect = command({ json: OPTIONS.json }, async (args, terminal) => {
  const path = args._[0] ?? "";
  return await explained(() => {
    const views = statSync(path).isDirectory() ? viewFeed(path) : [viewFile(path)];
    for (const view of views) {
      if (args.json === true) terminal.out(`${JSON.stringify(view)}\n`);
      else describeDocument(terminal, view, Date.now());
    }
    return EXIT.good;
  });
});
