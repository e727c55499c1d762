// `gw licenses`: the parts that this executable is made of, and on what terms.
import { readFileSync } from "node:fs";
import listPath from "../../../../dist/embedded/licenses.jsonl" with { type: "file" };
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { drawTable } from "../../view/table.ts";

/** One part; its text is "" if its package came without one. */
interface Part {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

function readParts(): readonly Part[] {
  const lines = readFileSync(listPath, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Part);
}

function textOf({ name, version, license, text }: Part): string {
  const body = text || `(The package holds no text; its licence is ${license}.)`;
  return `==== ${name} ${version} (${license})\n\n${body}\n\n`;
}

/** `gw licenses` */
export const licenses = command(
  {
    texts: { type: "boolean", description: "print the licences themselves" },
    json: OPTIONS.json,
  },
  (args, terminal) => {
    const word = args._[0] ?? "";
    const found = readParts().filter(({ name, license }) =>
      `${name} ${license}`.toLowerCase().includes(word.toLowerCase()),
    );
    if (found.length === 0) throw new CliError("no part of gw has that in its name or licence");
    if (args.json === true) {
      for (const { text, ...part } of found) {
        terminal.out(`${JSON.stringify(args.texts === true ? { ...part, text } : part)}\n`);
      }
    } else if (args.texts === true) {
      for (const part of found) terminal.out(textOf(part));
    } else {
      const columns = [{ title: "NAME" }, { title: "VERSION" }, { title: "LICENCE" }];
      const rows = found.map(({ name, version, license }) => [name, version, license]);
      terminal.out(drawTable(terminal, columns, rows));
      terminal.out("`gw licenses --texts gw` tells what parts have inside of themselves.\n");
    }
    return EXIT.good;
  },
);
