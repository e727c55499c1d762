// `gw feed add` and `gw feed remove`: the files that a feed offers.
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { LIST_EXTENSIONS } from "../../../signature/import/hash-list.ts";
import { isSignatureFile, loadSignatures } from "../../../signature/import/load.ts";
import { describeDiagnostic } from "../../../signature/source.ts";
import { printable } from "../../../text/printable.ts";
import { Feed } from "../../../update/publish/feed.ts";
import { FILE_SIZE_MAX } from "../../../update/release.ts";
import { CliError, command, EXIT } from "../../command.ts";
import { counted } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { explained } from "./common.ts";

const COMPILED = ".gwdb";
const DIAGNOSTICS_SHOWN = 10;

/** What is in a file, in words; throws CliError if those who fetch it could do nothing with it. */
function judge(path: string, name: string, terminal: Terminal): string {
  const shown = printable(path);
  if (!statSync(path).isFile()) throw new CliError(`${shown}: not a file`);
  if (statSync(path).size > FILE_SIZE_MAX) throw new CliError(`${shown}: larger than 1 GB`);
  if (name.endsWith(COMPILED)) {
    // Gateways join the signatures of all feeds with their own, which compiled ones can't be.
    throw new CliError(`${shown}: a compiled set is of use to one gw alone; add its sources`);
  }
  const bytes = readFileSync(path);
  const extension = name.slice(name.lastIndexOf("."));
  if (!isSignatureFile(name) && !LIST_EXTENSIONS.has(extension)) {
    throw new CliError(`${shown}: no kind of signature file that gw knows; --unchecked takes it`);
  }
  const [report] = loadSignatures([{ path: name, bytes }]).reports;
  const { loaded = 0, malformed = 0, diagnostics = [] } = report ?? {};
  for (const each of diagnostics.slice(0, DIAGNOSTICS_SHOWN)) {
    terminal.err(`${describeDiagnostic(each)}\n`);
  }
  const isOwn = name.endsWith(".gws");
  if (loaded === 0 || (isOwn && malformed > 0)) {
    const what = loaded === 0 ? "holds no signatures" : "has mistakes";
    throw new CliError(`${shown}: ${what}; --unchecked takes it all the same`);
  }
  const bad = malformed === 0 ? "" : `, ${malformed} malformed`;
  return `${counted(loaded, "signature")}${bad}`;
}

/** `gw feed add` */
export const add = command(
  {
    as: {
      type: "string",
      valueHint: "NAME",
      description: "name in the feed, with / for folders; for one file",
    },
    unchecked: { type: "boolean", description: "take files that gw can't read itself" },
  },
  async (args, terminal) => {
    const [folder = "", ...paths] = args._;
    if (args.as !== undefined && paths.length > 1) throw new CliError("--as names one file");
    return await explained(async () => {
      const feed = new Feed(folder);
      // All are looked at before any is taken.
      const files = paths.map((path) => {
        const name = args.as ?? basename(path);
        return { path, name, about: args.unchecked ? "" : judge(path, name, terminal) };
      });
      await feed.locked(() => {
        for (const { path, name } of files) feed.addFile(path, name);
      });
      for (const { name, about } of files) terminal.out(`${name}${about && `: ${about}`}\n`);
      terminal.out(`to be offered with the next \`gw feed publish ${printable(folder)}\`\n`);
      return EXIT.good;
    });
  },
);

/** `gw feed remove` */
export const remove = command({}, async (args, terminal) => {
  const [folder = "", ...names] = args._;
  return await explained(async () => {
    const feed = new Feed(folder);
    await feed.locked(() => {
      for (const name of names) feed.removeFile(name);
    });
    terminal.out(
      `${counted(names.length, "file")} will be gone with the next \`gw feed publish\`\n`,
    );
    return EXIT.good;
  });
});
