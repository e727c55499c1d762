// Documents of feeds in words.
import { DAY_MS } from "../../../base/clock.ts";
import { printable } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import type { DocumentView } from "../../../update/publish/inspect.ts";
import { shortId } from "../../../update/publish/keys.ts";
import type { Terminal } from "../../view/terminal.ts";

/** Documents that end sooner are shown as a warning. */
const SOON_MS = 2 * DAY_MS;

function endOf(terminal: Terminal, expires: string, now: number): string {
  const left = Date.parse(expires) - now;
  if (left <= 0) return terminal.paint("bad", `EXPIRED ${expires}`);
  const days = `${Math.floor(left / DAY_MS)} days`;
  return `good until ${expires} ${terminal.paint(left < SOON_MS ? "warn" : "faint", `(${days})`)}`;
}

/** Prints what a document says. */
export function describeDocument(terminal: Terminal, view: DocumentView, now: number): void {
  const { role, version, expires, signedBy, isEnough, keys, files = [], deltas = [] } = view;
  const by = signedBy.length === 0 ? "not signed" : `signed by ${signedBy.map(shortId).join(" ")}`;
  const state = isEnough === false ? terminal.paint("bad", `NOT ENOUGH SIGNATURES, ${by}`) : by;
  terminal.out(
    `${role.padEnd(9)}  version ${version}, ${endOf(terminal, expires, now)}, ${state}\n`,
  );
  for (const each of keys ?? []) {
    const ids = each.ids.map(shortId).join(" ");
    terminal.out(`  ${each.role.padEnd(9)}  ${each.threshold} of ${each.ids.length}: ${ids}\n`);
  }
  for (const { name, length, sha256 } of files) {
    terminal.out(`  ${sha256}  ${printable(name)} (${roundSize(length)})\n`);
  }
  for (const { file, from, length } of deltas) {
    terminal.out(`  delta from ${from.slice(0, 16)}…  ${printable(file)} (${roundSize(length)})\n`);
  }
}
