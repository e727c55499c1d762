// Lists as people read them: columns side by side, hostile text made harmless.
import { printable, printableUpTo } from "../../text/printable.ts";
import type { Terminal } from "./terminal.ts";

/** A column: its heading, and the most characters of it that are shown. */
export interface Column {
  readonly title: string;
  readonly max?: number;
}

/** Lines of a table; the last column is not padded. Cells are cut to their column's `max`. */
export function drawTable(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const cells = rows.map((row) =>
    row.map((text, n) => {
      const max = columns[n]?.max;
      return max === undefined ? printable(text) : printableUpTo(text, max);
    }),
  );
  const widths = columns.map(({ title }, n) =>
    cells.reduce((width, row) => Math.max(width, row[n]?.length ?? 0), title.length),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, n) => (n === columns.length - 1 ? cell : cell.padEnd(widths[n] ?? 0)))
      .join("  ")
      .trimEnd();
  const head = terminal.paint("strong", line(columns.map(({ title }) => title)));
  return `${[head, ...cells.map(line)].join("\n")}\n`;
}

/** A time as `2026-11-22 20:15:47`, in the zone of the host. */
export function showTime(ms: number): string {
  const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return Number.isNaN(date.getTime()) ? "?" : date.toISOString().slice(0, 19).replace("T", " ");
}

/** An envelope's sender as mail servers write it; the null sender is `<>`. */
export function showSender(sender: string): string {
  return `<${sender}>`;
}

/** `a@example.org` or `a@example.org +3`. */
export function showRecipients(addresses: readonly string[], total: number): string {
  const [first = ""] = addresses;
  return total > 1 ? `${first} +${total - 1}` : first;
}

/** `1 message`, `2 messages`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
