// `gw signatures …`: what gw looks for, and help for those who write signatures of their own.
import { writeAtomically } from "../../base/file/atomic-file.ts";
import { loadConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { openImage } from "../../gwdb/image.ts";
import { embeddedCore } from "../../scan/embedded.ts";
import { FILE_TYPES } from "../../scan/file-type.ts";
import { compileSources } from "../../signature/compile.ts";
import { type ListedSignature, listSignatures } from "../../signature/list.ts";
import { describeDiagnostic } from "../../signature/source.ts";
import { printable } from "../../text/printable.ts";
import { roundSize } from "../../text/units.ts";
import { command, EXIT, OPTIONS } from "../command.ts";
import { configFile } from "../config-file.ts";
import { openOwnSignatures, readOwnSources } from "../signature-sources.ts";
import { counted, drawTable } from "../view/table.ts";

/** Which signatures a command is about. */
export const OWN = {
  signatures: {
    type: "string",
    valueHint: "FILE|DIR",
    description: "signatures to take instead of those in use",
  },
  config: OPTIONS.config,
} as const;

async function signaturesOf(config: Config, path?: string): Promise<readonly ListedSignature[]> {
  const { image } = await openOwnSignatures(config, path);
  return [...listSignatures(openImage(image))];
}

/** `gw signatures list` */
export const list = command({ json: OPTIONS.json, ...OWN }, async (args, terminal) => {
  const config = loadConfig(configFile(args.config));
  const word = (args._[0] ?? "").toLowerCase();
  const all = await signaturesOf(config, args.signatures);
  const found = all.filter(({ name, description }) =>
    `${name} ${description}`.toLowerCase().includes(word),
  );
  if (args.json === true) {
    for (const each of found) terminal.out(`${JSON.stringify(each)}\n`);
    return EXIT.good;
  }
  const columns = [{ title: "NAME" }, { title: "SEVERITY" }, { title: "DESCRIPTION" }];
  const rows = found.map(({ name, severity, description }) => [name, severity, description]);
  if (rows.length > 0) terminal.out(drawTable(terminal, columns, rows));
  terminal.out(`${found.length} of ${counted(all.length, "signature")}\n`);
  return EXIT.good;
});

/** `gw signatures compile` */
export const compile = command(
  {
    output: {
      type: "string",
      valueHint: "FILE",
      description:
        "where the compiled set is written (*.gwdb); without it sources are only checked",
    },
  },
  async (args, terminal) => {
    const sources = await readOwnSources(args._[0] ?? "");
    const options = { types: FILE_TYPES };
    const { image, signatures, diagnostics } = await compileSources(
      sources,
      embeddedCore(),
      options,
    );
    for (const each of diagnostics) terminal.err(`${describeDiagnostic(each)}\n`);
    if (diagnostics.length > 0) {
      terminal.err(`gw: mistakes found: ${diagnostics.length}; nothing was written\n`);
      return EXIT.error;
    }
    const sum = `${counted(signatures.length, "signature")} in ${counted(sources.length, "file")}`;
    if (args.output === undefined) {
      terminal.out(`${sum}: no mistakes\n`);
      return EXIT.good;
    }
    // A gateway may be reading the old one. Of the mode the umask takes away what it does.
    writeAtomically(args.output, image, 0o666);
    terminal.out(`${sum} -> ${printable(args.output)} (${roundSize(image.length)})\n`);
    return EXIT.good;
  },
);
