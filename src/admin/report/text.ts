// A report as plain text, for terminals and mail.
import { printable, printableUpTo } from "../../text/printable.ts";
import { roundDuration, roundSize } from "../../text/units.ts";
import { contentsOf, type Tile } from "./contents.ts";
import type { Figures } from "./figures.ts";

const NAME_WIDTH = 60;
const COUNT_WIDTH = 10;

/** A number with its unit. */
export function showValue(value: number, unit: Tile["unit"]): string {
  if (unit === "bytes") return roundSize(value);
  if (unit === "seconds") return value < 0 ? "-" : roundDuration(value * 1000);
  return value.toLocaleString("en-US");
}

/** A moment in the host's zone: `2026-11-22 20:15`. */
export function showMoment(at: number): string {
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 16).replace("T", " ");
}

/** How much more or less than before, "" if that says nothing. */
export function showChange({ value, before }: Tile): string {
  if (before <= 0 || value < 0) return "";
  const percent = Math.round((100 * (value - before)) / before);
  if (percent === 0) return "as before";
  return Math.abs(percent) > 999 ? "" : `${percent > 0 ? "+" : "−"}${Math.abs(percent)} %`;
}

/** The report, lines ended by LF. */
export function reportText(figures: Figures): string {
  const { tiles, classes, lists } = contentsOf(figures);
  const lines = [
    `Mail gateway ${printable(figures.hostname)}`,
    `${showMoment(figures.from)} to ${showMoment(figures.to)}`,
    "",
  ];
  for (const tile of tiles) {
    const change = showChange(tile);
    const value = showValue(tile.value, tile.unit).padStart(COUNT_WIDTH);
    lines.push(`${tile.name.padEnd(22)}${value}${change === "" ? "" : `  ${change}`}`);
  }
  for (const { title, rows, total } of lists) {
    if (total === 0) continue;
    lines.push("", `${title} (of ${total.toLocaleString("en-US")})`);
    for (const [name, count] of rows) {
      const shown = count.toLocaleString("en-US").padStart(COUNT_WIDTH);
      lines.push(`  ${printableUpTo(name, NAME_WIDTH).padEnd(NAME_WIDTH)}${shown}`);
    }
  }
  for (const { title, about, rows } of classes) {
    lines.push("", `${title}: ${about}`);
    for (const [name, count] of rows) {
      const shown = count.toLocaleString("en-US").padStart(COUNT_WIDTH);
      lines.push(`  ${name.padEnd(22)}${shown}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
