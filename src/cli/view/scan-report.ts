// How a verdict is shown: a tree of objects with findings for people, a JSON value for programs.

import type { ScannedObject, Status, Verdict } from "../../message.ts";
import { printable } from "../../text/printable.ts";
import { roundSize } from "../../text/units.ts";
import type { ShownField } from "./mail-header.ts";
import type { Paint, Terminal } from "./terminal.ts";

/** Objects of one file that are drawn at most; `--json` has them all. */
const DRAWN_MAX = 500;
/** Levels that are still indented further. */
const INDENT_MAX = 20;

const PAINT_OF: Readonly<Record<Status, Paint>> = {
  clean: "good",
  disinfected: "good",
  filtered: "warn",
  protected: "warn",
  damaged: "warn",
  unscanned: "warn",
  suspicious: "bad",
  infected: "bad",
};

/** Paints a status in its colour. */
export function paintStatus(terminal: Terminal, status: Status): string {
  return terminal.paint(PAINT_OF[status], status);
}

/** The JSON value of one file. */
export function toJson(file: string, verdict: Verdict): Readonly<Record<string, unknown>> {
  const objects = verdict.objects.map(({ path, type, size, status, findings, notes }) => ({
    path,
    type,
    size,
    status,
    findings: findings.map(({ signature, offset }) => ({ signature, offset })),
    ...(notes.length > 0 && { notes }),
  }));
  return { file, verdict: verdict.status, objects };
}

interface Row {
  readonly object: ScannedObject;
  /** The lines of the tree before the name. */
  readonly prefix: string;
  /** The same for lines that follow below the name. */
  readonly below: string;
}

/** Objects in the order of the tree. Loops over a stack: nesting is as deep as limits let it be. */
function rowsOf(objects: readonly ScannedObject[]): Row[] {
  const children = new Map<number, ScannedObject[]>();
  for (const object of objects) {
    if (object.parent === null) continue;
    const siblings = children.get(object.parent);
    if (siblings === undefined) children.set(object.parent, [object]);
    else siblings.push(object);
  }
  const rows: Row[] = [];
  const root = objects[0];
  const waiting: (Row & { depth: number })[] = [];
  if (root !== undefined) waiting.push({ object: root, prefix: "", below: "", depth: 0 });
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    rows.push(row);
    const { below, depth, object } = row;
    const inner = children.get(object.id) ?? [];
    for (let n = inner.length - 1; n >= 0; n--) {
      const isLast = n === inner.length - 1;
      const indent = depth < INDENT_MAX ? below : below.slice(0, 3 * INDENT_MAX);
      waiting.push({
        object: inner[n] as ScannedObject,
        prefix: `${indent}${isLast ? "└─ " : "├─ "}`,
        below: `${indent}${isLast ? "   " : "│  "}`,
        depth: depth + 1,
      });
    }
  }
  return rows;
}

function describeRow(terminal: Terminal, { object, prefix, below }: Row, show: RowStyle) {
  const { name, type, declaredType, size, status, findings, notes } = object;
  const kind = printable(type || declaredType || "unknown");
  const shown = paintStatus(terminal, status);
  const number = show.isNumbered ? terminal.paint("faint", `[${object.id}] `) : "";
  const lines = [`${prefix}${number}${printable(name)}  ${kind}, ${roundSize(size)}  ${shown}`];
  const indent = `${below}${show.hasInner ? "│" : " "}    `;
  for (const finding of findings) {
    const where = finding.offset < 0 ? "" : ` at byte ${finding.offset}`;
    const paint = finding.severity === "unwanted" ? "warn" : "bad";
    const why = finding.description === undefined ? "" : `: ${printable(finding.description)}`;
    const name = terminal.paint(paint, printable(finding.signature));
    lines.push(`${indent}${finding.severity} ${name}${where}${why}`);
  }
  for (const note of notes) lines.push(`${indent}${terminal.paint("faint", printable(note))}`);
  return lines;
}

interface RowStyle {
  readonly hasInner: boolean;
  readonly isNumbered: boolean;
}

function drawRows(terminal: Terminal, verdict: Verdict, isNumbered: boolean): string[] {
  const lines: string[] = [];
  const parents = new Set(verdict.objects.map(({ parent }) => parent));
  const rows = rowsOf(verdict.objects);
  for (const row of rows.slice(0, DRAWN_MAX)) {
    const hasInner = parents.has(row.object.id);
    for (const line of describeRow(terminal, row, { hasInner, isNumbered }))
      lines.push(`  ${line}`);
  }
  if (rows.length > DRAWN_MAX) {
    lines.push(`  … and ${rows.length - DRAWN_MAX} more objects; --json shows all`);
  }
  return lines;
}

/** The tree of objects alone, each with the number by which a command may name it. */
export function drawObjects(terminal: Terminal, verdict: Verdict): string {
  return `${drawRows(terminal, verdict, true).join("\n")}\n`;
}

/** The tree of one file, under its name, its verdict and the header a reader knows it by. */
export function drawTree(
  terminal: Terminal,
  file: string,
  verdict: Verdict,
  header: readonly ShownField[],
): string {
  const title = terminal.paint("strong", printable(file));
  const lines = [`${title}: ${paintStatus(terminal, verdict.status)}`];
  for (const [name, value] of header) lines.push(`  ${`${name}:`.padEnd(9)}${value}`);
  lines.push(...drawRows(terminal, verdict, false));
  return `${lines.join("\n")}\n`;
}
