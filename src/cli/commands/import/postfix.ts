// `gw import postfix`: networks, domains, routes, limits and TLS of a main.cf.
import { readText } from "../../../config/file/text-file.ts";
import { convertPostfix } from "../../../config/import/postfix/convert.ts";
import { printable } from "../../../text/printable.ts";
import { CliError, command, OPTIONS } from "../../command.ts";
import { finish, refuseExisting } from "./report.ts";

/** `gw import postfix` */
export const importPostfix = command({ json: OPTIONS.json }, (args, terminal) => {
  const [from = "", to] = args._;
  refuseExisting(to);
  const { draft, report } = convertPostfix(readText(from), from);
  const { items } = report;
  if (items.length === 0) {
    throw new CliError(`${printable(from)} has no line such as "myhostname = mx1.example.org"`);
  }
  return finish(terminal, { from, to, draft, items, bad: [] }, args.json === true);
});
