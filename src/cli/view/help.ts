// The texts of `--help`, made from the catalogue and from the options of a command.
import type { ArgsDef } from "citty";
import { CATALOGUE } from "../catalogue.ts";
import type { Entry, Group } from "../command.ts";

type Row = readonly [string, string];

function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}

/** Help of the program: every command under its heading. */
export function programHelp(): string {
  const headings = Object.entries(CATALOGUE).map(([heading, items]) => {
    const rows = Object.entries(items).map(([name, { summary }]): Row => [name, summary]);
    return `${heading}\n${table(rows)}\n`;
  });
  return [
    "gw is a mail gateway that takes every message apart, scans it and relays what is clean.\n\n",
    "Usage: gw COMMAND [OPTIONS]\n\n",
    ...headings,
    "`gw COMMAND --help` tells more of a command. `gw --version` prints the version, and with\n",
    "--verbose those of all that gw is made of.\n",
    "Example: gw quickstart\n",
  ].join("");
}

/** Help of a command that has verbs. */
export function groupHelp(name: string, group: Group): string {
  const rows = Object.entries(group.verbs).map(([verb, { operands, summary }]): Row => {
    return [operands === undefined ? verb : `${verb} ${operands}`, summary];
  });
  const { bare } = group;
  const example = (bare ?? Object.values(group.verbs)[0])?.example ?? "";
  const own: Row[] = bare === undefined ? [] : [[bare.operands ?? "", bare.summary]];
  const text = table([...own, ...rows]);
  return `gw ${name}: ${group.summary}.\n\n${text}\nExample: ${example}\n`;
}

/** Help of one command with its options. */
export function commandHelp(name: string, entry: Entry, args: ArgsDef): string {
  const rows: Row[] = [];
  for (const [key, definition] of Object.entries(args)) {
    if (definition.type === "positional") continue;
    const hint = definition.type === "boolean" ? "" : ` ${definition.valueHint ?? "VALUE"}`;
    rows.push([`--${key}${hint}`, definition.description ?? ""]);
  }
  rows.push(["--help", "print this text"]);
  const operands = entry.operands === undefined ? "" : ` ${entry.operands}`;
  return [
    `gw ${name}: ${entry.summary}.\n\n`,
    `Usage: gw ${name}${operands} [OPTIONS]\n\n`,
    table(rows),
    `\nExample: ${entry.example}\n`,
  ].join("");
}
