// `gw import mailscanner`: rules about names of files, and lists of addresses.
import { readText } from "../../../config/file/text-file.ts";
import { convertMailscanner } from "../../../config/import/mailscanner/convert.ts";
import { printable } from "../../../text/printable.ts";
import { CliError, command, OPTIONS } from "../../command.ts";
import { finish, refuseExisting } from "./report.ts";

/** `gw import mailscanner` */
export const importMailscanner = command({ json: OPTIONS.json }, (args, terminal) => {
  const [from = "", to] = args._;
  refuseExisting(to);
  const { draft, report } = convertMailscanner(readText(from));
  const { items } = report;
  if (items.length === 0) {
    throw new CliError(`${printable(from)} has no rules`);
  }
  return finish(terminal, { from, to, draft, items, bad: [] }, args.json === true);
});
