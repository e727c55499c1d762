// `gw bundle inspect`: what is in a bundle, as it says itself.
import { printable } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import { BundleError } from "../../../update/bundle/format.ts";
import { viewBundle } from "../../../update/bundle/inspect.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { counted } from "../../view/table.ts";
import { explained } from "../feed/common.ts";
import { describeDocument } from "../feed/describe.ts";

/** `gw bundle inspect` */
export const inspect = command({ json: OPTIONS.json }, async (args, terminal) => {
  const path = args._[0] ?? "";
  const view = await explained(() => viewBundle(path)).catch((error: unknown) => {
    if (!(error instanceof BundleError)) throw error;
    throw new CliError(`${printable(path)}: ${error.message}`, { cause: error });
  });
  if (args.json === true) {
    terminal.out(`${JSON.stringify(view)}\n`);
    return EXIT.good;
  }
  const feeds = counted(view.feeds.length, "feed");
  terminal.out(`made ${printable(view.made)}, ${roundSize(view.size)}, ${feeds}\n`);
  for (const { name, files, size, documents } of view.feeds) {
    terminal.out(`\n${name}: ${counted(files, "file")}, ${roundSize(size)}\n`);
    for (const each of documents) describeDocument(terminal, each, Date.now());
  }
  return EXIT.good;
});
