// What an import says about each parameter, and how its file is written.
import { existsSync } from "node:fs";
import { writeAtomically } from "../../../base/file/atomic-file.ts";
import { checkSources } from "../../../config/check.ts";
import { sourceOf } from "../../../config/file/sources.ts";
import type { Draft } from "../../../config/import/draft.ts";
import { OUTCOMES, type ReportItem } from "../../../config/import/entry.ts";
import { lineOf } from "../../../config/load.ts";
import { findConflicts } from "../../../config/relations.ts";
import { SCHEMA } from "../../../config/schema.ts";
import { printable } from "../../../text/printable.ts";
import { CliError, EXIT } from "../../command.ts";
import { counted, drawTable } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";

const WORDS = {
  taken: "taken",
  changed: "changed in meaning",
  needless: "no longer needed",
  wrong: "wrong there",
  unknown: "unknown",
} as const satisfies Record<(typeof OUTCOMES)[number], string>;

/** One import: where from, where to, what was made, and what is said of it. */
export interface Import {
  readonly from: string;
  readonly to: string | undefined;
  readonly draft: Draft;
  readonly items: readonly ReportItem[];
  /** Lines that could not be read. */
  readonly bad: readonly { readonly line: number; readonly why: string }[];
}

function tableOf(terminal: Terminal, items: readonly ReportItem[]): string {
  const columns = [
    { title: "LINE" },
    { title: "PARAMETER", max: 50 },
    { title: "VALUE", max: 30 },
    { title: "WHAT BECAME OF IT" },
    { title: "SETTING", max: 50 },
    { title: "NOTE" },
  ];
  const rows = items.map(({ line, parameter, value, outcome, settings, note }) => {
    return [String(line), parameter, value, WORDS[outcome], settings.join(", "), note];
  });
  return drawTable(terminal, columns, rows);
}

function summaryOf(items: readonly ReportItem[]): string {
  const counts = OUTCOMES.map((outcome) => {
    const count = items.filter((item) => item.outcome === outcome).length;
    return count === 0 ? "" : `${count} ${WORDS[outcome]}`;
  });
  return `${counted(items.length, "parameter")}: ${counts.filter((each) => each !== "").join(", ") || "none"}`;
}

/** Refuses to write over a file; whoever wants that moves the old one away. */
export function refuseExisting(to: string | undefined): void {
  if (to !== undefined && existsSync(to)) {
    throw new CliError(`${to} is there already: name another file, or move it away`);
  }
}

/**
 * Checks what was made, writes it (with a file to write to) and prints the report. Exit code 1 if
 * there was something that gw does not know or could not read.
 */
export function finish(terminal: Terminal, made: Import, json: boolean): number {
  const { from, to, draft, items, bad } = made;
  const head = `# Made by gw import from ${printable(from)}; what it does not say is as by default.\n`;
  const toml = draft.toml(head);
  const { problems } = checkSources(SCHEMA, [sourceOf(to ?? "the result", toml)], findConflicts);
  for (const problem of problems) terminal.err(`${lineOf(problem)}\n`);
  if (to !== undefined) writeAtomically(to, toml);
  for (const { line, why } of bad) terminal.err(`${from}:${line}:1: ${printable(why)}\n`);
  if (json) for (const item of items) terminal.out(`${JSON.stringify({ file: from, ...item })}\n`);
  else {
    if (items.length > 0) terminal.out(tableOf(terminal, items));
    terminal.out(`${summaryOf(items)}\n`);
    if (to === undefined) terminal.out(`\n${toml}`);
    else
      terminal.out(`written to ${to}; gw config diff ${to} shows what differs from the defaults\n`);
  }
  const isWhole = items.every(({ outcome }) => outcome !== "unknown" && outcome !== "wrong");
  if (problems.length > 0) return EXIT.error;
  return isWhole && bad.length === 0 ? EXIT.good : EXIT.found;
}
